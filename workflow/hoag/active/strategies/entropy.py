"""Strategy ``entropy``: those whose class is least known (Settles 2009, section 3.1)."""

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
    """The n candidates of largest Shannon entropy of the class probabilities."""
    p = predictions.probabilities()
    return best(-(p * np.log(np.maximum(p, 1e-300))).sum(axis=1), n, candidates, rng)
