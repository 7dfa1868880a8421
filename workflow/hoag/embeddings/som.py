"""Self-organising map (Kohonen 1982), in its batch form (Kohonen 2013), which draws nothing.

A lattice of units, each with a vector of its own, is bent through the objects; an object lies at
the unit whose vector is most like its own.
"""

from dataclasses import dataclass

import numpy as np

from hoag.embeddings._plane import Place, components, on_plane
from hoag.options import option

FIRST_RADIUS = 0.25  # of the longer side
LAST_RADIUS = 0.7  # units
_INSIDE = 0.5 * (1 - 1e-5)  # of a unit's square: where the tangent is 1, too, none is next door
CHUNK = 20_000  # rows measured at a time: bounds the memory


@dataclass(frozen=True)
class Options:
    """The lattice, and how long it is bent."""

    columns: int = option(30, doc="Units along the first coordinate.", minimum=2)
    rows: int = option(24, doc="Units along the second coordinate.", minimum=2)
    passes: int = option(30, doc="Passes over the objects while neighbourhoods shrink.", minimum=2)
    standardise: bool = option(
        False, doc="Centre each column and divide it by its standard deviation first."
    )


def lattice(options: Options) -> tuple[int, int]:
    """Units along the two coordinates of the plane."""
    return options.columns, options.rows


def embed(x: np.ndarray, fit_rows: np.ndarray, options: Options, seed: int) -> np.ndarray:
    """Place vectors in the plane; as `hoag.embeddings._plane.on_plane`.

    Unit (i, j) of the lattice is the square of side 1 around x = i, y = j. Where in the square an
    object lies is said by its own vector: the difference from the unit's, in steps s along the
    lattice's own directions there (least squares), becomes tanh(2 s) / 2, which is close to s
    around the centre and never leaves the square. ``seed`` isn't used: nothing is drawn.
    """
    return on_plane(x, fit_rows, options.standardise, lambda rows: _fit(rows, options))


def _fit(x: np.ndarray, options: Options) -> tuple[np.ndarray, Place]:
    x = x.astype(np.float64)
    units = _first_units(x, options)
    n_last = max(options.passes - 1, 1)
    first = max(FIRST_RADIUS * max(options.columns, options.rows), LAST_RADIUS)
    for i in range(options.passes):
        radius = first * (LAST_RADIUS / first) ** (i / n_last)
        units = _bent(x, units, radius)
    directions = _directions(units)

    def place(rows: np.ndarray) -> np.ndarray:
        parts = (rows[i : i + CHUNK].astype(np.float64) for i in range(0, len(rows), CHUNK))
        return np.concatenate([_positions(part, units, directions) for part in parts])

    return place(x), place


def _first_units(x: np.ndarray, options: Options) -> np.ndarray:
    """Vectors (columns, rows, d) of a flat lattice over two standard deviations of the first two
    principal components, to either side."""
    xy, _ = components(x)
    axes = np.linalg.lstsq(xy, x - x.mean(axis=0), rcond=None)[0]
    a, b = (
        2 * spread * np.linspace(-1, 1, n)
        for spread, n in zip(xy.std(axis=0), (options.columns, options.rows), strict=True)
    )
    return x.mean(axis=0) + a[:, None, None] * axes[0] + b[None, :, None] * axes[1]


def _bent(x: np.ndarray, units: np.ndarray, radius: float) -> np.ndarray:
    """One pass: each unit becomes the mean of all objects, weighted by a Gaussian of the distance
    between it and their best units on the lattice (Kohonen 2013, eq. 8)."""
    columns, rows, d = units.shape
    best = _best_units(x, units)
    n = np.bincount(best, minlength=columns * rows).reshape(columns, rows, 1)
    total = np.stack([np.bincount(best, v, columns * rows) for v in x.T], axis=1)
    both = np.concatenate([total.reshape(columns, rows, d), n], axis=2)
    for axis, size in enumerate((columns, rows)):
        steps = np.subtract.outer(np.arange(size), np.arange(size))
        weights = np.exp(-0.5 * (steps / radius) ** 2)
        both = np.moveaxis(np.tensordot(weights, both, (1, axis)), 0, axis)
    weight = both[..., -1:]
    # a unit far from every object keeps its vector
    return np.divide(both[..., :-1], weight, out=units.copy(), where=weight > 1e-12)


def _best_units(x: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Number of the nearest unit, (n,); of equally near ones the first."""
    from scipy.spatial.distance import cdist  # measures each pair by itself, unlike a product

    flat = units.reshape(-1, units.shape[-1])
    parts = [
        cdist(x[i : i + CHUNK], flat, "sqeuclidean").argmin(axis=1) for i in range(0, len(x), CHUNK)
    ]
    return np.concatenate(parts)


def _directions(units: np.ndarray) -> np.ndarray:
    """For each unit the two vectors (n_units, 2, d) whose scalar products with a difference are its
    steps along the lattice: the dual basis of the central differences of the units' vectors."""
    tangents = np.stack(np.gradient(units, axis=(0, 1)), axis=2)
    tangents = tangents.reshape(-1, 2, units.shape[-1])
    return np.linalg.pinv(tangents).transpose(0, 2, 1)


def _positions(x: np.ndarray, units: np.ndarray, directions: np.ndarray) -> np.ndarray:
    best = _best_units(x, units)
    difference = x - units.reshape(-1, units.shape[-1])[best]
    steps = [(difference * directions[best, axis]).sum(axis=1) for axis in (0, 1)]
    place = np.unravel_index(best, units.shape[:2])
    within = [_INSIDE * np.tanh(2 * s) for s in steps]
    return np.stack([p + w for p, w in zip(place, within, strict=True)], axis=1)
