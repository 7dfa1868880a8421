"""Learner ``iforest_latent_dynamic``: an isolation forest in the evolving latent space.

Vafaei Sadr, Bassett & Sekyi 2022, section 2.1. The forest ranks the objects, and asks with the
strategy ``most_anomalous``; with ``most_uncertain`` the network asks, as AHUNT's does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hoag.active.contract import Answers, Predictions
from hoag.active.learners import _forest
from hoag.active.learners._options import NetworkOptions

TAKES = ("images", "vectors")
GIVES = ("classes", "latent")


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
    """The forest's anomaly score, and what the network says."""
    from hoag.active.learners import _network

    found = _network.predict(x, options, state)
    return replace(found, score=_forest.score(found.latent, state))
