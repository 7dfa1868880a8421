"""Intervals, neighbour statistics and measures of generated samples."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 4_000_000  # distances held at a time: bounds the memory


def _percentiles(samples: Sequence[float]) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles of the samples in which the statistic is defined."""
    defined = np.asarray(samples, dtype=float)
    defined = defined[~np.isnan(defined)]
    if not len(defined):
        return np.nan, np.nan
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of two arrays (n,), over the pairs without NaN.

    Ties get their mean rank. 1 or -1 for a strictly rising or falling relation; NaN where fewer
    than two pairs remain or either side is constant.
    """
    from scipy.stats import spearmanr

    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    kept = ~(np.isnan(a) | np.isnan(b))
    a, b = a[kept], b[kept]
    if len(a) < 2 or (a == a[0]).all() or (b == b[0]).all():
        return np.nan
    return float(spearmanr(a, b).statistic)


def neighbour_prediction(
    codes: Mapping[str, np.ndarray],
    scores: np.ndarray,
    *,
    seed: int,
    n_neighbours: int = 10,
    n_bootstrap: int = 200,
    max_objects: int = 5000,
) -> "pd.DataFrame":
    """How well an object's score is predicted by its nearest neighbours, space by space.

    Parameters
    ----------
    codes
        Name of a space -> its codes, (n, d), rows in the order of ``scores``; Euclidean distances
        in these units, nothing is rescaled.
    scores
        Shape (n,). Objects with a NaN in any code or in the score are left out.
    seed
        Fixes the subsample and the bootstrap.
    n_neighbours
        Neighbours that predict, the object itself excluded.
    n_bootstrap
        Bootstrap samples of objects for the intervals.
    max_objects
        A larger set is cut to a random subsample of this size.

    Returns
    -------
    DataFrame
        One row a space: features, n_objects, spearman, low, high (Spearman's rho between the rank
        of an object's score and the mean rank of its neighbours', leave-one-out, with the 95 %
        percentile interval), difference, difference_low, difference_high (rho of the first space
        minus that of this one, over the same bootstrap samples). 0: neighbours say nothing; 1:
        they give the order exactly. NaN where too few objects remain or all scores are equal.

    Notes
    -----
    The bootstrap resamples objects with their predictions; neighbours are found once.
    """
    import pandas as pd
    from scipy.stats import rankdata

    rng = np.random.default_rng(seed)
    scores = np.asarray(scores, dtype=float)
    complete = [np.isfinite(x).all(axis=1) for x in codes.values()]
    kept = np.flatnonzero(np.logical_and.reduce([~np.isnan(scores), *complete]))
    if len(kept) > max_objects:
        kept = np.sort(rng.choice(kept, max_objects, replace=False))
    n, truth = len(kept), rankdata(scores[kept])
    samples = [rng.integers(0, n, n) for _ in range(n_bootstrap)] if n else []
    rows, first = [], None
    for name, x in codes.items():
        rhos = np.full(1 + len(samples), np.nan)  # of all objects, then of each sample
        if n > max(n_neighbours, 2):
            near = _neighbours(np.asarray(x[kept], dtype=float), n_neighbours)
            prediction = truth[near].mean(axis=1)
            rhos = np.array([spearman(prediction[s], truth[s]) for s in (slice(None), *samples)])
        first = rhos if first is None else first
        found = (rhos[0], *_percentiles(rhos[1:]))
        less = (first[0] - rhos[0], *_percentiles(first[1:] - rhos[1:]))
        rows.append((name, n, *found, *less))
    ends = ("difference", "difference_low", "difference_high")
    return pd.DataFrame(rows, columns=["features", "n_objects", "spearman", "low", "high", *ends])


def _neighbours(x: np.ndarray, k: int) -> np.ndarray:
    """Find the indices (n, k) of the k nearest other rows."""
    from sklearn.neighbors import NearestNeighbors

    # a tree computes each distance by itself, so that no thread or block size changes an order
    return NearestNeighbors(n_neighbors=k, algorithm="kd_tree").fit(x).kneighbors()[1]


def nearest_neighbour_purity(
    codes: np.ndarray,
    labels: np.ndarray,
    *,
    seed: int,
    n_neighbours: int = 5,
    n_bootstrap: int = 500,
    n_permutations: int = 500,
) -> "pd.DataFrame":
    """Share of an object's nearest neighbours that carry its label, per label, against chance.

    Parameters
    ----------
    codes
        Shape (n, d). Each column is scaled to unit standard deviation first; constant ones drop
        out.
    labels
        Shape (n,), text or null. Objects without label, or with NaN in the code, are left out.
    seed
        Fixes bootstrap and permutations.
    n_neighbours
        Neighbours of each object, itself excluded.
    n_bootstrap
        Samples of the label's objects for the interval.
    n_permutations
        Random deals of the labels to the objects for the chance level.

    Returns
    -------
    DataFrame
        One row per label, sorted: label, n_objects, purity (mean share over the label's objects),
        low, high (95 % percentile bootstrap), chance (mean over permutations), chance_high (their
        97.5 percentile), p_value (one-sided, (1 + permutations at least as pure) / (1 + all)).

    Raises
    ------
    ValueError
        If no more than ``n_neighbours`` objects remain.

    Notes
    -----
    A label with c <= n_neighbours objects can't reach 1: at most (c - 1) / n_neighbours.
    """
    import pandas as pd

    codes = np.asarray(codes, dtype=float).reshape(len(labels), -1)
    labels = pd.Series(labels).reset_index(drop=True)
    kept = labels.notna().to_numpy() & np.isfinite(codes).all(axis=1)
    if kept.sum() <= n_neighbours:
        raise ValueError(
            f"purity: found {kept.sum()} labelled objects, allowed: more than {n_neighbours}"
        )
    names, label = np.unique(labels[kept].to_numpy(dtype=str), return_inverse=True)
    neighbours = _neighbours(_standardised(codes[kept]), n_neighbours)
    n_objects = np.bincount(label)
    matches = _matches(label, neighbours)
    rng = np.random.default_rng(seed)
    # whole matches are counted, so that an exact tie with chance is seen as one
    found = np.bincount(label, weights=matches)
    dealt = np.empty((n_permutations, len(names)))
    for row in dealt:
        permuted = rng.permutation(label)
        row[:] = np.bincount(permuted, weights=_matches(permuted, neighbours))
    share = 1.0 / (n_objects * n_neighbours)
    intervals = [
        _mean_interval(matches[label == i] / n_neighbours, n_bootstrap, rng)
        for i in range(len(names))
    ]
    return pd.DataFrame(
        {
            "label": names.astype(object),
            "n_objects": n_objects,
            "purity": found * share,
            "low": [low for low, _ in intervals],
            "high": [high for _, high in intervals],
            "chance": dealt.mean(axis=0) * share,
            "chance_high": np.percentile(dealt, 97.5, axis=0) * share,
            "p_value": (1 + (dealt >= found).sum(axis=0)) / (1 + n_permutations),
        }
    )


def _matches(label: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    return (label[neighbours] == label[:, None]).sum(axis=1)


def _standardised(x: np.ndarray) -> np.ndarray:
    varies = np.ptp(x, axis=0) > 0
    # with no column left all objects coincide: one column of zeros says the same
    return x[:, varies] / x[:, varies].std(axis=0) if varies.any() else np.zeros((len(x), 1))


def _mean_interval(
    values: np.ndarray, n_bootstrap: int, rng: np.random.Generator
) -> tuple[float, float]:
    n = len(values)
    return _percentiles([values[rng.integers(0, n, n)].mean() for _ in range(n_bootstrap)])


def mean_interval(
    values: np.ndarray, rng: np.random.Generator, *, n_bootstrap: int = 2000
) -> tuple[float, float, float]:
    """Mean, and its 95 % percentile interval over bootstrap samples; NaN without values.

    Parameters
    ----------
    values : (n,)
        One for each trial or training; n samples of n are held in memory at a time.
    rng
        Draws the samples.
    n_bootstrap
        Number of samples.
    """
    if not len(values):
        return np.nan, np.nan, np.nan
    samples = values[rng.integers(0, len(values), (n_bootstrap, len(values)))].mean(axis=1)
    low, high = np.percentile(samples, [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def density_coverage(real: np.ndarray, fake: np.ndarray, *, k: int = 5) -> tuple[float, float]:
    """Density and coverage of generated samples against real ones (Naeem et al. 2020).

    Parameters
    ----------
    real, fake
        Shapes (n, d) and (m, d), n > k. Rows with NaN or infinity are left out.
    k
        The ball of a real sample reaches to its k-th nearest other real sample.

    Returns
    -------
    density
        Mean over fake samples of the number of real samples' balls that hold it, over k. About 1
        for equal distributions, above where the fakes crowd in dense regions, 0 far away.
    coverage
        Share of the real samples with a fake one in their ball. From 0 to 1; low when
        modes are missing.

    Raises
    ------
    ValueError
        If either set is too small.

    Notes
    -----
    Both definitions stand in section 3 of the paper (ICML 2020, arXiv:2002.09797). For equal
    distributions the expected coverage is 1 - prod_{i=1..k} (n - i) / (n + m - i): it depends on
    both sizes, so compare sets of equal size.
    """
    real, fake = _finite_rows(real), _finite_rows(fake)
    if len(real) <= k or not len(fake):
        raise ValueError(
            f"density and coverage: found {len(real)} real and {len(fake)} generated samples, "
            f"allowed: more than {k} real and at least 1 generated"
        )
    centre = real.mean(axis=0)  # rounding of the distances grows with the distance from zero
    real, fake = real - centre, fake - centre
    n_inside, n_covered = 0, 0
    for rows in _blocks(len(real), len(real) + len(fake)):
        radius = _kth_distance(real, rows, k)
        inside = _distances(real[rows], fake) <= radius[:, None]
        n_inside += int(inside.sum())
        n_covered += int(inside.any(axis=1).sum())
    return n_inside / (k * len(fake)), n_covered / len(real)


def _kth_distance(x: np.ndarray, rows: slice, k: int) -> np.ndarray:
    distances = _distances(x[rows], x)
    own = np.arange(rows.start, rows.stop)
    distances[np.arange(len(own)), own] = np.inf
    return np.partition(distances, k - 1, axis=1)[:, k - 1]


def diversity(x: np.ndarray, *, seed: int, max_objects: int = 1000) -> float:
    """Mean Euclidean distance between two different rows; near 0 when samples collapse.

    Parameters
    ----------
    x
        Shape (n, d). Rows with NaN or infinity are left out.
    seed
        Fixes the subsample.
    max_objects
        A larger set is cut to a random subsample of this size.

    Returns
    -------
    float
        NaN for fewer than two rows.
    """
    x = _finite_rows(x)
    if len(x) > max_objects:
        rng = np.random.default_rng(seed)
        x = x[np.sort(rng.choice(len(x), max_objects, replace=False))]
    n = len(x)
    if n < 2:
        return np.nan
    x = x - x.mean(axis=0)
    total = 0.0
    for rows in _blocks(n, n):
        distances = _distances(x[rows], x)
        own = np.arange(rows.start, rows.stop)
        distances[np.arange(len(own)), own] = 0.0
        total += float(distances.sum())
    return total / (n * (n - 1))


def _finite_rows(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, dtype=np.float64)
    x = x.reshape(len(x), -1)
    return x[np.isfinite(x).all(axis=1)]


def _blocks(n_rows: int, n_columns: int) -> list[slice]:
    step = max(1, _BLOCK // max(1, n_columns))
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    from sklearn.metrics import euclidean_distances

    return euclidean_distances(a, b)
