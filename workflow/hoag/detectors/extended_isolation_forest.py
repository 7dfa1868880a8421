"""Extended isolation forest (Hariri, Carrasco Kind & Brunner 2021, IEEE TKDE 33, 1479).

Branches cut along hyperplanes of random slope instead of parallel to an axis, so that no bands of
low score ("ghosts") reach out from the data. Compiled here; what is kept is the sample and the
seed, and scoring grows the same forest again.
"""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.detectors import isolation_forest
from hoag.detectors._rows import scorable
from hoag.options import ConfigError, option

TAKES = "vectors"
EULER = 0.5772156649
_CUTS = 2**23  # numbers of the cuts that are held at a time
_BLOCK = 256  # rows that go through a tree together


@dataclass(frozen=True)
class Options:
    """The forest."""

    n_trees: int = option(200, doc="Trees grown.", minimum=1)
    max_samples: int = option(256, doc="Objects drawn for each tree.", minimum=2)
    extension_level: int | None = option(
        None,
        doc="Coordinates that a cut leans on, less one: 0 cuts parallel to an axis, as the "
        "standard forest does; null: the number of columns less one, fully extended.",
        minimum=0,
    )
    max_fit: int = option(100_000, doc="Draw the trees' objects from at most this many.", minimum=1)


def check(options: Options, names: Sequence[Any]) -> None:
    """Raise `ConfigError` unless the extension level is below the number of columns."""
    level, most = options.extension_level, len(names) - 1
    if level is not None and level > most:
        raise ConfigError(
            f"extension_level: found {level}, allowed: 0..{most}, the number of columns less one"
        )


def fit(x: np.ndarray, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Draw the sample on which the trees grow; see `isolation_forest.fit`.

    Raises
    ------
    ConfigError
        If the extension level is not below the number of columns.
    """
    check(options, range(x.shape[1]))
    return isolation_forest.fit(x, options, seed)


def score(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Anomaly score of equation 1 of the paper, higher is more anomalous.

    Parameters
    ----------
    x : (n, d) float
        Rows with a NaN or an infinity score NaN.
    options, state
        As fitted.

    Returns
    -------
    (n,) float64
        2^(-mean path length / c(samples)), between 0 and 1. The same for any number of threads.

    Raises
    ------
    ValueError
        If ``x`` has another number of columns than the fit.
    """
    out = np.full(len(x), np.nan)
    rows = scorable(x, state["sample"])
    if rows.any():
        sample, chosen = state["sample"], x[rows].astype(np.float32)
        size = min(options.max_samples, len(sample))
        level = options.extension_level
        n_coordinates = sample.shape[1] if level is None else level + 1
        seed = int(state["seed"]) % 2**31
        grow, paths = _compiled()
        total = np.zeros(len(chosen))
        at_once = max(1, _CUTS // (2 * size * n_coordinates))
        for first in range(0, options.n_trees, at_once):
            trees = np.arange(first, min(first + at_once, options.n_trees))
            total += paths(chosen, *grow(sample, trees, size, n_coordinates, seed))
        unit = expected_path(size) or 1.0
        out[rows] = 2.0 ** (-total / options.n_trees / unit)
    return out


def expected_path(n: int) -> float:
    """Mean path length of an unsuccessful search in a tree of n objects (the paper's c(n)).

    2 (ln(n - 1) + 0.5772156649) - 2 (n - 1) / n, and 0 for a single object.
    """
    return 2 * (np.log(n - 1) + EULER) - 2 * (n - 1) / n if n > 1 else 0.0


@functools.cache
def _compiled() -> tuple[Callable, Callable]:
    """The two loops, compiled at the first call of a process."""
    import numba
    from numba import njit, prange

    threads = os.environ.get("OMP_NUM_THREADS", "")  # Snakemake says it of a job
    if threads.isdigit() and 0 < int(threads) < numba.get_num_threads():
        numba.set_num_threads(int(threads))
    path_of, project = njit(expected_path), njit(_projection, inline="always")

    def grow_forest(
        x: np.ndarray, trees: np.ndarray, size: int, n_coordinates: int, seed: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Cuts of all trees: coordinates and normals (tree, node, k), offsets, children, lengths.

        The left child is kept; the right one follows it. A leaf is its own left child, and its
        offset sends everything there.
        """
        n, d = x.shape
        limit = int(np.ceil(np.log2(size)))
        n_trees, n_nodes = len(trees), 2 ** (limit + 1) - 1
        axes = np.zeros((n_trees, n_nodes, n_coordinates), np.uint32)
        normals = np.zeros((n_trees, n_nodes, n_coordinates))
        offsets = np.full((n_trees, n_nodes), np.inf)
        children = np.zeros((n_trees, n_nodes), np.uint32)
        lengths = np.zeros((n_trees, n_nodes))
        for tree in prange(n_trees):
            np.random.seed((seed + 7919 * trees[tree]) % 2**31)
            members = np.random.permutation(n)[:size]
            spare = np.empty(size, np.int64)
            point = np.zeros((1, d))
            first, last = np.zeros(n_nodes, np.int64), np.zeros(n_nodes, np.int64)
            depth = np.zeros(n_nodes, np.int64)
            last[0], used, node = size, 1, 0
            while node < used:
                low, high = first[node], last[node]
                count = high - low
                if depth[node] >= limit or count <= 1:
                    children[tree, node] = node
                    lengths[tree, node] = depth[node] + path_of(count)
                    node += 1
                    continue
                chosen = np.random.permutation(d)[:n_coordinates]
                for k in range(n_coordinates):
                    j = chosen[k]
                    least, most = np.inf, -np.inf
                    for i in range(low, high):
                        value = np.float64(x[members[i], j])
                        least, most = min(least, value), max(most, value)
                    place = j if n_coordinates == d else k
                    axes[tree, node, place] = j
                    normals[tree, node, place] = np.random.normal()
                    point[0, j] = least + np.random.random() * (most - least)
                offset = project(point, 0, axes, normals, tree, node)
                offsets[tree, node] = offset
                place, rest = low, 0
                for i in range(low, high):
                    if project(x, members[i], axes, normals, tree, node) < offset:
                        members[place] = members[i]
                        place += 1
                    else:
                        spare[rest] = members[i]
                        rest += 1
                members[place:high] = spare[:rest]
                children[tree, node] = used
                first[used], last[used], depth[used] = low, place, depth[node] + 1
                first[used + 1], last[used + 1], depth[used + 1] = place, high, depth[node] + 1
                used += 2
                node += 1
        return axes, normals, offsets, children, lengths

    def path_lengths(
        x: np.ndarray,
        axes: np.ndarray,
        normals: np.ndarray,
        offsets: np.ndarray,
        children: np.ndarray,
        lengths: np.ndarray,
    ) -> np.ndarray:
        """Sum over the trees of each row's path length, (n,).

        A block of rows goes through one tree after the other, so that the tree stays in the cache;
        its rows take each step together and all take the same number of steps, so that the
        processor needn't wait or guess.
        """
        n_trees, n_nodes = offsets.shape
        limit = int(np.log2(n_nodes + 1)) - 1
        out = np.zeros(len(x))
        for block in prange(-(-len(x) // _BLOCK)):
            low, high = block * _BLOCK, min(len(x), (block + 1) * _BLOCK)
            nodes = np.empty(high - low, np.uint32)
            for tree in range(n_trees):
                nodes[:] = 0
                for _ in range(limit):
                    for i in range(low, high):
                        node = nodes[i - low]
                        right = project(x, i, axes, normals, tree, node) >= offsets[tree, node]
                        nodes[i - low] = children[tree, node] + np.uint32(right)
                for i in range(low, high):
                    out[i] += lengths[tree, nodes[i - low]]
        return out

    # Sums in the order that suits the processor, several terms at a time: the order is the same for
    # all rows and threads, and on all processors with vectors of the same length.
    compiled = njit(parallel=True, fastmath={"reassoc", "contract"})
    return compiled(grow_forest), compiled(path_lengths)


def _projection(
    x: np.ndarray, i: int, axes: np.ndarray, normals: np.ndarray, tree: int, node: int
) -> float:
    """Dot product of a row and a node's normal, whose coordinates are ``axes``, or all in order."""
    n = normals.shape[2]
    total = 0.0
    if n == x.shape[1]:
        for k in range(n):
            total += normals[tree, node, k] * x[i, k]
    else:
        for k in range(n):
            total += normals[tree, node, k] * x[i, axes[tree, node, k]]
    return total
