"""Any catalogue as one typed table: reading, selecting, and checking its rows.

Three steps, each usable alone: `read` gives the file's own columns, `select` applies the user's
cuts, `prepare` finds identifiers and positions and sets aside the rows that can't be used.
`count` does the first two cheaply, while the workflow is being planned.

Faults of the file as a whole (missing, unreadable, empty, no such column, identifiers that were
rounded) raise `ConfigError` with one line; faults of single rows end in a table of rejects.
"""

import ast
import csv
import dataclasses
import difflib
import gzip
import io
import logging
import operator
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from hoag import coordinates
from hoag.options import ConfigError

if TYPE_CHECKING:
    from astropy.io import fits
    from astropy.table import Table

_NO_ID = "{}: found nothing, allowed: an identifier"
_log = logging.getLogger(__name__)

SUFFIXES = {
    **dict.fromkeys((".csv", ".tsv"), "CSV"),
    **dict.fromkeys((".fits", ".fit", ".fz"), "FITS"),
    ".ecsv": "ECSV",
    **dict.fromkeys((".vot", ".xml", ".votable"), "VOTable"),
    **dict.fromkeys((".parquet", ".pq"), "Parquet"),
}

# ------------------------------------------------------------------------------------- reading


@dataclasses.dataclass(frozen=True)
class _Source:
    """A file that has been looked at: its columns, a loader, units, its length where cheap."""

    names: list[str]
    load: Callable[[list[str]], pd.DataFrame]
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)
    n_rows: int | None = None


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
    times in CSV stay text. Columns with several values in a row hold lists.

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
    source = _open(path, id_column)
    names = list(source.names if columns is None else columns)
    for name in names:
        _existing(source.names, name, str(path))
    frame = _load(source, names, path)
    if frame.empty:
        raise ConfigError(f"{path}: found no rows, allowed: at least one")
    return frame


def count(
    path: str | Path,
    expressions: Sequence[str] = (),
    *,
    id_column: str | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    ra_unit: str | None = None,
    dec_unit: str | None = None,
    need_position: bool = False,
) -> int:
    """Number of rows that the selection leaves; reads only the columns that it needs.

    Parameters
    ----------
    path, expressions
        As for `read` and `select`.
    id_column, ra_column, dec_column, ra_unit, dec_unit, need_position
        As for `prepare`.

    Raises
    ------
    ConfigError
        For each structural fault that `read`, `select` and `prepare` would find later, and
        where the selection leaves no row.
    """
    source = _open(path, id_column)
    where = str(path)
    check_expressions(expressions, source.names)
    id_name, ra_name, dec_name = _key_columns(
        source.names, id_column, ra_column, dec_column, need_position, where
    )
    used = {name for e in expressions for name in _columns_of(e)}
    needed = [n for n in source.names if n in used or n == id_name]
    if source.n_rows is None or needed:
        frame = _load(source, needed or source.names[:1], path)
        n_rows = len(frame)
    else:
        frame, n_rows = pd.DataFrame(), source.n_rows
    if not n_rows:
        raise ConfigError(f"{where}: found no rows, allowed: at least one")
    if id_name:
        _check_exact(frame[id_name], id_name, where)
    for name, unit in ((ra_name, ra_unit), (dec_name, dec_unit)):
        if name:
            coordinates.degrees_per_unit(unit or source.units.get(name), name)
    if not expressions:
        return n_rows
    n_left = len(select(frame, expressions)[0])
    if not n_left:
        raise ConfigError(f"{where}: select leaves none of {n_rows} rows: {'; '.join(expressions)}")
    return n_left


def _open(path: str | Path, id_column: str | None = None) -> _Source:
    path = Path(path)
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, beside, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"{path}: no such file{hint}")
    if not path.is_file():
        raise ConfigError(f"{path}: found a folder, allowed: a file")
    if not path.stat().st_size:
        raise ConfigError(f"{path}: the file is empty")
    kind = _format(path)
    with _readable(path, kind):
        source = _csv(path, id_column) if kind == "CSV" else _OPENERS[kind](path)
    twice = sorted({n for n in source.names if source.names.count(n) > 1})
    if twice:
        raise ConfigError(f"{path}: found two columns named {twice[0]!r}, allowed: one")
    return source


def _load(source: _Source, names: list[str], path: str | Path) -> pd.DataFrame:
    with _readable(path, _format(Path(path))):
        frame = source.load(names)
    frame.attrs["units"] = {n: u for n, u in source.units.items() if n in names and u}
    return frame


@contextmanager
def _readable(path: str | Path, kind: str) -> Iterator[None]:
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
    suffixes = [s.lower() for s in path.suffixes]
    suffix = suffixes[-2] if suffixes[-1:] == [".gz"] and suffixes[1:] else (suffixes or [""])[-1]
    kind = SUFFIXES.get(suffix)
    if kind not in (None, "CSV"):
        return kind
    head = _head(path)
    if head.startswith(b"# %ECSV"):  # often stored with the suffix of plain CSV
        return "ECSV"
    if kind is None:
        kind = _sniff(head)
    if kind is None:
        allowed = ", ".join(dict.fromkeys(SUFFIXES.values()))
        raise ConfigError(f"{path}: found no format that is known, allowed: {allowed}")
    return kind


def _head(path: Path) -> bytes:
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            return (gzip.GzipFile(fileobj=raw) if zipped else raw).read(1 << 20)
        except (OSError, EOFError) as error:
            raise ConfigError(f"{path}: can't be read as a gzipped file ({error})") from None


def _sniff(head: bytes) -> str | None:
    if head.startswith(b"PAR1"):
        return "Parquet"
    if head.startswith(b"SIMPLE  ="):
        return "FITS"
    if b"<VOTABLE" in head[:4096]:
        return "VOTable"
    first = next((line for line in head.splitlines() if not line.startswith(b"#")), b"")
    return "CSV" if b"\0" not in head and re.search(rb"[,;\t|]", first) else None


# CSV ------------------------------------------------------------------------------------------


def _csv(path: Path, id_column: str | None) -> _Source:
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
    id_name = id_column or coordinates.find_id(names)
    return _Source(names, lambda wanted: _load_csv(path, delimiter, names, n_skip, wanted, id_name))


def _is_number(text: str) -> bool:
    try:
        return bool(text) and np.isfinite(float(text))
    except ValueError:
        return False


def _load_csv(
    path: Path,
    delimiter: str,
    names: list[str],
    n_skip: int,
    wanted: list[str],
    id_name: str | None,
) -> pd.DataFrame:
    def parse(columns: list[str], types: Mapping[str, pa.DataType]) -> pa.Table:
        with pa.OSFile(str(path)) as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            return pa.csv.read_csv(
                pa.CompressedInputStream(raw, "gzip") if zipped else raw,
                read_options=pa.csv.ReadOptions(column_names=names, skip_rows=n_skip),
                parse_options=pa.csv.ParseOptions(delimiter=delimiter),
                convert_options=pa.csv.ConvertOptions(
                    include_columns=columns, column_types=dict(types), strings_can_be_null=True
                ),
            )

    table = parse(wanted, {id_name: pa.string()} if id_name in names else {})
    kinds = {f.name: f.type for f in table.schema}
    # 12:34:56 is right ascension, not a time of day; a date stays as it was written
    again = {n: pa.string() for n, t in kinds.items() if pa.types.is_temporal(t)}
    again |= {n: pa.uint64() for n, t in kinds.items() if _looks_unsigned(table[n], t)}
    for name, kind in again.items():
        try:
            column = parse([name], {name: kind})[name]
        except pa.ArrowInvalid:  # real numbers of that size after all
            continue
        table = table.set_column(table.schema.get_field_index(name), name, column)
    frame = _frame(table)
    for name, kind in kinds.items():
        if pa.types.is_binary(kind):
            frame[name] = frame[name].str.decode("latin-1")
    return frame


def _looks_unsigned(column: pa.ChunkedArray, kind: pa.DataType) -> bool:
    """Arrow guesses a column of whole numbers above 2**63 to be real, which would round them."""
    if not pa.types.is_floating(kind) or column.null_count == len(column):
        return False
    low, high = (pc.min_max(column)[k].as_py() for k in ("min", "max"))
    return low >= 0 and 2**63 <= high <= 2**64


# Parquet --------------------------------------------------------------------------------------


def _parquet(path: Path) -> _Source:
    file = pq.ParquetFile(path)
    schema, n_rows = file.schema_arrow, file.metadata.num_rows
    header = (schema.metadata or {}).get(b"table_meta_yaml", b"")
    if b"__serialized_columns__" in header:  # astropy stores a mask as a column of its own
        from astropy.table import Table

        return _astropy(Table.read(path, format="parquet"))
    units = {f.name: f.metadata.get(b"unit", b"").decode() for f in schema if f.metadata}
    units |= _units_of_astropy(header)

    def load(wanted: list[str]) -> pd.DataFrame:
        return _frame(pq.read_table(path, columns=wanted))

    return _Source(list(schema.names), load, units, n_rows)


def _units_of_astropy(header: bytes) -> dict[str, str]:
    """Units from the header that astropy leaves in the Parquet files which it writes."""
    if not header:
        return {}
    from astropy.table.meta import get_header_from_yaml

    columns = get_header_from_yaml(header.decode().splitlines())["datatype"]
    return {c["name"]: str(c["unit"]) for c in columns if c.get("unit") is not None}


def _frame(table: pa.Table) -> pd.DataFrame:
    """To pandas; whole numbers and truth values with gaps don't turn into floats or objects."""
    frame = table.to_pandas(ignore_metadata=True)
    for field in table.schema:
        nullable = _NULLABLE.get(str(field.type))
        if nullable is not None and table[field.name].null_count:
            frame[field.name] = table[field.name].to_pandas(
                types_mapper=lambda _, nullable=nullable: nullable
            )
    return frame


_NULLABLE = {
    "bool": pd.BooleanDtype(),
    "int8": pd.Int8Dtype(),
    "int16": pd.Int16Dtype(),
    "int32": pd.Int32Dtype(),
    "int64": pd.Int64Dtype(),
    "uint8": pd.UInt8Dtype(),
    "uint16": pd.UInt16Dtype(),
    "uint32": pd.UInt32Dtype(),
    "uint64": pd.UInt64Dtype(),
}

# FITS, ECSV, VOTable --------------------------------------------------------------------------


def _fits(path: Path) -> _Source:
    from astropy.io import fits

    def longest(hdus: "fits.HDUList") -> Any:
        found = [h for h in hdus if isinstance(h, (fits.BinTableHDU, fits.TableHDU))]
        if not found:
            raise ConfigError(f"{path}: found no table in this FITS file, allowed: at least one")
        return max(found, key=lambda h: h.header["NAXIS2"])  # the first of equals

    def load(wanted: list[str]) -> pd.DataFrame:
        with fits.open(path, memmap=False) as hdus:
            hdu = longest(hdus)
            return pd.DataFrame({n: _series(_fits_column(hdu, n)) for n in wanted})

    with fits.open(path) as hdus:
        hdu = longest(hdus)
        names, units = list(hdu.columns.names), {c.name: c.unit for c in hdu.columns if c.unit}
        return _Source(names, load, units, hdu.header["NAXIS2"])


def _fits_column(hdu: Any, name: str) -> np.ndarray:
    column, values = hdu.columns[name], hdu.data[name]
    if column.null is None or values.dtype.kind not in "iu":
        return np.asarray(values)
    null = column.null + int(column.bzero or 0)  # TNULL is the number before scaling
    return np.ma.masked_equal(values, null)


def _ecsv(path: Path) -> _Source:
    from astropy.table import Table

    with gzip.open(path) if _gzipped(path) else path.open("rb") as file:
        content = file.read()
    try:
        table = Table.read(io.BytesIO(content), format="ecsv", engine="pyarrow")
    except Exception:  # the fast engine knows less than the plain one, which has the last word
        table = Table.read(io.BytesIO(content), format="ecsv")
    return _astropy(table)


def _votable(path: Path) -> _Source:
    from astropy.io import votable

    document = votable.parse(str(path), verify="ignore")
    return _astropy(document.get_first_table().to_table(use_names_over_ids=True))


def _gzipped(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _astropy(table: "Table") -> _Source:
    from astropy.table.serialize import represent_mixins_as_columns

    table = represent_mixins_as_columns(table)  # a sky coordinate becomes its ra and dec
    units = {n: str(table[n].unit) for n in table.colnames if table[n].unit is not None}

    def load(wanted: list[str]) -> pd.DataFrame:
        return pd.DataFrame({n: _series(table[n]) for n in wanted})

    return _Source(list(table.colnames), load, units, len(table))


_OPENERS = {"Parquet": _parquet, "FITS": _fits, "ECSV": _ecsv, "VOTable": _votable}


def _series(column: np.ndarray) -> pd.Series:
    """One astropy column, masked or not, of any byte order, as pandas holds it."""
    mask = np.ma.getmaskarray(column)
    values = np.asarray(np.ma.getdata(column))
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.ndim > 1:
        return pd.Series([v.tolist() for v in values], dtype=object)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "latin-1")
    if values.dtype.kind in "UO":
        out = pd.Series(values, dtype=object).mask(mask, None)
        is_text = values.dtype.kind == "U" or pd.api.types.infer_dtype(out, skipna=True) == "string"
        return out.astype("str").str.rstrip() if is_text else out
    out = pd.Series(values)
    if not mask.any():
        return out
    nullable = _NULLABLE.get(str(values.dtype))
    return (out if nullable is None else out.astype(nullable)).mask(mask)


# ----------------------------------------------------------------------------------- selecting

_COMPARISONS = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}
_FUNCTIONS = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "log10": np.log10,
    "isnull": lambda x: np.asarray(pd.isna(x)),
    "isfinite": lambda x: np.isfinite(x.to_numpy(dtype=np.float64, na_value=np.nan)),
}
_LOGICAL_CALLS = ("isnull", "isfinite")
_TRUTHS = {"t": True, "true": True, "yes": True, "y": True, "f": False, "false": False}
_TRUTHS |= {"no": False, "n": False}
_ALLOWED = (
    "columns, numbers, text, comparisons, and, or, not, in [...], + - * / // % ** & |, "
    + ", ".join(f"{f}()" for f in _FUNCTIONS)
)


def select(frame: pd.DataFrame, expressions: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the rows for which every expression holds.

    Parameters
    ----------
    frame
        (n, k) table.
    expressions
        Such as ``20.0 < i < 20.5``, ``isprimary``, ``not flag and (r - i) < 1.2``,
        ``label == "odd"``, ``kind in ["a", "b"]``, ``flags & 4 == 0``, ``isfinite(z)``. A column
        whose name is no Python name stands between backticks: ```` `g-r` < 0.5 ````. Applied in
        order.

    Returns
    -------
    selected : the rows left, with the index (row number in the file) that they had
    cuts : columns ``cut``, ``n_before``, ``n_after``, a row for each expression

    Raises
    ------
    ConfigError
        As `check_expressions`, and where text is compared with a number.

    Notes
    -----
    Every comparison with NaN or null is false, ``!=`` and ``not in`` too; ``not`` turns that
    into true, as it does in numpy. Where a truth value is wanted, null is false, numbers are
    true unless zero, and text may be t/f, true/false, yes/no in any case.
    """
    expressions = _as_list(expressions)
    check_expressions(expressions, list(frame.columns))
    rows = []
    for expression in expressions:
        keep = _holds(expression, frame)
        rows.append((expression, len(frame), int(keep.sum())))
        frame = frame[keep]
    cuts = pd.DataFrame(rows, columns=["cut", "n_before", "n_after"])
    return frame, cuts.astype({"cut": "str", "n_before": np.int64, "n_after": np.int64})


def check_expressions(expressions: Sequence[str], columns: Iterable[str]) -> None:
    """Check that each expression can be read and names only columns that exist.

    Raises
    ------
    ConfigError
        Naming the expression, what was found in it, and what is allowed.
    """
    columns = list(columns)
    for expression in _as_list(expressions):
        names = _columns_of(expression)
        for name in names:
            _existing(columns, name, f"select {expression!r}")
        if not names:
            raise ConfigError(f"select {expression!r}: found no column, allowed: {_names(columns)}")


def _as_list(expressions: Sequence[str]) -> list[str]:
    return [expressions] if isinstance(expressions, str) else list(expressions)


def _columns_of(expression: str) -> list[str]:
    tree = _parse(expression)
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    names = (n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called)
    return list(dict.fromkeys(n.id for n in names))


def _parse(expression: str) -> ast.expr:
    """The expression's tree, checked against what is allowed, with backticked names put back."""
    quoted: dict[str, str] = {}

    def placeholder(match: re.Match[str]) -> str:
        return quoted.setdefault(match[1], f"_quoted_{len(quoted)}_")

    try:
        tree = ast.parse(re.sub(r"`([^`]+)`", placeholder, str(expression)).strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = getattr(error, "msg", None) or str(error)
        raise ConfigError(
            f"select {expression!r}: can't be read ({said}); a column whose name is not a "
            "Python name stands between backticks"
        ) from None
    columns = {v: k for k, v in quoted.items()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = columns.get(node.id, node.id)
    _check_logical(tree.body, expression)
    return tree.body


def _refuse(node: ast.AST, expression: str, allowed: str = _ALLOWED) -> None:
    raise ConfigError(f"select {expression!r}: found {ast.unparse(node)!r}, allowed: {allowed}")


def _check_logical(node: ast.AST, expression: str) -> None:
    """Check a part of the expression that has to be true or false."""
    match node:
        case ast.Name():
            pass
        case ast.BoolOp(values=parts):
            for part in parts:
                _check_logical(part, expression)
        case ast.UnaryOp(op=ast.Not(), operand=part):
            _check_logical(part, expression)
        case ast.Compare(left=left, ops=ops, comparators=rest):
            for op, part in zip([None, *ops], [left, *rest], strict=True):
                if isinstance(op, (ast.In, ast.NotIn)):
                    _check_list(part, expression)
                elif op is None or type(op) in _COMPARISONS:
                    _check_value(part, expression)
                else:
                    _refuse(node, expression)
        case ast.Call(func=ast.Name(id=name)) if name in _LOGICAL_CALLS:
            _check_value(node, expression)
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr()):
            _check_value(node, expression)
        case ast.BinOp() | ast.UnaryOp() | ast.Constant():
            _refuse(node, expression, "something that is true or false, such as a comparison")
        case _:
            _refuse(node, expression)


def _check_value(node: ast.AST, expression: str) -> None:
    """Check a part of the expression that may be a number or text."""
    match node:
        case ast.Name() | ast.Constant(value=bool() | int() | float() | str()):
            pass
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=part):
            _check_value(part, expression)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            if isinstance(op, ast.Pow) and not _small(right):
                _refuse(right, expression, "an exponent between -16 and 16")
            _check_value(left, expression)
            _check_value(right, expression)
        case ast.Call(func=ast.Name(id=name), args=[part], keywords=[]) if name in _FUNCTIONS:
            if not any(isinstance(n, ast.Name) for n in ast.walk(part)):
                _refuse(node, expression, "a function of a column")
            _check_value(part, expression)
        case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
            _check_logical(node, expression)
        case _:
            _refuse(node, expression)


def _small(node: ast.AST) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and node.value <= 16
    )


def _check_list(node: ast.AST, expression: str) -> None:
    if not isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        _refuse(node, expression, "a list of values after in")
    for part in node.elts:
        _check_value(part, expression)
        if any(isinstance(n, ast.Name) for n in ast.walk(part)):
            _refuse(part, expression, "numbers or text in a list")


def _holds(expression: str, frame: pd.DataFrame) -> np.ndarray:
    """(n,) bool: the rows for which the expression holds."""
    frame = frame[_columns_of(expression)].reset_index(drop=True)
    try:
        with np.errstate(all="ignore"):
            return _truth(_parse(expression), frame)
    except ConfigError as error:
        raise ConfigError(f"select {expression!r}: {error}") from None
    except (TypeError, ValueError, ArithmeticError, pa.ArrowException) as error:
        raise ConfigError(f"select {expression!r}: can't be evaluated ({error})") from None


def _truth(node: ast.AST, frame: pd.DataFrame) -> np.ndarray:
    match node:
        case ast.BoolOp(op=op, values=parts):
            join = np.logical_and if isinstance(op, ast.And) else np.logical_or
            return reduce(join, (_truth(p, frame) for p in parts))
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return ~_truth(part, frame)
        case ast.Compare(left=left, ops=ops, comparators=rest):
            values = [_value(left, frame)] + [_value(r, frame) for r in rest]
            pairs = zip(ops, values[:-1], values[1:], strict=True)
            return reduce(np.logical_and, (_compare(*p, len(frame)) for p in pairs))
    return _as_truth(_value(node, frame), ast.unparse(node))


def _value(node: ast.AST, frame: pd.DataFrame) -> Any:
    """A Series, a bool array or a plain number or text."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return _operand(frame[name])
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return [_value(p, frame) for p in parts]
        case ast.UnaryOp(op=ast.USub(), operand=part):
            return -_number(_value(part, frame))
        case ast.UnaryOp(op=ast.UAdd(), operand=part):
            return _number(_value(part, frame))
        case ast.BinOp(left=left, op=op, right=right):
            sides = [_value(left, frame), _value(right, frame)]
            if not all(_is_bool(s) for s in sides):
                sides = [_number(s) for s in sides]
            return _ARITHMETIC[type(op)](*sides)
        case ast.Call(func=ast.Name(id=name), args=[part]):
            value = _value(part, frame)
            return _FUNCTIONS[name](value if name == "isnull" else _number(value))
    return _truth(node, frame)


def _operand(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) == "decimal":
        column = column.astype(np.float64)
    return column


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool) or str(getattr(value, "dtype", "")) in ("bool", "boolean")


def _number(value: Any) -> Any:
    """A value fit for arithmetic: truth values count as 0 and 1, text is refused."""
    if _kind(value) == "text":
        raise ConfigError("found text in arithmetic, allowed: numbers")
    if isinstance(value, np.ndarray):
        value = pd.Series(value)
    if _is_bool(value):
        return int(value) if isinstance(value, bool) else value.astype("Int64")
    return value


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, (bool, int, float, np.ndarray)):
        return "number"
    if isinstance(value, pd.Series) and pd.api.types.is_numeric_dtype(value.dtype):
        return "number"
    if isinstance(value, pd.Series) and pd.api.types.infer_dtype(value, skipna=True) == "string":
        return "text"
    return "other"


def _compare(op: ast.cmpop, left: Any, right: Any, n: int) -> np.ndarray:
    members = right if isinstance(right, list) else [right]
    if any({_kind(left), _kind(m)} == {"text", "number"} for m in members):
        raise ConfigError("found text compared with a number, allowed: text with text")
    left = pd.Series(left) if isinstance(left, np.ndarray) else left
    right = pd.Series(right) if isinstance(right, np.ndarray) else right
    valid = np.broadcast_to(_filled(left) & _filled(right), n)
    if isinstance(right, list):
        member = left.isin(right) if isinstance(left, pd.Series) else left in right
        result = member if isinstance(op, ast.In) else ~np.asarray(member, dtype=bool)
    elif not valid.any():
        return np.zeros(n, dtype=bool)
    else:
        result = _COMPARISONS[type(op)](left, right)
    if isinstance(result, pd.Series):
        result = result.to_numpy(dtype=bool, na_value=False)
    return np.broadcast_to(np.asarray(result, dtype=bool), n) & valid


def _filled(value: Any) -> Any:
    if not isinstance(value, pd.Series):
        return True
    if pd.api.types.is_float_dtype(value.dtype):  # nullable floats tell NaN from null
        return ~np.isnan(value.to_numpy(dtype=np.float64, na_value=np.nan))
    return value.notna().to_numpy()


def _as_truth(value: Any, what: str) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value.astype(bool)
    if _kind(value) == "text":
        truth = value.str.lower().map(_TRUTHS)
        if (truth.isna() & value.notna()).any():
            raise ConfigError(f"column {what!r} holds text, allowed: a comparison with a value")
        return truth.eq(True).to_numpy(dtype=bool)
    if _kind(value) == "other" and value.notna().any():
        raise ConfigError(f"column {what!r} holds {value.dtype}, allowed: a comparison")
    return _filled(value) & (value != 0).to_numpy(dtype=bool, na_value=False)


# ----------------------------------------------------------------------------------- preparing


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A catalogue that is ready to be dealt into shards.

    Attributes
    ----------
    table
        Schema ``catalogue``: object_id, ra_deg, dec_deg, label, split, the user's own columns.
    rejects
        Schema ``rejects``: row (number in the file, from 0), object_id (or null), reason.
    n_merged
        Rows left out because the same object with the same content was there already.
    """

    table: pd.DataFrame
    rejects: pd.DataFrame
    n_merged: int


def prepare(
    frame: pd.DataFrame,
    *,
    id_column: str | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    ra_unit: str | None = None,
    dec_unit: str | None = None,
    need_position: bool = False,
    earlier: pd.DataFrame | Sequence[pd.DataFrame] | Mapping[str, pd.DataFrame] | None = None,
    strict: bool = False,
    base_name: str = "object",
) -> Prepared:
    """Find identifiers and positions, check every row, merge what is there twice.

    Parameters
    ----------
    frame
        A table as `read` and `select` give it.
    id_column, ra_column, dec_column
        Names of the columns; by default those that `coordinates` finds.
    ra_unit, dec_unit
        Units of the coordinates; by default ``frame.attrs["units"]``, then degrees.
    need_position
        Every row needs coordinates. Otherwise they may be missing, both together.
    earlier
        Prepared tables of earlier batches, by name if reasons shall name them.
    strict
        A row that can't be used stops everything.
    base_name
        Begins the identifiers of rows that have neither identifier nor position, and stands in
        messages: ``{base_name}-{row:07d}``.

    Returns
    -------
    Prepared

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

    Without a column of identifiers, they come from the positions, with more digits where several
    positions would share one name; a position that an earlier batch holds keeps its name.

    The user's columns stay as they are. A column named label or split, in any case, also fills
    the column of that name as text. Where a user's column has the name of one of the five and
    holds something else, it is kept with ``_original`` behind its name.
    """
    names = list(frame.columns)
    id_name, ra_name, dec_name = _key_columns(
        names, id_column, ra_column, dec_column, need_position, base_name
    )
    units = frame.attrs.get("units", {})
    rows = _row_numbers(frame)
    frame = frame.reset_index(drop=True)
    ra, ra_faults = _coordinate(frame, ra_name, ra_unit or units.get(ra_name), is_ra=True)
    dec, dec_faults = _coordinate(frame, dec_name, dec_unit or units.get(dec_name), is_ra=False)
    faults = _missing(ra, dec, ra_name, dec_name, need_position)
    faults |= dec_faults | ra_faults  # a value that can't be used says more than a gap
    past = _earlier(earlier)
    if id_name:
        ids = _as_text(frame[id_name], id_name, base_name)
        faults |= dict.fromkeys(np.flatnonzero(ids.isna()).tolist(), _NO_ID.format(id_name))
    else:
        usable = np.isfinite(ra) & np.isfinite(dec)
        usable[list(faults)] = False
        ids = _generated_ids(ra, dec, usable, rows, base_name, past)
    table = _assemble(frame, ids, ra, dec, id_name, ra_name, dec_name)
    table.attrs["units"] = dict(units) | {"ra_deg": "deg", "dec_deg": "deg"}
    good = np.ones(len(table), dtype=bool)
    good[list(faults)] = False
    merged, clashes = _duplicates(table, good, past, rows)
    faults |= clashes
    good &= ~merged
    good[list(faults)] = False
    rejects = _rejects(faults, rows, ids)
    if strict and len(rejects):
        raise ConfigError(
            f"{base_name}: found {len(rejects)} of {len(table)} rows that can't be used, allowed "
            f"with strict: none; the first: row {rejects['row'][0]}, {rejects['reason'][0]}"
        )
    return Prepared(table[good].reset_index(drop=True), rejects, int(merged.sum()))


def _key_columns(
    names: list[str],
    id_column: str | None,
    ra_column: str | None,
    dec_column: str | None,
    need_position: bool,
    where: str,
) -> tuple[str | None, str | None, str | None]:
    """Columns of identifier, right ascension and declination; None for what there is not."""
    given = {"id_column": id_column, "ra_column": ra_column, "dec_column": dec_column}
    for key, name in given.items():
        if name is not None:
            _existing(names, name, f"{where}: {key}")
    ra, dec = coordinates.find_position(names, ra_column=ra_column, dec_column=dec_column)
    if (ra is None) != (dec is None):
        missing = "ra_column" if ra is None else "dec_column"
        raise ConfigError(f"{where}: {missing}: found none, allowed: one of {_names(names)}")
    if need_position and ra is None:
        raise ConfigError(
            f"{where}: found no columns of right ascension and declination, allowed: known names "
            f"such as ra and dec, or ra_column and dec_column out of {_names(names)}"
        )
    return id_column or coordinates.find_id(names), ra, dec


def _existing(columns: Sequence[str], name: str, where: str) -> None:
    if name not in columns:
        raise ConfigError(
            f"{where}: found {name!r}, which is no column; allowed: {_names(columns, name)}"
        )


def _names(columns: Iterable[str], near: str = "", limit: int = 20) -> str:
    """The columns for a message: those nearest to ``near`` first, at most ``limit`` of them."""
    columns = list(columns)
    lower: dict[str, str] = {c.lower(): c for c in reversed(columns)}
    close = difflib.get_close_matches(near.lower(), lower, n=3)
    ordered = list(dict.fromkeys([*(lower[c] for c in close), *columns]))
    more = f", ... ({len(ordered)} columns)" if len(ordered) > limit else ""
    return ", ".join(ordered[:limit]) + more


def _row_numbers(frame: pd.DataFrame) -> np.ndarray:
    if pd.api.types.is_integer_dtype(frame.index.dtype):
        return frame.index.to_numpy(np.int64)
    return np.arange(len(frame))


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
    unreadable = np.isnan(value) & column.notna().to_numpy()
    if unreadable.any():
        unreadable &= column.astype("str").str.strip().ne("").to_numpy(bool)  # blanks are a gap
    form = "degrees or hh:mm:ss" if is_ra else "degrees or dd:mm:ss"
    faults = {
        i: f"{name}: found {value[i]:.10g} deg, allowed: {low:g}..{high:g} deg"
        for i in np.flatnonzero(outside).tolist()
    } | {
        i: f"{name}: found {column[i]!r}, allowed: {form}"
        for i in np.flatnonzero(unreadable).tolist()
    }
    value = np.where(outside, np.nan, value)
    return (coordinates.wrap_ra(value) if is_ra else value), faults


def _missing(
    ra: np.ndarray,
    dec: np.ndarray,
    ra_name: str | None,
    dec_name: str | None,
    need_position: bool,
) -> dict[int, str]:
    no_ra, no_dec = np.isnan(ra), np.isnan(dec)
    wrong = (no_ra | no_dec) if need_position else (no_ra ^ no_dec)
    allowed = "both coordinates" if need_position else "both coordinates or neither"
    return {
        i: f"{ra_name if no_ra[i] else dec_name}: found nothing, allowed: {allowed}"
        for i in np.flatnonzero(wrong).tolist()
    }


def _check_exact(values: pd.Series, name: str, where: str) -> None:
    """Raise if the identifiers have been through a floating-point number that rounds them."""
    if pd.api.types.is_float_dtype(values.dtype):
        limit = 2.0 ** (np.finfo(str(values.dtype).lower()).nmant + 1)
        numbers = values.dropna().to_numpy(np.float64)
        unfit = (np.abs(numbers) >= limit) | (numbers != np.floor(numbers))
        found = numbers[unfit]
    elif _is_text(values) and _all_match(values, r"\s*\d(\.\d*)?[eE]\+?\d+\s*"):
        found = values.dropna().to_numpy()
    elif _is_text(values) and _all_match(values, r"\s*\d+\.0+\s*"):
        found = values[values.astype(np.float64) >= 2.0**53].to_numpy()
    else:
        return
    if len(found):
        raise ConfigError(
            f"{where}: column {name!r}: found identifiers that are not whole or have been rounded "
            f"({found[0]!s}), allowed: text or 64-bit whole numbers"
        )


def _is_text(values: pd.Series) -> bool:
    return isinstance(values.dtype, pd.StringDtype)


def _all_match(values: pd.Series, pattern: str) -> bool:
    filled = values.dropna()
    if filled.empty or not re.fullmatch(pattern, filled.iloc[0]):
        return False
    return bool(filled.str.fullmatch(pattern).all())


def _as_text(values: pd.Series, name: str, where: str, *, exact: bool = True) -> pd.Series:
    """Text without blanks around it; whole numbers with all digits; null for nothing."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if exact:
        _check_exact(values, name, where)
    if pd.api.types.is_float_dtype(values.dtype):
        filled = values.dropna()
        whole = np.isfinite(filled) & (filled == np.floor(filled)) & (filled.abs() < 2.0**53)
        if bool(whole.all()):
            values = values.astype("Int64")
    if pd.api.types.is_numeric_dtype(values.dtype):
        array = pa.Array.from_pandas(values).cast(pa.string())
        return pd.Series(array.to_pandas(), dtype="str")
    text = values.map(_decoded, na_action="ignore") if values.dtype == object else values
    text = text.astype("str").str.strip()
    if exact and _all_match(text, r"\d+\.0+"):
        text = text.str.partition(".")[0]
    return text.mask(text == "", None)


def _decoded(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _generated_ids(
    ra: np.ndarray,
    dec: np.ndarray,
    usable: np.ndarray,
    rows: np.ndarray,
    base_name: str,
    past: Mapping[str, pd.DataFrame],
) -> pd.Series:
    """Identifiers from positions, or from the row number where there is none."""
    ids = np.empty(len(ra), dtype=object)
    ids[~usable] = [f"{base_name}-{row:07d}" for row in rows[~usable].tolist()]
    places = pd.DataFrame({"ra": ra[usable], "dec": dec[usable]})
    known = _known_places(past)
    names = places.merge(known, how="left", on=["ra", "dec"])["id"].to_numpy(object)
    open_ = np.flatnonzero(pd.isna(names))
    for digits in (1, 3, 5):
        # a name is crowded if it would stand for several positions, earlier ones included
        every = pd.concat([places.iloc[open_], known[["ra", "dec"]]], ignore_index=True)
        every["name"] = coordinates.position_names(*every.to_numpy().T, digits=digits)
        names[open_] = every["name"].iloc[: len(open_)]
        places_of = every.drop_duplicates(["ra", "dec"])["name"].value_counts()
        crowded = places_of.index[places_of > 1]
        open_ = open_[np.isin(names[open_], crowded.to_numpy(object))]
        if not len(open_):
            break
    ids[usable] = names
    return pd.Series(ids, dtype="str")


def _known_places(past: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    empty = {"ra_deg": np.empty(0), "dec_deg": np.empty(0), "object_id": pd.Series(dtype="str")}
    tables = list(past.values()) or [pd.DataFrame(empty)]
    known = pd.concat([t[list(empty)] for t in tables]).dropna()
    known.columns = ["ra", "dec", "id"]
    return known.drop_duplicates(["ra", "dec"])


def _assemble(
    frame: pd.DataFrame,
    ids: pd.Series,
    ra: np.ndarray,
    dec: np.ndarray,
    id_name: str | None,
    ra_name: str | None,
    dec_name: str | None,
) -> pd.DataFrame:
    first = {"object_id": ids, "ra_deg": pd.Series(ra), "dec_deg": pd.Series(dec)}
    sources = {"object_id": id_name, "ra_deg": ra_name, "dec_deg": dec_name}
    for name in ("label", "split"):
        source = name if name in frame else _caseless(frame.columns, name)
        sources[name] = source
        first[name] = (
            pd.Series([None] * len(frame), dtype="str")
            if source is None
            else _as_text(frame[source], source, "", exact=False)
        )
    own = {}
    for column in frame.columns:
        if column not in first:
            own[column] = frame[column]
        elif sources[column] != column or not _same_values(column, frame[column], first[column]):
            own[_free(f"{column}_original", frame.columns)] = frame[column]
    return pd.DataFrame({**first, **own})


def _caseless(columns: Iterable[str], name: str) -> str | None:
    return next((c for c in columns if c.lower() == name), None)


def _free(name: str, taken: Iterable[str]) -> str:
    return _free(f"{name}_", taken) if name in taken else name


def _same_values(column: str, own: pd.Series, made: pd.Series) -> bool:
    if column in ("object_id", "label", "split"):
        return True  # the same value, as text
    return bool(pd.api.types.is_numeric_dtype(own.dtype) and _equal(own, made).all())


def _earlier(
    earlier: pd.DataFrame | Sequence[pd.DataFrame] | Mapping[str, pd.DataFrame] | None,
) -> dict[str, pd.DataFrame]:
    if isinstance(earlier, Mapping):
        return dict(earlier)
    tables = [earlier] if isinstance(earlier, pd.DataFrame) else list(earlier or ())
    return {f"number {i + 1}": table for i, table in enumerate(tables)}


def _duplicates(
    table: pd.DataFrame, good: np.ndarray, past: Mapping[str, pd.DataFrame], rows: np.ndarray
) -> tuple[np.ndarray, dict[int, str]]:
    """Rows whose identifier is there already: (n,) bool where the content is the same, and
    reasons where it differs. Earlier batches come first, then the first good row of the batch.
    """
    merged, clashes, left = np.zeros(len(table), dtype=bool), {}, good.copy()
    ids = pd.Index(table["object_id"])

    def settle(here: np.ndarray, before: pd.DataFrame, whose: Callable[[int], str]) -> None:
        for k, column in enumerate(_difference(table, here, before)):
            i = int(here[k])
            if column is None:
                merged[i] = True
            else:
                value = table[column][i]
                value = value.item() if isinstance(value, np.generic) else value
                clashes[i] = (
                    f"object_id: found {ids[i]!r} with another {column} ({value!r}) "
                    f"than in {whose(k)}, allowed: the same content"
                )
        left[here] = False

    for name, batch in past.items():
        known = pd.Index(batch["object_id"])
        there = known.get_indexer(ids.where(left))
        here = np.flatnonzero(there >= 0)
        settle(here, batch.iloc[there[here]], lambda _, name=name: f"earlier batch {name!r}")
    index = np.flatnonzero(left)
    again = ids[index].duplicated()
    first, here = index[~again], index[again]
    there = first[ids[first].get_indexer(ids[here])]
    settle(here, table.iloc[there], lambda k: f"row {rows[there[k]]}")
    return merged, clashes


def _difference(table: pd.DataFrame, rows: np.ndarray, before: pd.DataFrame) -> list[str | None]:
    """For each of ``rows`` the first column in which it differs from the row of ``before``."""
    found = np.full(len(rows), None, dtype=object)
    for column in table.columns:
        if column in before.columns and len(rows):
            differs = ~_equal(table[column].iloc[rows], before[column])
            found[differs & (found == None)] = column  # noqa: E711 (elementwise)
    return found.tolist()


def _equal(left: pd.Series, right: pd.Series) -> np.ndarray:
    """(n,) bool, row by row; null equals null."""
    null_left, null_right = left.isna().to_numpy(), right.isna().to_numpy()
    if all(pd.api.types.is_numeric_dtype(v.dtype) for v in (left, right)):
        same = _numeric(left) == _numeric(right)
    else:
        same = (_scalars(left) == _scalars(right)).astype(bool)
    return np.where(null_left | null_right, null_left & null_right, same)


def _scalars(values: pd.Series) -> np.ndarray:
    """Objects that compare to one truth value; a cell with several values becomes its text."""
    cells = values.to_numpy(object, na_value=None)
    if any(isinstance(c, (list, np.ndarray)) for c in cells):
        cells = np.array([repr(np.asarray(c).tolist()) for c in cells], dtype=object)
    return cells


def _numeric(values: pd.Series) -> np.ndarray:
    if isinstance(values.dtype, np.dtype):
        return values.to_numpy()
    if values.isna().any():
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    return values.to_numpy(dtype=values.dtype.numpy_dtype)


def _rejects(faults: Mapping[int, str], rows: np.ndarray, ids: pd.Series) -> pd.DataFrame:
    index = np.array(sorted(faults), dtype=np.int64)
    index = index[np.argsort(rows[index], kind="stable")]
    return pd.DataFrame(
        {
            "row": rows[index],
            "object_id": ids.iloc[index].reset_index(drop=True),
            "reason": pd.Series([faults[i] for i in index.tolist()], dtype="str"),
        }
    )
