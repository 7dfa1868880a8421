"""Numeric columns of the catalogue, taken as features: objects without pixels are welcome."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hoag.catalogue.coordinates import INDEX
from hoag.options import ConfigError, option, unknown

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

INPUT = "catalogue"
# What an object is called, where it stands and what is known of it says nothing of what it is.
OWN = ("object_id", "ra_deg", "dec_deg", "label", "split", INDEX)


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
        The catalogue; ``attrs["made_from"]`` names columns that hold its identifier, position,
        label or split under the user's own names.
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
            found = f"columns: {column!r} holds no numbers" if column in table else "columns"
            raise ConfigError(unknown(found, column, numeric))
    own = {*OWN, *table.attrs.get("made_from", ())}
    chosen = options.columns or [c for c in numeric if table[c].notna().any() and c not in own]
    if not chosen:
        raise ConfigError(f"columns: found {', '.join(table)}, allowed: at least one numeric one")
    left_out = [c for c in table if c not in chosen]
    log.info("features are %s; left out are %s", ", ".join(chosen), ", ".join(left_out))
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


def _numeric(table: "pd.DataFrame") -> list[str]:
    from pandas.api.types import is_numeric_dtype

    return [c for c in table.columns if is_numeric_dtype(table[c].dtype)]
