"""The length of an image's residual: how much a model failed to draw, and nothing about where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.features._images import as_unit
from hoag.options import option

INPUT = "images"
CHUNK = 256  # images converted at a time


@dataclass(frozen=True)
class Options:
    """Which images are measured (residuals scaled to unit norm all have length one)."""

    input: str = option(
        "residuals", doc="Images that are measured.", choices=("residuals", "images")
    )


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Nothing is learnt."""
    return {}


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Euclidean norm over all pixels and channels of (n, y, x, c) images: (n, 1) float32.

    In units in which a white pixel is one.
    """
    parts = [_norm(images[i : i + CHUNK]) for i in range(0, len(images), CHUNK)]
    return np.concatenate([np.empty((0, 1), np.float32), *parts])


def _norm(images: np.ndarray) -> np.ndarray:
    values = as_unit(images, np.float64)
    return np.sqrt((values**2).sum(axis=(1, 2, 3)))[:, None].astype(np.float32)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """The one column."""
    return ["residual_norm"]
