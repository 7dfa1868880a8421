"""How many pixels of an image are how bright."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.features._images import INPUTS, as_unit
from hoag.options import option

INPUT = "images"
CHUNK = 256  # images converted at a time


@dataclass(frozen=True)
class Options:
    """Which images, and how the brightness is divided."""

    input: str = option("images", doc="Images that are measured.", choices=INPUTS)
    n_bins: int = option(25, doc="Bins of brightness.", minimum=2)
    stretch: bool = option(
        True,
        doc="From each channel's darkest pixel to its brightest; otherwise from 0 to 1, in units "
        "of a white pixel.",
    )


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Remember the number of channels, from which the names are made."""
    return {"image_shape": np.array(store.shape)}


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Measure each channel by itself.

    Parameters
    ----------
    images : (n, y, x, c) uint8, or float with white at one
    options
        The bins.
    state
        Not used.

    Returns
    -------
    (n, k c) float32
        Share of the pixels in each bin, divided by the bin's width (`numpy.histogram` with
        ``density``); of the first channel all bins from the darkest on, then of the next. Pixels
        outside 0 and 1 count in the first and last bin; a stretched channel of one colour, in the
        first. NaN in an image makes its channel's values NaN.
    """
    k, c = options.n_bins, images.shape[3]
    out = np.full((len(images), c, k), np.nan)
    for start in range(0, len(images), CHUNK):
        light = as_unit(images[start : start + CHUNK], np.float64)
        flat = np.moveaxis(light, 3, 1).reshape(len(light) * c, -1)
        if options.stretch:
            low = flat.min(axis=1, keepdims=True)
            width = flat.max(axis=1, keepdims=True) - low
            flat = (flat - low) / np.where(width > 0, width, 1)
        known = np.flatnonzero(np.isfinite(flat).all(axis=1))
        # rounded, so that a brightness on an edge goes where the edge is and not beside it
        bin_of = np.clip(np.floor(np.round(flat[known] * k, 9)), 0, k - 1).astype(int)
        place = bin_of + k * np.arange(len(known))[:, None]
        counts = np.bincount(place.ravel(), minlength=len(known) * k).reshape(-1, k)
        rows = out[start : start + CHUNK].reshape(-1, k)
        rows[known] = counts * (k / flat.shape[1])
    return out.reshape(len(images), c * k).astype(np.float32)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """``bin_1_c0``, ``bin_2_c0``, ...; channels count from zero."""
    channels = range(int(state["image_shape"][2]))
    return [f"bin_{i}_c{c}" for c in channels for i in range(1, options.n_bins + 1)]
