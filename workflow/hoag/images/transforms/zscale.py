"""Linear brightness between IRAF's zscale limits, as astropy computes them."""

from dataclasses import dataclass

import numpy as np

from hoag.images.transforms._scaling import Limits, to_unit
from hoag.options import option

TAKES = ("flux", "unit", "byte")
GIVES = "unit"
_FEWEST = 5  # astropy's least number of pixels for the line fit


@dataclass(frozen=True)
class Options:
    """How the limits are found."""

    contrast: float = option(
        0.25, doc="Smaller widens the range around the median.", minimum=0.001, maximum=1
    )
    n_samples: int = option(
        1000, doc="Pixels that the line is fitted to.", unit="px", minimum=_FEWEST
    )
    per_channel: bool = option(
        False, doc="Own limits for each channel; otherwise one pair, which keeps colours."
    )


def output_shape(shape: tuple[int | None, ...], options: Options) -> tuple[int | None, ...]:
    """The same shape."""
    return shape


def apply(image: np.ndarray, bands: tuple[str, ...], options: Options) -> np.ndarray:
    """Scale between the zscale limits, clipped to [0, 1], as float32.

    NaN becomes 0 and has no say in the limits; a constant image becomes 0. Where the fitted line
    is flat (most pixels alike, as after `sigma_clip`) or fewer than five pixels are finite, the
    image's extremes are the limits.
    """
    return to_unit(image, _zscale(options), per_channel=options.per_channel)


def _zscale(options: Options) -> Limits:
    from astropy.visualization import ZScaleInterval

    interval = ZScaleInterval(n_samples=options.n_samples, contrast=options.contrast)

    def limits(finite: np.ndarray) -> tuple[float, float]:
        extremes = float(finite.min()), float(finite.max())
        if finite.size < _FEWEST:
            return extremes
        low, high = interval.get_limits(finite)
        return (float(low), float(high)) if high > low else extremes

    return limits
