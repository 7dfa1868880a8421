"""What the extractors that look at pixels share."""

import numpy as np

from hoag.options import ConfigError

INPUTS = ("images", "residuals", "unit_residuals")
SCALE = 255.0  # uint8 images are read as fractions of this


def as_unit(images: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """Pixels as numbers in which one is white: uint8 / 255, float images as they are."""
    if images.dtype == np.uint8:
        return np.divide(images, SCALE, dtype=dtype)
    return images.astype(dtype)


def box_average(images: np.ndarray, size_px: int) -> np.ndarray:
    """Average (n, y, x, c) images over equal boxes, to at most ``size_px`` along each axis.

    A pixel that straddles boxes counts in each by the share of it that lies there, so that any
    size may be asked for; an axis that is no longer than that stays as it is.
    """
    rows = _overlaps(images.shape[1], size_px)
    columns = _overlaps(images.shape[2], size_px)
    return np.einsum("ay,nyxc,bx->nabc", rows, images, columns, optimize=True)


def _overlaps(n: int, size: int) -> np.ndarray:
    """Share of each of ``n`` pixels in each of ``size`` boxes, (size, n); rows sum to one."""
    size = min(n, size)
    edges = np.linspace(0, n, size + 1)
    low, high = edges[:-1, None], edges[1:, None]
    pixel = np.arange(n)
    shared = np.minimum(high, pixel + 1) - np.maximum(low, pixel)
    return np.clip(shared, 0, None) * size / n


def check_channel(shape: tuple[int, int, int], channel: int | None, key: str) -> None:
    """Raise `ConfigError` for a channel that images (y, x, c) lack; None is the mean of all."""
    if channel is not None and channel >= shape[2]:
        raise ConfigError(f"{key}.channel: found {channel}, allowed: 0..{shape[2] - 1}, or null")
