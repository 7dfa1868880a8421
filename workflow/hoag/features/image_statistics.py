"""One-number descriptions of an image: how much light, how much contrast."""

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
    """Which images are described."""

    input: str = option("images", doc="Images that are described.", choices=INPUTS)


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Remember the number of channels, from which the names are made."""
    return {"image_shape": np.array(store.shape)}


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Describe each image by itself.

    Parameters
    ----------
    images : (n, y, x, c) uint8, or float with white at one
    options, state
        Not used.

    Returns
    -------
    (n, 2 + c) float32
        The sum over all pixels and channels, the variance over them, and the sum of each
        channel; in units in which a white pixel is one.
    """
    parts = [_describe(images[i : i + CHUNK]) for i in range(0, len(images), CHUNK)]
    return np.concatenate([np.empty((0, 2 + images.shape[3]), np.float32), *parts])


def _describe(images: np.ndarray) -> np.ndarray:
    values = as_unit(images, np.float64)
    channels = values.sum(axis=(1, 2))
    statistics = [channels.sum(axis=1), values.var(axis=(1, 2, 3)), channels]
    return np.column_stack(statistics).astype(np.float32)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """The columns, in order; channels count from zero."""
    return ["total_flux", "variance", *(f"flux_c{c}" for c in range(int(state["image_shape"][2])))]
