"""Keep the central source and set everything else to zero, as Astronomaly does.

Lochner and Bassett (2021, Astronomy and Computing 36, 100481): a threshold from sigma-clipped
statistics of one channel, then the contour around the centre.
"""

from dataclasses import dataclass

import numpy as np

from hoag.options import ConfigError, option

TAKES = ("flux", "unit", "byte")
GIVES = None
_EIGHT = np.ones((3, 3), bool)  # pixels that touch at a corner belong together


@dataclass(frozen=True)
class Options:
    """The channel and its threshold."""

    channel: int = option(0, doc="Channel on which the source is found; 0 is the first.", minimum=0)
    clip_sigma: float = option(
        3.0,
        doc="Pixels further than this from the median are left out of the statistics.",
        unit="standard deviations",
        minimum=1,
    )
    threshold_sigma: float = option(
        1.0,
        doc="A source is brighter than the clipped median by this much.",
        unit="clipped standard deviations",
        minimum=0,
    )


def output_shape(shape: tuple[int | None, ...], options: Options) -> tuple[int | None, ...]:
    """The same shape; raises ConfigError for a channel that isn't there."""
    if options.channel >= shape[2]:
        raise ConfigError(f"channel: found {options.channel}, allowed: 0..{shape[2] - 1}")
    return shape


def apply(image: np.ndarray, bands: tuple[str, ...], options: Options) -> np.ndarray:
    """Set all pixels outside the central source to zero, in every channel.

    The source is the group of pixels (joined by sides or corners, holes filled) above median +
    threshold_sigma * std that contains the centre: the middle pixel, or for an even side any of
    the middle ones. Where no group contains it the image stays whole: a blank image would be a
    false anomaly. Values that aren't finite are left out of the statistics and lie below the
    threshold.
    """
    mask = _central_source(image[..., options.channel], options)
    if mask is None:
        return image
    return np.where(mask[..., None], image, image.dtype.type(0))


def _central_source(plane: np.ndarray, options: Options) -> np.ndarray | None:
    from astropy.stats import sigma_clipped_stats
    from scipy import ndimage

    finite = np.isfinite(plane)
    if not finite.any():
        return None
    _, median, std = sigma_clipped_stats(plane[finite].astype(float), sigma=options.clip_sigma)
    bright = finite & (np.where(finite, plane, 0) > median + options.threshold_sigma * std)
    groups, _ = ndimage.label(ndimage.binary_fill_holes(bright), structure=_EIGHT)
    middle = tuple(slice((side - 1) // 2, side // 2 + 1) for side in plane.shape)
    found = groups[middle][groups[middle] > 0]
    return None if not len(found) else groups == np.bincount(found).argmax()
