"""What all rooms that work on vectors ask of them."""

import numpy as np

_BLOCK = 2**14  # rows


def complete(x: np.ndarray) -> np.ndarray:
    """Which rows of (n, d) hold finite numbers only, (n,) bool."""
    return np.isfinite(x).all(axis=1)


def spread(x: np.ndarray) -> np.ndarray:
    """What the columns of (n, d) are divided by for unit standard deviation, (d,) float64.

    1 for a column that never changes, and without rows.
    """
    if not len(x):
        return np.ones(x.shape[1])
    mean = x.mean(axis=0, dtype=np.float64)
    # by blocks, since the deviations of all rows would be a copy twice as large as x
    blocks = (x[start : start + _BLOCK] for start in range(0, len(x), _BLOCK))
    scale = np.sqrt(sum(np.square(block - mean).sum(axis=0) for block in blocks) / len(x))
    # a column of equal values has a spread of rounding size at most
    scale[x.min(axis=0) == x.max(axis=0)] = 1.0
    return scale
