"""How much structure an image has on each scale and in each direction: energies of its wavelets.

The stationary wavelet transform (PyWavelets), whose coefficients stay when an image is moved.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.features._images import INPUTS, as_unit
from hoag.options import ConfigError, option

INPUT = "images"
CHUNK = 32  # images transformed at a time: each makes 4 x n_levels of its size
DIRECTIONS = ("horizontal", "vertical", "diagonal")


@dataclass(frozen=True)
class Options:
    """Which images, which wavelet, how many scales."""

    input: str = option("images", doc="Images that are measured.", choices=INPUTS)
    wavelet: str = option(
        "sym2",
        doc="Wavelet, by PyWavelets' name.",
        choices=("haar", "db2", "db4", "sym2", "sym4", "coif1"),
    )
    n_levels: int = option(
        4, doc="Scales, each twice as coarse as the one before.", minimum=1, maximum=10
    )
    log: bool = option(True, doc="Give log10(1e-12 + energy) instead of the energy.")


def check(shape: tuple[int, int, int], options: Options, key: str) -> None:
    """Raise `ConfigError` for images (y, x, c) that are smaller than the coarsest scale."""
    most = int(np.log2(min(shape[:2])))
    if options.n_levels > most:
        raise ConfigError(
            f"{key}.n_levels: found {options.n_levels}, allowed for images of "
            f"{min(shape[:2])} px: 1..{most}"
        )


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Remember the number of channels, from which the names are made."""
    return {"image_shape": np.array(store.shape)}


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Measure each channel by itself.

    Parameters
    ----------
    images : (n, y, x, c) uint8, or float with white at one
        Continued periodically; first, zeros are added after the last row and column where a side is
        no multiple of 2^n_levels.
    options
        The wavelet and the scales.
    state
        Not used.

    Returns
    -------
    (n, 3 n_levels c) float32
        Mean square of the coefficients, normalised so that those of all scales and directions and
        of what is coarser add up to the mean square of the image; of the first channel the
        horizontal, vertical and diagonal structure of the finest scale, then of the next scale,
        then of the next channel. NaN in an image makes its channel's values NaN.
    """
    import pywt

    n, c, step = len(images), images.shape[3], 2**options.n_levels
    margins = [(0, 0), *((0, -side % step) for side in images.shape[1:3]), (0, 0)]
    out = np.empty((n, c, options.n_levels, 3))
    for start in range(0, n, CHUNK):
        light = np.pad(as_unit(images[start : start + CHUNK], np.float64), margins)
        scales = pywt.swt2(
            light, options.wavelet, options.n_levels, axes=(1, 2), norm=True, trim_approx=True
        )
        for level, details in enumerate(reversed(scales[1:])):
            for direction, values in enumerate(details):
                energy = (values**2).mean(axis=(1, 2))
                out[start : start + CHUNK, :, level, direction] = energy
    out = np.log10(1e-12 + out) if options.log else out
    return out.reshape(n, 3 * options.n_levels * c).astype(np.float32)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """``horizontal_1_c0``, ``vertical_1_c0``, ...; scales count from one, channels from zero."""
    channels = range(int(state["image_shape"][2]))
    levels = range(1, options.n_levels + 1)
    return [f"{name}_{i}_c{c}" for c in channels for i in levels for name in DIRECTIONS]
