"""Isolation forests as learners: answers change at most the space that they work in."""

from collections.abc import Mapping

import numpy as np

from hoag.forests import anomaly_score

_MAX_SEED = 2**32


def grown(x: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """What a forest is grown from again: the objects that its trees draw from, and the seed.

    100 trees of 256 objects, scikit-learn's defaults and those of the AHUNT comparison. The trees'
    256 objects are drawn from at most 20,000.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(x), min(len(x), 20_000), replace=False))
    return {"forest/sample": x[rows].astype(np.float32), "forest/seed": np.array(seed % _MAX_SEED)}


def score(x: np.ndarray, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Anomaly score (Liu, Ting & Zhou 2008, equation 2), (n,), higher is more anomalous."""
    return anomaly_score(x, state["forest/sample"], int(state["forest/seed"]))
