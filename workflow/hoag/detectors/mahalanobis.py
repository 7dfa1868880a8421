"""Distance to the nearest class in the penultimate layer (Lee et al. 2018, eqs. 1 and 2)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.predicted import UNKNOWN, Predicted

TAKES = "predictions"


@dataclass(frozen=True)
class Options:
    """Nothing to choose."""


def fit(
    found: Predicted, options: Options, seed: int, *, classes: np.ndarray
) -> dict[str, np.ndarray]:
    """Means of the classes and their common covariance, shrunk (Ledoit & Wolf 2004).

    Parameters
    ----------
    found
        All objects of the fit batches.
    options, seed
        Not used.
    classes : (n,) int
        Of the objects that the classifier learned from, `hoag.predicted.UNKNOWN` for the others.

    Returns
    -------
    dict
        ``means`` (k, d), ``precision`` (d, d), of NaN where fewer than two objects are known, who
        have no covariance.
    """
    from sklearn.covariance import ledoit_wolf

    kinds = np.unique(classes[classes != UNKNOWN])
    known, d = np.flatnonzero(classes != UNKNOWN), found.latent.shape[1]
    if len(known) < 2:
        return {"means": np.full((1, d), np.nan), "precision": np.full((d, d), np.nan)}
    means = np.array([found.latent[classes == c].mean(axis=0) for c in kinds])
    apart = found.latent[known] - means[np.searchsorted(kinds, classes[known])]
    covariance, _ = ledoit_wolf(apart, assume_centered=True)
    return {"means": means, "precision": np.linalg.pinv(covariance, hermitian=True)}


def score(found: Predicted, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Mahalanobis distance to the nearest class mean, (n,), in standard deviations."""
    apart = found.latent[:, None] - state["means"]
    squares = np.einsum("nkd,de,nke->nk", apart, state["precision"], apart)
    return np.sqrt(np.maximum(squares.min(axis=1), 0))
