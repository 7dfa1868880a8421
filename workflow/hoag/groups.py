"""Groups in the plane: found by density, shown by their typical members, summed up in a table."""

import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hoag.seeds import fitted_rows

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
NO_GROUP = -1
MEDOID_SAMPLE = 2_000  # members of a large group among which its medoid is looked for
FEWEST = 2  # HDBSCAN's own lower limit of a group


def find_groups(xy: np.ndarray, *, min_size: int, max_fit: int = 20_000, seed: int) -> np.ndarray:
    """Group points by HDBSCAN (Campello, Moulavi & Sander 2013), scikit-learn's.

    Parameters
    ----------
    xy : (n, 2) float
        Positions; a row with a NaN belongs to no group.
    min_size
        Fewest points that count as a group; at least 2.
    max_fit
        HDBSCAN sees at most this many points, drawn at random, and looks for groups that are
        smaller in proportion. Each other point joins the group of its nearest neighbour among
        them, if it is no farther from it than twice the distance within which 95 % of that
        group's members have their nearest fellow.
    seed
        Draws the points.

    Returns
    -------
    (n,) int64
        0 for the largest group, 1 for the next, ...; -1 for points in none.

    Raises
    ------
    ValueError
        For a ``min_size`` below 2.
    """
    if min_size < FEWEST:
        raise ValueError(f"min_size: found {min_size}, allowed: {FEWEST} or more")
    group = np.full(len(xy), NO_GROUP, np.int64)
    placed = np.flatnonzero(np.isfinite(xy).all(axis=1))
    fitted = placed[fitted_rows(len(placed), max_fit, seed)]
    share = len(fitted) / max(len(placed), 1)
    group[fitted] = _hdbscan(xy[fitted], max(FEWEST, round(min_size * share)))
    rest = np.setdiff1d(placed, fitted)
    if len(rest):
        group[rest] = _nearest_group(xy[rest], xy[fitted], group[fitted])
    return _by_size(group, min_size)


def _hdbscan(xy: np.ndarray, min_size: int) -> np.ndarray:
    from sklearn.cluster import HDBSCAN

    if len(xy) < min_size:
        return np.full(len(xy), NO_GROUP)
    # groups at one place are infinitely dense: their ratios are undefined, their labels aren't
    with np.errstate(divide="ignore", invalid="ignore"):
        labels = HDBSCAN(min_cluster_size=min_size, copy=True).fit(xy).labels_
    return np.maximum(labels, NO_GROUP)


def _nearest_group(xy: np.ndarray, fitted: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Group of the nearest fitted point, where that is within the group's own spacing."""
    from scipy.spatial import cKDTree

    n_groups = group.max(initial=NO_GROUP) + 1
    reach = np.zeros(n_groups + 1)  # the last place is that of -1, which nobody joins
    for g in range(n_groups):
        members = fitted[group == g]
        reach[g] = 2 * np.quantile(cKDTree(members).query(members, k=2)[0][:, 1], 0.95)
    distance, nearest = cKDTree(fitted).query(xy)
    return np.where(distance <= reach[group[nearest]], group[nearest], NO_GROUP)


def _by_size(group: np.ndarray, min_size: int) -> np.ndarray:
    """Number the groups from the largest on; of equal ones, that with the earliest row first."""
    found, first, sizes = np.unique(group, return_index=True, return_counts=True)
    out = np.full(len(group), NO_GROUP, np.int64)
    kept = np.flatnonzero((found != NO_GROUP) & (sizes >= min_size))
    for number, place in enumerate(kept[np.lexsort((first[kept], -sizes[kept]))]):
        out[group == found[place]] = number
    return out


def typical_members(xy: np.ndarray, group: np.ndarray, n: int) -> np.ndarray:
    """Rows that show what each group is like: those nearest to its medoid.

    Parameters
    ----------
    xy : (n_points, 2) float
        Positions.
    group : (n_points,) int
        Group of each point, -1 for none.
    n
        Members wanted of each group; fewer where it is smaller.

    Returns
    -------
    (k,) int64
        Row numbers: group 0's from the medoid outwards, then group 1's, ... The medoid is the
        member with the least summed distance to the others; of a group beyond 2,000 it is looked
        for, and measured, among as many evenly spaced ones.
    """
    rows = [_around_medoid(xy, np.flatnonzero(group == g))[:n] for g in _numbers(group)]
    return np.concatenate([np.empty(0, np.int64), *rows])


def _numbers(group: np.ndarray) -> list[int]:
    return [int(g) for g in np.unique(group) if g != NO_GROUP]


def _around_medoid(xy: np.ndarray, members: np.ndarray) -> np.ndarray:
    """The members, from the group's medoid outwards."""
    from scipy.spatial.distance import cdist

    step = -(-len(members) // MEDOID_SAMPLE)
    some = xy[members[::step]]
    medoid = some[cdist(some, some).sum(axis=1).argmin()]
    return members[np.argsort(np.hypot(*(xy[members] - medoid).T), kind="stable")]


def summarise(
    object_ids: Sequence[str],
    group: np.ndarray,
    sigma: np.ndarray,
    labels: Sequence[str | None] | None,
    xy: np.ndarray,
    n_typical: int,
) -> "pd.DataFrame":
    """One row for each group, by the table schema ``groups``.

    Parameters
    ----------
    object_ids : (n,) text
        Identifiers.
    group : (n,) int
        From `find_groups`.
    sigma : (n,) float
        Anomaly scores in standard deviations; NaN is left out of the median.
    labels : (n,) text or null, or None
        Known classes, where there are any.
    xy : (n, 2) float
        Positions, for the typical members.
    n_typical
        Typical members listed for each group.

    Returns
    -------
    DataFrame
        Columns group, n_objects, median_sigma, commonest_label (null in a group without labels;
        of equally common ones the alphabetically first), share_of_commonest (of the labelled
        members; NaN without any) and typical_members (identifiers, as a JSON list). The
        points in no group come last, as group -1 without typical members.
    """
    import pandas as pd

    ids = np.asarray(object_ids, dtype=object)
    known = pd.Series([None] * len(ids) if labels is None else list(labels), dtype=object)
    typical = typical_members(xy, group, n_typical)
    rows = []
    for g in [*_numbers(group), *([NO_GROUP] if (group == NO_GROUP).any() else [])]:
        members = group == g
        scores = sigma[members & np.isfinite(sigma)]
        label, share = _commonest(known[members])
        rows.append(
            {
                "group": g,
                "n_objects": int(members.sum()),
                "median_sigma": float(np.median(scores)) if len(scores) else np.nan,
                "commonest_label": label,
                "share_of_commonest": share,
                "typical_members": json.dumps(ids[typical[group[typical] == g]].tolist()),
            }
        )
    columns = ("group", "n_objects", "median_sigma", "commonest_label", "share_of_commonest")
    return pd.DataFrame(rows, columns=[*columns, "typical_members"])


def _commonest(labels: "pd.Series") -> tuple[str | None, float]:
    counts = labels.dropna().value_counts()
    if counts.empty:
        return None, np.nan
    label = min(counts.index[counts == counts.max()])
    return label, float(counts[label] / counts.sum())
