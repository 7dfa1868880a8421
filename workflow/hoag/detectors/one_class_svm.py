"""One-class support vector machine (Schoelkopf et al. 2001), scikit-learn's.

Beyond ten thousand objects the kernel is approximated (Nystroem), and the machine is linear.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.detectors import _refit
from hoag.options import option

TAKES = "vectors"
EXACT_UP_TO = 10_000  # objects


@dataclass(frozen=True)
class Options:
    """The machine and its kernel."""

    nu: float = option(0.1, doc="Share of the fit that may lie outside.", minimum=1e-6, maximum=1)
    gamma: float | None = option(
        None,
        doc="Of the kernel exp(-gamma d^2); null: 1 / (columns x variance).",
        minimum=1e-12,
    )
    n_components: int = option(
        300, doc="Components of the approximation beyond 10,000 objects.", minimum=1
    )
    standardise: bool = option(True, doc="Divide each column by its standard deviation in the fit.")
    max_fit: int = option(100_000, doc="Fit to at most this many objects.", minimum=1)


def fit(x: np.ndarray, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Draw the sample; see `_refit.fit`."""
    return _refit.fit(x, options.max_fit, seed, standardise=options.standardise)


def score(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Minus the kernel sum over the support vectors (n,): never positive, near 0 far from all.

    NaN for incomplete rows.
    """

    def build(sample: np.ndarray, seed: int) -> Any:
        from sklearn.kernel_approximation import Nystroem
        from sklearn.linear_model import SGDOneClassSVM
        from sklearn.pipeline import make_pipeline
        from sklearn.svm import OneClassSVM

        gamma = options.gamma or 1 / (sample.shape[1] * (sample.var() or 1.0))
        if len(sample) <= EXACT_UP_TO:
            return OneClassSVM(nu=options.nu, gamma=gamma).fit(sample)
        n = min(options.n_components, len(sample))
        kernel = Nystroem(gamma=gamma, n_components=n, random_state=seed)
        return make_pipeline(kernel, SGDOneClassSVM(nu=options.nu, random_state=seed)).fit(sample)

    return _refit.score(x, state, build)
