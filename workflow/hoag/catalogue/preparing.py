"""From a catalogue's rows to objects: identifiers, positions, rejects, what is there twice."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from hoag.catalogue import coordinates
from hoag.catalogue.reading import load
from hoag.catalogue.selection import (
    as_text,
    check_expressions,
    columns_of,
    masked,
    select,
    without_categories,
)
from hoag.options import ConfigError


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A catalogue that is ready to be dealt into shards.

    Attributes
    ----------
    table
        Schema ``catalogue``: object_id, ra_deg, dec_deg, label, split, the user's own columns.
        ``attrs["made_from"]`` names those of the user's that the five were made from.
    rejects
        Schema ``rejects``: row (number in the file, from 0), object_id (or null), reason.
    rows
        (n,) int64: the number in the file of each row of ``table``.
    n_merged
        Rows left out because the same object with the same content was there already.
    """

    table: pd.DataFrame
    rejects: pd.DataFrame
    rows: np.ndarray
    n_merged: int


def count(
    path: str | Path,
    expressions: Sequence[str] = (),
    *,
    id_column: str | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    ra_unit: str | None = None,
    dec_unit: str | None = None,
    label_column: str | None = None,
    need_position: bool = False,
) -> int:
    """Number of rows that the selection leaves; reads only the columns that it needs.

    Parameters
    ----------
    path, expressions
        As for `read` and `select`.
    id_column, ra_column, dec_column, ra_unit, dec_unit, label_column, need_position
        As for `prepare`.

    Raises
    ------
    ConfigError
        For each structural fault that `read`, `select` and `prepare` would find later, and
        where the selection leaves no row.
    """

    def choose(names: list[str], units: Mapping[str, str]) -> list[str]:
        check_expressions(expressions, names)
        id_name, *position = coordinates.find_columns(
            names,
            id_column=id_column,
            ra_column=ra_column,
            dec_column=dec_column,
            label_column=label_column,
            need_position=need_position,
            where=str(path),
        )
        for name, unit in zip(position, (ra_unit, dec_unit), strict=True):
            if name:
                coordinates.degrees_per_unit(unit or units.get(name), name)
        needed = {id_name, *(name for e in expressions for name in columns_of(e))}
        return [n for n in names if n in needed] or names[:1]

    frame = load(path, choose, id_column)
    id_name = id_column or coordinates.find_id(frame.columns)
    if id_name:
        _check_exact(frame[id_name], str(path))
    n_left = len(select(frame, expressions)[0])
    if not n_left:
        cuts = "; ".join(expressions)
        raise ConfigError(f"{path}: select leaves none of {len(frame)} rows: {cuts}")
    return n_left


def prepare(
    frame: pd.DataFrame,
    *,
    id_column: str | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    ra_unit: str | None = None,
    dec_unit: str | None = None,
    label_column: str | None = None,
    need_position: bool = False,
    earlier: Mapping[str, pd.DataFrame] | None = None,
    strict: bool = False,
    base_name: str = "object",
) -> Prepared:
    """Find identifiers and positions, check every row, merge what is there twice.

    Parameters
    ----------
    frame
        A table as `read` and `select` give it, indexed by the rows' numbers.
    id_column, ra_column, dec_column
        Names of the columns; by default those that `coordinates` finds.
    ra_unit, dec_unit
        Units of the coordinates; by default ``frame.attrs["units"]``, then degrees.
    label_column
        Column of the labels; by default one named label, in any case.
    need_position
        Every row needs coordinates. Otherwise they may be missing, both together.
    earlier
        Prepared tables of earlier batches, by name.
    strict
        A row that can't be used stops everything.
    base_name
        Begins the identifiers of rows that have neither identifier nor position, and stands in
        messages: ``{base_name}-{row:07d}``.

    Raises
    ------
    ConfigError
        If a column doesn't exist, a unit is unknown, identifiers have been rounded, or, with
        ``strict``, for any row that can't be used.

    Notes
    -----
    Positions are taken as ICRS. Right ascension between -180 and 0 deg and at 360 deg is wrapped
    into [0, 360). Rejected are: null identifiers; coordinates that can't be read, are outside
    their range, or of which one is missing; and an identifier that is there already with other
    content. Of several such rows in one batch the first usable one stays, and earlier batches
    come before it. Content means all columns, NaN equal to NaN; against an earlier batch, those
    columns that both have. Rows without identifier and position are objects of their own.

    Without a column of identifiers, they come from the positions (`coordinates.position_names`),
    so that a position has the same name in every batch.

    The user's columns stay as they are. The labels' column, and one named split in any case,
    also fill the columns of those names as text. Where a user's column has the name of one of the
    five and holds something else, it is kept with ``_original`` behind its name.
    """
    id_name, ra_name, dec_name = coordinates.find_columns(
        list(frame.columns),
        id_column=id_column,
        ra_column=ra_column,
        dec_column=dec_column,
        label_column=label_column,
        need_position=need_position,
        where=base_name,
    )
    units, rows = frame.attrs.get("units", {}), frame.index.to_numpy()
    frame = frame.reset_index(drop=True)
    ra, ra_faults = _coordinate(frame, ra_name, ra_unit or units.get(ra_name), is_ra=True)
    dec, dec_faults = _coordinate(frame, dec_name, dec_unit or units.get(dec_name), is_ra=False)
    # a value that can't be used says more than a gap
    faults = _gaps(ra, dec, ra_name, dec_name, need_position) | dec_faults | ra_faults
    if id_name:
        _check_exact(frame[id_name], base_name)
        ids = _text(frame[id_name])
        no_id = f"{id_name}: found nothing, allowed: an identifier"
        faults |= dict.fromkeys(np.flatnonzero(ids.isna()).tolist(), no_id)
    else:
        ids = _names(ra, dec, rows, base_name)
    sources = {
        "object_id": id_name,
        "ra_deg": ra_name,
        "dec_deg": dec_name,
        "label": label_column or _named(frame, "label"),
        "split": _named(frame, "split"),
    }
    table = _assemble(frame, {"object_id": ids, "ra_deg": ra, "dec_deg": dec}, sources)
    table.attrs["units"] = dict(units) | {"ra_deg": "deg", "dec_deg": "deg"}
    table.attrs["made_from"] = sorted({name for name in sources.values() if name})
    usable = ~np.isin(np.arange(len(table)), list(faults))
    merged, clashes = _duplicates(table, usable, earlier or {}, rows)
    faults |= clashes
    if strict and faults:
        first = min(faults)
        raise ConfigError(
            f"{base_name}: found {len(faults)} of {len(table)} rows that can't be used, allowed "
            f"with strict: none; the first: row {rows[first]}, {faults[first]}"
        )
    rejected = np.array(sorted(faults), dtype=np.int64)
    rejects = pd.DataFrame(
        {
            "row": rows[rejected],
            "object_id": ids.iloc[rejected].reset_index(drop=True),
            "reason": pd.Series([faults[i] for i in rejected.tolist()], dtype="str"),
        }
    )
    gone = np.concatenate([rejected, merged])
    left = table.drop(index=gone)
    return Prepared(left.reset_index(drop=True), rejects, rows[left.index], len(merged))


# Faults below are reasons by row position.


def _coordinate(
    frame: pd.DataFrame, name: str | None, unit: str | None, *, is_ra: bool
) -> tuple[np.ndarray, dict[int, str]]:
    """Degrees, right ascension in [0, 360), and the reasons against single rows."""
    if name is None:
        return np.full(len(frame), np.nan), {}
    column = frame[name]
    value = coordinates.to_degrees(column, unit=unit, name=name, hours=is_ra)
    low, high = coordinates.RA_LIMITS_DEG if is_ra else coordinates.DEC_LIMITS_DEG
    outside = (value < low) | (value > high)
    unreadable = np.flatnonzero(np.isnan(value) & column.notna().to_numpy())
    form = "degrees or hh:mm:ss" if is_ra else "degrees or dd:mm:ss"
    faults = {
        i: f"{name}: found {value[i]:.10g} deg, allowed: {low:g}..{high:g} deg"
        for i in np.flatnonzero(outside).tolist()
    } | {
        i: f"{name}: found {column[i]!r}, allowed: {form}"
        for i in unreadable.tolist()
        if str(column[i]).strip()  # blanks are a gap
    }
    value = np.where(outside, np.nan, value)
    return (coordinates.wrap_ra(value) if is_ra else value), faults


def _gaps(
    ra: np.ndarray, dec: np.ndarray, ra_name: str | None, dec_name: str | None, needed: bool
) -> dict[int, str]:
    no_ra, no_dec = np.isnan(ra), np.isnan(dec)
    wrong = (no_ra | no_dec) if needed else (no_ra ^ no_dec)
    allowed = "both coordinates" if needed else "both coordinates or neither"
    return {
        i: f"{ra_name if no_ra[i] else dec_name}: found nothing, allowed: {allowed}"
        for i in np.flatnonzero(wrong).tolist()
    }


def _check_exact(ids: pd.Series, where: str) -> None:
    """Raise if the identifiers have been through a floating-point number that rounds them."""
    found, digits = ids.dropna(), 53
    if pd.api.types.is_float_dtype(ids.dtype):
        digits = np.finfo(str(ids.dtype).lower()).nmant + 1
    elif not _all_match(ids, r"\s*(\d+\.0+|\d(\.\d*)?[eE]\+?\d+)\s*"):
        return
    numbers = found.to_numpy(np.float64)
    unfit = (np.abs(numbers) >= 2.0**digits) | (numbers != np.floor(numbers))
    if unfit.any():
        raise ConfigError(
            f"{where}: column {ids.name!r}: found identifiers that are not whole or have been "
            f"rounded ({found[unfit].iloc[0]!s}), allowed: text or 64-bit whole numbers"
        )


def _all_match(values: pd.Series, pattern: str) -> bool:
    """Whether these are texts that all have one form; quick where the first has another."""
    filled = values.dropna()
    if not isinstance(values.dtype, pd.StringDtype) or filled.empty:
        return False
    return bool(re.fullmatch(pattern, filled.iloc[0]) and filled.str.fullmatch(pattern).all())


def _text(values: pd.Series) -> pd.Series:
    """Text without blanks around it; whole numbers with all digits; null for nothing."""
    values = without_categories(values)
    if pd.api.types.is_float_dtype(values.dtype):
        filled = values.dropna()
        if bool(((filled == np.floor(filled)) & (filled.abs() < 2.0**53)).all()):
            values = values.astype("Int64")
    if pd.api.types.is_numeric_dtype(values.dtype):
        return pd.Series(pa.Array.from_pandas(values).cast(pa.string()).to_pandas(), dtype="str")
    text = values.map(as_text, na_action="ignore") if values.dtype == object else values
    text = text.astype("str").str.strip()
    if _all_match(text, r"\d+\.0+"):
        text = text.str.partition(".")[0]
    return text.mask(text == "", None)


def _names(ra: np.ndarray, dec: np.ndarray, rows: np.ndarray, base_name: str) -> pd.Series:
    """Identifiers from positions, or from the row number where there is none."""
    names = np.array([f"{base_name}-{row:07d}" for row in rows.tolist()], dtype=object)
    placed = np.isfinite(ra) & np.isfinite(dec)
    names[placed] = coordinates.position_names(ra[placed], dec[placed])
    return pd.Series(names, dtype="str")


def _named(frame: pd.DataFrame, name: str) -> str | None:
    """The column of this name, or else the first that differs from it only in case."""
    named = [name, *(c for c in frame.columns if c.lower() == name)]
    return next((c for c in named if c in frame), None)


def _assemble(
    frame: pd.DataFrame, made: dict[str, pd.Series | np.ndarray], sources: dict[str, str | None]
) -> pd.DataFrame:
    """The five columns of every catalogue, then the user's own."""
    for name in ("label", "split"):
        made[name] = (
            pd.Series([None] * len(frame), dtype="str")
            if sources[name] is None
            else _text(frame[sources[name]])
        )
    first, own = pd.DataFrame(made), {}
    for column in frame.columns:
        kept = column
        if column in first:
            is_text = column not in ("ra_deg", "dec_deg")
            if sources[column] == column and (
                is_text or _equal(frame[column], first[column]).all()
            ):
                continue  # the same values
            kept = f"{column}_original"
            while kept in frame:
                kept += "_"
        own[kept] = frame[column]
    return pd.DataFrame({**first, **own})


def _duplicates(
    table: pd.DataFrame, usable: np.ndarray, earlier: Mapping[str, pd.DataFrame], rows: np.ndarray
) -> tuple[np.ndarray, dict[int, str]]:
    """Rows whose identifier is there already: positions where the content is the same, and
    reasons where it differs. Earlier batches come first, then the first usable row of the batch.
    """
    left, merged, clashes = np.flatnonzero(usable), [], {}
    for name, known in [*earlier.items(), (None, None)]:
        ids = table["object_id"].iloc[left]
        again = (ids.duplicated() if known is None else ids.isin(known["object_id"])).to_numpy()
        here = left[again]
        known = table.iloc[left[~again]] if known is None else known
        before = known.iloc[pd.Index(known["object_id"]).get_indexer(ids[again])]
        for i, column, k in zip(
            here.tolist(), _difference(table, here, before), before.index, strict=True
        ):
            if column is None:
                merged.append(i)
                continue
            value = table[column].iloc[[i]].tolist()[0]
            where = f"row {rows[k]}" if name is None else f"earlier batch {name!r}"
            clashes[i] = (
                f"object_id: found {table['object_id'][i]!r} with another {column} ({value!r}) "
                f"than in {where}, allowed: the same content"
            )
        left = left[~again]
    return np.array(merged, dtype=np.int64), clashes


def _difference(table: pd.DataFrame, rows: np.ndarray, before: pd.DataFrame) -> list[str | None]:
    """For each of ``rows`` the first column in which it differs from the row of ``before``."""
    found = np.full(len(rows), None, dtype=object)
    for column in reversed(table.columns):
        if column in before:
            found[~_equal(table[column].iloc[rows], before[column])] = column
    return found.tolist()


def _equal(left: pd.Series, right: pd.Series) -> np.ndarray:
    """(n,) bool, row by row; null equals null."""
    left, right = masked(left), masked(right)
    same = np.asarray(left.data == right.data, dtype=bool)
    return np.where(left.mask | right.mask, left.mask & right.mask, same)
