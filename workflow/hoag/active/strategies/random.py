"""Strategy ``random``: any objects, as a control (AHUNT, section 4.2)."""

from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Predictions

NEEDS = ()


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
    """n candidates, each as likely as any other."""
    allowed = np.flatnonzero(candidates)
    return rng.choice(allowed, min(n, len(allowed)), replace=False)
