"""Light inside the isophotes and apertures of the central object.

Isophotes lie at shares of the object's peak, so that two images of one object, of different depth,
give the same. Apertures are circles of given radii about the peak, whose edge pixels count by the
share of them that lies inside (photutils).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.features._images import as_unit, check_channel
from hoag.features._light import brightest, connected, sky_of
from hoag.options import ConfigError, option

INPUT = "images"
CHUNK = 256  # images converted at a time
_NO_OBJECT = "no light in the central third of the image"


@dataclass(frozen=True)
class Options:
    """The channel, the isophotes and the apertures."""

    channel: int | None = option(
        None, doc="Channel that is measured, from 0; null: the mean of all.", minimum=0
    )
    levels: tuple[float, ...] = option(
        (0.5, 0.2, 0.1),
        doc="Isophotes, as shares of the peak above the sky.",
        minimum=0.001,
        maximum=0.99,
    )
    radii_px: tuple[float, ...] = option(
        (), doc="Radii of circular apertures about the peak.", unit="px", minimum=0.5
    )

    def __post_init__(self) -> None:
        for name in ("levels", "radii_px"):
            values = list(getattr(self, name))
            if len({f"{value:g}" for value in values}) < len(values):  # columns are named so
                raise ConfigError(f"{name}: found {values}, allowed: each once, to six digits")
        if not self.levels and not self.radii_px:
            raise ConfigError("levels: found none, allowed: one or more, or radii_px")


def check(shape: tuple[int, int, int], options: Options, key: str) -> None:
    """Raise `ConfigError` for a channel that images (y, x, c) don't have."""
    check_channel(shape, options.channel, key)


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Nothing is learnt."""
    return {}


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Measure the central object of each image by itself.

    The object's peak is the brightest pixel of the central third; the sky, that is taken away, and
    its noise are those of the image's outermost pixels. A pixel without a value counts as dark.

    Parameters
    ----------
    images : (n, y, x, c) uint8, or float with white at one
        Fluxes are such only where pixels are linear in flux (`min_max`).
    options
        The channel, the isophotes and the apertures.
    state
        Not used.

    Returns
    -------
    (n, d) float32
        ``peak_mag``, -2.5 log10 of the peak, per px; for each level ``log_area_*``, log10 of the
        pixels (px^2) that are joined to the peak by their sides and brighter, and ``mag_*``,
        -2.5 log10 of their summed light; for each radius r ``mag_r_px``, the same of the light
        inside. White of one pixel is 0 mag. Surface brightnesses follow from these: that of an
        isophote is ``peak_mag`` - 2.5 log10 of the level, the mean within it ``mag_*`` + 2.5
        ``log_area_*``, in mag per px^2. NaN where `explained` gives a reason.
    """
    return explained(images, options, state)[0]


def explained(
    images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, list[str]]:
    """What `transform` gives, and why each image lacks values, empty where it has all.

    An isophote that lies within three standard deviations of the sky's noise has no values, nor has
    an aperture that holds no light on balance or reaches beyond the image.
    """
    out = np.full((len(images), len(names(options, state))), np.nan, np.float32)
    reasons = []
    for i, (light, noise, y, x) in enumerate(_objects(images, options)):
        peak = light[y, x]
        if not peak > max(3 * noise, 1e-6):  # a peak of rounding size is no light
            reasons.append(_NO_OBJECT)
            continue
        values, why = [_magnitude(peak)], []
        for level in options.levels:
            if level * peak <= 3 * noise:
                values += [np.nan, np.nan]
                why.append(f"the isophote at {level:g} of the peak lies in the noise")
                continue
            inside = connected(light > level * peak, y, x)
            values += [np.log10(inside.sum()), _magnitude(light[inside].sum())]
        for radius in options.radii_px:
            if min(y, x, light.shape[0] - 1 - y, light.shape[1] - 1 - x) + 0.5 < radius:
                values.append(np.nan)
                why.append(f"the aperture of {radius:g} px reaches beyond the image")
                continue
            values.append(_magnitude(_within(light, y, x, radius)))
            if np.isnan(values[-1]):
                why.append(f"no light within {radius:g} px")
        out[i] = values
        reasons.append("; ".join(why))
    return out, reasons


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """``peak_mag``, ``log_area_0.5``, ``mag_0.5``, ..., ``mag_5_px``, ..."""
    isophotes = [f"{what}_{level:g}" for level in options.levels for what in ("log_area", "mag")]
    return ["peak_mag", *isophotes, *(f"mag_{radius:g}_px" for radius in options.radii_px)]


def _objects(images: np.ndarray, options: Options) -> Iterator[tuple[np.ndarray, float, int, int]]:
    """Light above the sky, the sky's noise, and the place of the peak, image by image."""
    for start in range(0, len(images), CHUNK):
        part = images[start : start + CHUNK]
        if options.channel is not None:
            part = part[..., options.channel : options.channel + 1]
        grey = as_unit(part, np.float64).mean(axis=3)
        grey = np.where(np.isfinite(grey), grey, 0)
        sky, noise = sky_of(grey)
        light = grey - sky[:, None, None]
        yield from zip(light, noise, *brightest(light), strict=True)


def _magnitude(light: float) -> float:
    return -2.5 * np.log10(light) if light > 0 else np.nan


def _within(light: np.ndarray, y: int, x: int, radius: float) -> float:
    from photutils.aperture import CircularAperture

    return float(CircularAperture((x, y), radius).do_photometry(light)[0][0])
