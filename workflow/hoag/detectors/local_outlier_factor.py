"""Local outlier factor (Breunig et al. 2000, SIGMOD), scikit-learn's, for new objects."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.detectors import _refit
from hoag.options import option

log = logging.getLogger(__name__)

TAKES = "vectors"


@dataclass(frozen=True)
class Options:
    """Which neighbours."""

    n_neighbours: int = option(
        50, doc="Neighbours that density is measured by: fewer than there are objects.", minimum=1
    )
    standardise: bool = option(True, doc="Divide each column by its standard deviation in the fit.")
    max_fit: int = option(20_000, doc="Fit to at most this many objects.", minimum=1)


def fit(x: np.ndarray, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Draw the sample; see `_refit.fit`.

    With no more objects than neighbours all are neighbours of all, and the log says so.
    """
    state = _refit.fit(x, options.max_fit, seed, standardise=options.standardise)
    if len(state["sample"]) <= options.n_neighbours:
        log.warning(
            "found %d complete rows, allowed for a factor that tells them apart: more than "
            "n_neighbours (%d)", len(state["sample"]), options.n_neighbours
        )  # fmt: skip
    return state


def score(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """How much sparser a place is than its neighbours', (n,): about 1 for the normal.

    NaN for incomplete rows, and where fewer than two objects were fitted. An object of the fit
    counts itself among its neighbours.
    """
    if len(state["sample"]) < 2:
        return np.full(len(x), np.nan)

    def build(sample: np.ndarray, seed: int) -> Any:
        from sklearn.neighbors import LocalOutlierFactor

        n = min(options.n_neighbours, max(1, len(sample) - 1))
        return LocalOutlierFactor(n_neighbors=n, novelty=True).fit(sample)

    return _refit.score(x, state, build)
