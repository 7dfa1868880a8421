"""Batches of images that were published as Python pickles, read without running what they name.

A member of an archive is unpickled only after its published md5 matched, and then by a reader
that knows the few things of which such batches are made: lists, dicts, text, numbers and numpy
arrays. Anything else a pickle asks for stops the reading before it is looked up.
"""

import io
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hoag.surveys import _containers as containers
from hoag.surveys._containers import UnreadableError, one_line
from hoag.surveys._obtain import File, ObtainError, md5


def batches(path: Path, file: File, names: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The named members of a published archive as (name, dict), in the archive's order.

    Raises
    ------
    ObtainError
        If a member is missing, has another md5 than the published one, or is no such batch.
    """
    published = dict(file.members)
    for name, data in containers.read(path, names):
        if isinstance(data, UnreadableError):
            raise ObtainError(f"{path}: {name}: {data}")
        if md5(data) != published[name]:
            raise ObtainError(f"{path}: {name}: found md5 {md5(data)}, wanted {published[name]}")
        try:
            yield name, load(data)
        except pickle.UnpicklingError as error:
            raise ObtainError(f"{path}: {name}: {one_line(error)}") from None


def listed(path: Path, file: File, names: Sequence[str], keys: Sequence[str]) -> dict[str, list]:
    """What batches say of their objects under ``keys``, joined in the order of ``names``.

    Beside them stand ``source_part`` (the batch) and ``source_row`` (the place in it).
    """
    found = {n: {k: list(b[k]) for k in keys} for n, b in batches(path, file, names)}
    rows = [(name, row) for name in names for row in range(len(found[name][keys[0]]))]
    columns: dict[str, list] = {k: [v for n in names for v in found[n][k]] for k in keys}
    columns["source_part"] = [name for name, _ in rows]
    columns["source_row"] = [row for _, row in rows]
    return columns


def grey_images(
    path: Path, file: File, name: str, rows: Sequence[int], size: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Some images of one batch as (row, uint8 (size, size, 1))."""
    for _, found in batches(path, file, [name]):
        images = np.asarray(found["data"], np.uint8).reshape(-1, size, size, 1)
        yield from ((row, images[row]) for row in rows)


def load(data: bytes) -> dict[str, Any]:
    """One batch; bytes of Python 2 come as latin-1 text.

    Raises
    ------
    pickle.UnpicklingError
        If it asks for anything but plain values and numpy arrays, or is no pickle of a dict.
    """
    try:
        found = _Plain(io.BytesIO(data), encoding="latin1").load()
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # what damaged pickles raise is open-ended
        raise pickle.UnpicklingError(f"found a damaged pickle ({one_line(error)})") from None
    if not isinstance(found, dict):
        raise pickle.UnpicklingError(f"found a pickled {type(found).__name__}, allowed: a dict")
    return found


class _Plain(pickle.Unpickler):
    """Gives own stand-ins for the names that arrays need, and nothing for any other name."""

    def find_class(self, module: str, name: str) -> Any:
        known = _STAND_INS.get((module.replace("numpy._core", "numpy.core"), name))
        if known is None:
            raise pickle.UnpicklingError(
                f"found a pickle that asks for {module}.{name}, allowed: arrays and plain values"
            )
        return known


def _dtype(code: str, *_: Any) -> np.dtype:
    found = np.dtype(str(code), copy=True)  # the state that follows must not reach numpy's own
    if found.kind not in "buifSU":
        raise pickle.UnpicklingError(f"found an array of {found}, allowed: numbers and text")
    return found


def _array(*_: Any) -> np.ndarray:
    """An empty array; its state, with shape and values, follows in the pickle."""
    return np.empty(0, np.uint8)


def _scalar(dtype: np.dtype, data: bytes | str) -> Any:
    return np.frombuffer(_bytes(data), dtype)[0]


def _bytes(text: bytes | str = b"", *_: Any) -> bytes:
    """How Python 3 writes bytes in the older protocols: text, to be encoded as latin-1."""
    return text.encode("latin1") if isinstance(text, str) else text


_STAND_INS: dict[tuple[str, str], Callable | str] = {
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy", "ndarray"): "ndarray",  # only ever an argument of _reconstruct
    ("numpy", "dtype"): _dtype,
    ("_codecs", "encode"): _bytes,
    ("__builtin__", "bytes"): _bytes,  # only ever of nothing
}
