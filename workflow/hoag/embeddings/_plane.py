"""What the embeddings share: which rows are fitted, how columns are scaled, what to do with few."""

import logging
from collections.abc import Callable

import numpy as np

from hoag.vectors import spread

log = logging.getLogger(__name__)
FEWEST = 4  # rows that a method can be fitted to

Place = Callable[[np.ndarray], np.ndarray]
Fit = Callable[[np.ndarray], tuple[np.ndarray, Place]]


def on_plane(x: np.ndarray, fit_rows: np.ndarray, standardise: bool, fit: Fit) -> np.ndarray:
    """Fit a method to some rows and place all.

    Parameters
    ----------
    x : (n, d) float
        Vectors; rows with a NaN or an infinity are left out.
    fit_rows : (m,) int
        Rows to which the method is fitted; the others are placed among them afterwards.
    standardise
        Whether the method sees the vectors `scaled`.
    fit
        From the fitted rows (k, d), float32, to their coordinates (k, 2) and a function that
        places further rows, each whatever the others are.

    Returns
    -------
    (n, 2) float64
        Coordinates without unit; NaN for rows that hold a NaN. Fewer than 4 rows to fit are too
        few for any method: all are then placed by the first two principal components of those
        rows. Only if there is no row to fit at all, everything is NaN.
    """
    usable = np.isfinite(x).all(axis=1)
    fitted = np.unique(np.asarray(fit_rows, dtype=int))
    fitted = fitted[usable[fitted]]
    xy = np.full((len(x), 2), np.nan)
    if len(fitted) == 0:
        log.warning("none of %d rows can be fitted: there is no embedding", len(fit_rows))
        return xy
    rest = np.setdiff1d(np.flatnonzero(usable), fitted)
    seen = scaled(x, x[fitted]) if standardise else x.astype(np.float32)
    xy[fitted], place = (components if len(fitted) < FEWEST else fit)(seen[fitted])
    if len(rest):
        xy[rest] = place(seen[rest])
    return xy


def scaled(x: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """``x`` (n, d) with each column centred and divided by its spread in ``fitted``, float32."""
    return ((x - fitted.mean(axis=0, dtype=np.float64)) / spread(fitted)).astype(np.float32)


def components(x: np.ndarray) -> tuple[np.ndarray, Place]:
    """Coordinates along the first two principal components, zero where there are fewer."""
    mean = x.mean(axis=0)
    axes = np.zeros((2, x.shape[1]))
    found = np.linalg.svd(x - mean, full_matrices=False)[2][:2]
    axes[: len(found)] = found

    def place(rows: np.ndarray) -> np.ndarray:
        # no matrix product: its rounding of a row depends on the other rows
        return np.stack([((rows - mean) * axis).sum(axis=1) for axis in axes], axis=1)

    return place(x), place
