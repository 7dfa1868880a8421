"""Objects like one another: nearest and farthest neighbours, and more like a few examples.

An `Index` is made anew from the vectors of a feature space and a seed; none is kept on disk. Up to
`EXACT_ROWS` objects all distances are measured. Above that the nearest are looked for in an
inverted file (Jegou, Douze & Schmid 2011, IEEE TPAMI 33, 117; faiss), and what it finds is measured
again. The farthest are always exact, since no such structure finds them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.options import unknown
from hoag.seeds import fitted_rows, sequence
from hoag.vectors import complete, spread

DISTANCES = ("euclidean", "cosine")
EXACT_ROWS = 100_000  # above them the nearest are approximate
BLOCK = 8192  # rows measured at a time
FURTHER = 10  # times as many neighbours of each example are ranked as objects are wanted
VISITED = 1 / 8  # share of an inverted file's lists that a search visits
LEARNED_PER_LIST = 40  # objects drawn for each list, from which the lists' centres are learned
ITERATIONS = 10  # of k-means


@dataclass(frozen=True)
class Index:
    """The objects of a feature space, ready to be asked.

    Attributes
    ----------
    object_ids : (n,) object
        Those whose vectors are complete.
    vectors : (n, d) float32
        Scaled as the distance asks for.
    scale : (d,) float64
        What the columns have been divided by.
    distance
        "euclidean" or "cosine".
    places
        Row of each object.
    lists
        faiss's inverted file, or None where all distances are measured.
    """

    object_ids: np.ndarray
    vectors: np.ndarray
    scale: np.ndarray
    distance: str
    places: dict[str, int]
    lists: Any


@dataclass(frozen=True)
class Found:
    """Objects in the order in which they were asked for.

    Attributes
    ----------
    object_ids : (k,) object
        Identifiers.
    distances : (k,) float64
        From the query, or from the nearest example: in the units of the vectors (of standard
        deviations where they are standardised), or 1 - cosine, 0 to 2.
    """

    object_ids: np.ndarray
    distances: np.ndarray


def build_index(
    object_ids: Sequence[str],
    x: np.ndarray,
    *,
    distance: str = "euclidean",
    standardise: bool = False,
    exact_rows: int = EXACT_ROWS,
    seed: int,
) -> Index:
    """Make the objects of a feature space ready to be asked.

    Parameters
    ----------
    object_ids : (n,) text
        Identifiers, each once.
    x : (n, d) float
        Vectors. Rows with a NaN or an infinity are left out and, for the cosine, those of length
        zero, which point nowhere.
    distance
        "euclidean", or "cosine" for 1 minus the cosine of the angle at the origin.
    standardise
        Divide each column by its standard deviation first, as the nearest neighbours detector does.
    exact_rows
        Measure all distances up to this many objects.
    seed
        Draws the objects from which the inverted file learns.

    Raises
    ------
    ValueError
        For another distance, or ids and rows that don't match.
    """
    if distance not in DISTANCES:
        raise ValueError(unknown("distance", distance, DISTANCES))
    ids = np.asarray(object_ids, dtype=object)
    if len(ids) != len(x) or len(set(ids)) != len(ids):
        raise ValueError(f"found {len(set(ids))} different ids, allowed: one for each of {len(x)}")
    kept = complete(x)
    scale = spread(x[kept]) if standardise else np.ones(x.shape[1])
    vectors = _prepared(x[kept], scale, distance)
    pointing = complete(vectors)
    ids, vectors = ids[kept][pointing], np.ascontiguousarray(vectors[pointing])
    lists = _inverted_file(vectors, seed) if len(vectors) > exact_rows else None
    places = {name: row for row, name in enumerate(ids)}
    return Index(ids, vectors, scale, distance, places, lists)


def neighbours(index: Index, query: str | np.ndarray, n: int, *, farthest: bool = False) -> Found:
    """The nearest objects to one, the nearest first; or the farthest, the farthest first.

    Parameters
    ----------
    index
        Of `build_index`.
    query
        An object of the index, which is not its own neighbour, or any vector (d,) in the units of
        the feature space.
    n
        Objects wanted; fewer where there are fewer.
    farthest
        The other end.

    Returns
    -------
    Found
        Equal distances in the order of the ids.

    Raises
    ------
    ValueError
        If the object has no complete vector, or the vector isn't complete, points nowhere, or has
        another number of columns.
    """
    own = _place(index, query) if isinstance(query, str) else None
    vector = _prepared_query(index, query) if own is None else index.vectors[own]
    rows, distances = _search(index, vector, n, farthest=farthest, leave_out=own)
    return Found(index.object_ids[rows], distances)


def more_like(
    index: Index, examples: Sequence[str], n: int, *, unlike: Sequence[str] = ()
) -> Found:
    """More objects like some examples and, if given, not like some counter-examples.

    Parameters
    ----------
    index
        Of `build_index`.
    examples, unlike
        Identifiers. None of these objects is among those found.
    n
        Objects wanted; fewer where there are fewer.

    Returns
    -------
    Found
        In the order of the best rank r that an object has among the nearest of any example: the
        examples propose their nearest in turn, so that one in a dense place doesn't drown the
        others. With counter-examples the order is that of r / s, with s = 1 / (1 + d+ / d-) and
        the distances d+ to the nearest example and d- to the nearest counter-example (relevance
        score of Giacinto & Roli 2004, NIPS 17, eq. 1): an object at a counter-example comes last.
        Equal values are in the order of d+, then of the ids. Of each example the ``10 n`` nearest
        are looked at.

    Raises
    ------
    ValueError
        Without examples, if an object is both, or if one has no complete vector.
    """
    good, bad = ([_place(index, i) for i in ids] for ids in (examples, unlike))
    if not good or set(good) & set(bad):
        raise ValueError(
            f"found {len(good)} examples, {len(set(good) & set(bad))} of them counter-examples "
            "too, allowed: at least one, none of them both"
        )
    judged = sorted({*good, *bad})
    best: dict[int, int] = {}
    for place in good:
        near, _ = _search(index, index.vectors[place], FURTHER * n + len(judged))
        proposed = near[~np.isin(near, judged)]
        for rank, row in enumerate(proposed.tolist(), start=1):
            best[row] = min(rank, best.get(row, rank))
    rows = np.fromiter(best, np.int64)
    order = np.fromiter(best.values(), float)
    to_good = _from_nearest(index, rows, good)
    if bad:
        to_bad = _from_nearest(index, rows, bad)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(to_good == to_bad, 1.0, to_good / to_bad)  # 0 / 0 is as near to either
        order = order * (1 + ratio)
    chosen = np.lexsort((index.object_ids[rows].astype(str), to_good, order))[:n]
    return Found(index.object_ids[rows[chosen]], to_good[chosen])


def _prepared(x: np.ndarray, scale: np.ndarray, distance: str) -> np.ndarray:
    """Rows as they are compared, float32; NaN for one without a direction, if that is compared."""
    scaled = x / scale
    if distance == "cosine":
        with np.errstate(invalid="ignore"):
            scaled = scaled / np.sqrt(np.square(scaled).sum(axis=1, keepdims=True))
    return scaled.astype(np.float32)


def _prepared_query(index: Index, vector: np.ndarray) -> np.ndarray:
    vector = np.asarray(vector, dtype=np.float32)
    if vector.shape != index.scale.shape:
        raise ValueError(f"found a vector {vector.shape}, allowed: {index.scale.shape}")
    prepared = _prepared(vector[None], index.scale, index.distance)[0]
    if not np.isfinite(prepared).all():
        raise ValueError("found a vector with a NaN or without a direction, allowed: neither")
    return prepared


def _place(index: Index, object_id: str) -> int:
    if object_id not in index.places:
        raise ValueError(
            f"found object {object_id!r}, allowed: any of the {len(index.places)} objects that "
            "have a complete vector"
        )
    return index.places[object_id]


def _search(
    index: Index,
    vector: np.ndarray,
    n: int,
    *,
    farthest: bool = False,
    leave_out: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and distances of the n nearest or farthest of a prepared vector, in order."""
    rows = None
    if index.lists is not None and not farthest:
        _, found = index.lists.search(vector[None], n + 1)
        rows = found[0][found[0] >= 0]
        if len(rows) <= n:  # the lists that were visited hold too few
            rows = None
    rows = np.arange(len(index.vectors)) if rows is None else rows
    rows = rows[rows != leave_out] if leave_out is not None else rows
    distances = _measured(index, vector, rows)
    sign = -1 if farthest else 1
    if len(rows) > n > 0:
        last = np.partition(sign * distances, n - 1)[n - 1]
        near = sign * distances <= last
        rows, distances = rows[near], distances[near]
    order = np.lexsort((index.object_ids[rows].astype(str), sign * distances))[:n]
    return rows[order], distances[order]


def _measured(index: Index, vector: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Distances of some rows from a prepared vector, (k,) float64."""
    from scipy.spatial.distance import cdist

    out = np.empty(len(rows))
    own = vector[None].astype(np.float64)
    for start in range(0, len(rows), BLOCK):
        part = slice(start, start + BLOCK)
        out[part] = cdist(own, index.vectors[rows[part]])[0]
    # between unit vectors |a - b|^2 = 2 (1 - cos), without the rounding of 1 - cos
    return out**2 / 2 if index.distance == "cosine" else out


def _from_nearest(index: Index, rows: np.ndarray, places: list[int]) -> np.ndarray:
    """Distances of some rows from the nearest of some objects."""
    return np.min([_measured(index, index.vectors[p], rows) for p in places], axis=0)


def _inverted_file(vectors: np.ndarray, seed: int) -> Any:
    """Lists of the objects around each of sqrt(n) centres."""
    import faiss

    n, d = vectors.shape
    n_lists = round(n**0.5)
    lists = faiss.IndexIVFFlat(faiss.IndexFlatL2(d), d, n_lists)
    lists.cp.niter, lists.cp.seed = ITERATIONS, sequence(seed, "lists") % 2**31
    lists.nprobe = max(1, round(VISITED * n_lists))
    lists.train(vectors[fitted_rows(n, LEARNED_PER_LIST * n_lists, seed)])
    lists.add(vectors)
    return lists
