"""Learner ``iforest_latent_dynamic``: an isolation forest in the evolving latent space.

Vafaei Sadr, Bassett & Sekyi 2022, section 2.1. The forest asks the questions and ranks the objects.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Answers, Predictions
from hoag.active.learners import _forest
from hoag.active.learners._options import NetworkOptions

TAKES = ("images", "vectors")
GIVES = ("latent",)


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
    """The network learns from all answers, the forest grows anew in its latent space."""
    from hoag.active.learners import _network

    state = _network.learn(x, answers, options, seed=seed, previous=previous)
    return state | _forest.grown(_network.predict(x, options, state).latent, seed)


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """The anomaly score, and where the objects lie."""
    from hoag.active.learners import _network

    latent = _network.predict(x, options, state).latent
    return Predictions(score=_forest.score(latent, state), latent=latent)
