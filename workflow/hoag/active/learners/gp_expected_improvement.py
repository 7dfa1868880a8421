"""Learner ``gp_expected_improvement``: a Gaussian process on the interest, as Protege has it.

Lochner & Rudnick 2024, arXiv:2411.04188; expected improvement: Jones, Schonlau & Welch 1998.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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
    n_components: int = option(15, doc="Principal components of the vectors to work on.", minimum=1)
    max_fit: int = option(
        500,
        doc="Answered objects to fit; those of least interest are thinned out first.",
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
    """Fit the components to all objects, the kernel (Matern 2.5 and white noise) to the answers."""
    from sklearn.decomposition import PCA

    mean, scale = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
    scale = np.where(scale > 0, scale, 1)
    n = min(options.n_components, *x.shape)
    basis = PCA(n, svd_solver="covariance_eigh").fit((x - mean) / scale).components_
    interest = answers.as_interest({})
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(interest)), -interest))[: options.max_fit]
    state = {
        "mean": mean,
        "scale": scale,
        "basis": basis,
        "interest": interest[order],
        "seed": np.array(seed % 2**32),
    }
    state["answered"] = _components(x[answers.index[order]], state)
    return state | {"kernel": _process(state).kernel_.theta} if len(order) else state


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
    return ((x - state["mean"]) / state["scale"]) @ state["basis"].T


def _process(state: Mapping[str, np.ndarray]) -> "GaussianProcessRegressor":
    """The process, its kernel fitted where the state has none yet."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    kernel = Matern(length_scale=5.0, nu=2.5) + WhiteKernel()
    optimizer = "fmin_l_bfgs_b"
    if "kernel" in state:
        kernel, optimizer = kernel.clone_with_theta(state["kernel"]), None
    process = GaussianProcessRegressor(
        kernel, optimizer=optimizer, normalize_y=True, random_state=int(state["seed"])
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a kernel at its bounds will do
        return process.fit(state["answered"], state["interest"])
