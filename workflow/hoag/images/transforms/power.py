"""Brightness raised to a power between two limits; the square root is the usual one."""

from dataclasses import dataclass

import numpy as np

from hoag.images.transforms._scaling import check_limits, extrema, to_unit
from hoag.options import option

TAKES = ("flux", "unit", "byte")
GIVES = "unit"


@dataclass(frozen=True)
class Options:
    """The curve and its limits; fixed ones keep images comparable with each other."""

    exponent: float = option(
        0.5, doc="Below 1 lifts faint pixels, above 1 dims them.", minimum=0.01, maximum=100
    )
    minimum: float | None = option(
        None, doc="Value that becomes 0; null takes each image's own least.", unit="input"
    )
    maximum: float | None = option(
        None, doc="Value that becomes 1; null takes each image's own greatest.", unit="input"
    )
    per_channel: bool = option(
        False, doc="Own limits for each channel; otherwise one pair, which keeps colours."
    )

    def __post_init__(self) -> None:
        check_limits(self.minimum, self.maximum)


def output_shape(shape: tuple[int | None, ...], options: Options) -> tuple[int | None, ...]:
    """The same shape."""
    return shape


def apply(image: np.ndarray, bands: tuple[str, ...], options: Options) -> np.ndarray:
    """Scale to x in [0, 1] between the limits, then x ** exponent, as float32.

    NaN becomes 0 and has no say in the limits; a constant image becomes 0.
    """
    limits = extrema(options.minimum, options.maximum)
    return to_unit(image, limits, per_channel=options.per_channel) ** np.float32(options.exponent)
