"""What the detectors that work on vectors share."""

import logging

import numpy as np

from hoag.seeds import fitted_rows
from hoag.vectors import complete

log = logging.getLogger(__name__)


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
    rows = rows[fitted_rows(len(rows), max_fit, seed)]
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
