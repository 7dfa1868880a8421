"""A plain measure of spiral structure: winding Fourier modes of the light in de-projected rings.

The baseline that asks only "does it have spiral arms?". Each image is turned grey and smoothed;
the central object's light gives a centre and an ellipse; the light is sampled on elliptical rings,
evenly spaced in the logarithm of the radius, and each ring is compared with its own mean. What is
left, d(r, theta), is expanded in logarithmic spirals (Kalnajs 1975; used on images of galaxies by
Puerari & Dottori 1992, A&AS 93, 469)::

    A(m, p) = mean over rings and angles of d(r, theta) exp(-i (m theta + p ln r))

An arm that winds has its power at |p| > 0. A bar, or an ellipse that fits badly, keeps its
direction at all radii: its power lies around p = 0, which ``arm_strength`` leaves out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hoag.features._images import as_unit
from hoag.features._light import central_object, sky_of
from hoag.options import ConfigError, option

INPUT = "images"
MODES = (1, 2, 3, 4)
N_ANGLES = 64
CHUNK = 256  # images measured at a time, to bound the memory
PITCHES = np.linspace(-12.0, 12.0, 49)  # p: two arms of pitch angle atan(2 / |p|)
CONTRAST = 2.0  # a ring's departures from its mean are cut here: a star is no arm
FAINT = 0.1  # share of the peak added to each ring's mean: faint outskirts say little


@dataclass(frozen=True)
class Options:
    """How the light is sampled."""

    smooth_px: float = option(1.0, doc="Gaussian smoothing (sigma).", unit="px", minimum=0.0)
    n_rings: int = option(20, doc="Elliptical rings per galaxy.", minimum=4)
    inner: float = option(0.4, doc="Innermost ring, in rms semi-major axes.", minimum=0.1)
    outer: float = option(2.6, doc="Outermost ring, in rms semi-major axes.", minimum=1.0)
    winding: float = option(3.5, doc="Least |p| that counts as winding.", minimum=0.0, maximum=11.0)

    def __post_init__(self) -> None:
        if self.inner >= self.outer:
            raise ConfigError(f"inner: found {self.inner}, allowed: below outer, {self.outer}")


class _Light(NamedTuple):
    """The central objects of n images; one value per image each."""

    y: np.ndarray
    x: np.ndarray
    major: np.ndarray
    minor: np.ndarray
    angle: np.ndarray


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """The columns, in order; `transform` says what they mean."""
    modes = [f"mode_{m}" for m in MODES]
    return ["arm_strength", *modes, "bar_strength", "pitch_deg", "axis_ratio", "semi_major_px"]


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Nothing is learnt."""
    return {}


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Measure each image by itself.

    Parameters
    ----------
    images : (n, y, x, c) uint8, or float with white at one
    options
        How the light is sampled.
    state
        Not used.

    Returns
    -------
    (n, 9) float32
        ``arm_strength``: root of the summed squares over m = 2, 3, 4 of the largest
        \\|A(m, p)\\| at \\|p\\| >= ``winding``; 0 for a smooth disc, about 0.1 for clear arms.
        ``mode_m``: \\|d_m(r)\\| averaged over the rings, whatever its direction in each.
        ``bar_strength``: \\|A(2, 0)\\|. ``pitch_deg``: atan(2 / \\|p\\|) of the strongest
        winding two-armed mode. ``axis_ratio``, ``semi_major_px``: the ellipse of the light's
        second moments. All are NaN for an image without a central object.
    """
    parts = [_measure(images[i : i + CHUNK], options) for i in range(0, len(images), CHUNK)]
    return np.concatenate([np.empty((0, 9), np.float32), *parts])


def _measure(images: np.ndarray, options: Options) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    grey = as_unit(images, np.float64).mean(axis=3)
    grey = gaussian_filter(grey, (0, options.smooth_px, options.smooth_px))
    sky, noise = sky_of(grey)
    grey -= sky[:, None, None]
    peak, segment = central_object(grey, noise)
    out = np.full((len(images), len(names(options, {}))), np.nan, np.float32)
    kept = np.flatnonzero(segment.any(axis=(1, 2)))
    if len(kept):
        grey, floor = grey[kept], np.maximum(FAINT * peak[kept], 2 * noise[kept])
        light = _ellipse(np.where(segment[kept], grey, 0.0))
        radii = np.geomspace(options.inner, options.outer, options.n_rings)
        modes = _modes(_rings(grey, light, radii), floor)
        out[kept] = _columns(modes, radii, light, options.winding)
    return out


def _ellipse(light: np.ndarray) -> _Light:
    """Centre (px), rms semi-axes (px) and direction (rad) of (n, y, x) light >= 0."""
    y, x = np.mgrid[: light.shape[1], : light.shape[2]].astype(float)
    share = light / light.sum(axis=(1, 2), keepdims=True)

    def mean(values: np.ndarray) -> np.ndarray:
        return (share * values).sum(axis=(1, 2))

    y0, x0 = mean(y), mean(x)
    dy, dx = y - y0[:, None, None], x - x0[:, None, None]
    pixel = 1 / 12  # variance of one pixel, so that a single one has a size
    yy, xx, xy = mean(dy * dy) + pixel, mean(dx * dx) + pixel, mean(dx * dy)
    middle, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    minor = np.sqrt(np.maximum(middle - spread, pixel))
    return _Light(y0, x0, np.sqrt(middle + spread), minor, np.arctan2(2 * xy, xx - yy) / 2)


def _rings(grey: np.ndarray, light: _Light, radii: np.ndarray) -> np.ndarray:
    """Light on the rings, (n, ring, angle), by linear interpolation."""
    from scipy.ndimage import map_coordinates

    theta = 2 * np.pi * np.arange(N_ANGLES) / N_ANGLES
    y0, x0, major, minor, angle = (v[:, None, None] for v in light)
    along = major * radii[:, None] * np.cos(theta)
    across = minor * radii[:, None] * np.sin(theta)
    x = x0 + along * np.cos(angle) - across * np.sin(angle)
    y = y0 + along * np.sin(angle) + across * np.cos(angle)
    image = np.broadcast_to(np.arange(len(grey))[:, None, None], x.shape)
    return map_coordinates(grey, [image, y, x], order=1, mode="nearest")


def _modes(rings: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Complex Fourier modes of each ring's departure from its mean, (n, ring, mode)."""
    mean = rings.mean(axis=2, keepdims=True)
    departure = (rings - mean) / (np.maximum(mean, 0) + floor[:, None, None])
    departure = np.clip(departure, -CONTRAST, CONTRAST)
    return np.fft.rfft(departure, axis=2)[:, :, list(MODES)] / N_ANGLES


def _columns(modes: np.ndarray, radii: np.ndarray, light: _Light, winding: float) -> np.ndarray:
    waves = np.exp(-1j * np.outer(np.log(radii), PITCHES)) / len(radii)
    spirals = np.abs(np.einsum("nrm,rp->nmp", modes, waves))
    winds = np.abs(PITCHES) >= winding
    wound = spirals[:, :, winds]
    arms = np.sqrt((wound[:, 1:].max(axis=2) ** 2).sum(axis=1))
    pitch = np.degrees(np.arctan2(2, np.abs(PITCHES[winds][wound[:, 1].argmax(axis=1)])))
    bar = spirals[:, 1, np.abs(PITCHES).argmin()]
    own = [bar, pitch, light.minor / light.major, light.major]
    return np.column_stack([arms, np.abs(modes).mean(axis=1), *own])
