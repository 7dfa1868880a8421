"""Other feature spaces, made ready for a detector: joined, filled in, scaled, reduced.

Distances between vectors mean something only where the columns have comparable spreads, and a
detector leaves out an object that lacks one value. What is needed for all of it is learnt from the
fit batches.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hoag.options import ConfigError, option

if TYPE_CHECKING:
    import pandas as pd

INPUT = "features"


@dataclass(frozen=True)
class Options:
    """Which spaces, and what is done to them, in this order."""

    of: tuple[str, ...] = option(doc="Feature spaces whose columns are put side by side.")
    impute: bool = option(
        False,
        doc="Replace a missing value by its column's median, and add a column `missing` that is 1 "
        "for such an object and 0 for all others (columns without a value in the fit don't count).",
    )
    scale: bool = option(
        True, doc="Make each column's mean 0 and its standard deviation 1; `missing` stays."
    )
    n_components: int | None = option(
        None, doc="Principal components kept; null: the columns themselves.", minimum=1
    )
    explained: float | None = option(
        None,
        doc="Instead of their number: the share of the variance that the components explain.",
        minimum=0.01,
        maximum=0.9999,
    )

    def __post_init__(self) -> None:
        if not self.of:
            raise ConfigError("of: found no name, allowed: one feature space or more")
        if self.n_components is not None and self.explained is not None:
            raise ConfigError(f"explained: found {self.explained}, allowed: null with n_components")


def fit(table: "pd.DataFrame", options: Options, seed: int) -> dict[str, np.ndarray]:
    """Learn medians, means, deviations and components.

    Parameters
    ----------
    table
        ``object_id`` and the columns of all spaces.
    options
        See `Options`.
    seed
        Not used.

    Returns
    -------
    dict
        ``columns`` (d,) text; ``known`` (d,) bool, those with any value; ``median``, ``mean`` and
        ``deviation`` (d,), of the values that there are (a column without any has 0, 0, 1, a
        constant one the deviation 1); ``components`` (k, d), each with its largest element
        positive, of the complete rows, or of all once they are filled in; k is 0 where none are
        asked for.

    Raises
    ------
    ValueError
        If components are asked for and fewer than two rows are complete, or a column has the name
        ``missing`` and values are filled in.
    """
    columns = [c for c in table.columns if c != "object_id"]
    if options.impute and "missing" in columns and not (options.n_components or options.explained):
        raise ValueError("prepared: found a column 'missing', allowed with impute: other names")
    x = _values(table, columns)
    known = np.isfinite(x).any(axis=0)
    median, mean = np.zeros((2, len(columns)))
    deviation = np.ones(len(columns))
    median[known] = np.nanmedian(x[:, known], axis=0)
    if options.scale:
        filled = _filled(x, median, options)
        mean[known] = np.nanmean(filled[:, known], axis=0)
        deviation[known] = np.nanstd(filled[:, known], axis=0)
        # rounding leaves a constant column a spread
        deviation[deviation <= 1e-12 * np.abs(mean)] = 1
    state = {
        "columns": np.array(columns, np.str_),
        "known": known,
        "median": median,
        "mean": mean,
        "deviation": deviation,
        "centre": np.zeros(len(columns)),
        "components": np.empty((0, len(columns))),
    }
    if options.n_components or options.explained:
        state |= _components(_scaled(x, options, state), options)
    return state


def transform(
    table: "pd.DataFrame", options: Options, state: Mapping[str, np.ndarray]
) -> np.ndarray:
    """The columns or components, then ``missing`` where values are filled in: (n, k) float32.

    A row that lacks a value is NaN in that column (in all components) unless it is filled in.
    """
    x = _values(table, state["columns"].tolist())
    out = _scaled(x, options, state)
    if len(state["components"]):
        out = (out - state["centre"]) @ state["components"].T
    if options.impute:
        out = np.column_stack([out, np.isnan(x[:, state["known"]]).any(axis=1)])
    return out.astype(np.float32)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """The columns' own names, or ``pc_1``, ...; then ``missing`` where values are filled in."""
    columns = state["columns"].tolist()
    if len(state["components"]):
        columns = [f"pc_{i + 1}" for i in range(len(state["components"]))]
    return [*columns, *(["missing"] if options.impute else [])]


def _values(table: "pd.DataFrame", columns: list[str]) -> np.ndarray:
    x = table[columns].to_numpy(np.float64)
    return np.where(np.isfinite(x), x, np.nan)


def _filled(x: np.ndarray, median: np.ndarray, options: Options) -> np.ndarray:
    return np.where(np.isnan(x), median, x) if options.impute else x


def _scaled(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    return (_filled(x, state["median"], options) - state["mean"]) / state["deviation"]


def _components(x: np.ndarray, options: Options) -> dict[str, np.ndarray]:
    from sklearn.decomposition import PCA

    x = x[np.isfinite(x).all(axis=1)]
    if len(x) < 2:
        raise ValueError(f"prepared: found {len(x)} complete rows, allowed: 2 or more (see impute)")
    kept = options.explained or min(options.n_components, *x.shape)
    pca = PCA(kept, svd_solver="full")
    with np.errstate(divide="ignore", invalid="ignore"):  # the shares of a variance of zero
        pca.fit(x)
    return {"centre": pca.mean_, "components": pca.components_}
