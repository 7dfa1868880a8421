"""Columns of a table from elsewhere, found by identifier: features or scores that others computed.

With the detector ``column`` any score becomes one that is ranked, judged and drawn as all others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hoag.features import columns
from hoag.options import ConfigError, option, unknown

if TYPE_CHECKING:
    import pandas as pd

INPUT = "catalogue"


@dataclass(frozen=True)
class Options:
    """Which file, and which of its columns."""

    path: str = option(doc="CSV, FITS, ECSV, VOTable or Parquet file.", unit="path")
    id_column: str | None = option(
        None, doc="Its column of identifiers, those of the catalogue; null: the one named as such."
    )
    columns: tuple[str, ...] = option(
        (), doc="Columns taken; none named: every numeric one but identifier and position."
    )


def fit(table: "pd.DataFrame", options: Options, seed: int) -> dict[str, np.ndarray]:
    """Decide the columns, as `hoag.features.columns.fit` does.

    Parameters
    ----------
    table
        The catalogue.
    options
        See `Options`.
    seed
        Not used.

    Raises
    ------
    ConfigError
        If the file can't be read, has no column of identifiers or one of them twice, none of the
        objects, or lacks a column.
    """
    found = _found(table, options)
    if found.drop(columns="object_id").isna().all(axis=None):
        first = table["object_id"].iloc[0] if len(table) else None
        raise ConfigError(
            f"{options.path}: found none of the objects among ids such as "
            f"{found.attrs['example']!r}, allowed: ids such as {first!r}"
        )
    return columns.fit(found, columns.Options(options.columns), seed)


def transform(
    table: "pd.DataFrame", options: Options, state: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Values of the fitted columns, (n, d) float32; NaN for objects that the file lacks."""
    return columns.transform(_found(table, options), columns.Options(options.columns), state)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """The columns' own names."""
    return columns.names(columns.Options(options.columns), state)


def _found(table: "pd.DataFrame", options: Options) -> "pd.DataFrame":
    """The file's rows of the objects, in their order; gaps where there is none."""
    from hoag import catalogue
    from hoag.catalogue.coordinates import find_id, find_position

    there = catalogue.read(options.path, id_column=options.id_column)
    name = options.id_column or find_id(there.columns)
    if name not in there:
        raise ConfigError(unknown(f"{options.path}: id_column", name, there.columns))
    if there[name].isna().any():
        raise ConfigError(
            f"{options.path}: found {there[name].isna().sum()} rows without a value in {name}, "
            "allowed: an identifier in each"
        )
    ids = there[name].astype(str)
    if ids.duplicated().any():
        raise ConfigError(f"{options.path}: found {ids[ids.duplicated()].iloc[0]!r} twice")
    there = there.drop(columns=name)
    flags = there.select_dtypes("bool").columns
    there = there.astype(dict.fromkeys(flags, np.float32))  # a gap would make them objects
    found = there.set_axis(ids, axis=0).reindex(table["object_id"].astype(str))
    found = found.drop(columns="object_id", errors="ignore").reset_index(names="object_id")
    found.attrs["example"] = ids.iloc[0]
    found.attrs["made_from"] = [n for n in find_position(there.columns) if n]
    return found
