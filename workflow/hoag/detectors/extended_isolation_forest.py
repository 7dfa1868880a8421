"""Extended isolation forest (Hariri, Carrasco Kind & Brunner 2021, IEEE TKDE 33, 1479).

Branches cut along hyperplanes of random slope instead of parallel to an axis, so that no bands of
low score ("ghosts") reach out from the data. Compiled here; what is kept is the sample and the
seed, and scoring grows the same forest again.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from hoag.detectors import isolation_forest
from hoag.detectors._rows import scorable
from hoag.options import ConfigError, option

TAKES = "vectors"
_CUTS = 2**23  # numbers of the cuts that are held at a time


@dataclass(frozen=True)
class Options:
    """The forest."""

    n_trees: int = option(200, doc="Trees grown.", minimum=1)
    max_samples: int = option(256, doc="Objects drawn for each tree.", minimum=2)
    extension_level: int | None = option(
        None,
        doc="Coordinates that a cut leans on, less one: 0 cuts parallel to an axis, as the "
        "standard forest does; null: the number of columns less one, fully extended.",
        minimum=0,
    )
    max_fit: int = option(100_000, doc="Draw the trees' objects from at most this many.", minimum=1)


def check(options: Options, names: Sequence[Any]) -> None:
    """Raise `ConfigError` unless the extension level is below the number of columns."""
    level, most = options.extension_level, len(names) - 1
    if level is not None and level > most:
        raise ConfigError(
            f"extension_level: found {level}, allowed: 0..{most}, the number of columns less one"
        )


def fit(x: np.ndarray, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Draw the sample on which the trees grow; see `isolation_forest.fit`.

    Raises
    ------
    ConfigError
        If the extension level is not below the number of columns.
    """
    check(options, range(x.shape[1]))
    return isolation_forest.fit(x, options, seed)


def score(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Anomaly score of equation 1 of the paper, higher is more anomalous.

    Parameters
    ----------
    x : (n, d) float
        Rows with a NaN or an infinity score NaN.
    options, state
        As fitted.

    Returns
    -------
    (n,) float64
        2^(-mean path length / c(samples)), between 0 and 1. The same for any number of threads.

    Raises
    ------
    ValueError
        If ``x`` has another number of columns than the fit.
    """
    out = np.full(len(x), np.nan)
    rows = scorable(x, state["sample"])
    if rows.any():
        sample, chosen = state["sample"], x[rows].astype(np.float32)
        size = min(options.max_samples, len(sample))
        level = options.extension_level
        n_coordinates = sample.shape[1] if level is None else level + 1
        seed = int(state["seed"]) % 2**31
        loops = _loops()
        total = np.zeros(len(chosen))
        at_once = max(1, _CUTS // (2 * size * n_coordinates))
        for first in range(0, options.n_trees, at_once):
            trees = np.arange(first, min(first + at_once, options.n_trees))
            forest = loops.grow_forest(sample, trees, size, n_coordinates, seed)
            total += loops.path_lengths(chosen, *forest)
        unit = loops.expected_path(size) or 1.0
        out[rows] = 2.0 ** (-total / options.n_trees / unit)
    return out


def _loops() -> ModuleType:
    """Loads them when a score is asked for, with as many threads as the job has."""
    import numba

    from hoag.detectors import _forest_loops

    threads = os.environ.get("OMP_NUM_THREADS", "")  # Snakemake says it of a job
    if threads.isdigit() and 0 < int(threads) < numba.get_num_threads():
        numba.set_num_threads(int(threads))
    return _forest_loops
