"""Distance to the k-th neighbour in the penultimate layer (Sun et al. 2022)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.options import option
from hoag.predicted import UNKNOWN, Predicted

TAKES = "predictions"


@dataclass(frozen=True)
class Options:
    """Which neighbour."""

    k: int = option(10, doc="Which of the nearest, counted from 1.", minimum=1)


def fit(
    found: Predicted, options: Options, seed: int, *, classes: np.ndarray
) -> dict[str, np.ndarray]:
    """Keep the directions of the objects that the classifier learned from.

    Parameters
    ----------
    found
        All objects of the fit batches.
    options, seed
        Not used.
    classes : (n,) int
        `hoag.predicted.UNKNOWN` for objects that were not learned from.

    Returns
    -------
    dict
        ``known`` (m, d).
    """
    return {"known": _directions(found.latent[classes != UNKNOWN])}


def score(found: Predicted, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Distance between directions, (n,), 0 to 2; an object is not its own neighbour.

    NaN where there are no more than k objects to be neighbours.
    """
    from scipy.spatial import cKDTree

    if not len(found) or len(state["known"]) <= options.k:
        return np.full(len(found), np.nan)
    distances, _ = cKDTree(state["known"]).query(_directions(found.latent), options.k + 1)
    own = distances[:, 0] == 0
    return distances[np.arange(len(found)), options.k - 1 + own]


def _directions(x: np.ndarray) -> np.ndarray:
    x = np.ascontiguousarray(x)  # sums are grouped by the layout: the same object, the same sum
    lengths = np.sqrt(np.square(x).sum(axis=1, keepdims=True))
    return x / np.where(lengths > 0, lengths, 1)
