"""Isolation forest (Liu, Ting & Zhou 2008, ICDM), scikit-learn's."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.detectors._rows import fit_sample, scorable
from hoag.forests import anomaly_score
from hoag.options import option

TAKES = "vectors"


@dataclass(frozen=True)
class Options:
    """The forest."""

    n_trees: int = option(200, doc="Trees grown.", minimum=1)
    max_samples: int = option(256, doc="Objects drawn for each tree.", minimum=1)
    bootstrap: bool = option(
        False, doc="Draw each tree's objects with repeats, as Astronomaly does."
    )
    max_fit: int = option(100_000, doc="Draw the trees' objects from at most this many.", minimum=1)


def fit(x: np.ndarray, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Draw the sample on which the trees grow.

    Parameters
    ----------
    x : (n, d) float
        Rows with a NaN or an infinity are left out.
    options
        The forest.
    seed
        Draws the sample and, while scoring, the trees.

    Returns
    -------
    dict
        ``sample`` (m, d) float32 and ``seed``.
    """
    return {"sample": fit_sample(x, options.max_fit, seed), "seed": np.array(seed)}


def score(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Anomaly score of equation 2 of the paper: see `hoag.forests.anomaly_score`.

    Parameters
    ----------
    x : (n, d) float
        Rows with a NaN or an infinity score NaN.
    options, state
        As fitted.

    Returns
    -------
    (n,) float64
        Between 0 and 1, higher is more anomalous.

    Raises
    ------
    ValueError
        If ``x`` has another number of columns than the fit.
    """
    out = np.full(len(x), np.nan)
    rows = scorable(x, state["sample"])
    if rows.any():
        out[rows] = anomaly_score(
            x[rows],
            state["sample"],
            int(state["seed"]),
            n_trees=options.n_trees,
            max_samples=options.max_samples,
            bootstrap=options.bootstrap,
        )
    return out
