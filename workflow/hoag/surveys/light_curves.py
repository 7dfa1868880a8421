"""Survey ``light_curves``: the user's own light curves, in several filters, with errors and gaps.

Sources: one long table of all objects' rows (CSV, also compressed by gzip or bzip2, or Parquet), or
a folder, zip or tar with such a table for each object, whose name without suffix is its id.

Rows are put in order of time and stay as they are otherwise: nothing is binned, and magnitudes stay
magnitudes. Left out are rows without a finite time or value, with an error that isn't above 0, and
all but the one of smallest error of those with the same time and filter. The manifest says of each
object how many these were. Rows in filters that are not asked for don't count at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.options import ConfigError, option
from hoag.surveys import _long_tables as long_tables
from hoag.surveys._containers import UnreadableError
from hoag.surveys._sources import named
from hoag.surveys._traces import Batch, list_members
from hoag.surveys._types import LIGHT_CURVE, Failure, Trace

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Batch"]

FORMAT_VERSION = 1
ACKNOWLEDGEMENT = (
    "The light curves were supplied by the user; please acknowledge the survey that took them "
    "in the words that it asks for."
)


@dataclass(frozen=True)
class Options:
    """What the columns mean, and what a light curve must have."""

    values: str = option(
        "magnitudes",
        doc="What is measured; magnitudes are drawn upside down.",
        choices=("magnitudes", "fluxes"),
    )
    id_column: str = option("object_id", doc="Column of a long table with the object's id.")
    time_column: str = option("time_mjd", doc="Column with the time.", unit="d")
    time_offset_d: float = option(
        0.0, doc="Added to the times to make them MJD (for JD: -2400000.5).", unit="d"
    )
    value_column: str = option("value", doc="Column with the magnitude or flux.")
    error_column: str | None = option(
        "error", doc="Column with its standard error; null where there are none."
    )
    filter_column: str | None = option(
        None, doc="Column with the filter's name; null: all rows are of one filter."
    )
    filters: tuple[str, ...] = option(
        ("all",), doc="Filters taken, in order; without filter_column the name of the only one."
    )
    min_points: int = option(
        5, doc="Fewest good rows, in all filters together, of an object.", minimum=1
    )

    def __post_init__(self) -> None:
        n = len(self.filters)
        if not n or len(set(self.filters)) < n or (self.filter_column is None and n > 1):
            allowed = "one name" if self.filter_column is None else "different names, at least one"
            raise ConfigError(f"filters: found {list(self.filters)}, allowed: {allowed}")

    @property
    def layout(self) -> long_tables.Layout:
        """The columns that are read."""
        numbers = (self.time_column, self.value_column, self.error_column)
        texts = (self.filter_column,) if self.filter_column else ()
        return long_tables.Layout(self.id_column, tuple(n for n in numbers if n), texts)


def object_kind(options: Options) -> str:
    """Always `LIGHT_CURVE`."""
    return LIGHT_CURVE


def bands(options: Options) -> tuple[str, ...]:
    """The filters."""
    return options.filters


def image_shape(options: Options) -> tuple[int, int] | None:
    """None: there are no pixels."""
    return None


def attributes(options: Options) -> dict[str, Any]:
    """What is measured, and whether its errors are known."""
    return {"values": options.values, "has_errors": options.error_column is not None}


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """The batch's objects, sorted by id: object_id, label (null where unknown), source, member.

    Raises
    ------
    ConfigError
        For a source or table that is missing, unreadable, empty or lacks a column.
    """
    return list_members(_members(batch, options, name), batch, name)


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Number of rows that `list_objects` gives; raises as it does."""
    return len(list_members(_members(batch, options, name), batch, name))


def _members(batch: Batch, options: Options, name: str) -> dict[str, str]:
    with named(f"batches.{name}.source"):
        return long_tables.members(Path(batch.source), options.layout, batch.pattern)


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Trace | Failure]:
    """The light curves of one shard's objects, or the reason why there is none.

    Parameters
    ----------
    targets
        Rows of `list_objects`: object_id and member.
    seed
        Not used.

    Yields
    ------
    Trace or Failure
        One for each target. Unknown errors are NaN in all rows. A light curve with fewer good
        rows than ``min_points`` fails as ``too_few``, a file that can't be read as ``invalid``.
    """
    ids = dict(zip(targets["member"].astype(str), targets["object_id"].astype(str), strict=True))
    path = Path(batch.source)
    for member, found in long_tables.read(path, options.layout, ids):
        if isinstance(found, UnreadableError):
            yield Failure(ids[member], "invalid", str(found), url=member)
        else:
            yield _light_curve(ids[member], member, found, options)


def _light_curve(
    object_id: str, member: str, found: dict[str, np.ndarray], options: Options
) -> Trace | Failure:
    time = found[options.time_column] + options.time_offset_d
    value = found[options.value_column]
    error = found[options.error_column] if options.error_column else np.full(len(time), np.nan)
    band, others = np.zeros(len(time), np.int16), ""
    if options.filter_column:
        names = found[options.filter_column]
        place = {name: i for i, name in enumerate(options.filters)}
        band = np.array([place.get(name, -1) for name in names], np.int16)
        strange = sorted({str(name) for name in names[band < 0]})
        others = f"; other filters there: {', '.join(strange)}" if strange else ""
    bad = {"without a time or value": ~(np.isfinite(time) & np.isfinite(value))}
    if options.error_column:
        known = np.isfinite(error) & (error > 0)
        bad["with an error that is not above 0"] = ~known & ~bad["without a time or value"]
    good = (band >= 0) & ~np.any(list(bad.values()), axis=0)
    order = np.flatnonzero(good)
    order = order[np.lexsort((value[order], error[order], band[order], time[order]))]
    twice = np.zeros(len(order), bool)
    twice[1:] = (np.diff(time[order]) == 0) & (np.diff(band[order]) == 0)
    numbers = {reason: int((rows & (band >= 0)).sum()) for reason, rows in bad.items()}
    remark = _remark(numbers | {"at a time that another row has": int(twice.sum())})
    kept = order[~twice]
    if len(kept) < options.min_points:
        reason = f"found {len(kept)} good rows, allowed: {options.min_points} or more"
        left_out = f"; left out: {remark}" if remark else ""
        return Failure(object_id, "too_few", reason + left_out + others, url=member)
    columns = {"time_mjd": time, "value": value, "error": error, "band": band}
    columns = {name: values[kept] for name, values in columns.items()}
    return Trace(object_id, columns, f"left out: {remark}" if remark else "", url=member)


def _remark(numbers: dict[str, int]) -> str:
    return ", ".join(f"{n} {reason}" for reason, n in numbers.items() if n)
