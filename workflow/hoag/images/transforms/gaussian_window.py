"""Dim an image towards its edges, so that neighbours there count for less."""

from dataclasses import dataclass

import numpy as np

from hoag.options import option

TAKES = ("flux", "unit", "byte")
GIVES = None


@dataclass(frozen=True)
class Options:
    """Width of the window."""

    sigma: float = option(
        0.5, doc="Standard deviation of the Gaussian.", unit="half the side", minimum=0.01
    )


def output_shape(shape: tuple[int | None, ...], options: Options) -> tuple[int | None, ...]:
    """The same shape."""
    return shape


def apply(image: np.ndarray, bands: tuple[str, ...], options: Options) -> np.ndarray:
    """Multiply every channel by exp(-(x^2 + y^2) / (2 sigma^2)), 1 at the centre.

    x and y run from -1 at the first pixel's centre to 1 at the last one's. Bytes are rounded.
    """
    y, x = (
        np.exp(-0.5 * (np.linspace(-1, 1, side) / options.sigma) ** 2) if side > 1 else np.ones(1)
        for side in image.shape[:2]
    )
    dimmed = image * np.multiply.outer(y, x)[..., None]
    return (np.rint(dimmed) if image.dtype == np.uint8 else dimmed).astype(image.dtype)
