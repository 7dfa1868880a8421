"""How much structure an image has on each scale: its power spectrum, averaged over directions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.features._images import INPUTS, as_unit
from hoag.options import ConfigError, option

INPUT = "images"
CHUNK = 64  # images transformed at a time


@dataclass(frozen=True)
class Options:
    """Which images, and how finely the scales are told apart."""

    input: str = option("images", doc="Images that are measured.", choices=INPUTS)
    n_bins: int | None = option(
        None,
        doc="Rings of spatial frequency; null: one for each whole number of waves per image.",
        minimum=1,
    )
    log: bool = option(True, doc="Give log10(1e-12 + power) instead of the power.")


def check(shape: tuple[int, int, int], options: Options, key: str) -> None:
    """Raise `ConfigError` for more rings than waves fit into images (y, x, c)."""
    most = min(shape[:2]) // 2
    if most < 1 or (options.n_bins or 1) > most:
        raise ConfigError(
            f"{key}.n_bins: found {options.n_bins}, allowed for images of {min(shape[:2])} px: "
            f"1..{most}"
        )


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Remember the images' shape, from which the rings and the names are made."""
    return {"image_shape": np.array(store.shape)}


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Measure each channel by itself.

    Parameters
    ----------
    images : (n, y, x, c) uint8, or float with white at one
    options
        The rings, and whether logarithms are given.
    state
        From `fit`.

    Returns
    -------
    (n, k c) float32
        \\|F\\|^2 / (number of pixels)^2, where F is the discrete Fourier transform, summed over
        all waves (x and y, either direction) whose frequency lies in a ring; of the first channel
        all rings from the coarsest on, then of the next. With m whole waves of two pixels or more
        in the shorter side of s px (s / 2 rounded down), ring i of k holds frequencies above
        (i - 1) m / (k s) and up to i m / (k s) waves per pixel: up to one half for an even side, a
        little less for an odd one, and not the mean. All rings together are the channel's variance
        but for what lies beyond the last, along the diagonals. NaN in an image makes its channel's
        values NaN.
    """
    y, x, c = state["image_shape"].tolist()
    k = _n_rings(options, state)
    ring = _rings(y, x, k)
    out = np.empty((len(images), c, k), np.float64)
    for start in range(0, len(images), CHUNK):
        light = as_unit(images[start : start + CHUNK], np.float64)
        power = np.abs(np.fft.fft2(light, axes=(1, 2))) ** 2 / (y * x) ** 2
        flat = np.moveaxis(power, 3, 1).reshape(len(light), c, -1)
        for i in range(k):
            out[start : start + CHUNK, :, i] = flat[:, :, ring == i + 1].sum(axis=2)
    out = np.log10(1e-12 + out) if options.log else out
    return out.reshape(len(images), c * k).astype(np.float32)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """``power_1_c0``, ``power_2_c0``, ...; channels count from zero."""
    k, channels = _n_rings(options, state), int(state["image_shape"][2])
    return [f"power_{i}_c{c}" for c in range(channels) for i in range(1, k + 1)]


def _n_rings(options: Options, state: Mapping[str, np.ndarray]) -> int:
    return options.n_bins or int(min(state["image_shape"][:2])) // 2


def _rings(height: int, width: int, k: int) -> np.ndarray:
    """Number of the ring of each wave, from 1; 0 for the mean; above k outside of all, (y x,)."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)) * min(
        height, width
    )
    most = min(height, width) // 2
    # a whole number of waves must not depend on rounding
    return np.ceil(np.round(frequency * k / most, 9)).astype(int).ravel()
