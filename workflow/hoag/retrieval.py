"""Does one example find the others of its label? Mean average precision, space by space."""

from typing import TYPE_CHECKING

import numpy as np

from hoag.similarity import Index, build_index

if TYPE_CHECKING:
    import pandas as pd

BLOCK = 256  # objects whose rankings are made at a time


def average_precision(ranks: np.ndarray) -> np.ndarray:
    """Mean of the precisions at the places of the objects that were looked for (AP), (q,).

    Parameters
    ----------
    ranks : (q, k) int
        Places of the k objects in each of q rankings, from 1, in any order. 1 where they are the
        first k.
    """
    return _mean_precision(np.sort(ranks, axis=1))


def chance(n_wanted: int, n_objects: int) -> float:
    """Expected average precision of ``n_wanted`` among ``n_objects`` in a random order.

    The object at place k is one of the R wanted among N with probability R / N; it then has
    (k - 1)(R - 1) / (N - 1) of them before it, on average. Summed over the places.
    """
    harmonic = (1 / np.arange(1, n_objects + 1)).sum()
    share = (n_wanted - 1) / (n_objects - 1) if n_objects > 1 else 0.0
    return float((harmonic + (n_objects - harmonic) * share) / n_objects)


def from_one_example(
    codes: np.ndarray,
    labels: np.ndarray,
    *,
    distance: str = "euclidean",
    seed: int,
    n_bootstrap: int = 500,
    n_random: int = 200,
    max_objects: int = 5000,
    max_queries: int = 500,
) -> "pd.DataFrame":
    """Each object of a label in turn is the one example, all other objects are ranked.

    Parameters
    ----------
    codes : (n, d) float
        Vectors; nothing is rescaled, as in a search without ``standardise``.
    labels : (n,) text or null
        Objects without a label, or with an incomplete vector, are left out.
    distance
        "euclidean" or "cosine".
    seed
        Draws what is drawn.
    n_bootstrap
        Samples of the queries for the interval.
    n_random
        Random sets of as many objects for the chance level.
    max_objects, max_queries
        Larger sets, and labels, are cut to a random subsample of this size.

    Returns
    -------
    DataFrame
        One row for each label of two objects or more, sorted: label, n_objects, mean_precision
        (mean over the queries of the average precision at which the others are found), low, high
        (95 % percentile bootstrap over the queries), chance (expected in a random order) and
        chance_high (97.5 percentile of the mean over random sets of objects in place of the label,
        in this space).
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    labels = pd.Series(labels).reset_index(drop=True)
    kept = np.flatnonzero(labels.notna().to_numpy())
    if len(kept) > max_objects:
        kept = rng.choice(kept, max_objects, replace=False)
    kept = rng.permutation(kept)  # equal distances keep this order, which says nothing
    names = np.arange(len(kept)).astype(str)
    index = build_index(names, codes[kept], distance=distance, seed=seed)
    label = labels.to_numpy(dtype=object)[kept[index.object_ids.astype(int)]]
    ranks = _all_ranks(index)
    rows = []
    for name in sorted(set(label)):
        members = np.flatnonzero(label == name)
        if len(members) < 2:
            continue
        found = _found(ranks, members, max_queries, rng)
        drawn = rng.integers(0, len(found), (n_bootstrap, len(found)))
        sets = (rng.choice(len(label), len(members), replace=False) for _ in range(n_random))
        random = [_found(ranks, s, max_queries, rng).mean() for s in sets]
        interval = np.percentile(found[drawn].mean(axis=1), [2.5, 97.5])
        expected = chance(len(members) - 1, len(label) - 1)
        rows.append(
            (name, len(members), found.mean(), *interval, expected, np.percentile(random, 97.5))
        )
    columns = ["label", "n_objects", "mean_precision", "low", "high", "chance", "chance_high"]
    return pd.DataFrame(rows, columns=columns)


def _all_ranks(index: Index) -> np.ndarray:
    """Place of each object (column) in the ranking by likeness to each (row), 0 for itself."""
    from scipy.spatial.distance import cdist

    n = len(index.vectors)
    ranks = np.empty((n, n), np.min_scalar_type(n))
    places = np.arange(n, dtype=ranks.dtype)
    for start in range(0, n, BLOCK):
        # between unit vectors straight distances have the order of the angles
        distances = cdist(index.vectors[start : start + BLOCK], index.vectors)
        rows = np.arange(len(distances))
        distances[rows, start + rows] = -1.0  # before its copies
        order = distances.argsort(axis=1, kind="stable")
        np.put_along_axis(ranks[start : start + BLOCK], order, places[None], axis=1)
    return ranks


def _found(
    ranks: np.ndarray, members: np.ndarray, max_queries: int, rng: np.random.Generator
) -> np.ndarray:
    """Average precision at which members find the others, one for each member that asks."""
    asked = members
    if len(members) > max_queries:
        asked = rng.choice(members, max_queries, replace=False)
    own = np.sort(ranks[asked][:, members], axis=1)
    return _mean_precision(own[:, 1:])  # without itself


def _mean_precision(places: np.ndarray) -> np.ndarray:
    """Average precision of places (q, k) in rising order, (q,)."""
    return (np.arange(1, places.shape[1] + 1) / places).mean(axis=1)
