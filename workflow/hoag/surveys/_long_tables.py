"""Rows of many objects in one long table, or a table for each object: CSV or Parquet."""

import contextlib
import fnmatch
import io
import posixpath
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.options import ConfigError, unknown
from hoag.surveys import _containers as containers
from hoag.surveys._containers import UnreadableError, one_line

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".csv", ".csv.gz", ".csv.bz2", ".parquet", ".pq")
_NO_VALUE = ("", "nan", "NaN", "NAN", "null", "NULL", "None", "N/A", "NA", "--", "-", "masked")


@dataclass(frozen=True)
class Layout:
    """Columns that are read: numbers, and texts. A file per object has no column of ids."""

    id_column: str
    numbers: tuple[str, ...]
    texts: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.numbers, *self.texts)


def is_long(path: Path) -> bool:
    """Is this one table of many objects, rather than a container of tables?"""
    return path.name.lower().endswith(SUFFIXES) and not path.is_dir()


def members(path: Path, layout: Layout, pattern: str) -> dict[str, str]:
    """Own id -> member, sorted by id: the ids of a long table, or the files of a container.

    Raises
    ------
    ConfigError
        For a source that is missing, damaged or empty, lacks a column, or holds a name twice.
    """
    if is_long(path):
        if pattern != "*":
            raise ConfigError(f"pattern: allowed for a folder or archive, found {str(path)!r}")
        found = _ids(path, layout)
        return {i: i for i in sorted(found)}
    names = [e.name for e in containers.entries(path) if e.name.lower().endswith(SUFFIXES)]
    return by_stem(path, names, pattern, SUFFIXES)


def by_stem(
    path: Path, names: Collection[str], pattern: str, suffixes: Collection[str]
) -> dict[str, str]:
    """Name without folder and suffix -> member, sorted; raises `ConfigError` for none or twice."""
    chosen = [
        n
        for n in names
        if fnmatch.fnmatchcase(n, pattern) or fnmatch.fnmatchcase(posixpath.basename(n), pattern)
    ]
    if not chosen:
        example = f"such as {next(iter(names))}" if names else f"ending in {', '.join(suffixes)}"
        raise ConfigError(
            f"found no file in {str(path)!r} that matches {pattern!r}, allowed: files {example}"
        )
    stems = [stem(name, suffixes) for name in chosen]
    twice, n = Counter(stems).most_common(1)[0]
    if n > 1:
        raise ConfigError(f"found {n} files named {twice!r} in {str(path)!r}, allowed: one")
    return dict(sorted(zip(stems, chosen, strict=True)))


def stem(member: str, suffixes: Collection[str]) -> str:
    """A member's name without folder and suffix."""
    base = posixpath.basename(member)
    return base[: -max(len(s) for s in suffixes if base.lower().endswith(s))]


def read(
    path: Path, layout: Layout, wanted: Collection[str]
) -> Iterator[tuple[str, dict[str, np.ndarray] | UnreadableError]]:
    """Columns of each wanted member once: float64 numbers (NaN for none) and texts.

    A long table is read in streams; the rows of the members that are wanted are held, and come
    in the order of their ids.
    """
    if is_long(path):
        yield from _long_rows(path, layout, wanted) if wanted else ()
        return
    for name, data in containers.read(path, wanted):
        yield name, data if isinstance(data, UnreadableError) else _parsed(name, data, layout)


def _parsed(name: str, data: bytes, layout: Layout) -> dict[str, np.ndarray] | UnreadableError:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    try:
        if name.lower().endswith((".parquet", ".pq")):
            table = pq.read_table(io.BytesIO(data))
        else:
            stream = io.BytesIO(containers.inflate(data))
            table = pa.csv.read_csv(stream, convert_options=_conversion(layout))
        _check_columns(table.column_names, layout.columns)
        return _arrays(table, layout)
    except (pa.ArrowException, OSError, UnicodeDecodeError, ConfigError, UnreadableError) as error:
        return UnreadableError(one_line(error))


def _check_columns(found: Collection[str], wanted: Collection[str]) -> None:
    for name in wanted:
        if name not in found:
            raise ConfigError(unknown("column", name, found))


def _conversion(layout: Layout) -> Any:
    import pyarrow as pa
    import pyarrow.csv

    types = dict.fromkeys((layout.id_column, *layout.texts), pa.string())
    return pa.csv.ConvertOptions(
        column_types=types | dict.fromkeys(layout.numbers, pa.float64()),
        null_values=_NO_VALUE,
        strings_can_be_null=True,
    )


@contextlib.contextmanager
def _dataset(path: Path, layout: Layout) -> Iterator[Any]:
    """A long table, its columns checked; what a damaged one raises is a `ConfigError`."""
    import pyarrow as pa
    import pyarrow.dataset

    form: Any = "parquet"
    if not path.name.lower().endswith((".parquet", ".pq")):
        form = pa.dataset.CsvFileFormat(convert_options=_conversion(layout))
    if not path.exists():
        raise ConfigError(f"found no file or folder {str(path)!r}, allowed: a path that exists")
    try:
        table = pa.dataset.dataset(path, format=form)
        _check_columns(table.schema.names, (layout.id_column, *layout.columns))
        yield table
    except (pa.ArrowException, OSError) as error:
        raise ConfigError(f"{path}: can't be read ({one_line(error)})") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _id_field(table: Any, layout: Layout) -> Any:
    """The ids as text, whatever their type."""
    import pyarrow as pa
    import pyarrow.compute as pc

    field = pc.field(layout.id_column)
    is_text = pa.types.is_string(table.schema.field(layout.id_column).type)
    return field if is_text else field.cast(pa.string())


def _chosen(table: Any, layout: Layout, wanted: Collection[str]) -> Any:
    """Which rows are those of wanted ids.

    Compared in the column's own type where ids can be turned back into it, so that parts of a
    Parquet file whose ids lie elsewhere aren't read.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = pa.array(sorted(wanted), pa.string())
    kind = table.schema.field(layout.id_column).type
    if pa.types.is_large_string(kind) or pa.types.is_integer(kind):
        return pc.field(layout.id_column).isin(ids.cast(kind))
    return _id_field(table, layout).isin(ids)


def _ids(path: Path, layout: Layout) -> set[str]:
    found: set[str] = set()
    with _dataset(path, layout) as table:
        columns = {"id": _id_field(table, layout)}
        for batch in table.to_batches(columns=columns, use_threads=False):
            found.update(batch.column("id").unique().to_pylist())
    found.discard(None)
    if not found:
        raise ConfigError(f"{path}: found no row with an id in {layout.id_column!r}, allowed: some")
    return found


def _long_rows(
    path: Path, layout: Layout, wanted: Collection[str]
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    import pandas as pd
    import pyarrow as pa

    with _dataset(path, layout) as table:
        columns = {"id": _id_field(table, layout)}
        columns |= {name: pa.dataset.field(name) for name in layout.columns}
        chosen = _chosen(table, layout, wanted)
        found = table.to_table(columns=columns, filter=chosen, use_threads=False)
        arrays = _arrays(found, layout)
    codes, names = pd.factorize(found.column("id").to_pandas(), sort=True)
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    arrays = {name: values[order] for name, values in arrays.items()}
    for name, start, end in zip(names, [0, *ends[:-1]], ends, strict=True):
        yield name, {key: values[start:end] for key, values in arrays.items()}


def _arrays(table: "pa.Table", layout: Layout) -> dict[str, np.ndarray]:
    import pyarrow as pa

    numbers = {
        name: np.array(table.column(name).cast(pa.float64()).to_pandas(), np.float64)
        for name in layout.numbers
    }
    texts = {
        name: table.column(name).cast(pa.string()).to_pandas().to_numpy(dtype=object)
        for name in layout.texts
    }
    return numbers | texts
