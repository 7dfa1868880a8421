"""Strategy ``bald``: those on which draws of the network disagree (Houlsby et al. 2011; Gal et al.
2017, equation 2)."""

from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Predictions
from hoag.active.strategies._ranking import best

NEEDS = ("passes",)


@dataclass(frozen=True)
class Options:
    """Nothing to choose."""


def select(
    predictions: Predictions,
    target: str,
    n: int,
    candidates: np.ndarray,
    options: Options,
    rng: np.random.Generator,
) -> np.ndarray:
    """The n candidates of largest mutual information between class and network, over the passes."""
    p = predictions.passes.astype(float)
    information = _entropy(p.mean(axis=0)) - _entropy(p).mean(axis=0)
    return best(information, n, candidates, rng)


def _entropy(p: np.ndarray) -> np.ndarray:
    return -(p * np.log(np.maximum(p, 1e-300))).sum(axis=-1)
