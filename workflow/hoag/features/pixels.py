"""The pixels themselves, as one long vector: the baseline that knows nothing about galaxies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.features._images import INPUTS, as_unit, box_average
from hoag.options import option

INPUT = "images"


@dataclass(frozen=True)
class Options:
    """Which images, and how large."""

    input: str = option("images", doc="Images whose pixels are taken.", choices=INPUTS)
    size_px: int | None = option(
        None, doc="Average over boxes to this size first; none: as it is.", unit="px", minimum=1
    )


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Remember the vector's shape (y, x, c), from which its names are made."""
    y, x, c = store.shape
    size = options.size_px or max(y, x)
    return {"shape": np.array([min(y, size), min(x, size), c])}


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Flatten each image.

    Parameters
    ----------
    images : (n, y, x, c) uint8, or float
    options
        With ``size_px``, images are averaged over equal boxes first; never enlarged.
    state
        From `fit`.

    Returns
    -------
    (n, y * x * c) float32; uint8 pixels become [0, 1], float ones stay as they are
    """
    values = as_unit(images)
    if options.size_px:
        values = box_average(values, options.size_px)
    return values.reshape(len(images), int(np.prod(state["shape"]))).astype(np.float32)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """``y{row}_x{column}_c{channel}``, in the order of the vector."""
    return [f"y{y}_x{x}_c{c}" for y, x, c in np.ndindex(*state["shape"].tolist())]
