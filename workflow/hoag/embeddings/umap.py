"""Uniform manifold approximation and projection (McInnes, Healy & Melville 2018), umap-learn's."""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.options import option

log = logging.getLogger(__name__)
CHUNK = 5_000  # rows placed at a time: umap-learn spends fewer epochs on more than this
FEWEST_SPECTRAL = 16
FEWEST = 4  # rows that UMAP can be fitted to


@dataclass(frozen=True)
class Options:
    """UMAP's own parameters."""

    n_neighbors: int = option(15, doc="Neighbours that make up a local patch.", minimum=2)
    min_dist: float = option(
        0.1, doc="Least distance between points of the plane.", minimum=0.0, maximum=1.0
    )
    metric: str = option(
        "euclidean",
        doc="Distance between vectors.",
        choices=("euclidean", "manhattan", "chebyshev", "cosine", "correlation", "canberra"),
    )
    standardise: bool = option(
        False, doc="Centre each column and divide it by its standard deviation first."
    )


def embed(x: np.ndarray, fit_rows: np.ndarray, options: Options, seed: int) -> np.ndarray:
    """Place vectors in the plane.

    Parameters
    ----------
    x : (n, d) float
        Vectors; rows with a NaN or an infinity are left out of the fit.
    fit_rows : (m,) int
        Rows to which UMAP is fitted; the others are placed among them afterwards.
    options
        UMAP's parameters. With fewer than ``n_neighbors`` + 1 rows to fit, the patches are as
        large as they can be.
    seed
        Fixes the result; UMAP then works in one thread.

    Returns
    -------
    (n, 2) float64
        Coordinates without unit; NaN for rows that hold a NaN. Fewer than 4 rows to fit are too
        few for UMAP: all are then placed by the first two principal components of those rows.
        Only if there is no row to fit at all, everything is NaN.
    """
    usable = np.isfinite(x).all(axis=1)
    fitted = np.unique(np.asarray(fit_rows, dtype=int))
    fitted = fitted[usable[fitted]]
    xy = np.full((len(x), 2), np.nan)
    if len(fitted) == 0:
        log.warning("none of %d rows can be fitted: there is no embedding", len(fit_rows))
        return xy
    rest = np.setdiff1d(np.flatnonzero(usable), fitted)
    centre, scale = _scaling(x[fitted], options.standardise)
    place = _fit_components if len(fitted) < FEWEST else _fit_umap
    fit_xy, transform = place(_scaled(x[fitted], centre, scale), options, seed)
    xy[fitted] = fit_xy
    for start in range(0, len(rest), CHUNK):
        rows = rest[start : start + CHUNK]
        xy[rows] = transform(_scaled(x[rows], centre, scale))
    return xy


def _scaling(x: np.ndarray, standardise: bool) -> tuple[np.ndarray, np.ndarray]:
    if not standardise:
        return np.zeros(x.shape[1]), np.ones(x.shape[1])
    scale = x.std(axis=0, dtype=np.float64)
    scale[x.min(axis=0) == x.max(axis=0)] = 1.0  # a constant column has no spread to divide by
    return x.mean(axis=0, dtype=np.float64), scale


def _scaled(x: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return ((x - centre) / scale).astype(np.float32)


def _fit_components(x: np.ndarray, options: Options, seed: int) -> tuple[np.ndarray, Any]:
    """Coordinates along the first two principal components, zero where there are fewer."""
    mean = x.mean(axis=0)
    axes = np.zeros((2, x.shape[1]))
    found = np.linalg.svd(x - mean, full_matrices=False)[2][:2]
    axes[: len(found)] = found

    def transform(rows: np.ndarray) -> np.ndarray:
        return (rows - mean) @ axes.T

    return transform(x), transform


def _fit_umap(x: np.ndarray, options: Options, seed: int) -> tuple[np.ndarray, Any]:
    """The fitted rows' coordinates and a function that places further rows."""
    with _quiet():  # it remarks on TensorFlow, which it can do without
        from umap import UMAP

    model = UMAP(
        n_neighbors=min(options.n_neighbors, len(x) - 1),
        min_dist=options.min_dist,
        metric=options.metric,
        # a start from the graph's eigenvectors needs a graph that is large enough to have them
        init="spectral" if len(x) >= FEWEST_SPECTRAL else "random",
        random_state=seed % 2**32,
        transform_seed=seed % 2**32,
        n_jobs=1,
    )

    def transform(rows: np.ndarray) -> np.ndarray:
        with _quiet():
            return model.transform(rows)

    with _quiet():
        return model.fit_transform(x), transform


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send umap-learn's remarks (one thread, a start at random, ...) to the log."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for message in sorted({str(w.message) for w in caught}):
        log.debug("umap-learn: %s", message)
