"""Survey ``galaxy_mnist``: galaxies of DECaLS in four clear classes, 64 or 224 px, in colour.

The files are gzipped HDF5 and are unpacked once. The classes are balanced over the whole set and
roughly so in each split.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.options import option
from hoag.surveys import _containers as containers
from hoag.surveys import _datasets as datasets
from hoag.surveys._datasets import Pixels
from hoag.surveys._datasets import SplitBatch as Batch
from hoag.surveys._obtain import Dataset, File, Part, obtain, unpacked
from hoag.surveys._types import Cutout, Failure

if TYPE_CHECKING:
    import pandas as pd


def _dataset(variant: str, *published: tuple[str, str, str]) -> Dataset:
    return Dataset(
        name="galaxy_mnist",
        variant=variant,
        files=tuple(
            File(name, (f"https://dl.dropboxusercontent.com/s/{place}/{name}",), f"md5:{md5}")
            for name, place, md5 in published
        ),
        parts=(Part("train", 8000), Part("test", 2000)),
        classes=("smooth_round", "smooth_cigar", "edge_on_disk", "unbarred_spiral"),
        citation="Walmsley et al. 2022, MNRAS 509, 3966 (Galaxy Zoo DECaLS); "
        "Dey et al. 2019, AJ 157, 168 (DECaLS).",
        licence="none stated for the data.",
    )


FORMAT_VERSION = 1
FILES = {"train": "train_dataset.hdf5.gz", "test": "test_dataset.hdf5.gz"}
DATASETS = {
    64: _dataset(
        "64",
        (FILES["train"], "5a14de0o7slyif9", "e408ae294e9b975482dc1abffeb373a6"),
        (FILES["test"], "5rza12nn24cwd2k", "7a940e4cea64a8b7cb60339098f74490"),
    ),
    224: _dataset(
        "224",
        (FILES["train"], "xenuo0ekgyi10ru", "3391dcddac14d5b4055db73fb600ae63"),
        (FILES["test"], "lczri4sb4bbcgyh", "fb272c4e94000b4d99a09d638977b0b9"),
    ),
}
ACKNOWLEDGEMENT = DATASETS[64].acknowledgement
object_kind = datasets.object_kind
bands = datasets.colour
attributes = datasets.attributes


@dataclass(frozen=True)
class Options(datasets.Options):
    """Which of the two published sizes."""

    size_px: int = option(64, doc="Side of the images.", unit="px", choices=tuple(DATASETS))


def image_shape(options: Options) -> tuple[int, int]:
    """(y, x) in px."""
    return (options.size_px, options.size_px)


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Published number of objects."""
    return datasets.count(DATASETS[options.size_px], batch, options, name=name)


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """The galaxies, in the files' order; see `_datasets.list_objects`."""
    return datasets.list_objects(DATASETS[options.size_px], batch, options, _labels, name=name)


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Cutout | Failure]:
    """One `Cutout` for each row of `list_objects`: uint8 (size_px, size_px, 3)."""

    def read(part: str, rows: Sequence[int]) -> Pixels:
        return containers.rows(_path(DATASETS[options.size_px], part, options), "images", rows)

    return datasets.fetch(targets, read, (*image_shape(options), 3))


def _path(dataset: Dataset, part: str, options: Options) -> Path:
    packed = obtain(dataset, FILES[part], options.mirror)
    return unpacked(packed, dataset.file(FILES[part]))


def _labels(part: Part, dataset: Dataset, options: Options) -> dict[str, Any]:
    numbers = containers.whole(_path(dataset, part.name, options), "labels")
    return {
        "label": datasets.class_names(dataset, numbers),
        "source_part": part.name,
        "source_row": np.arange(len(numbers)),
    }
