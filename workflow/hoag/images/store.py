"""Shards of images: HDF5 files with one image a chunk, read at random as one long store."""

import contextlib
import hashlib
import itertools
import os
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np

from hoag.files import atomic


class ShardWriter:
    """Write one shard, image by image; the file appears under its name when all is written.

    Parameters
    ----------
    path
        The shard's file.
    attributes
        What holds for every image: kind, bands, pixel scale (arcsec), zero point.
    shape, dtype
        Shape and type of one image; needed only where a shard may turn out empty, otherwise
        taken from the first image.

    Notes
    -----
    Datasets: ``images`` (n, ...), ``object_id`` (n,), and one dataset (n, ...) for every name
    given to `append`, the same names for all images. The attribute ``sha256`` covers images and
    ids, so that whatever is fitted to them can be tied to this very content.
    """

    def __init__(
        self,
        path: str | Path,
        attributes: dict[str, Any],
        shape: Sequence[int] = (0, 0, 0),
        dtype: Any = np.uint8,
    ) -> None:
        self._path = path
        self._attributes = attributes
        self._empty = (tuple(shape), np.dtype(dtype))
        self._ids: list[str] = []
        self._columns: dict[str, list[Any]] = {}
        self._sha = hashlib.sha256()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            private = stack.enter_context(atomic(self._path))
            self._file = stack.enter_context(h5py.File(private, "w", libver="latest"))
            self._stack = stack.pop_all()
        return self

    def append(self, object_id: str, image: np.ndarray, **columns: Any) -> None:
        """Add one image (a C-contiguous array) and its values of further per-object columns.

        Raises
        ------
        ValueError
            For another shape than the shard's first image, or other names of columns.
        """
        if self._ids and columns.keys() != self._columns.keys():  # rows would go out of step
            raise ValueError(
                f"{object_id}: found columns {sorted(columns)}, "
                f"allowed in this shard: {sorted(self._columns)}"
            )
        if "images" not in self._file:
            self._create(image.shape, image.dtype)
        images = self._file["images"]
        n = len(self._ids)
        if image.shape != images.shape[1:]:
            raise ValueError(
                f"{object_id}: found an image of shape {image.shape}, "
                f"allowed in this shard: {images.shape[1:]}"
            )
        if n == images.shape[0]:
            images.resize(max(2 * n, 256), axis=0)
        raw = np.ascontiguousarray(image, dtype=images.dtype).tobytes()
        images.id.write_direct_chunk((n,) + (0,) * image.ndim, raw)
        self._sha.update(object_id.encode())
        self._sha.update(raw)
        self._ids.append(object_id)
        for name, value in columns.items():
            self._columns.setdefault(name, []).append(value)

    def _create(self, shape: Sequence[int], dtype: np.dtype) -> None:
        chunk = (1, *(max(s, 1) for s in shape))
        most = (None, *(s or None for s in shape))  # a chunk may not exceed what is possible
        self._file.create_dataset("images", (0, *shape), dtype, maxshape=most, chunks=chunk)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        except BaseException as failure:  # a full disk, a ragged column: no file then either
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, traceback)

    def _finish(self) -> None:
        if "images" not in self._file:
            self._create(*self._empty)
        self._file["images"].resize(len(self._ids), axis=0)
        self._file.create_dataset(
            "object_id", data=np.array(self._ids, dtype=object), dtype=h5py.string_dtype()
        )
        for name, values in self._columns.items():
            is_text = isinstance(values[0], str)
            self._file.create_dataset(
                name,
                data=np.asarray(values, dtype=object if is_text else None),
                dtype=h5py.string_dtype() if is_text else None,
            )
        for name, value in self._attributes.items():
            self._file.attrs[name] = value
        self._file.attrs["sha256"] = self._sha.hexdigest()


class ImageStore:
    """Several shards as one sequence of images, opened when first needed.

    Parameters
    ----------
    paths
        The shards, in the order in which their images count.
    dataset
        Name of the dataset to read ("images", "reconstructions", ...).

    Attributes
    ----------
    object_ids : numpy array of str, (n,)
    shape : shape of one image
    dtype : its type
    attributes : those of the first shard that isn't empty
    digest : SHA-256 of all shards' content digests
    """

    def __init__(self, paths: Iterable[str | Path], dataset: str = "images") -> None:
        self.paths = [str(p) for p in paths]
        self._dataset = dataset
        self._open: dict[int, _Pixels] = {}
        ids, counts, sha = [], [], hashlib.sha256()
        self.shape, self.dtype, self.attributes = (0, 0, 0), np.dtype(np.uint8), {}
        for path in self.paths:
            with h5py.File(path, "r") as file:
                ids.append(file["object_id"].asstr()[:].astype(object))
                sha.update(str(file.attrs["sha256"]).encode())
                self._describe(path, file, any(counts))
                counts.append(file[dataset].shape[0])
        self.object_ids = np.concatenate(ids) if ids else np.empty(0, object)
        self.digest = sha.hexdigest()
        self._starts = np.concatenate([[0], np.cumsum(counts)]).astype(int).tolist()

    def _describe(self, path: str, file: h5py.File, known: bool) -> None:
        """Take shape, type and attributes from the first shard that isn't empty."""
        images = file[self._dataset]
        found = images.shape[1:], images.dtype
        if known and len(images) and found != (self.shape, self.dtype):
            raise ValueError(
                f"{path}: found {self._dataset} of {found[0]} {found[1]}, "
                f"allowed beside the first shard: {self.shape} {self.dtype}"
            )
        if not known and (len(images) or not self.attributes):
            (self.shape, self.dtype), self.attributes = found, dict(file.attrs)

    def __len__(self) -> int:
        return self._starts[-1]

    def read(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Images at ``indices`` (any order, repeats allowed), shape (len(indices), *shape)."""
        indices = np.asarray(indices, dtype=int)
        out = np.empty((len(indices), *self.shape), self.dtype)
        if outside := indices[(indices < 0) | (indices >= len(self))].tolist():
            raise IndexError(f"image {outside[0]}: allowed: 0..{len(self) - 1}")
        order = np.argsort(indices, kind="stable")  # forwards through each file
        ends = np.searchsorted(indices[order], self._starts)
        for shard, (first, last) in enumerate(itertools.pairwise(ends.tolist())):
            if first < last:
                rows = order[first:last]
                self._read_shard(shard, indices[rows] - self._starts[shard], out, rows)
        return out

    def _read_shard(
        self, shard: int, indices: np.ndarray, out: np.ndarray, rows: np.ndarray
    ) -> None:
        """Put the shard's images at ``indices`` into ``rows`` of ``out``.

        The images are stored as they are in memory, so the file is read past HDF5, whose own
        calls take three times as long as the copying.
        """
        if shard not in self._open:
            self._open[shard] = _Pixels(self.paths[shard], self._dataset)
        pixels = self._open[shard]
        flat = out.reshape(len(out), -1).view(np.uint8)
        for row, offset in zip(rows.tolist(), pixels.offsets[indices].tolist(), strict=True):
            if os.preadv(pixels.file, [flat[row]], offset) != flat.shape[1]:
                raise OSError(f"{self.paths[shard]}: the file is shorter than its table of images")

    def slices(self, size: int) -> Iterator[np.ndarray]:
        """All images in order, at most ``size`` at a time."""
        for start in range(0, len(self), size):
            yield self.read(range(start, min(start + size, len(self))))


class _Pixels:
    """One open shard and the place in the file, in bytes, of each of its images."""

    def __init__(self, path: str, name: str) -> None:
        with h5py.File(path, "r") as file:
            dataset = file[name]
            self.offsets = np.full(len(dataset), -1)
            if dataset.chunks is None:
                size = dataset.dtype.itemsize * int(np.prod(dataset.shape[1:]))
                start = dataset.id.get_offset() or 0  # None while the dataset is empty
                self.offsets[:] = start + size * np.arange(len(dataset))
            elif dataset.chunks == (1, *dataset.shape[1:]) and dataset.compression is None:
                dataset.id.chunk_iter(self._place)
        if (self.offsets < 0).any():
            raise ValueError(f"{path}: found {name} in another layout, allowed: one image a chunk")
        self.file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self.file)

    def _place(self, chunk: h5py.h5d.StoreInfo) -> None:
        self.offsets[chunk.chunk_offset[0]] = chunk.byte_offset
