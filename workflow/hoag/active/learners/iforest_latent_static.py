"""Learner ``iforest_latent_static``: an isolation forest in the latent space of the start.

Vafaei Sadr, Bassett & Sekyi 2022, section 2.1. The forest ranks the objects, and asks
with the strategy ``most_anomalous``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Answers, Predictions
from hoag.active.learners import _forest, iforest_latent_dynamic
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
    """The network learns at the start alone; the forest grows on all objects seen so far."""
    from hoag.active.learners import _network

    if previous is None:
        state = _network.learn(x, answers, options, seed=seed)
    else:
        state = {k: v for k, v in previous.items() if not k.startswith("forest/")}
    return state | _forest.grown(_network.predict(x, options, state).latent, seed)


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """The forest's anomaly score, and what the network says."""
    return iforest_latent_dynamic.predict(x, options, state)
