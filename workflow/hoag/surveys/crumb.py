"""Survey ``crumb``: radio galaxies of FIRST from four earlier sets, 150 x 150 px, grey.

The label is the basic one of FRI, FRII, hybrid. What each parent set said stands in columns.
"""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.surveys import _datasets as datasets
from hoag.surveys import _pickles as pickles
from hoag.surveys._datasets import Options, Pixels
from hoag.surveys._datasets import SplitBatch as Batch
from hoag.surveys._obtain import Dataset, File, Part, obtain
from hoag.surveys._types import Cutout, Failure

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
ARCHIVE = "CRUMB_batches.tar.gz"
PARENTS = ("mirabest", "frdeep", "at17", "mirabest_hybrid")
_TRAIN = tuple(f"CRUMB_batches/data_batch_{i}" for i in range(1, 7))
_TEST = ("CRUMB_batches/test_batch",)
_MD5 = (
    "004e97220b29da803cf67e762ade4b52",
    "a05122141382c3ccec5d5c717a582b16",
    "aada5e8eab52732b3d171b158081bfa7",
    "ebc353fb9059dbeb44da28a50e6092bc",
    "5d9459f61a710b27b3a790d3686fb14d",
    "965c62bfff96acf83245e68ca42e0c10",
    "0cd9c3869700b720f4adcadba79d793c",
)
DATASET = Dataset(
    name="crumb",
    files=(
        File(
            ARCHIVE,
            ("http://www.jb.man.ac.uk/research/MiraBest/CRUMB/CRUMB_batches.tar.gz",),
            "md5:a33c0564b99d66fb825e224a0392bc78",
            None,
            tuple(zip(_TRAIN + _TEST, _MD5, strict=True)),
        ),
    ),
    parts=(Part("train", 1800, (), _TRAIN), Part("test", 300, (), _TEST)),
    classes=("FRI", "FRII", "hybrid"),
    citation="Porter & Scaife 2023, RASTI 2, 293; Porter & Scaife 2023, arXiv:2311.10507.",
    licence="none found; the FIRST images may be reproduced for scholarly use.",
)
ACKNOWLEDGEMENT = DATASET.acknowledgement
object_kind = datasets.object_kind
bands = datasets.grey
attributes = datasets.attributes


def image_shape(options: Options) -> tuple[int, int]:
    """(y, x) in px."""
    return (150, 150)


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Published number of objects."""
    return datasets.count(DATASET, batch, options, name=name)


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """The radio galaxies, in the batches' order.

    Also ``file_name`` and, for each of `PARENTS`, ``label_<parent>``: the parent's own number of
    the class, -1 where it lacks the object; see `_datasets.list_objects`.
    """
    return datasets.list_objects(DATASET, batch, options, _labels, name=name)


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Cutout | Failure]:
    """One `Cutout` for each row of `list_objects`: uint8 (150, 150, 1)."""

    def read(part: str, rows: Sequence[int]) -> Pixels:
        path = obtain(DATASET, ARCHIVE, options.mirror)
        return pickles.grey_images(path, DATASET.file(ARCHIVE), part, rows, 150)

    return datasets.fetch(targets, read, (150, 150, 1))


def _labels(part: Part, dataset: Dataset, options: Options) -> dict[str, Any]:
    path = obtain(dataset, ARCHIVE, options.mirror)
    keys = ("labels", "filenames", "complete_labels")
    columns = pickles.listed(path, dataset.file(ARCHIVE), part.members, keys)
    columns["label"] = datasets.class_names(dataset, columns.pop("labels"))
    columns["file_name"] = [PurePosixPath(str(p)).name for p in columns.pop("filenames")]
    complete = np.array(columns.pop("complete_labels"), dtype=int).reshape(-1, len(PARENTS))
    return columns | {f"label_{p}": complete[:, i] for i, p in enumerate(PARENTS)}
