"""Learner ``aad``: active anomaly discovery (Das et al. 2017, arXiv:1708.09441), coniferest's."""

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

    n_trees: int = option(100, doc="Trees.", minimum=1)
    n_subsamples: int = option(256, doc="Objects drawn for each tree.", minimum=2)


def learn(
    x: np.ndarray,
    answers: Answers,
    options: Options,
    *,
    seed: int,
    previous: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Keep the objects and the answers, from which the forest is grown and its leaves weighted."""
    return _coniferest.kept(x, answers, seed)


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """The weighted score."""
    from coniferest.aadforest import AADForest

    chosen = {"n_trees": options.n_trees, "n_subsamples": options.n_subsamples}
    return _coniferest.predictions(AADForest, x, chosen, state)
