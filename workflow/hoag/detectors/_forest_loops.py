"""The loops of the extended isolation forest, compiled once and kept beside this file.

Where its folder can't be written to, numba keeps them in the user's cache (``NUMBA_CACHE_DIR``).
"""

import numpy as np
from numba import njit, prange

EULER = 0.5772156649
_BLOCK = 256  # rows that go through a tree together
# Sums in the order that suits the processor, several terms at a time: the order is the same for
# all rows and threads, and on all processors with vectors of the same length.
_compile = njit(parallel=True, cache=True, fastmath={"reassoc", "contract"})


@njit(cache=True)
def expected_path(n: int) -> float:
    """Mean path length of an unsuccessful search in a tree of n objects (the paper's c(n)).

    2 (ln(n - 1) + 0.5772156649) - 2 (n - 1) / n, and 0 for a single object.
    """
    return 2 * (np.log(n - 1) + EULER) - 2 * (n - 1) / n if n > 1 else 0.0


@njit(inline="always")
def _project(
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


@_compile
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
                lengths[tree, node] = depth[node] + expected_path(count)
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
            offset = _project(point, 0, axes, normals, tree, node)
            offsets[tree, node] = offset
            place, rest = low, 0
            for i in range(low, high):
                if _project(x, members[i], axes, normals, tree, node) < offset:
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


@_compile
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
                    right = _project(x, i, axes, normals, tree, node) >= offsets[tree, node]
                    nodes[i - low] = children[tree, node] + np.uint32(right)
            for i in range(low, high):
                out[i] += lengths[tree, nodes[i - low]]
    return out
