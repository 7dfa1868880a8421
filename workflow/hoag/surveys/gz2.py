"""Survey ``gz2``: SDSS galaxies with the votes of Galaxy Zoo 2, in colour; about 210,000.

The label is the answer with most votes to the first question (smooth, featured-or-disk,
artifact). The archive of JPEGs is unpacked to a plain tar once, so that a shard reads only its
own images.
"""

import io
import posixpath
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.options import option
from hoag.surveys import _containers as containers
from hoag.surveys import _datasets as datasets
from hoag.surveys._containers import UnreadableError, one_line
from hoag.surveys._datasets import SplitBatch as Batch
from hoag.surveys._obtain import Dataset, File, Part, obtain, unpacked
from hoag.surveys._types import Cutout, Failure

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
IMAGES = "images_gz2.tar.gz"
CATALOGUES = {"train": "gz2_train_catalog.parquet", "test": "gz2_test_catalog.parquet"}
_SITE = "https://dl.dropboxusercontent.com/s/"
DATASET = Dataset(
    name="gz2",
    files=(
        File(
            CATALOGUES["train"],
            (f"{_SITE}vu77e3sh2s5c250/gz2_train_catalog.parquet",),
            "md5:d5507a9332c75fd84a7f2562567da36b",
        ),
        File(
            CATALOGUES["test"],
            (f"{_SITE}t8eh6f3oupndpl3/gz2_test_catalog.parquet",),
            "md5:ac1fba88d0e8a95ee4f4eef79ea03063",
        ),
        File(
            IMAGES,
            (f"{_SITE}5so7yof2afe761p/images_gz2.tar.gz",),
            "md5:e3eab2fec57a6a60577236b9e0a6913d",
        ),
    ),
    parts=(Part("train", 168_000), Part("test", 42_000)),
    classes=("smooth", "featured-or-disk", "artifact"),
    citation="Willett et al. 2013, MNRAS 435, 2835 (Galaxy Zoo 2); Walmsley et al. 2023, JOSS 8, "
    "5312 (these files); SDSS.",
    licence="none stated with these files; the same author's copy on Hugging Face is "
    "CC BY-NC-SA 4.0.",
    is_about=True,
)
ACKNOWLEDGEMENT = DATASET.acknowledgement
object_kind = datasets.object_kind
bands = datasets.colour
attributes = datasets.attributes


@dataclass(frozen=True)
class Options(datasets.Options):
    """How much of each image."""

    size_px: int = option(
        424, doc="Side of the central square that is read.", unit="px", minimum=1, maximum=424
    )


def image_shape(options: Options) -> tuple[int, int]:
    """(y, x) in px."""
    return (options.size_px, options.size_px)


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Number of objects, rounded."""
    return datasets.count(DATASET, batch, options, name=name)


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """The galaxies, in the catalogues' order.

    Also ``smooth_votes``, ``featured_or_disk_votes``, ``artifact_votes`` and, where the catalogue
    has them, ``ra_deg`` and ``dec_deg``; see `_datasets.list_objects`.
    """
    return datasets.list_objects(DATASET, batch, options, _labels, name=name)


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Cutout | Failure]:
    """One answer for each row of `list_objects`: uint8 (size_px, size_px, 3)."""
    if not len(targets):
        return
    files = dict(zip(targets["source_file"], targets["object_id"], strict=True))
    archive = unpacked(obtain(DATASET, IMAGES, options.mirror), DATASET.file(IMAGES))
    for file, pixels in _images(archive, set(files), options.size_px):
        yield datasets.answer(str(files[file]), pixels, (*image_shape(options), 3))


def _labels(part: Part, dataset: Dataset, options: Options) -> dict[str, Any]:
    import pandas as pd

    table = pd.read_parquet(obtain(dataset, CATALOGUES[part.name], options.mirror))
    votes = table[[f"smooth-or-featured-gz2_{c}" for c in dataset.classes]].to_numpy()
    names = np.array(dataset.classes, dtype=object)[votes.argmax(axis=1)]
    names[votes.sum(axis=1) == 0] = None
    columns = {f"{c.replace('-', '_')}_votes": votes[:, i] for i, c in enumerate(dataset.classes)}
    positions = {"ra_deg": "ra", "dec_deg": "dec"}
    return {
        "object_id": table["id_str"].astype("str"),
        "label": names,
        **{new: table[old] for new, old in positions.items() if old in table},
        **columns,
        "source_file": table["filename"].astype("str"),
    }


def _images(
    archive: Path, names: set[str], size: int
) -> Iterator[tuple[str, np.ndarray | UnreadableError]]:
    """Pictures by file name, whatever folder of the archive they lie in."""
    paths = {posixpath.basename(e.name): e.name for e in containers.entries(archive)}
    for name in sorted(names - paths.keys()):
        yield name, UnreadableError(f"no such file in {archive.name}")
    wanted = {paths[name]: name for name in names & paths.keys()}
    for path, data in containers.read(archive, wanted):
        yield wanted[path], data if isinstance(data, UnreadableError) else _decode(data, size)


def _decode(data: bytes, size: int) -> np.ndarray | UnreadableError:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata is no fault of the pixels
            with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
                return datasets.central(np.asarray(image.convert("RGB")), size)
    except (OSError, ValueError) as error:
        return UnreadableError(one_line(error))
