"""Isolation forests (Liu, Ting & Zhou 2008, ICDM), scikit-learn's, kept as sample and seed.

Trees aren't kept: the same forest is grown again, in about a second, on whatever machine and
version of the libraries it is asked.
"""

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sklearn.ensemble import IsolationForest

_last: dict[tuple[Any, ...], "IsolationForest"] = {}  # rounds ask the same one again and again


def anomaly_score(
    x: np.ndarray,
    sample: np.ndarray,
    seed: int,
    *,
    n_trees: int = 100,
    max_samples: int = 256,
    bootstrap: bool = False,
) -> np.ndarray:
    """Equation 2 of the paper, higher is more anomalous: less scikit-learn's ``score_samples``.

    Parameters
    ----------
    x : (n, d) float
        Whom to score.
    sample : (m, d) float32
        Whom the trees draw from.
    seed
        Grows the trees; its last 32 bits count.
    n_trees, max_samples, bootstrap
        How many trees, how many objects each draws, and whether with repeats.

    Returns
    -------
    (n,) float64
        Between 0 and 1: near 1 for a row that few cuts set apart, 0.5 if all rows are alike.
    """
    if not len(x):
        return np.empty(0)
    forest = _grown(
        sample,
        n_estimators=n_trees,
        max_samples=min(max_samples, len(sample)),
        bootstrap=bootstrap,
        random_state=seed % 2**32,
    )
    return -forest.score_samples(x.astype(np.float32, copy=False))


def _grown(sample: np.ndarray, **how: Any) -> "IsolationForest":
    from sklearn.ensemble import IsolationForest

    content = hashlib.sha256(np.ascontiguousarray(sample)).digest()
    key = (content, sample.shape, *how.values())
    if key not in _last:
        _last.clear()
        _last[key] = IsolationForest(**how).fit(sample)
    return _last[key]
