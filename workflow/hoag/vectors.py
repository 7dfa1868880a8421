"""What all rooms that work on vectors ask of them."""

import numpy as np


def complete(x: np.ndarray) -> np.ndarray:
    """Which rows of (n, d) hold finite numbers only, (n,) bool."""
    return np.isfinite(x).all(axis=1)


def spread(x: np.ndarray) -> np.ndarray:
    """What the columns of (n, d) are divided by for unit standard deviation, (d,) float64.

    1 for a column that never changes, and without rows.
    """
    if not len(x):
        return np.ones(x.shape[1])
    scale = x.std(axis=0, dtype=np.float64)
    # a column of equal values has a spread of rounding size at most
    scale[x.min(axis=0) == x.max(axis=0)] = 1.0
    return scale
