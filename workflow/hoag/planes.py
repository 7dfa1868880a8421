"""What a plane keeps of the neighbourhoods in the space that it shows (Venna & Kaski 2001)."""

from typing import TYPE_CHECKING

import numpy as np

from hoag.seeds import generator
from hoag.statistics import mean_interval

if TYPE_CHECKING:
    import pandas as pd

NEIGHBOURS = (5, 15, 50)
MAX_OBJECTS = 2_000  # fitted ones, and as many placed ones
_BLOCK = 500  # rows ranked at a time: bounds the memory


def neighbourhoods_kept(
    x: np.ndarray, xy: np.ndarray, k: int, *, metric: str = "euclidean"
) -> tuple[np.ndarray, np.ndarray]:
    """Trustworthiness and continuity, row by row.

    Parameters
    ----------
    x : (n, d) float
        Vectors, complete.
    xy : (n, 2) float
        Their places in the plane; Euclidean distances.
    k
        Nearest other rows that are a row's neighbourhood; below n / 2.
    metric
        Distance between vectors, one of scikit-learn's.

    Returns
    -------
    trustworthiness : (n,) float64
        1 where all neighbours in the plane are neighbours in the space too; lower by the ranks in
        the space of those that are not. Rows placed at random have about 1/2. The mean over rows
        is equation 1 of the paper, and scikit-learn's ``trustworthiness``.
    continuity : (n,) float64
        The same with the two spaces exchanged: 1 where the plane has torn no neighbourhood apart.

    Raises
    ------
    ValueError
        If ``k`` isn't below n / 2.
    """
    from sklearn.metrics import pairwise_distances

    n = len(x)
    if 2 * k >= n:
        raise ValueError(f"neighbourhoods: found {k} neighbours of {n} rows, allowed: below n / 2")
    share = 2.0 / (k * (2.0 * n - 3.0 * k - 1.0))
    kept = np.empty((2, n))
    for start in range(0, n, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n))
        ranks = [
            _ranks(pairwise_distances(space[rows], space, metric=m), rows)
            for space, m in ((x, metric), (xy, "euclidean"))
        ]
        for i, (there, here) in enumerate((ranks, ranks[::-1])):
            too_far = np.where((here > 0) & (here <= k), np.maximum(there - k, 0), 0)
            kept[i, rows] = 1.0 - share * too_far.sum(axis=1)
    return kept[0], kept[1]


def _ranks(distances: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rank of each distance in its row: 1 for the nearest other one, 0 for the row itself."""
    distances[np.arange(len(rows)), rows] = -1.0
    order = np.argsort(distances, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(distances.shape[1])[None], axis=1)
    return ranks


def judge(
    x: np.ndarray, xy: np.ndarray, fitted: np.ndarray, *, seed: int, metric: str = "euclidean"
) -> "pd.DataFrame":
    """Trustworthiness and continuity of fitted and of placed objects.

    Parameters
    ----------
    x, xy, metric
        As `neighbourhoods_kept`; rows without a finite vector and place are left out.
    fitted : (n,) bool
        Objects to which the plane was fitted; the others were placed afterwards.
    seed
        Draws at most 2,000 of either, and the bootstrap.

    Returns
    -------
    DataFrame
        Table ``embedding_quality``: a row for each of 5, 15 and 50 neighbours and of "fitted" and,
        where there are some, "placed": n_objects of them and n_sample drawn in all, trustworthiness
        and continuity with their 95 % interval (bootstrap over objects). The neighbours of either
        are looked for among all that were drawn. NaN where that is too few for the neighbours.
    """
    import pandas as pd

    complete = np.isfinite(x).all(axis=1) & np.isfinite(xy).all(axis=1)
    drawn = []
    for name, wanted in (("fitted", fitted), ("placed", ~fitted)):
        rows = generator(seed, "plane", name).permutation(np.flatnonzero(complete & wanted))
        drawn.append(np.sort(rows[:MAX_OBJECTS]))
    rows = np.concatenate(drawn)
    rng, found = generator(seed, "plane", "bootstrap"), []
    for k in NEIGHBOURS:
        kept = np.full((2, len(rows)), np.nan)
        if 2 * k < len(rows):
            kept = np.stack(neighbourhoods_kept(x[rows], xy[rows], k, metric=metric))
        for name, own in (("fitted", fitted[rows]), ("placed", ~fitted[rows])):
            if own.any() or name == "fitted":
                intervals = [*mean_interval(kept[0, own], rng), *mean_interval(kept[1, own], rng)]
                found.append((name, int(own.sum()), len(rows), k, *intervals))
    ends = ("", "_low", "_high")
    measures = [f"{m}{e}" for m in ("trustworthiness", "continuity") for e in ends]
    return pd.DataFrame(
        found, columns=["objects", "n_objects", "n_sample", "n_neighbours", *measures]
    )
