"""Strategy ``most_anomalous``: those most likely of the wanted class (AHUNT, section 2)."""

from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Predictions
from hoag.active.strategies._ranking import best

NEEDS = ()


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
    """The n candidates that rank highest as members of ``target``.

    A learner that has an acquisition of its own (an expected improvement) is followed in it.
    """
    own = predictions.acquisition
    return best(predictions.of(target) if own is None else own, n, candidates, rng)
