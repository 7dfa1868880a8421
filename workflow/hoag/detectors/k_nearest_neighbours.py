"""Mean distance to the nearest neighbours (Ramaswamy, Rastogi & Shim 2000; the mean of k)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.detectors._rows import fit_sample, scorable
from hoag.options import option
from hoag.vectors import spread

TAKES = "vectors"
CHUNK = 1024  # rows whose candidates are measured at a time
SPARE = 2  # further candidates, lest rounding in the search loses a neighbour


@dataclass(frozen=True)
class Options:
    """Which neighbours, in which space."""

    k: int = option(10, doc="Neighbours averaged.", minimum=1)
    standardise: bool = option(
        False, doc="Divide each column by its standard deviation in the fit."
    )
    max_fit: int = option(
        100_000, doc="Look for neighbours among at most this many objects.", minimum=1
    )


def fit(x: np.ndarray, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Draw the objects among which neighbours are looked for.

    Parameters
    ----------
    x : (n, d) float
        Rows with a NaN or an infinity are left out.
    options
        Which neighbours, in which space.
    seed
        Draws the objects where there are more than ``max_fit``.

    Returns
    -------
    dict
        ``sample`` (m, d) float32, and ``scale`` (d,) float64, by which the columns are divided;
        1 for a column that never changes.
    """
    sample = fit_sample(x, options.max_fit, seed)
    scale = spread(sample) if options.standardise else np.ones(sample.shape[1])
    return {"sample": sample, "scale": scale}


def score(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Mean Euclidean distance to the k nearest objects of the fit.

    Parameters
    ----------
    x : (n, d) float
        Rows with a NaN or an infinity score NaN.
    options, state
        As fitted.

    Returns
    -------
    (n,) float64
        In the units of ``x`` (or in standard deviations). An object is not its own neighbour: one
        distance of exactly zero is dropped, whoever it belongs to. With fewer than k neighbours
        the mean is over those that there are, with none it is NaN. Zero where k + 1 or more
        objects coincide.

    Raises
    ------
    ValueError
        If ``x`` has another number of columns than the fit.
    """
    from sklearn.neighbors import NearestNeighbors

    out = np.full(len(x), np.nan)
    rows = np.flatnonzero(scorable(x, state["sample"]))
    if len(rows) == 0:
        return out
    fitted = _scaled(state["sample"], state)
    search = NearestNeighbors(algorithm="brute").fit(fitted)
    n_candidates = min(options.k + 1 + SPARE, len(fitted))
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        own = _scaled(x[chunk], state)
        near = search.kneighbors(own, n_candidates, return_distance=False)
        out[chunk] = _mean_distance(own, fitted, near, options.k)
    return out


def _scaled(x: np.ndarray, state: Mapping[str, np.ndarray]) -> np.ndarray:
    # single precision first, as in the fit, so that an object coincides with itself
    return x.astype(np.float32) / state["scale"]


def _mean_distance(own: np.ndarray, fitted: np.ndarray, near: np.ndarray, k: int) -> np.ndarray:
    """Mean of the k smallest distances, (n,), after one zero is dropped.

    The search expands |a - b|^2 and can miss an exact zero, so its candidates are measured again.
    """
    squares = np.empty(near.shape)
    for column, neighbour in enumerate(near.T):
        squares[:, column] = ((own - fitted[neighbour]) ** 2).sum(axis=1)
    distances = np.sort(np.sqrt(squares), axis=1)
    own_place = distances[:, 0] == 0
    distances[own_place, :-1] = distances[own_place, 1:]
    distances[own_place, -1] = np.nan
    kept = distances[:, :k]
    counted = np.isfinite(kept)
    total = np.where(counted, kept, 0.0).sum(axis=1)
    n = counted.sum(axis=1)
    return np.divide(total, n, out=np.full(len(own), np.nan), where=n > 0)
