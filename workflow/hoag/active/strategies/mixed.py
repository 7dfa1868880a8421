"""Strategy ``mixed``: part of the questions for what is surest, part for what is least sure."""

from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Predictions
from hoag.active.strategies._ranking import best
from hoag.options import option

NEEDS = ("classes",)


@dataclass(frozen=True)
class Options:
    """How questions are shared out."""

    uncertain: float = option(
        0.7,
        doc="Share of the questions for objects whose probability is nearest to one half; parts "
        "of a question are drawn by lot.",
        minimum=0,
        maximum=1,
    )


def select(
    predictions: Predictions,
    target: str,
    n: int,
    candidates: np.ndarray,
    options: Options,
    rng: np.random.Generator,
) -> np.ndarray:
    """The most anomalous candidates, then those whose log-odds are nearest to 0.

    While the learner has no such class, and while nothing lies above even odds, both are the same
    objects: questions about the boundary cost nothing until there is one.
    """
    odds = predictions.odds(target)
    if target not in predictions.classes:
        return best(odds, n, candidates, rng)
    n_uncertain = min(int(n * options.uncertain + rng.random()), n)
    surest = best(odds, n - n_uncertain, candidates, rng)
    left = candidates.copy()
    left[surest] = False
    return np.concatenate([surest, best(-np.abs(odds), n_uncertain, left, rng)])
