"""Numeric columns of the catalogue, taken as features: objects without pixels are welcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hoag.options import ConfigError, option, unknown

if TYPE_CHECKING:
    import pandas as pd

INPUT = "catalogue"
# What an object is called, where it stands and what is known of it says nothing of what it is.
OWN = ("object_id", "ra_deg", "dec_deg", "label", "split")


@dataclass(frozen=True)
class Options:
    """Which columns."""

    columns: tuple[str, ...] = option(
        (),
        doc="Columns taken; none named: every numeric one with a value, but for those that hold "
        "the identifier, the position, the label or the split.",
    )


def fit(table: "pd.DataFrame", options: Options, seed: int) -> dict[str, np.ndarray]:
    """Decide the columns, so that later batches give the same ones.

    Parameters
    ----------
    table
        The catalogue.
    options
        The columns wanted.
    seed
        Not used.

    Returns
    -------
    dict
        ``columns``: their names, as a unicode array.

    Raises
    ------
    ConfigError
        For a column that does not exist or isn't numeric, or if there is none at all.
    """
    numeric = _numeric(table)
    for column in options.columns:
        if column not in numeric:
            raise ConfigError(unknown("columns", column, numeric))
    chosen = options.columns or [
        c for c in numeric if table[c].notna().any() and not _is_own(table, c)
    ]
    if not chosen:
        raise ConfigError(f"columns: found {', '.join(table)}, allowed: at least one numeric one")
    return {"columns": np.array(chosen, dtype=np.str_)}


def transform(
    table: "pd.DataFrame", options: Options, state: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Values of the fitted columns, (n, d) float32.

    Nulls, infinities and numbers beyond single precision become NaN.

    Raises
    ------
    ConfigError
        If ``table`` lacks one of the columns, or it isn't numeric there.
    """
    columns, numeric = names(options, state), _numeric(table)
    for column in columns:
        # a column without any value may come with any type
        if column not in numeric and not (column in table and table[column].isna().all()):
            raise ConfigError(unknown("columns", column, numeric))
    values = [table[c].to_numpy(np.float64, na_value=np.nan) for c in columns]
    x = np.column_stack(values)
    x[~(np.abs(x) <= np.finfo(np.float32).max)] = np.nan
    return x.astype(np.float32)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """The columns' own names."""
    return list(options.columns) or state["columns"].tolist()


def _is_own(table: "pd.DataFrame", column: str) -> bool:
    """Is this one of the catalogue's own columns, or the user's column that it was made from?

    The user's is known by its values in the first rows, whatever its name; a position may be in
    another unit.
    """
    import pandas as pd

    from hoag.catalogue.coordinates import UNITS_DEG

    if column in OWN:
        return True

    def number(name: str) -> np.ndarray:
        values = pd.to_numeric(table[name].head(1000), errors="coerce")
        values = values.to_numpy(np.float64, na_value=np.nan)
        return np.where(np.isfinite(values), values, np.nan)

    values, present = number(column), [name for name in OWN if name in table]
    angles = {name: number(name) % 360 for name in present if name.endswith("_deg")}
    texts = [number(name) for name in present if name not in angles]
    return any(np.array_equal(values, text, equal_nan=True) for text in texts) or any(
        np.allclose(values * unit % 360, angle, rtol=0, atol=1e-9, equal_nan=True)
        for angle in angles.values()
        for unit in set(UNITS_DEG.values())
    )


def _numeric(table: "pd.DataFrame") -> list[str]:
    from pandas.api.types import is_numeric_dtype

    return [c for c in table.columns if is_numeric_dtype(table[c].dtype)]
