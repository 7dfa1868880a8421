"""Nothing but the inscribed circle of an image, so that it can be rotated without corners."""

from dataclasses import dataclass

import numpy as np

from hoag.options import ConfigError, option

TAKES = ("flux", "unit", "byte")
GIVES = None


@dataclass(frozen=True)
class Options:
    """How much smaller than the image the circle is."""

    margin_px: float = option(
        1.0, doc="Pixels between the circle and the nearest edge.", unit="px", minimum=0
    )


def output_shape(shape: tuple[int | None, ...], options: Options) -> tuple[int | None, ...]:
    """As it came; raises ConfigError where the margin leaves nothing of the image."""
    for side in shape[:2]:
        if side is not None and 2 * options.margin_px >= side:
            raise ConfigError(f"margin_px: found {options.margin_px}, allowed: below {side / 2} px")
    return shape


def apply(image: np.ndarray, bands: tuple[str, ...], options: Options) -> np.ndarray:
    """Set pixels whose centres lie outside the circle to 0."""
    y, x = (np.arange(side) - (side - 1) / 2 for side in image.shape[:2])
    radius = max(min(image.shape[:2]) / 2 - options.margin_px, 0.0)
    inside = y[:, None] ** 2 + x**2 <= radius**2
    return np.where(inside[..., None], image, image.dtype.type(0))
