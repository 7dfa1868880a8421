"""Simple measures of an image's light: radial profile, total light, half-light radius."""

from dataclasses import dataclass

import numpy as np

BORDER_PX = 2  # of the frame whose median is taken for the sky


@dataclass(frozen=True)
class Light:
    """Light of n images around their centres, averaged over the channels, less the sky.

    Attributes
    ----------
    radius_px : (k,)
        Middle of each ring, one pixel wide.
    profile : (n, k)
        Mean light of a pixel in each ring, in the images' unit.
    total : (n,)
        Light within the largest circle that fits in.
    half_light_radius_px : (n,)
        Radius that holds half of it; NaN where the total isn't positive.
    """

    radius_px: np.ndarray
    profile: np.ndarray
    total: np.ndarray
    half_light_radius_px: np.ndarray


def measure(images: np.ndarray) -> Light:
    """Measure images (n, y, x, c) around their centres.

    The sky is the median of each image's outermost two pixels.
    """
    grey = images.astype(np.float64).mean(axis=3)
    frame = np.ones(grey.shape[1:], bool)
    frame[BORDER_PX:-BORDER_PX, BORDER_PX:-BORDER_PX] = False
    grey -= np.median(grey[:, frame], axis=1)[:, None, None]
    y, x = (np.arange(side) - (side - 1) / 2 for side in grey.shape[1:])
    ring = np.hypot(y[:, None], x).astype(int)
    n_rings = min(grey.shape[1:]) // 2
    within = [grey[:, ring == i] for i in range(n_rings)]
    profile = np.stack([pixels.mean(axis=1) for pixels in within], axis=1)
    grown = np.cumsum([pixels.sum(axis=1) for pixels in within], axis=0).T
    total = grown[:, -1]
    return Light(np.arange(n_rings) + 0.5, profile, total, _half(grown))


def _half(grown: np.ndarray) -> np.ndarray:
    """Radius at which curves of growth (n, k) reach half of their end, linear between rings."""
    n, k = grown.shape
    edges = np.concatenate([np.zeros((n, 1)), grown], axis=1)
    half = edges[:, -1:] / 2
    last = np.argmax(edges >= half, axis=1).clip(1, k)
    rows = np.arange(n)
    below, above = edges[rows, last - 1], edges[rows, last]
    with np.errstate(divide="ignore", invalid="ignore"):
        radius = last - 1 + (half[:, 0] - below) / (above - below)
    return np.where(edges[:, -1] > 0, radius, np.nan)
