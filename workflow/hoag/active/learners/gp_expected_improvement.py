"""Learner ``gp_expected_improvement``: a Gaussian process on the interest, as Protege has it.

Lochner & Rudnick 2024, arXiv:2411.04188; expected improvement: Jones, Schonlau & Welch 1998.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hoag.active.contract import Answers, Predictions
from hoag.options import option

if TYPE_CHECKING:
    from sklearn.gaussian_process import GaussianProcessRegressor

TAKES = ("vectors",)
GIVES = ()


@dataclass(frozen=True)
class Options:
    """The regression and the trade-off."""

    trade_off: float = option(
        0.5, doc="By how much an object should beat the best one, in interest.", minimum=0
    )
    n_components: int | None = option(
        None,
        doc="Principal components of the vectors to work on; null: the vectors as they are.",
        minimum=1,
    )
    max_fit: int = option(
        500,
        doc="Answered objects to fit; of more, equally many of each interest from 0 to 5, as far "
        "as there are.",
        minimum=10,
    )


def learn(
    x: np.ndarray,
    answers: Answers,
    options: Options,
    *,
    seed: int,
    previous: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Fit the components to all objects, the kernel (Matern 3/2 and white noise) to the answers.

    Columns keep their scales: those of components and codes mean something. Measured ones want
    the feature space ``prepared`` before.
    """
    interest = answers.as_interest({})
    rows = _thinned(interest, options.max_fit, np.random.default_rng(seed))
    state = {"interest": interest[rows], "seed": np.array(seed % 2**32)}
    if options.n_components is not None:
        state |= _fit_components(x, options.n_components)
    state["answered"] = _components(x[answers.index[rows]], state)
    return state | {"kernel": _process(state).kernel_.theta} if len(rows) else state


def _thinned(interest: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Rows kept, sorted, of each level of interest as many until it has no more."""
    drawn = rng.permutation(len(interest))
    level = np.rint(interest[drawn])
    place = pd.Series(level).groupby(level).cumcount().to_numpy()
    return np.sort(drawn[np.lexsort((-level, place))[:most]])


def _fit_components(x: np.ndarray, n_components: int) -> dict[str, np.ndarray]:
    from sklearn.decomposition import PCA

    n = min(n_components, *x.shape)
    fitted = PCA(n, svd_solver="covariance_eigh").fit(x.astype(np.float64))
    return {"mean": fitted.mean_, "basis": fitted.components_}


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """The mean interest as the score; the expected improvement as the acquisition.

    That is (mu - b - t) Phi(z) + s phi(z) with z = (mu - b - t) / s, b the best answer, t the
    trade-off.
    """
    from scipy.stats import norm

    if not len(state["interest"]):
        return Predictions(score=np.zeros(len(x)))
    process, z = _process(state), _components(x, state)
    mean, spread = np.empty(len(z)), np.empty(len(z))
    for start in range(0, len(z), 2048):
        rows = slice(start, start + 2048)
        mean[rows], spread[rows] = process.predict(z[rows], return_std=True)
    spread = np.maximum(spread, 1e-12)
    gain = mean - state["interest"].max() - options.trade_off
    improvement = gain * norm.cdf(gain / spread) + spread * norm.pdf(gain / spread)
    return Predictions(score=mean, acquisition=improvement)


def _components(x: np.ndarray, state: Mapping[str, np.ndarray]) -> np.ndarray:
    return (x - state["mean"]) @ state["basis"].T if "basis" in state else x


def _typical(x: np.ndarray) -> float:
    """Median distance between rows: where the search for the kernel's length begins.

    From 1, where Protege begins, it finds no slope if all are farther apart; its bounds, too, are
    in this unit.
    """
    from scipy.spatial.distance import pdist

    distances = pdist(x)
    return float(np.median(distances)) if distances.any() else 1.0


def _process(state: Mapping[str, np.ndarray]) -> "GaussianProcessRegressor":
    """The process, its kernel fitted where the state has none yet."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    length, optimizer = _typical(state["answered"]), "fmin_l_bfgs_b"
    kernel = Matern(length, (1e-5 * length, 1e5 * length)) + WhiteKernel()
    if "kernel" in state:
        kernel, optimizer = kernel.clone_with_theta(state["kernel"]), None
    process = GaussianProcessRegressor(kernel, optimizer=optimizer, random_state=int(state["seed"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a kernel at its bounds will do
        return process.fit(state["answered"], state["interest"])
