"""What the detectors that work on vectors share."""

import logging

import numpy as np

from hoag.seeds import generator

log = logging.getLogger(__name__)


def complete(x: np.ndarray) -> np.ndarray:
    """Which rows of (n, d) hold finite numbers only, (n,) bool."""
    return np.isfinite(x).all(axis=1)


def fit_sample(x: np.ndarray, max_fit: int, seed: int) -> np.ndarray:
    """The complete rows of ``x``, at most ``max_fit`` of them, drawn with ``seed``.

    Returns
    -------
    (m, d) float32, in the order of ``x``; without rows (and a warning in the log) where no row
    is complete
    """
    rows = np.flatnonzero(complete(x))
    if len(rows) == 0:
        log.warning("none of %d rows is complete: there is nothing to fit, scores are NaN", len(x))
    if len(rows) > max_fit:
        rows = np.sort(generator(seed, "fit sample").choice(rows, max_fit, replace=False))
    return np.ascontiguousarray(x[rows], dtype=np.float32)


def scorable(x: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """Which rows of ``x`` can be scored by a fit to ``sample``, (n,) bool.

    Raises
    ------
    ValueError
        If the two have different numbers of columns.
    """
    if x.shape[1] != sample.shape[1]:
        raise ValueError(f"found {x.shape[1]} columns, allowed: the {sample.shape[1]} of the fit")
    return complete(x) & (len(sample) > 0)


def spread(sample: np.ndarray) -> np.ndarray:
    """What the columns of (m, d) are divided by for unit standard deviation, (d,) float64.

    1 for a column that never changes, and without rows.
    """
    if not len(sample):
        return np.ones(sample.shape[1])
    scale = sample.std(axis=0, dtype=np.float64)
    # a column of equal values has a spread of rounding size at most
    scale[sample.min(axis=0) == sample.max(axis=0)] = 1.0
    return scale
