"""What the surveys of labelled datasets share: options, counts, lists of objects, cutouts.

Each of them names a `Dataset`, a function that reads the labels of one published split, and one
that reads pixels. An object is known by ``source_part`` (a split, or a member of an archive) and
``source_row`` within it, two columns of the catalogue.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.options import ConfigError, option, unknown
from hoag.surveys._containers import UnreadableError
from hoag.surveys._obtain import Dataset, Part
from hoag.surveys._types import RENDERED_IMAGE, Cutout, Failure

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger(__name__)

# (part, dataset, options) -> columns: label, source_part, source_row, any others
Labels = Callable[[Part, Dataset, Any], Mapping[str, Any]]
Pixels = Iterator[tuple[int, np.ndarray | UnreadableError]]
_MIRROR = "A folder that is searched, with all below it, for the published files by name and "


@dataclass(frozen=True)
class Options:
    """Where the files may lie already."""

    mirror: str | None = option(
        None, doc=_MIRROR + "checksum before any download.", unit="path", shapes_result=False
    )


@dataclass(frozen=True)
class WholeBatch:
    """All objects: the dataset has no splits and no labels."""


@dataclass(frozen=True)
class ClassBatch:
    """Which objects."""

    classes: tuple[str, ...] = option((), doc="Labels to take; empty: all.")


@dataclass(frozen=True)
class SplitBatch:
    """Which objects."""

    split: str = option("all", doc="Published split to take.", choices=("all", "train", "test"))


@dataclass(frozen=True)
class SplitClassBatch:
    """Which objects."""

    split: str = option("all", doc="Published split to take.", choices=("all", "train", "test"))
    classes: tuple[str, ...] = option((), doc="Labels to take; empty: all.")


def object_kind(options: Any) -> str:
    """Always `RENDERED_IMAGE`: uint8 (y, x, channel)."""
    return RENDERED_IMAGE


def grey(options: Any) -> tuple[str, ...]:
    """One grey channel."""
    return ("grey",)


def colour(options: Any) -> tuple[str, ...]:
    """Three colours."""
    return ("r", "g", "b")


def attributes(options: Any) -> dict[str, Any]:
    """Nothing holds for all objects."""
    return {}


def count(dataset: Dataset, batch: Any, options: Options, *, name: str) -> int:
    """Published number of objects of a batch; nothing is read or fetched.

    Raises
    ------
    ConfigError
        For a class that doesn't exist or whose number was not published, and for a mirror that
        is no folder.
    """
    if options.mirror is not None and not os.path.isdir(options.mirror):
        raise ConfigError(f"survey.mirror: found {options.mirror!r}, allowed: an existing folder")
    classes = _classes(dataset, batch, name)
    if not classes:
        return sum(part.n_objects for part in _parts(dataset, batch))
    return sum(_numbers(dataset, batch, classes).values())


def label_counts(dataset: Dataset, batch: Any) -> dict[str, int] | None:
    """Published number of a batch's objects by label, None where it isn't exactly known."""
    if dataset.is_about or not all(part.n_per_class for part in dataset.parts):
        return None
    return _numbers(dataset, batch, set(getattr(batch, "classes", ())) or set(dataset.classes))


def _numbers(dataset: Dataset, batch: Any, classes: set[str]) -> dict[str, int]:
    parts = [dict(zip(dataset.classes, p.n_per_class, strict=True)) for p in _parts(dataset, batch)]
    return {c: sum(n[c] for n in parts) for c in classes}


def _parts(dataset: Dataset, batch: Any) -> list[Part]:
    split = getattr(batch, "split", "all")
    return [part for part in dataset.parts if split in ("all", part.name)]


def _classes(dataset: Dataset, batch: Any, name: str) -> set[str]:
    classes = set(getattr(batch, "classes", ()))
    for found in sorted(classes - set(dataset.classes)):
        raise ConfigError(unknown(f"batches.{name}.classes", found, dataset.classes))
    if classes and not all(part.n_per_class for part in dataset.parts):
        raise ConfigError(
            f"batches.{name}.classes: found {sorted(classes)}, allowed: nothing, "
            f"since the numbers by class of {dataset.name} {dataset.variant} are not known"
        )
    return classes


def list_objects(
    dataset: Dataset, batch: Any, options: Options, labels: Labels, *, name: str
) -> "pd.DataFrame":
    """The catalogue of a batch: ids, labels, the published split where there are several."""
    import pandas as pd

    frames = []
    for part in _parts(dataset, batch):
        frame = pd.DataFrame(dict(labels(part, dataset, options)))
        split = f"{part.name}-" if len(dataset.parts) > 1 else ""
        if "object_id" not in frame:
            ids = [f"{dataset.name}-{split}{i:05d}" for i in range(len(frame))]
            frame.insert(0, "object_id", ids)
        if split:
            frame["split"] = part.name
        frames.append(frame)
    frame = pd.concat(frames, ignore_index=True)
    if classes := _classes(dataset, batch, name):
        frame = frame[frame["label"].isin(classes)].reset_index(drop=True)
    expected = count(dataset, batch, options, name=name)
    if len(frame) != expected and not dataset.is_about:
        _log.warning("%s: found %d objects, published: %d", name, len(frame), expected)
    text = ("object_id", "label", "split", "source_part")
    return frame.astype({c: "str" for c in text if c in frame})


def class_names(dataset: Dataset, numbers: Iterable[int]) -> list[str]:
    """Names of classes that a file gives by number."""
    return [dataset.classes[int(n)] for n in numbers]


def fetch(
    targets: "pd.DataFrame",
    read: Callable[[str, Sequence[int]], Pixels],
    shape: tuple[int, ...],
) -> Iterator[Cutout | Failure]:
    """One answer for each target.

    Parameters
    ----------
    targets
        Rows of `list_objects`.
    read
        (part, rows in rising order) -> (row, pixels or the reason for none), each row once.
    shape
        What the pixels of an object must have.
    """
    for part, group in targets.groupby("source_part"):
        ids = dict(zip(group["source_row"], group["object_id"], strict=True))
        for row, pixels in read(str(part), sorted(ids)):
            yield answer(str(ids[row]), pixels, shape)


def answer(
    object_id: str, pixels: np.ndarray | UnreadableError, shape: tuple[int, ...]
) -> Cutout | Failure:
    """A cutout, or why there is none: unreadable, or of another shape."""
    if isinstance(pixels, UnreadableError):
        return Failure(object_id, "invalid", str(pixels))
    if pixels.shape != shape:
        return Failure(object_id, "invalid", f"found shape {pixels.shape}, allowed: {shape}")
    return Cutout(object_id, pixels)


def central(pixels: np.ndarray, size: int) -> np.ndarray | UnreadableError:
    """The central square of an image (y, x, c); an odd pixel too many is cut off at the high end.

    An image that is smaller gives the reason instead.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < size:
        return UnreadableError(f"found {height} x {width} px (y, x), allowed: at least {size}")
    y, x = (height - size) // 2, (width - size) // 2
    return pixels[y : y + size, x : x + size]
