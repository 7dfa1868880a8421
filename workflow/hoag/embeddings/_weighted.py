"""Placing further objects by their nearest fitted ones, where a method has no exact way of its own.

Inverse distance weighting (Shepard 1968) among the nearest: a copy of a fitted object comes to lie
where that lies, and no object's place depends on what else is placed.
"""

import numpy as np

from hoag.embeddings._plane import Place

CHUNK = 1024  # rows placed at a time
SPARE = 2  # further candidates, lest rounding in the search loses a neighbour


def weighted(fitted: np.ndarray, xy: np.ndarray, k: int, metric: str) -> Place:
    """A function that places rows at the mean of their neighbours, weighted by distance^-2.

    Parameters
    ----------
    fitted : (m, d) float
        Rows that have their place.
    xy : (m, 2) float
        Their places.
    k
        Neighbours averaged; all where there are fewer.
    metric
        euclidean, manhattan, chebyshev, canberra, cosine, or correlation; the last two as Euclidean
        distances of vectors of length one, which have the same order.

    Returns
    -------
    function from (n, d) to (n, 2) float64
    """
    from sklearn.neighbors import NearestNeighbors

    own = {"cosine": "euclidean", "correlation": "euclidean"}.get(metric, metric)
    known = _comparable(fitted, metric)
    n_candidates = min(k + SPARE, len(known))
    search = NearestNeighbors(n_neighbors=n_candidates, algorithm="brute", metric=own).fit(known)

    def place(rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), 2))
        for start in range(0, len(rows), CHUNK):
            chunk = _comparable(rows[start : start + CHUNK], metric)
            near = search.kneighbors(chunk, return_distance=False)
            out[start : start + len(chunk)] = _mean(
                _distances(chunk, known[near], own), xy[near], k
            )
        return out

    return place


def _comparable(x: np.ndarray, metric: str) -> np.ndarray:
    x = x.astype(np.float64)
    if metric == "correlation":
        x = x - x.mean(axis=1, keepdims=True)
    if metric in ("cosine", "correlation"):
        length = np.sqrt((x**2).sum(axis=1, keepdims=True))
        x = x / np.where(length > 0, length, 1.0)
    return x


def _distances(rows: np.ndarray, near: np.ndarray, metric: str) -> np.ndarray:
    """Distances (n, k) of rows (n, d) from their candidates (n, k, d), each pair by itself: the
    search's own are rounded in a way that depends on the other rows."""
    difference = np.abs(near - rows[:, None])
    if metric == "manhattan":
        return difference.sum(axis=2)
    if metric == "chebyshev":
        return difference.max(axis=2)
    if metric == "canberra":
        size = np.abs(near) + np.abs(rows[:, None])
        return np.divide(difference, size, out=np.zeros_like(size), where=size > 0).sum(axis=2)
    return np.sqrt((difference**2).sum(axis=2))


def _mean(distances: np.ndarray, xy: np.ndarray, k: int) -> np.ndarray:
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    distances = np.take_along_axis(distances, order, axis=1)
    xy = np.take_along_axis(xy, order[:, :, None], axis=1)
    nearest = distances[:, :1]
    # relative to the nearest, lest squares of small distances vanish; none counts but copies
    weights = np.where(
        nearest > 0, (nearest / np.where(distances > 0, distances, 1.0)) ** 2, distances == 0
    )
    return (weights[:, :, None] * xy).sum(axis=1) / weights.sum(axis=1)[:, None]
