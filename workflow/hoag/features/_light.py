"""Where the central object of an image is, for the extractors that measure it alone."""

import numpy as np

EDGE = 0.04  # share of the peak down to which light belongs to the galaxy


def sky_of(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and robust scatter of the outermost two pixels of each image."""
    frame = np.ones(grey.shape[1:], bool)
    frame[2:-2, 2:-2] = False
    border = grey[:, frame]
    sky = np.median(border, axis=1)
    return sky, 1.4826 * np.median(np.abs(border - sky[:, None]), axis=1)


def brightest(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row and column, (n,), of the brightest pixel in the central third of images (n, y, x)."""
    n, height, width = grey.shape
    top, left = height // 3, width // 3
    centre = grey[:, top : height - top, left : width - left]
    at = centre.reshape(n, -1).argmax(axis=1)
    return at // centre.shape[2] + top, at % centre.shape[2] + left


def connected(bright: np.ndarray, y: int, x: int) -> np.ndarray:
    """The pixels of (y, x) bool that are joined to one by their sides; none if it isn't bright."""
    from scipy.ndimage import label

    labels, _ = label(bright)
    return (labels == labels[y, x]) & (labels > 0)


def central_object(grey: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Peak in the central third, (n,), and the connected light around it, (n, y, x) bool."""
    from scipy.ndimage import label

    y, x = brightest(grey)
    n = len(grey)
    peak = grey[np.arange(n), y, x]
    # a peak of rounding size is no light: an image of one colour has no object
    bright = grey > np.maximum(np.maximum(3 * noise, EDGE * peak), 1e-6)[:, None, None]
    within_image = np.zeros((3, 3, 3), bool)
    within_image[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    labels, _ = label(bright, within_image)
    own = labels[np.arange(n), y, x][:, None, None]
    return peak, (labels == own) & (own > 0)
