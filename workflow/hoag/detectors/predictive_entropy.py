"""Entropy of the mean softmax over passes with dropout (Porter & Scaife 2023)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.predicted import Predicted

TAKES = "predictions"


@dataclass(frozen=True)
class Options:
    """Nothing to choose."""


def fit(
    found: Predicted, options: Options, seed: int, *, classes: np.ndarray
) -> dict[str, np.ndarray]:
    """Nothing is fitted."""
    return {}


def score(found: Predicted, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """- sum p ln p over the classes, (n,), nat: 0 where one class is certain, at most ln k."""
    return found.entropy()
