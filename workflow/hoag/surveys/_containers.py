"""Folders, archives and array files: what lies in them, and the bytes or arrays themselves.

A container of files has `entries` and `read`; a container of arrays (npz, HDF5) has `header`,
`whole` and `rows`. Nothing is unpacked to disk and nothing is unpickled.
"""

import bz2
import contextlib
import gzip
import hashlib
import lzma
import os
import posixpath
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from hoag.options import ConfigError

FITS_SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fts.gz", ".fits.fz")
SUFFIXES = {
    "zip": (".zip",),
    "tar": (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2"),
    "npz": (".npz",),
    "hdf5": (".h5", ".hdf5", ".hdf"),
    "fits": FITS_SUFFIXES,
}
_DAMAGE = (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error)


class UnreadableError(ValueError):
    """One member that yields no pixels; the message is the reason, in one line."""


class Entry(NamedTuple):
    """One file of a container: its path inside, with slashes, its size in bytes, its digest.

    The digest is empty where it would cost a reading of its own.
    """

    name: str
    size: int
    digest: str = ""


def one_line(error: BaseException) -> str:
    """An exception's text without line breaks and addresses, or its type where it says nothing."""
    said = re.sub(r"<[^>]* at 0x[0-9a-f]+>", "", str(error))  # the same text in every run
    return " ".join(said.split()) or type(error).__name__


def as_text(values: Iterable[Any]) -> list[str | None]:
    """Values of a column as text; see `text`."""
    return [text(v) for v in values]


def text(value: Any) -> str | None:
    """A value as text: a whole number without a decimal point, a missing one as None."""
    if value is None or value != value or str(value) in ("", "<NA>", "NaT"):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def kind_of(path: Path) -> str:
    """The container's kind: "folder", or a key of `SUFFIXES`.

    Raises
    ------
    ConfigError
        If nothing is there, or its name ends in none of the suffixes known.
    """
    if path.is_dir():
        return "folder"
    if not path.exists():
        raise ConfigError(f"found no file or folder {str(path)!r}, allowed: a path that exists")
    for kind, suffixes in SUFFIXES.items():
        if path.name.lower().endswith(suffixes):
            return kind
    allowed = ", ".join(s for suffixes in SUFFIXES.values() for s in suffixes)
    raise ConfigError(f"found {str(path)!r}, allowed: a folder, or a file ending in {allowed}")


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn whatever a damaged container raises into one line that names it."""
    try:
        yield
    except _DAMAGE as error:
        raise ConfigError(
            f"found {str(path)!r}, which can't be read ({one_line(error)}), "
            f"allowed: an undamaged {kind_of(path)}"
        ) from None


def entries(path: Path) -> list[Entry]:
    """All regular files of a folder, zip or tar, sorted by name; hidden ones are left out.

    Links to folders are not followed. A compressed tar has no directory, so that listing it
    takes one pass of decompression (about 15 MB/s for xz).
    """
    with readable(path):
        found = _LISTERS[kind_of(path)](path)
        # a tar may hold a name twice; one entry is enough to find it
        unique = {e.name: e for e in found if not _hidden(e.name)}
    return [unique[name] for name in sorted(unique)]


def read(path: Path, names: Iterable[str]) -> Iterator[tuple[str, bytes | UnreadableError]]:
    """Bytes of the named files, each exactly once, in the container's own order.

    A member that is missing or damaged comes as `UnreadableError`.
    """
    wanted = set(names)
    try:
        for name, data in _READERS[kind_of(path)](path, frozenset(wanted)):
            if name in wanted:
                wanted.discard(name)
                yield name, data
            if not wanted:
                return
        reason = "no such member in its source"
    except _DAMAGE as error:
        reason = f"damaged source ({one_line(error)})"
    for name in sorted(wanted):
        yield name, UnreadableError(reason)


def _hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _folder_entries(path: Path) -> Iterator[Entry]:
    for folder, _, files in os.walk(path):
        for file in files:
            full = Path(folder, file)
            if full.is_file():
                yield Entry(full.relative_to(path).as_posix(), full.stat().st_size)


def _zip_entries(path: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                name = posixpath.normpath(info.filename)
                yield Entry(name, info.file_size, f"crc32 {info.CRC:08x}")


def _tar_entries(path: Path) -> Iterator[Entry]:
    with _tar(path) as (archive, streams):
        for info in archive:
            archive.members = []  # the headers of a million files need not stay in memory
            if info.isreg():
                digest = ""
                if streams:  # the bytes pass by anyway
                    digest = hashlib.sha256(archive.extractfile(info).read()).hexdigest()
                yield Entry(posixpath.normpath(info.name), info.size, digest)


@contextlib.contextmanager
def _tar(path: Path) -> Iterator[tuple[tarfile.TarFile, bool]]:
    """A tar, and whether it is compressed, so that all of it must be read in order."""
    streams = not path.name.lower().endswith(".tar")
    mode = "r|*" if streams else "r:"
    with tarfile.open(path, mode, tarinfo=_StrictTarInfo) as archive:
        yield archive, streams


class _StrictTarInfo(tarfile.TarInfo):
    """A header for which an archive that stops without its end mark is damaged, not at its end."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> tarfile.TarInfo:
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"no end of archive: {one_line(error)}") from None


def _folder_read(
    path: Path, wanted: frozenset[str]
) -> Iterator[tuple[str, bytes | UnreadableError]]:
    for name in sorted(wanted):
        try:
            yield name, (path / name).read_bytes()
        except OSError as error:
            yield name, UnreadableError(error.strerror or one_line(error))


def _zip_read(path: Path, wanted: frozenset[str]) -> Iterator[tuple[str, bytes | UnreadableError]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = posixpath.normpath(info.filename)
            if name in wanted:
                try:
                    yield name, archive.read(info)
                except (*_DAMAGE, RuntimeError, NotImplementedError) as error:  # also encrypted
                    yield name, UnreadableError(one_line(error))


def _tar_read(path: Path, wanted: frozenset[str]) -> Iterator[tuple[str, bytes | UnreadableError]]:
    with _tar(path) as (archive, _):
        for info in archive:
            archive.members = []
            name = posixpath.normpath(info.name)
            if name in wanted and info.isreg():
                yield name, archive.extractfile(info).read()


_LISTERS = {"folder": _folder_entries, "zip": _zip_entries, "tar": _tar_entries}
_READERS = {"folder": _folder_read, "zip": _zip_read, "tar": _tar_read}


def inflate(data: bytes) -> bytes:
    """``data``, decompressed where it is a gzip or bzip2 stream."""
    try:
        if data.startswith(b"\x1f\x8b"):
            return gzip.decompress(data)
        return bz2.decompress(data) if data.startswith(b"BZh") else data
    except (*_DAMAGE, ValueError) as error:
        raise UnreadableError(f"damaged compression ({one_line(error)})") from None


def header(path: Path, dataset: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of one array of an npz or HDF5 file, its values unread.

    Raises
    ------
    ConfigError
        If the file is damaged, lacks the array, or holds pickled objects under that name.
    """
    with readable(path):
        if kind_of(path) == "npz":
            with _npy(path, dataset) as (_, shape, _, dtype):
                return shape, dtype
        with _hdf5(path, dataset) as found:
            return found.shape, found.dtype


def whole(path: Path, dataset: str) -> np.ndarray:
    """One array of an npz or HDF5 file; text comes as an array of str."""
    with readable(path):
        if kind_of(path) == "npz":
            header(path, dataset)  # names the fault where the array is missing or pickled
            with np.load(path, allow_pickle=False) as file:
                values = file[dataset]
        else:
            with _hdf5(path, dataset) as found:
                import h5py

                is_text = h5py.check_string_dtype(found.dtype) is not None
                values = found.asstr()[()].astype(str) if is_text else found[()]
    return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values


def rows(
    path: Path, dataset: str, indices: Iterable[int]
) -> Iterator[tuple[int, np.ndarray | UnreadableError]]:
    """Rows of one array, in rising order, without holding the array in memory."""
    wanted = sorted(set(indices))
    done = 0
    try:
        reader = _npz_rows if kind_of(path) == "npz" else _hdf5_rows
        for index, row in reader(path, dataset, wanted):
            yield index, row
            done += 1
    except _DAMAGE as error:
        for index in wanted[done:]:
            yield index, UnreadableError(f"damaged source ({one_line(error)})")


def _npz_rows(path: Path, dataset: str, wanted: list[int]) -> Iterator[tuple[int, np.ndarray]]:
    with _npy(path, dataset) as (stream, shape, column_major, dtype):
        if column_major:
            values = whole(path, dataset)
            yield from ((i, values[i]) for i in wanted)
            return
        start, size = stream.tell(), int(np.prod(shape[1:], dtype=int)) * dtype.itemsize
        for index in wanted:
            stream.seek(start + index * size)
            data = stream.read(size)
            if len(data) < size:
                raise EOFError(f"row {index} ends after {len(data)} of {size} bytes")
            yield index, np.frombuffer(data, dtype).reshape(shape[1:])


def _hdf5_rows(path: Path, dataset: str, wanted: list[int]) -> Iterator[tuple[int, np.ndarray]]:
    with _hdf5(path, dataset) as found:
        yield from ((i, found[i]) for i in wanted)


@contextlib.contextmanager
def _npy(path: Path, dataset: str) -> Iterator[tuple[IO[bytes], tuple[int, ...], bool, np.dtype]]:
    """One member of an npz, its header read: (stream, shape, column-major?, dtype)."""
    headers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    with zipfile.ZipFile(path) as archive:
        present = [n.removesuffix(".npy") for n in archive.namelist()]
        if dataset not in present:
            raise _no_array(path, dataset, present)
        with archive.open(f"{dataset}.npy") as stream:
            try:
                shape, column_major, dtype = headers[np.lib.format.read_magic(stream)](stream)
            except (KeyError, ValueError) as error:
                raise EOFError(f"array {dataset!r} has no header: {one_line(error)}") from None
            if dtype.hasobject:
                raise ConfigError(
                    f"{path}: array {dataset!r}: found pickled Python objects, "
                    "allowed: numbers or fixed-width text (put labels into a table instead)"
                )
            yield stream, shape, column_major, dtype


@contextlib.contextmanager
def _hdf5(path: Path, dataset: str) -> Iterator[Any]:
    import h5py

    with h5py.File(path, "r") as file:
        found = file.get(dataset)
        if not isinstance(found, h5py.Dataset):
            raise _no_array(path, dataset, list(file))
        yield found


def _no_array(path: Path, dataset: str, present: list[str]) -> ConfigError:
    return ConfigError(f"{path}: found no array {dataset!r}, allowed: {', '.join(present)}")
