"""Learner ``ahunt``: a network retrained on every answer, so that its latent space evolves.

Vafaei Sadr, Bassett & Sekyi 2022, section 2. The reserve class has no examples: the network is only
pushed away from it, and what is pushed away least ranks first until an anomaly is found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Answers, Lesson, Predictions
from hoag.active.learners._options import ClassifierOptions

TAKES = ("images", "vectors")
GIVES = ("classes", "latent", "passes")


@dataclass(frozen=True)
class Options(ClassifierOptions):
    """The network and its training."""


def learn(
    x: np.ndarray,
    answers: Answers,
    options: Options,
    *,
    seed: int,
    previous: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Train on all that is known, from the weights of the round before; see `_network.learn`."""
    from hoag.active.learners import _network

    return _network.learn(x, answers, options, seed=seed, previous=previous)


def learn_together(lessons: Sequence[Lesson], options: Options) -> list[dict[str, np.ndarray]]:
    """As `learn` for each lesson, all in one go; see `_together.learn_together`."""
    from hoag.active.learners import _together

    return _together.learn_together(lessons, options)


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """Classes, latent vectors and passes; see `_network.predict`."""
    from hoag.active.learners import _network

    return _network.predict(x, options, state)
