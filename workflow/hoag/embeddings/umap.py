"""Uniform manifold approximation and projection (McInnes, Healy & Melville 2018), umap-learn's."""

import contextlib
import functools
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hoag.embeddings._plane import Place, on_plane
from hoag.embeddings._weighted import weighted
from hoag.options import option

log = logging.getLogger(__name__)
FEWEST_SPECTRAL = 16


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
    """Place vectors in the plane; as `hoag.embeddings._plane.on_plane`.

    With fewer than ``n_neighbors`` + 1 rows to fit, the patches are as large as they can be.
    A further row lies at the weighted mean of its ``n_neighbors`` nearest fitted rows
    (`hoag.embeddings._weighted`). UMAP's own ``transform`` goes on from such a start by stochastic
    steps, as often for an edge as its weight is near the largest of all rows placed with it, and
    less often above 10,000 rows: where objects lie depends on what else is placed, by up to twice
    the plane's spread where rows far from all others are among them. It is a little more
    trustworthy. ``seed`` fixes the result; UMAP works in one thread.
    """
    return on_plane(x, fit_rows, options.standardise, lambda rows: _fit(rows, options, seed))


def _fit(x: np.ndarray, options: Options, seed: int) -> tuple[np.ndarray, Place]:
    with _quiet():  # it remarks on TensorFlow, which it can do without
        from umap import UMAP

    model = UMAP(
        n_neighbors=min(options.n_neighbors, len(x) - 1),
        min_dist=options.min_dist,
        metric=options.metric,
        # a start from the graph's eigenvectors needs a graph that is large enough to have them
        init="spectral" if len(x) >= FEWEST_SPECTRAL else "random",
        random_state=seed % 2**32,
        n_jobs=1,
    )
    with _quiet(), _seeded_restarts(seed):
        xy = model.fit_transform(x).astype(np.float64)
    return xy, weighted(x, xy, options.n_neighbors, options.metric)


@contextlib.contextmanager
def _seeded_restarts(seed: int) -> Iterator[None]:
    """Seed what umap-learn leaves unseeded.

    Where groups of objects hang together by nothing, ARPACK may find its start to be an eigenvector
    and go on from one that it draws; both for the groups and for their places.
    """
    from scipy.sparse import linalg
    from sklearn.manifold import _spectral_embedding

    original = linalg.eigsh
    users = linalg, _spectral_embedding
    try:
        for module in users:
            module.eigsh = functools.partial(original, rng=seed)
        yield
    finally:
        for module in users:
            module.eigsh = original


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send umap-learn's remarks (one thread, a start at random, ...) to the log."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for message in sorted({str(w.message) for w in caught}):
        log.debug("umap-learn: %s", message)
