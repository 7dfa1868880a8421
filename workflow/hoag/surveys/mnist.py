"""Survey ``mnist``: handwritten digits, 28 x 28 px, grey; a quick check of a chain.

The label is the digit. Files: the four of the original publication (IDX, gzip).
"""

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.surveys import _datasets as datasets
from hoag.surveys._datasets import Options, Pixels
from hoag.surveys._datasets import SplitClassBatch as Batch
from hoag.surveys._obtain import Dataset, File, Part, obtain
from hoag.surveys._types import Cutout, Failure

if TYPE_CHECKING:
    import pandas as pd


def _file(name: str, size: int, md5: str, content: str) -> File:
    addresses = (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    )
    urls = tuple(f"{a}{name}.gz" for a in addresses)
    return File(f"{name}.gz", urls, f"md5:{md5}", size, ((name, content),))


FORMAT_VERSION = 1
IMAGES = {"train": "train-images-idx3-ubyte.gz", "test": "t10k-images-idx3-ubyte.gz"}
LABELS = {"train": "train-labels-idx1-ubyte.gz", "test": "t10k-labels-idx1-ubyte.gz"}
DATASET = Dataset(
    name="mnist",
    files=(
        _file(
            "train-images-idx3-ubyte",
            9_912_422,
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "6bbc9ace898e44ae57da46a324031adb",
        ),
        _file(
            "train-labels-idx1-ubyte",
            28_881,
            "d53e105ee54ea40749a09fcbcd1e9432",
            "a25bea736e30d166cdddb491f175f624",
        ),
        _file(
            "t10k-images-idx3-ubyte",
            1_648_877,
            "9fb629c4189551a2d022fa330f9573f3",
            "2646ac647ad5339dbf082846283269ea",
        ),
        _file(
            "t10k-labels-idx1-ubyte",
            4_542,
            "ec29112dd5afa0611ce80d1b7f02629c",
            "27ae3e4e09519cfbb04c329615203637",
        ),
    ),
    parts=(
        Part("train", 60_000, (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)),
        Part("test", 10_000, (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)),
    ),
    classes=tuple("0123456789"),
    citation="LeCun, Bottou, Bengio & Haffner 1998, Proc. IEEE 86, 2278.",
    licence="commonly stated as CC BY-SA 3.0.",
)
ACKNOWLEDGEMENT = DATASET.acknowledgement
object_kind = datasets.object_kind
bands = datasets.grey
attributes = datasets.attributes


def image_shape(options: Options) -> tuple[int, int]:
    """(y, x) in px."""
    return (28, 28)


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Published number of objects."""
    return datasets.count(DATASET, batch, options, name=name)


def label_counts(batch: Batch, options: Options) -> dict[str, int] | None:
    """Published number of objects of each label."""
    return datasets.label_counts(DATASET, batch)


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """The digits, in the files' order; see `_datasets.list_objects`."""
    return datasets.list_objects(DATASET, batch, options, _labels, name=name)


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Cutout | Failure]:
    """One `Cutout` for each row of `list_objects`: uint8 (28, 28, 1)."""

    def read(part: str, rows: Sequence[int]) -> Pixels:
        images = _idx(obtain(DATASET, IMAGES[part], options.mirror))[..., None]
        yield from ((row, images[row]) for row in rows)

    return datasets.fetch(targets, read, (28, 28, 1))


def _labels(part: Part, dataset: Dataset, options: Options) -> dict[str, Any]:
    labels = _idx(obtain(dataset, LABELS[part.name], options.mirror))
    return {
        "label": datasets.class_names(dataset, labels),
        "source_part": part.name,
        "source_row": np.arange(len(labels)),
    }


def _idx(path: Path) -> np.ndarray:
    """An IDX file of bytes: two zeros, the type (8), the number of axes, their lengths, values."""
    data = gzip.decompress(path.read_bytes())
    n_axes = data[3]
    shape = np.frombuffer(data, ">u4", n_axes, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * n_axes).reshape(shape)
