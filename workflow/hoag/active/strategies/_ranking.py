"""What strategies share: the best of the candidates."""

import numpy as np


def best(value: np.ndarray, n: int, candidates: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Indices of the n candidates with the highest values, the highest first.

    Ties are broken at random; NaN and -inf are never chosen.
    """
    allowed = np.flatnonzero(candidates & (value > -np.inf))
    order = np.lexsort((rng.random(len(allowed)), -value[allowed]))
    return allowed[order[:n]]
