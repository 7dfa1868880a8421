"""Mean entropy of single passes: what the image itself leaves open (Gal 2016, 3.3.1)."""

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
    """Mean over the passes of - sum p ln p, (n,), nat."""
    return found.expected_entropy.astype(np.float64)
