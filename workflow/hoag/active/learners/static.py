"""Learner ``static``: as `ahunt`, but after the start only the last layer learns (section 2.1)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Answers, Predictions
from hoag.active.learners import ahunt
from hoag.active.learners._options import NetworkOptions

TAKES, GIVES = ahunt.TAKES, ahunt.GIVES


@dataclass(frozen=True)
class Options(NetworkOptions):
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


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """Classes, latent vectors and passes; see `_network.predict`."""
    return ahunt.predict(x, options, state)
