"""Learner ``static``: as `ahunt`, but after the start only the last layer learns (section 2.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Answers, Lesson, Predictions
from hoag.active.learners import ahunt
from hoag.active.learners._options import ClassifierOptions

TAKES, GIVES = ahunt.TAKES, ahunt.GIVES


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
    """Train on all that is known; the layers below the head stay as the start left them."""
    from hoag.active.learners import _network

    return _network.learn(x, answers, options, seed=seed, previous=previous, frozen=True)


def learn_together(lessons: Sequence[Lesson], options: Options) -> list[dict[str, np.ndarray]]:
    """As `learn` for each lesson, all in one go; see `_together.learn_together`."""
    from hoag.active.learners import _together

    return _together.learn_together(lessons, options, frozen=True)


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """Classes, latent vectors and passes; see `_network.predict`."""
    return ahunt.predict(x, options, state)
