"""Detectors of scikit-learn that are kept as sample and seed, and fitted again before scoring.

So nothing is pickled, and a fit is the same on whatever machine and version of the libraries.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hoag.detectors._rows import fit_sample, scorable
from hoag.vectors import spread


def fit(x: np.ndarray, max_fit: int, seed: int, *, standardise: bool) -> dict[str, np.ndarray]:
    """The sample, what its columns are divided by, and the seed.

    Parameters
    ----------
    x : (n, d) float
        Rows with a NaN or an infinity are left out.
    max_fit
        Of more rows than these a random sample is drawn.
    seed
        Draws the sample, and whatever the detector draws.
    standardise
        Divide each column by its standard deviation in the sample, once its mean is taken away.

    Returns
    -------
    dict
        ``sample`` (m, d) float32, ``mean`` and ``scale`` (d,) float64, ``seed``.
    """
    sample = fit_sample(x, max_fit, seed)
    mean, scale = np.zeros(x.shape[1]), np.ones(x.shape[1])
    if len(sample) and standardise:
        mean, scale = sample.mean(axis=0, dtype=np.float64), spread(sample)
    return {"sample": sample, "mean": mean, "scale": scale, "seed": np.array(seed)}


def score(
    x: np.ndarray,
    state: Mapping[str, np.ndarray],
    build: Callable[[np.ndarray, int], Any],
) -> np.ndarray:
    """Minus ``score_samples`` of the estimator that ``build`` fits, (n,); NaN for incomplete rows.

    Parameters
    ----------
    x : (n, d) float
        Rows to score.
    state
        Of `fit`.
    build
        (scaled sample, seed) -> a fitted estimator whose ``score_samples`` is high for the normal.

    Raises
    ------
    ValueError
        If ``x`` has another number of columns than the fit.
    """
    out = np.full(len(x), np.nan)
    rows = scorable(x, state["sample"])
    if rows.any():
        estimator = build(_scaled(state["sample"], state), int(state["seed"]) % 2**32)
        out[rows] = -estimator.score_samples(_scaled(x[rows], state))
    return out


def _scaled(x: np.ndarray, state: Mapping[str, np.ndarray]) -> np.ndarray:
    # single precision first, as in the fit, so that an object coincides with itself
    return (x.astype(np.float32) - state["mean"]) / state["scale"]
