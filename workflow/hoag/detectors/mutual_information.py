"""Mutual information of class and weights: what passes disagree about (Houlsby et al. 2011)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.predicted import Predicted

TAKES = "predictions"
NEEDS_PASSES = True  # that differ


@dataclass(frozen=True)
class Options:
    """Nothing to choose."""


def fit(
    found: Predicted, options: Options, seed: int, *, classes: np.ndarray
) -> dict[str, np.ndarray]:
    """Nothing is fitted."""
    return {}


def score(found: Predicted, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Predictive less expected entropy, (n,), nat; 0 where all passes agree."""
    return found.entropy() - found.expected_entropy
