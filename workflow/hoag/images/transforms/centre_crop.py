"""The central square of an image."""

from dataclasses import dataclass

import numpy as np

from hoag.options import ConfigError, option

TAKES = ("flux", "unit", "byte")
GIVES = None
KEEPS_VALUES = True  # pixels are chosen, not changed


@dataclass(frozen=True)
class Options:
    """Size of the square."""

    size_px: int = option(doc="Side of the square that is kept.", unit="px", minimum=1)


def output_shape(shape: tuple[int | None, ...], options: Options) -> tuple[int | None, ...]:
    """A square; raises ConfigError where the image is known to be smaller."""
    for side in shape[:2]:
        if side is not None and side < options.size_px:
            raise ConfigError(f"size_px: found {options.size_px}, allowed: 1..{side} px")
    return (options.size_px, options.size_px, shape[2])


def apply(image: np.ndarray, bands: tuple[str, ...], options: Options) -> np.ndarray:
    """Cut out the square that begins at (side - size_px) // 2 on each axis.

    With an odd number of pixels to remove, the last row or column loses one more. An image
    smaller than the square raises ValueError.
    """
    size = options.size_px
    if min(image.shape[:2]) < size:
        raise ValueError(f"found an image of {image.shape[:2]} px, allowed: at least {size} px")
    top, left = ((side - size) // 2 for side in image.shape[:2])
    return image[top : top + size, left : left + size]
