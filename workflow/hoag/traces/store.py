"""Shards of light curves or spectra: HDF5 files of flat columns, read as one long store."""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np

from hoag.files import atomic
from hoag.surveys._types import TRACES

_ROWS = 2**16  # of a chunk in the file
_HELD = 2**20  # rows gathered in memory before they are written


class Traces:
    """Rows of several objects, end to end.

    Parameters
    ----------
    columns
        Name -> values of all objects, equally long.
    offsets : (n + 1,) int
        Object i has the rows from ``offsets[i]`` to ``offsets[i + 1]``.
    """

    def __init__(self, columns: Mapping[str, np.ndarray], offsets: np.ndarray) -> None:
        self.columns, self.offsets = columns, offsets

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        """Columns of one object, as views."""
        rows = slice(self.offsets[index], self.offsets[index + 1])
        return {name: values[rows] for name, values in self.columns.items()}

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        return (self[i] for i in range(len(self)))


class TraceWriter:
    """Write one shard, object by object; the file appears under its name when all is written.

    Parameters
    ----------
    path
        The shard's file.
    attributes
        What holds for every object: ``kind`` (of `TRACES`), bands, whatever the survey says.

    Notes
    -----
    Datasets: ``object_id`` (n,), ``offsets`` (n + 1,) and each column of the kind, flat. The
    attribute ``sha256`` covers columns and ids.
    """

    def __init__(self, path: str | Path, attributes: Mapping[str, Any]) -> None:
        self._path, self._attributes = path, attributes
        self._types = TRACES[attributes["kind"]]
        self._ids: list[str] = []
        self._offsets = [0]
        self._held: list[dict[str, np.ndarray]] = []
        self._sha = hashlib.sha256()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            private = stack.enter_context(atomic(self._path))
            self._file = stack.enter_context(h5py.File(private, "w", libver="latest"))
            self._stack = stack.pop_all()
        for name, dtype in self._types.items():
            self._file.create_dataset(
                name, (0,), dtype, maxshape=(None,), chunks=(_ROWS,), compression=4, shuffle=True
            )
        return self

    def append(self, object_id: str, columns: Mapping[str, np.ndarray]) -> bytes:
        """Add one object; its columns as they are stored, one after another.

        Raises
        ------
        ValueError
            For other columns than the kind's, or columns of unequal length.
        """
        if columns.keys() != self._types.keys() or len({len(v) for v in columns.values()}) > 1:
            found = ", ".join(f"{name} {np.shape(v)}" for name, v in columns.items())
            raise ValueError(
                f"{object_id}: found columns {found}, "
                f"allowed: {', '.join(self._types)}, equally long"
            )
        kept = {n: np.ascontiguousarray(columns[n], dtype) for n, dtype in self._types.items()}
        raw = b"".join(values.tobytes() for values in kept.values())
        self._sha.update(object_id.encode())
        self._sha.update(raw)
        self._ids.append(object_id)
        self._held.append(kept)
        self._offsets.append(self._offsets[-1] + len(next(iter(kept.values()))))
        if self._offsets[-1] - len(self._file[next(iter(kept))]) >= _HELD:
            self._flush()
        return raw

    def _flush(self) -> None:
        for name in self._types if self._held else ():
            dataset = self._file[name]
            start = len(dataset)
            dataset.resize(self._offsets[-1], axis=0)
            dataset[start:] = np.concatenate([part[name] for part in self._held])
        self._held = []

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        except BaseException as failure:  # a full disk: no file then either
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, traceback)

    def _finish(self) -> None:
        self._flush()
        ids = np.array(self._ids, dtype=object)
        self._file.create_dataset("object_id", data=ids, dtype=h5py.string_dtype())
        self._file.create_dataset("offsets", data=np.array(self._offsets, np.int64))
        for name, value in self._attributes.items():
            self._file.attrs[name] = value
        self._file.attrs["sha256"] = self._sha.hexdigest()


class TraceStore:
    """Several shards as one sequence of light curves or spectra.

    Parameters
    ----------
    paths
        The shards, in the order in which their objects count.

    Attributes
    ----------
    object_ids : numpy array of str, (n,)
    attributes : those of the first shard
    digest : SHA-256 of all shards' content digests
    """

    def __init__(self, paths: Iterable[str | Path]) -> None:
        self.paths = [str(p) for p in paths]
        self._offsets: list[np.ndarray] = []
        self.attributes: dict[str, Any] = {}
        ids, sha = [], hashlib.sha256()
        for path in self.paths:
            with h5py.File(path, "r") as file:
                ids.append(file["object_id"].asstr()[:].astype(object))
                self._offsets.append(file["offsets"][:])
                sha.update(str(file.attrs["sha256"]).encode())
                self.attributes = self.attributes or dict(file.attrs)
        self.object_ids = np.concatenate(ids) if ids else np.empty(0, object)
        self.digest = sha.hexdigest()
        self._starts = np.cumsum([0, *(len(part) for part in ids)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read(self, indices: Sequence[int] | np.ndarray) -> Traces:
        """The objects at ``indices``, in that order (repeats allowed)."""
        indices = np.asarray(indices, dtype=int)
        if outside := indices[(indices < 0) | (indices >= len(self))].tolist():
            raise IndexError(f"object {outside[0]}: allowed: 0..{len(self) - 1}")
        parts: list[dict[str, np.ndarray]] = [{}] * len(indices)
        shards = np.searchsorted(self._starts, indices, side="right") - 1
        for shard in np.unique(shards):
            with h5py.File(self.paths[shard], "r") as file:
                places = np.flatnonzero(shards == shard)
                own = indices[places] - self._starts[shard]
                self._read_shard(file, self._offsets[shard], own, places, parts)
        types = TRACES[self.attributes["kind"]]
        columns = {
            name: np.concatenate([np.empty(0, dtype), *(part[name] for part in parts)])
            for name, dtype in types.items()
        }
        lengths = [len(part[next(iter(types))]) for part in parts]
        return Traces(columns, np.cumsum([0, *lengths]))

    @staticmethod
    def _read_shard(
        file: h5py.File,
        offsets: np.ndarray,
        own: np.ndarray,
        places: np.ndarray,
        parts: list[dict[str, np.ndarray]],
    ) -> None:
        """Put the shard's objects ``own`` at ``places`` of ``parts``, neighbours in one reading."""
        order = np.argsort(own, kind="stable")
        own, places = own[order], places[order]
        names = TRACES[file.attrs["kind"]]
        for run in np.split(np.arange(len(own)), np.flatnonzero(np.diff(own) > 1) + 1):
            first = offsets[own[run[0]]]
            block = {name: file[name][first : offsets[own[run[-1]] + 1]] for name in names}
            for place, index in zip(places[run], own[run], strict=True):
                rows = slice(offsets[index] - first, offsets[index + 1] - first)
                parts[place] = {name: values[rows] for name, values in block.items()}

    def slices(self, size: int) -> Iterator[Traces]:
        """All objects in order, at most ``size`` at a time."""
        for start in range(0, len(self), size):
            yield self.read(range(start, min(start + size, len(self))))
