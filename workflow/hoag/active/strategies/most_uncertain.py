"""Strategy ``most_uncertain``: likely of the wanted class, but only just (AHUNT, equation 1)."""

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
    """The n candidates of largest rho = 1 - 2 (p - 0.5) among those with p > 0.5.

    That is, with log-odds above 0 and nearest to it. Where fewer than n lie there, the others are
    those nearest below: no question is left unasked.
    """
    odds = predictions.odds(target)
    value = np.where(odds > 0, 1 / (1 + np.abs(odds)), -np.abs(odds))
    return best(value, n, candidates, rng)
