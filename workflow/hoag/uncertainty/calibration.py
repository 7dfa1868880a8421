"""How far a classifier's probabilities can be trusted."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Calibration:
    """Bins of confidence, lowest first.

    Attributes
    ----------
    low, high : (n_bins,)
        Limits of each bin; the upper one belongs to it.
    confidence, accuracy : (n_bins,)
        Means of the bin's objects; NaN where there is none.
    n : (n_bins,)
        Objects.
    error
        Expected calibration error: the mean over objects of |accuracy - confidence| of their bin.
    """

    low: np.ndarray
    high: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    n: np.ndarray
    error: float


def calibration(p: np.ndarray, classes: np.ndarray, n_bins: int = 10) -> Calibration:
    """Bins of equal width from the least confidence possible to 1 (Naeini et al. 2015; Guo et al.).

    Parameters
    ----------
    p : (n, k)
        Probabilities.
    classes : (n,) int
        True classes.
    n_bins
        Number of bins between 1 / k, the least confidence that a prediction can have, and 1.
    """
    confidence, right = p.max(axis=1), p.argmax(axis=1) == classes
    edges = np.linspace(1 / p.shape[1], 1, n_bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, n_bins - 1)
    n = np.bincount(place, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(place, v, minlength=n_bins) / n for v in (confidence, right)]
    apart = np.abs(means[1] - means[0])
    error = float(np.nansum(apart * n) / max(n.sum(), 1))
    return Calibration(edges[:-1], edges[1:], means[0], means[1], n, error)
