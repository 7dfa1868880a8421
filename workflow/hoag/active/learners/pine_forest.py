"""Learner ``pine_forest``: keeps the trees that agree with the answers, coniferest's (Kornilov et
al. 2024, arXiv:2410.17142)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Answers, Predictions
from hoag.active.learners import _coniferest
from hoag.options import option

TAKES = ("vectors",)
GIVES = ()


@dataclass(frozen=True)
class Options:
    """The forest."""

    n_trees: int = option(100, doc="Trees that are kept.", minimum=1)
    n_spare_trees: int = option(400, doc="Trees grown besides, of which the worst go.", minimum=0)
    n_subsamples: int = option(256, doc="Objects drawn for each tree.", minimum=2)
    weight_ratio: float = option(
        1.0, doc="Weight of regular answers relative to anomalies.", minimum=0
    )


def learn(
    x: np.ndarray,
    answers: Answers,
    options: Options,
    *,
    seed: int,
    previous: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Keep the objects and the answers, from which the forest is grown and thinned."""
    return _coniferest.kept(x, answers, seed)


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """The mean score of the trees kept."""
    from coniferest.pineforest import PineForest

    chosen = {
        "n_trees": options.n_trees,
        "n_spare_trees": options.n_spare_trees,
        "n_subsamples": options.n_subsamples,
        "weight_ratio": options.weight_ratio,
    }
    return _coniferest.predictions(PineForest, x, chosen, state)
