"""Hu's seven moments: numbers that stay when an image is moved, turned or enlarged.

Hu 1962, IRE Transactions on Information Theory 8, 179.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.features._images import INPUTS, as_unit
from hoag.options import option

INPUT = "images"
CHUNK = 256  # images converted at a time
ORDERS = ((2, 0), (1, 1), (0, 2), (3, 0), (2, 1), (1, 2), (0, 3))


@dataclass(frozen=True)
class Options:
    """Which images, and in which scale the moments are given."""

    input: str = option("images", doc="Images that are measured.", choices=INPUTS)
    log: bool = option(
        True,
        doc="Give sign(h) log10(1 + |h| / 1e-12): the moments span many powers of ten.",
    )


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Remember the number of channels, from which the names are made."""
    return {"image_shape": np.array(store.shape)}


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Measure each channel by itself.

    Parameters
    ----------
    images : (n, y, x, c) uint8, or float with white at one
    options
        Whether the moments are given as logarithms.
    state
        Not used.

    Returns
    -------
    (n, 7 c) float32
        Moments 1 to 7 of the first channel, then of the next; all NaN where `reasons` has one. The
        seventh changes its sign in a mirror.
    """
    parts = [_measure(images[i : i + CHUNK], options) for i in range(0, len(images), CHUNK)]
    return np.concatenate([np.empty((0, 7 * images.shape[3]), np.float32), *parts])


def reasons(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """Why each of some images has no moments; empty where it has."""
    lit = _lit(as_unit(images, np.float64))
    return ["" if has else "a channel holds no light, or pixels that are no numbers" for has in lit]


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """``hu_1_c0``, ``hu_2_c0``, ...; channels count from zero."""
    return [f"hu_{i}_c{c}" for c in range(int(state["image_shape"][2])) for i in range(1, 8)]


def _lit(light: np.ndarray) -> np.ndarray:
    return (light.sum(axis=(1, 2)) > 0).all(axis=1)  # NaN isn't


def _measure(images: np.ndarray, options: Options) -> np.ndarray:
    light = as_unit(images, np.float64)
    out = np.full((len(images), 7 * images.shape[3]), np.nan, np.float32)
    lit = _lit(light)
    hu = _hu(light[lit])
    if options.log:
        hu = np.sign(hu) * np.log10(1 + np.abs(hu) / 1e-12)
    out[lit] = np.moveaxis(hu, 0, -1).reshape(-1, out.shape[1])
    return out


def _hu(light: np.ndarray) -> np.ndarray:
    """The seven moments of (n, y, x, c) light, (7, n, c)."""
    y, x = (np.arange(side, dtype=float) for side in light.shape[1:3])
    total = light.sum(axis=(1, 2))
    y0 = np.einsum("nyxc,y->nc", light, y) / total
    x0 = np.einsum("nyxc,x->nc", light, x) / total
    dy, dx = y[:, None] - y0[:, None], x[:, None] - x0[:, None]  # (n, side, c)
    n20, n11, n02, n30, n21, n12, n03 = (
        np.einsum("nyxc,nyc,nxc->nc", light, dy**q, dx**p, optimize=True)
        / total ** (1 + (p + q) / 2)
        for p, q in ORDERS
    )
    a, b = n30 + n12, n21 + n03
    c, d = n30 - 3 * n12, 3 * n21 - n03
    even, odd = a**2 - 3 * b**2, 3 * a**2 - b**2
    return np.stack(
        [
            n20 + n02,
            (n20 - n02) ** 2 + 4 * n11**2,
            c**2 + d**2,
            a**2 + b**2,
            c * a * even + d * b * odd,
            (n20 - n02) * (a**2 - b**2) + 4 * n11 * a * b,
            d * a * even - c * b * odd,
        ]
    )
