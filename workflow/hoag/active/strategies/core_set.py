"""Strategy ``core_set``: far from all that was asked (Sener & Savarese 2018, algorithm 1)."""

from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Predictions

NEEDS = ("latent",)


@dataclass(frozen=True)
class Options:
    """Nothing to choose."""


def select(
    predictions: Predictions,
    target: str,
    n: int,
    candidates: np.ndarray,
    options: Options,
    rng: np.random.Generator,
) -> np.ndarray:
    """One after another the candidate farthest from its nearest asked object in latent space.

    Objects that are no candidates count as asked; without any the first one is drawn at random.
    """
    x = predictions.latent.astype(float)
    centres = np.flatnonzero(~candidates)
    distance = np.full(len(x), np.inf)
    for start in range(0, len(centres), 256):
        distance = np.minimum(distance, _squared(x, x[centres[start : start + 256]]).min(axis=1))
    chosen = []
    for _ in range(min(n, int(candidates.sum()))):
        value = np.where(candidates, distance, -1.0)
        value[chosen] = -1.0
        farthest = np.flatnonzero(value == value.max())
        chosen.append(int(rng.choice(farthest)))
        distance = np.minimum(distance, _squared(x, x[chosen[-1:]])[:, 0])
    return np.array(chosen, dtype=int)


def _squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared distances, (len(a), len(b))."""
    products = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2 * a @ b.T
    return np.maximum(products, 0)
