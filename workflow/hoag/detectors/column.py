"""One feature column as the score: the baseline that every detector has to beat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hoag.options import ConfigError, option, unknown

TAKES = "vectors"
NEEDS_NAMES = True  # fit is called with the columns' names


@dataclass(frozen=True)
class Options:
    """Which column, and which of its ends is anomalous."""

    column: str = option(doc="Name of the feature column.")
    sign: int = option(1, doc="1: high values are anomalous, -1: low ones.", choices=(1, -1))


def check(options: Options, names: Sequence[str]) -> None:
    """Raise `ConfigError` unless the column is one of ``names``; also called while planning."""
    if options.column not in names:
        raise ConfigError(unknown("column", options.column, names))


def fit(
    x: np.ndarray, options: Options, seed: int, *, names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Find the column.

    Parameters
    ----------
    x : (n, d) float
        Only its number of columns counts.
    options
        The column's name.
    seed
        Not used.
    names
        Names of the d columns.

    Returns
    -------
    dict
        ``index``: place of the column.

    Raises
    ------
    ConfigError
        If there is no such column, naming those that there are.
    """
    names = list(names)
    if len(names) != x.shape[1]:
        raise ValueError(f"found {len(names)} names, allowed: one for each of {x.shape[1]} columns")
    check(options, names)
    return {"index": np.array(names.index(options.column))}


def score(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """The column times ``sign``, (n,) float64; NaN where the column isn't a finite number."""
    values = x[:, int(state["index"])].astype(np.float64)
    return np.where(np.isfinite(values), options.sign * values, np.nan)
