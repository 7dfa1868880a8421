"""Survey ``cifar10``: small photographs of ten kinds of things, 32 x 32 px, in colour.

Files: the Python version of the original publication, six batches in one archive.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.surveys import _datasets as datasets
from hoag.surveys import _pickles as pickles
from hoag.surveys._datasets import Options, Pixels
from hoag.surveys._datasets import SplitClassBatch as Batch
from hoag.surveys._obtain import Dataset, File, Part, obtain
from hoag.surveys._types import Cutout, Failure

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
ARCHIVE = "cifar-10-python.tar.gz"
_TRAIN = tuple(f"cifar-10-batches-py/data_batch_{i}" for i in range(1, 6))
_TEST = ("cifar-10-batches-py/test_batch",)
_MD5 = (
    "c99cafc152244af753f735de768cd75f",
    "d4bba439e000b95fd0a9bffe97cbabec",
    "54ebc095f3ab1f0389bbae665268c751",
    "634d18415352ddfa80567beed471001a",
    "482c414d41f54cd18b22e5b47cb7c3cb",
    "40351d587109b95175f43aff81a1287e",
)
DATASET = Dataset(
    name="cifar10",
    files=(
        File(
            ARCHIVE,
            ("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
            "md5:c58f30108f718f92721af3b95e74349a",
            170_498_071,
            tuple(zip(_TRAIN + _TEST, _MD5, strict=True)),
        ),
    ),
    parts=(
        Part("train", 50_000, (5000,) * 10, _TRAIN),
        Part("test", 10_000, (1000,) * 10, _TEST),
    ),
    classes=(
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
    citation="Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.",
    licence="none stated.",
)
ACKNOWLEDGEMENT = DATASET.acknowledgement
object_kind = datasets.object_kind
bands = datasets.colour
attributes = datasets.attributes


def image_shape(options: Options) -> tuple[int, int]:
    """(y, x) in px."""
    return (32, 32)


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Published number of objects."""
    return datasets.count(DATASET, batch, options, name=name)


def label_counts(batch: Batch, options: Options) -> dict[str, int] | None:
    """Published number of objects of each label."""
    return datasets.label_counts(DATASET, batch)


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """The images, in the batches' order; see `_datasets.list_objects`."""
    return datasets.list_objects(DATASET, batch, options, _labels, name=name)


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Cutout | Failure]:
    """One `Cutout` for each row of `list_objects`: uint8 (32, 32, 3)."""

    def read(part: str, rows: Sequence[int]) -> Pixels:
        path = obtain(DATASET, ARCHIVE, options.mirror)
        for _, found in pickles.batches(path, DATASET.file(ARCHIVE), [part]):
            planes = np.asarray(found["data"], np.uint8).reshape(-1, 3, 32, 32)
            yield from ((row, planes[row].transpose(1, 2, 0)) for row in rows)

    return datasets.fetch(targets, read, (32, 32, 3))


def _labels(part: Part, dataset: Dataset, options: Options) -> dict[str, Any]:
    path = obtain(dataset, ARCHIVE, options.mirror)
    columns = pickles.listed(path, dataset.file(ARCHIVE), part.members, ("labels",))
    columns["label"] = datasets.class_names(dataset, columns.pop("labels"))
    return columns
