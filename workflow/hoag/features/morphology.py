"""Non-parametric morphology and a Sersic fit of the central object, by statmorph.

Gini and M20 (Lotz et al. 2004, AJ 128, 163), concentration, asymmetry and smoothness (Conselice
2003, ApJS 147, 1), multimode, intensity and deviation (Freeman et al. 2013, MNRAS 434, 282), shape
asymmetry (Pawlik et al. 2016, MNRAS 456, 3032), all in the definitions of Rodriguez-Gomez et al.
(2019, MNRAS 483, 4140). About half a second of one core for each object.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.features._images import as_unit, check_channel
from hoag.features._light import central_object, sky_of
from hoag.options import option

INPUT = "images"
SLOW = True  # tenths of a second for one object
CHUNK = 256  # images converted at a time
COLUMNS = {  # statmorph's name -> ours, where it needs a unit
    "gini": "gini",
    "m20": "m20",
    "concentration": "concentration",
    "asymmetry": "asymmetry",
    "smoothness": "smoothness",
    "multimode": "multimode",
    "intensity": "intensity",
    "deviation": "deviation",
    "shape_asymmetry": "shape_asymmetry",
    "rhalf_ellip": "half_light_px",
    "rpetro_ellip": "petrosian_px",
    "sersic_n": "sersic_n",
    "sersic_ellip": "sersic_ellipticity",
    "sersic_rhalf": "sersic_half_light_px",
}
FAILED = -99.0  # what statmorph gives for a quantity that it can't measure
QUIETEST = 1e-3  # share of the peak that the noise is taken to be at least: images without any


@dataclass(frozen=True)
class Options:
    """Which channel, and how the object is found."""

    channel: int | None = option(
        None, doc="Channel that is measured, from 0; null: the mean of all.", minimum=0
    )
    smooth_px: float = option(
        1.0,
        doc="Gaussian smoothing (sigma) when the object is told from the sky.",
        unit="px",
        minimum=0.0,
    )


def check(shape: tuple[int, int, int], options: Options, key: str) -> None:
    """Raise `ConfigError` for a channel that images (y, x, c) don't have."""
    check_channel(shape, options.channel, key)


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Nothing is learnt."""
    return {}


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Measure the central object of each image by itself.

    The object is the connected light around the brightest pixel of the central third, as in
    `spiral_arms`; sky and noise are those of the image's outermost pixels.

    Parameters
    ----------
    images : (n, y, x, c) uint8, or float with white at one
        The published meaning of the measures needs pixels that are linear in flux (`min_max`).
    options
        The channel and the smoothing.
    state
        Not used.

    Returns
    -------
    (n, 14) float32
        `COLUMNS`; radii in px. NaN where statmorph has no value: `explained` says of what.
    """
    return explained(images, options, state)[0]


def explained(
    images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, list[str]]:
    """What `transform` gives, and why each image lacks values, empty where it has all."""
    out, reasons = np.full((len(images), len(COLUMNS)), np.nan, np.float32), []
    for i, (values, reason) in enumerate(_measured(images, options)):
        out[i] = values
        reasons.append(reason)
    return out, reasons


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """The columns, in order; `COLUMNS` has statmorph's names of them."""
    return list(COLUMNS.values())


def _measured(images: np.ndarray, options: Options) -> Iterator[tuple[np.ndarray, str]]:
    """Values and, where some are missing, the reason, image by image."""
    from scipy.ndimage import gaussian_filter

    for start in range(0, len(images), CHUNK):
        part = images[start : start + CHUNK]
        if options.channel is not None:
            part = part[..., options.channel : options.channel + 1]
        grey = as_unit(part, np.float64).mean(axis=3)
        grey = np.where(np.isfinite(grey), grey, 0)
        smooth = gaussian_filter(grey, (0, options.smooth_px, options.smooth_px))
        sky, noise = sky_of(smooth)
        peaks, segments = central_object(smooth - sky[:, None, None], noise)
        for light, level, peak, segment in zip(grey, sky, peaks, segments, strict=True):
            if segment.any():
                yield _of_one(light - level, segment, peak)
            else:
                yield np.full(len(COLUMNS), np.nan), "no object in the central third of the image"


def _of_one(light: np.ndarray, segment: np.ndarray, peak: float) -> tuple[np.ndarray, str]:
    import warnings

    import statmorph

    _, noise = sky_of(light[None])
    weights = np.full(light.shape, max(noise[0], QUIETEST * peak))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # it warns of what its flags and -99 say too
        try:
            found = statmorph.SourceMorphology(
                light, segment.astype(int), label=1, weightmap=weights
            )
        except Exception as error:  # whatever the libraries below it make of an odd galaxy
            reason = " ".join(str(error).split()) or type(error).__name__
            return np.full(len(COLUMNS), np.nan), f"statmorph: {reason}"
    values = np.array([getattr(found, name) for name in COLUMNS], np.float64)
    values[(values == FAILED) | ~np.isfinite(values)] = np.nan
    missing = [ours for ours, v in zip(COLUMNS.values(), values, strict=True) if np.isnan(v)]
    return values, f"statmorph has no {', '.join(missing)}" if missing else ""
