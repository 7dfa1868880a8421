"""Learner ``iforest_raw``: an isolation forest on pixels or vectors; it learns from no answer.

Vafaei Sadr, Bassett & Sekyi 2022, section 2.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Answers, Predictions
from hoag.active.learners import _forest

TAKES = ("images", "vectors")
GIVES = ()


@dataclass(frozen=True)
class Options:
    """Nothing to choose."""


def learn(
    x: np.ndarray,
    answers: Answers,
    options: Options,
    *,
    seed: int,
    previous: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Grow the forest on all objects seen so far."""
    return _forest.grown(_flat(x), seed)


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """The anomaly score."""
    return Predictions(score=_forest.score(_flat(x), state))


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), int(np.prod(x.shape[1:])))
