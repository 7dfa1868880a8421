"""One-number descriptions of an image: how much light, how much contrast, of which colour."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.features._images import INPUTS, as_unit
from hoag.options import option

INPUT = "images"
CHUNK = 256  # images converted at a time
FLOOR = 0.5 / 255  # light that counts as none in a colour: half a grey level in one pixel


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
    (n, 2 + c) float32, or (n, 3 + c) where there are several channels
        The sum over all pixels and channels, the variance over them, and the sum of each
        channel, in units in which a white pixel is one; of several channels then the colour,
        2.5 log10 of the first one's sum over the last one's: higher is redder where red comes
        first, in magnitudes where pixels are linear in flux.
    """
    n_columns = len(names(options, state))
    parts = [_describe(images[i : i + CHUNK]) for i in range(0, len(images), CHUNK)]
    return np.concatenate([np.empty((0, n_columns), np.float32), *parts])


def _describe(images: np.ndarray) -> np.ndarray:
    values = as_unit(images, np.float64)
    channels = values.sum(axis=(1, 2))
    statistics = [channels.sum(axis=1), values.var(axis=(1, 2, 3)), channels]
    if channels.shape[1] > 1:
        first, last = np.maximum(channels[:, [0, -1]], FLOOR).T
        statistics.append(2.5 * np.log10(first / last))
    return np.column_stack(statistics).astype(np.float32)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """The columns, in order; channels count from zero."""
    n_channels = int(state["image_shape"][2])
    channels = [f"flux_c{c}" for c in range(n_channels)]
    return ["total_flux", "variance", *channels, *(["colour"] if n_channels > 1 else [])]
