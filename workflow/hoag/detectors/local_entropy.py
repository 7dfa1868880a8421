"""Entropy in excess of that of the neighbours in logit space (Porter & Scaife 2023).

The poster asks whether an object's entropy is high for where it lies: more than three standard
deviations from that of its ten nearest correctly classified training objects.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.options import option
from hoag.predicted import Predicted

TAKES = "predictions"
IN_SIGMAS = True  # scores are standard deviations
_FEWEST = 3  # neighbours that a radius leaves


@dataclass(frozen=True)
class Options:
    """Which neighbours, and how their spread is taken."""

    k: int = option(10, doc="Neighbours.", minimum=2)
    space: str = option(
        "logits",
        doc="Where neighbours are near: logits with dropout off, their mean over the passes, or "
        "the penultimate layer.",
        choices=("logits", "mean_logits", "latent"),
    )
    sides: str = option(
        "both",
        doc="Whether entropies below the neighbours' are anomalous too.",
        choices=("both", "above"),
    )
    spread: str = option(
        "neighbours",
        doc="Standard deviation of the neighbours, or of all training objects about their own "
        "neighbours' means.",
        choices=("neighbours", "global"),
    )
    least_spread: float = option(
        0.01,
        doc="Smallest standard deviation that is divided by: all neighbours may be certain.",
        unit="nat",
        minimum=1e-12,
    )
    radius: float | None = option(
        None,
        doc="Leave out neighbours beyond this many times the median distance of the k-th (three "
        "are always kept): in sparse regions they are not local. null: all k count.",
        minimum=0,
    )


def fit(
    found: Predicted, options: Options, seed: int, *, classes: np.ndarray
) -> dict[str, np.ndarray]:
    """Keep the training objects that the mean softmax classifies correctly.

    Parameters
    ----------
    found
        All objects of the fit batches.
    options
        See `Options`.
    seed
        Not used.
    classes : (n,) int
        Of the objects that the classifier learned from, `hoag.predicted.UNKNOWN` for the others.

    Returns
    -------
    dict
        ``places`` (m, d) and ``entropies`` (m,) of those objects, the ``reach`` beyond which
        neighbours don't count (infinite without a radius), and their ``deviation`` from their own
        neighbours' means.
    """
    known = found.rows(classes == found.p.argmax(axis=1))
    places, entropies = getattr(known, options.space), known.entropy()
    state = {"places": places, "entropies": entropies, "reach": np.array(np.inf)}
    if len(known) > options.k:
        distances, near = _neighbours(places, state, options)
        if options.radius is not None:
            state["reach"] = np.array(options.radius * np.median(distances[:, -1]))
        mean, _ = _local(distances, near, state)
        state["deviation"] = np.array(np.std(entropies - mean))
    else:
        state["deviation"] = np.array(np.nan)
    return state


def score(found: Predicted, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Excess over the neighbours' mean in units of their spread, (n,).

    A training object is not its own neighbour. NaN where there are no more than k objects to be
    neighbours.
    """
    mean, deviation = _mean_and_deviation(found, options, state)
    excess = (found.entropy() - mean) / np.maximum(deviation, options.least_spread)
    return np.abs(excess) if options.sides == "both" else excess


def floored(found: Predicted, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Whose neighbours spread by less than ``least_spread``, which then stands for it, (n,)."""
    return _mean_and_deviation(found, options, state)[1] < options.least_spread


def _mean_and_deviation(
    found: Predicted, options: Options, state: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    if not len(found) or len(state["places"]) <= options.k:
        return np.full(len(found), np.nan), np.full(len(found), np.nan)
    distances, near = _neighbours(getattr(found, options.space), state, options)
    mean, deviation = _local(distances, near, state)
    if options.spread == "global":
        deviation = np.full(len(found), float(state["deviation"]))
    return mean, deviation


def _neighbours(
    places: np.ndarray, state: Mapping[str, np.ndarray], options: Options
) -> tuple[np.ndarray, np.ndarray]:
    """Distances and indices of the k nearest, (n, k), without the object itself."""
    from scipy.spatial import cKDTree

    distances, near = cKDTree(state["places"]).query(places, options.k + 1)
    own = distances[:, 0] == 0
    rows = np.arange(options.k) + own[:, None]
    return np.take_along_axis(distances, rows, axis=1), np.take_along_axis(near, rows, axis=1)


def _local(
    distances: np.ndarray, near: np.ndarray, state: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (n - 1) of the entropies of the neighbours within reach."""
    counted = (distances <= state["reach"]) | (np.arange(distances.shape[1]) < _FEWEST)
    values, n = state["entropies"][near], counted.sum(axis=1)
    mean = (values * counted).sum(axis=1) / n
    squares = ((values - mean[:, None]) ** 2 * counted).sum(axis=1)
    return mean, np.sqrt(squares / np.maximum(n - 1, 1))
