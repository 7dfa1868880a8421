"""Density of a mixture of Gaussians, scikit-learn's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.detectors import _refit
from hoag.options import option

TAKES = "vectors"


@dataclass(frozen=True)
class Options:
    """The mixture."""

    n_components: int = option(8, doc="Gaussians.", minimum=1)
    covariance: str = option(
        "full", doc="Shape of each Gaussian.", choices=("full", "tied", "diag", "spherical")
    )
    least_share: float = option(
        0.01,
        doc="Gaussians that hold a smaller share of the fit (or fewer than two objects) are left "
        "out: odd ones would be their own norm.",
        minimum=0,
        maximum=1,
    )
    regularisation: float = option(
        1e-3, doc="Added to the variances, in squared standard deviations.", minimum=0
    )
    standardise: bool = option(True, doc="Divide each column by its standard deviation in the fit.")
    max_fit: int = option(100_000, doc="Fit to at most this many objects.", minimum=1)


def fit(x: np.ndarray, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Draw the sample; see `_refit.fit`."""
    return _refit.fit(x, options.max_fit, seed, standardise=options.standardise)


def score(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Minus the log-likelihood (n,), nat; NaN if incomplete."""

    def build(sample: np.ndarray, seed: int) -> Any:
        from sklearn.mixture import GaussianMixture

        n = len(np.unique(sample, axis=0))
        mixture = GaussianMixture(
            min(options.n_components, n),
            covariance_type=options.covariance,
            reg_covar=options.regularisation,
            random_state=seed,
        ).fit(sample if len(sample) > 1 else np.repeat(sample, 2, axis=0))
        _drop_small(mixture, len(sample), options)
        return mixture

    return _refit.score(x, state, build)


def _drop_small(mixture: Any, n: int, options: Options) -> None:
    """Leave out Gaussians of few objects: odd ones would be their own norm."""
    kept = mixture.weights_ * n >= max(2, options.least_share * n)
    kept |= mixture.weights_ == mixture.weights_.max()
    mixture.weights_ = mixture.weights_[kept] / mixture.weights_[kept].sum()
    mixture.means_ = mixture.means_[kept]
    if options.covariance != "tied":  # one for all
        mixture.precisions_cholesky_ = mixture.precisions_cholesky_[kept]
        mixture.covariances_ = mixture.covariances_[kept]
