"""Strategy ``margin``: those whose two likeliest classes are close (Settles 2009, section 3.1)."""

from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Predictions
from hoag.active.strategies._ranking import best

NEEDS = ("classes",)


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
    """The n candidates of smallest difference between the two largest probabilities."""
    two = np.sort(predictions.probabilities(), axis=1)[:, -2:]
    return best(two[:, 0] - two[:, 1], n, candidates, rng)
