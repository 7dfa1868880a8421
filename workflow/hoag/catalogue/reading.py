"""Catalogues of five formats as pandas tables, with every digit of their identifiers."""

import csv
import difflib
import io
import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from hoag.catalogue.coordinates import INDEX, find_id
from hoag.options import ConfigError, unknown
from hoag.tables import to_frame

if TYPE_CHECKING:
    from astropy.table import Table

_log = logging.getLogger(__name__)

SUFFIXES = {
    **dict.fromkeys((".csv", ".tsv"), "CSV"),
    **dict.fromkeys((".fits", ".fit", ".fz"), "FITS"),
    ".ecsv": "ECSV",
    **dict.fromkeys((".vot", ".xml", ".votable"), "VOTable"),
    **dict.fromkeys((".parquet", ".pq"), "Parquet"),
}

# Picks the columns to read, knowing the names of all and the units of those that have one. Each
# reader below takes one, so that a file is opened once and only what is needed is read.
Choose = Callable[[list[str], Mapping[str, str]], list[str]]


def read(
    path: str | Path, *, columns: Sequence[str] | None = None, id_column: str | None = None
) -> pd.DataFrame:
    """Read a catalogue with its columns as they are.

    Parameters
    ----------
    path
        CSV or TSV, FITS, ECSV, VOTable or Parquet, by its suffix (CSV, FITS, ECSV and VOTable
        may be gzipped); where the suffix is none of `SUFFIXES`, by its first bytes.
    columns
        Read these only, in this order.
    id_column
        The column of identifiers, which a CSV file's reader keeps as text, zeros in front
        included; by default the one that `coordinates.find_id` finds.

    Returns
    -------
    DataFrame indexed by row number from 0. ``attrs["units"]`` holds the columns' units as the
    file writes them. Columns of whole numbers or truth values with gaps have pandas' nullable
    types, so that no 64-bit number passes through a float; other gaps are NaN or None. Dates and
    times in CSV stay text. Columns with several values in a row hold arrays.

    Raises
    ------
    ConfigError
        If there is no such file, it can't be read as what it seems to be, it has no rows, two
        columns share a name, or a column asked for doesn't exist.

    Notes
    -----
    Of several tables in a FITS file the longest counts, of those in a VOTable the first. Lines
    that begin with ``#`` above a CSV table are skipped, unless the last of them is its header.
    """

    def choose(names: list[str], _: Mapping[str, str]) -> list[str]:
        for name in columns or ():
            if name not in names:
                raise ConfigError(unknown(f"{path}: column", name, names))
        return list(names if columns is None else columns)

    return load(path, choose, id_column)


def column_names(path: str | Path) -> list[str]:
    """Names of a catalogue's columns; reads no more than it has to. Raises as `read`."""
    found: list[str] = []

    def choose(names: list[str], _: Mapping[str, str]) -> list[str]:
        found.extend(names)
        return names[:1]

    load(path, choose)
    return found


def load(path: str | Path, choose: Choose, id_column: str | None = None) -> pd.DataFrame:
    """The columns that ``choose`` picks; otherwise as `read`."""
    path = Path(path)
    kind = _format(_existing(path))

    def checked(names: list[str], units: Mapping[str, str]) -> list[str]:
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ConfigError(f"{path}: found two columns named {twice[0]!r}, allowed: one")
        units_of.update(units)
        return choose(names, units)

    readers = {
        "CSV": lambda path, choose: _csv(path, choose, id_column),
        "FITS": _fits,
        "ECSV": _ecsv,
        "VOTable": _votable,
        "Parquet": _parquet,
    }
    units_of: dict[str, str] = {}
    with _readable(path, kind):
        frame = to_frame(readers[kind](path, checked))
    if frame.empty:
        raise ConfigError(f"{path}: found no rows, allowed: at least one")
    frame.attrs["units"] = {n: u for n, u in units_of.items() if n in frame and u}
    return frame


def _existing(path: Path) -> Path:
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, beside, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"{path}: no such file{hint}")
    if not path.is_file():
        raise ConfigError(f"{path}: found a folder, allowed: a file")
    if not path.stat().st_size:
        raise ConfigError(f"{path}: the file is empty")
    return path


@contextmanager
def _readable(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a reader raises into one line; its warnings go to the log."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except ConfigError:
            raise
        except Exception as error:  # the readers of five formats raise nearly anything
            said = " ".join(str(error).split())[:200] or type(error).__name__
            raise ConfigError(f"{path}: can't be read as {kind} ({said})") from error
    for message in sorted({" ".join(str(w.message).split()) for w in caught}):
        _log.info("%s: %s", path, message)


def _format(path: Path) -> str:
    kind = SUFFIXES.get(Path(path.name.lower().removesuffix(".gz")).suffix)
    if kind in (None, "CSV"):  # ECSV is often stored with the suffix of plain CSV
        kind = _sniff(_head(path)) or kind
    if kind is None:
        allowed = ", ".join(dict.fromkeys(SUFFIXES.values()))
        raise ConfigError(f"{path}: found no format that is known, allowed: {allowed}")
    return kind


def _sniff(head: bytes) -> str | None:
    marks = {b"# %ECSV": "ECSV", b"PAR1": "Parquet", b"SIMPLE  =": "FITS"}
    for mark, kind in marks.items():
        if head.startswith(mark):
            return kind
    if b"<VOTABLE" in head[:4096]:
        return "VOTable"
    first = next((line for line in head.splitlines() if not line.startswith(b"#")), b"")
    return "CSV" if b"\0" not in head and re.search(rb"[,;\t|]", first) else None


def _stream(path: Path) -> pa.NativeFile:
    """The file's bytes, unzipped where they are gzipped, whatever its suffix says."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return pa.input_stream(str(path), compression="gzip" if zipped else None)


def _head(path: Path) -> bytes:
    with _readable(path, "a gzipped file"), _stream(path) as stream:
        return stream.read(1 << 20)


# CSV


def _csv(path: Path, choose: Choose, id_column: str | None) -> pa.Table:
    delimiter, names, n_skip = _csv_header(path)
    columns = choose(names, {})

    def parse(columns: list[str], types: dict[str, pa.DataType]) -> pa.Table:
        with _stream(path) as stream:
            return pa.csv.read_csv(
                stream,
                read_options=pa.csv.ReadOptions(column_names=names, skip_rows=n_skip),
                parse_options=pa.csv.ParseOptions(delimiter=delimiter),
                convert_options=pa.csv.ConvertOptions(
                    include_columns=columns, column_types=types, strings_can_be_null=True
                ),
            )

    id_name = id_column or find_id(names)
    table = parse(columns, {id_name: pa.string()} if id_name in names else {})
    for i, name in enumerate(columns):
        better = _better_type(table[name])
        if better is not None:
            try:
                table = table.set_column(i, name, parse([name], {name: better})[name])
            except pa.ArrowInvalid:  # real numbers beyond 2**63 after all
                continue
        elif pa.types.is_binary(table[name].type):  # not UTF-8
            text = [v if v is None else v.decode("latin-1") for v in table[name].to_pylist()]
            table = table.set_column(i, name, pa.array(text, pa.string()))
        if pa.types.is_string(table[name].type):  # some write a blank after each comma
            text = pc.utf8_trim_whitespace(table[name])
            text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
            table = table.set_column(i, name, text)
    return table


def _csv_header(path: Path) -> tuple[str, list[str], int]:
    """Delimiter, column names, and how many lines stand above the first row."""
    lines = io.StringIO(_head(path).decode("utf-8-sig", errors="replace")).readlines()
    n_comments = next((i for i, v in enumerate(lines) if v[0] != "#" and v.strip()), len(lines))
    if n_comments == len(lines):
        raise ConfigError(f"{path}: found no header line, allowed: one line of column names")
    tabs = ".tsv" in (s.lower() for s in path.suffixes)
    delimiter = "\t" if tabs else max(",;\t|", key=lines[n_comments].count)

    def split(line: str) -> list[str]:
        return [field.strip() for field in next(csv.reader([line], delimiter=delimiter))]

    header, n_skip = split(lines[n_comments]), n_comments + 1
    above = split(lines[n_comments - 1].lstrip("# ")) if n_comments else []
    if len(above) == len(header) and any(map(_is_number, header)) > any(map(_is_number, above)):
        header, n_skip = above, n_comments  # some archives write the names as the last comment
    if all(map(_is_number, header)):
        raise ConfigError(f"{path}: found numbers in the first line, allowed: column names")
    names = [name or f"column_{i + 1}" for i, name in enumerate(header)]
    return delimiter, [header[0] or INDEX, *names[1:]], n_skip


def _is_number(text: str) -> bool:
    try:
        return bool(text) and np.isfinite(float(text))
    except ValueError:
        return False


def _better_type(column: pa.ChunkedArray) -> pa.DataType | None:
    """What Arrow should have taken a CSV file's column for."""
    if pa.types.is_temporal(column.type):  # 12:34:56 is right ascension; dates stay as written
        return pa.string()
    if pa.types.is_floating(column.type):  # whole numbers above 2**63 would be rounded
        low, high = (pc.min_max(column)[k].as_py() for k in ("min", "max"))
        if low is not None and low >= 0 and 2**63 <= high <= 2**64:
            return pa.uint64()
    return None


# Parquet, FITS, ECSV, VOTable


def _parquet(path: Path, choose: Choose) -> pa.Table:
    schema = pq.read_schema(path)
    units = {f.name: f.metadata.get(b"unit", b"").decode() for f in schema if f.metadata}
    header = (schema.metadata or {}).get(b"table_meta_yaml")
    if header is not None:  # astropy wrote it: units, and masks as columns of their own
        from astropy.table import Table

        masked = b"__serialized_columns__" in header
        table = Table.read(path, format="parquet", schema_only=not masked)
        if masked:
            return _from_astropy(table, choose)
        units |= _units(table)
    return pq.read_table(path, columns=choose(list(schema.names), units))


def _fits(path: Path, choose: Choose) -> pa.Table:
    from astropy.io import fits

    with fits.open(path) as hdus:
        found = [h for h in hdus if isinstance(h, (fits.BinTableHDU, fits.TableHDU))]
        if not found:
            raise ConfigError(f"{path}: found no table in this FITS file, allowed: at least one")
        hdu = max(found, key=lambda h: h.header["NAXIS2"])  # the first of equals
        units = {c.name: c.unit for c in hdu.columns if c.unit}
        columns = choose(list(hdu.columns.names), units)
        return pa.table({n: _arrow(_fits_column(hdu, n)) for n in columns})


def _fits_column(hdu: Any, name: str) -> np.ndarray:
    column, values = hdu.columns[name], hdu.data[name]
    if column.null is None or values.dtype.kind not in "iu":
        return np.asarray(values)
    null = column.null + int(column.bzero or 0)  # TNULL is the number before scaling
    return np.ma.masked_equal(values, null)


def _ecsv(path: Path, choose: Choose) -> pa.Table:
    from astropy.table import Table

    with _stream(path) as stream:
        content = stream.read()
    try:
        table = Table.read(io.BytesIO(content), format="ecsv", engine="pyarrow")
    except Exception:  # the fast engine knows less than the plain one, which has the last word
        table = Table.read(io.BytesIO(content), format="ecsv")
    return _from_astropy(table, choose)


def _votable(path: Path, choose: Choose) -> pa.Table:
    from astropy.io import votable

    table = votable.parse(str(path), verify="ignore").get_first_table()
    return _from_astropy(table.to_table(use_names_over_ids=True), choose)


def _from_astropy(table: "Table", choose: Choose) -> pa.Table:
    from astropy.table.serialize import represent_mixins_as_columns

    table = represent_mixins_as_columns(table)  # a sky coordinate becomes its ra and dec
    return pa.table({n: _arrow(table[n]) for n in choose(list(table.colnames), _units(table))})


def _units(table: "Table") -> dict[str, str]:
    return {n: str(table[n].unit) for n in table.colnames if table[n].unit is not None}


def _arrow(column: np.ndarray) -> pa.Array:
    """One column, masked or not, of any byte order; text without blanks at its end."""
    mask, values = np.ma.getmaskarray(column), np.asarray(np.ma.getdata(column))
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.ndim > 1:
        return pa.array(list(values.reshape(len(values), -1)))
    if values.dtype.kind == "S":
        values = np.char.decode(values, "latin-1")
    array = pa.array(values, mask=mask)
    return pc.utf8_rtrim_whitespace(array) if pa.types.is_string(array.type) else array
