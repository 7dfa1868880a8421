"""Survey ``mirabest``: radio galaxies of FIRST by Fanaroff-Riley class, 150 x 150 px, grey.

The full set has 1256 objects. Their label is the published code of three digits: 1 FRI, 2 FRII,
3 hybrid; 0 confident, 1 uncertain; 0 standard, 1 double-double, 2 wide-angle tail, 4 head-tail.
Their id is the published file name, which gives position, redshift and largest angular size. The
basic set has FRI and FRII alone, and how many of each in a split is not known for certain.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.options import option
from hoag.surveys import _datasets as datasets
from hoag.surveys import _pickles as pickles
from hoag.surveys._datasets import Pixels
from hoag.surveys._datasets import SplitClassBatch as Batch
from hoag.surveys._obtain import Dataset, File, Part, obtain
from hoag.surveys._types import Cutout, Failure

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
_SITE = "http://www.jb.man.ac.uk/research/MiraBest/"
_CITATION = (
    "Porter & Scaife 2023, RASTI 2, 293; Miraghaei & Best 2017, MNRAS 466, 4346; "
    "Becker, White & Helfand 1995, ApJ 450, 559 (FIRST)."
)
_LICENCE = "see Zenodo record 4288837; the FIRST images may be reproduced for scholarly use."


def _members(folder: str, *md5: str) -> tuple[tuple[str, str], ...]:
    names = [f"{folder}/data_batch_{i}" for i in range(1, len(md5))] + [f"{folder}/test_batch"]
    return tuple(zip(names, md5, strict=True))


_FULL = _members(
    "F_batches",
    "f7a470b7367e8e0d0c5093d2cf266d54",
    "bb65ecd7e748e9fb789419b1efbf1bab",
    "32de1078e7cd47f5338c666a1b563ede",
    "a1209aceedd8806c88eab27ce45ee2c4",
    "1619cd7c54f5d71fcf4cfefea829728e",
    "636c2b84649286e19bcb0684fc9fbb01",
    "bc67bc37080dc4df880ffe9720d680a8",
    "ac7ea0d5ee8c7ab49f257c9964796953",
)
_BASIC = _members(
    "batches",
    "6c501a41da89217c7fda745b80c06e99",
    "e4a1e5d6f1a17c65a23b9a80969d70fb",
    "e326df6fe352b669da8bf394e8ac1644",
    "7b9691912178497ad532c575e0132d1f",
    "de822b3c21f13c188d5fa0a08f9fcce2",
    "39b38c3d63e595636509f5193a98d6eb",
    "f980bfd2b1b649f6142138f2ae76d087",
    "a5459294e551984ac26056ba9f69a3f8",
    "34414bcae9a2431b42a7e1442cb5c73d",
    "d12d31f7e8d60a8d52419a57374d0095",
)
DATASETS = {
    "full": Dataset(
        name="mirabest",
        variant="full",
        files=(
            File(
                "MiraBest_F_batches.tar.gz",
                (f"{_SITE}MiraBest_F/MiraBest_F_batches.tar.gz",),
                "md5:7d4e3a623d29db7204bce81676ee8ce2",
                765_686,
                _FULL,
            ),
        ),
        parts=(
            Part(
                "train",
                1099,
                (297, 43, 8, 167, 2, 378, 3, 171, 17, 13),
                tuple(n for n, _ in _FULL[:-1]),
            ),
            Part("test", 157, (42, 6, 1, 24, 1, 54, 1, 24, 2, 2), (_FULL[-1][0],)),
        ),
        classes=("100", "102", "104", "110", "112", "200", "201", "210", "300", "310"),
        citation=_CITATION,
        licence=_LICENCE,
    ),
    "basic": Dataset(
        name="mirabest",
        variant="basic",
        files=(
            File(
                "MiraBest_basic_batches.tar.gz",
                (f"{_SITE}basic/MiraBest_basic_batches.tar.gz",),
                "md5:6c9a3e6ca3c0f3d27f9f6dca1b9730e1",
                None,
                _BASIC,
            ),
        ),
        parts=(
            Part("train", 704, (), tuple(n for n, _ in _BASIC[:-1])),
            Part("test", 88, (), (_BASIC[-1][0],)),
        ),
        classes=("FRI", "FRII"),
        citation=_CITATION,
        licence=_LICENCE,
        is_about=True,
    ),
}
ACKNOWLEDGEMENT = DATASETS["full"].acknowledgement
object_kind = datasets.object_kind
bands = datasets.grey


@dataclass(frozen=True)
class Options(datasets.Options):
    """Which of the published sets."""

    variant: str = option(
        "full",
        doc="full: all 1256 objects, with codes as labels; basic: the earlier set of FRI and FRII.",
        choices=tuple(DATASETS),
    )


def image_shape(options: Options) -> tuple[int, int]:
    """(y, x) in px."""
    return (150, 150)


def attributes(options: Options) -> dict[str, Any]:
    """Pixel scale in arcsec."""
    return {"pixel_scale_arcsec": 1.8}


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Published number of objects."""
    return datasets.count(DATASETS[options.variant], batch, options, name=name)


def label_counts(batch: Batch, options: Options) -> dict[str, int] | None:
    """Published number of objects of each label."""
    return datasets.label_counts(DATASETS[options.variant], batch)


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """The radio galaxies, in the batches' order.

    Of the full set also ``ra_deg``, ``dec_deg``, ``redshift``, ``largest_angular_size_arcsec``,
    ``morphology`` (FRI, FRII, hybrid) and ``is_confident``; see `_datasets.list_objects`.
    """
    return datasets.list_objects(DATASETS[options.variant], batch, options, _labels, name=name)


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Cutout | Failure]:
    """One `Cutout` for each row of `list_objects`: uint8 (150, 150, 1)."""
    dataset = DATASETS[options.variant]

    def read(part: str, rows: Sequence[int]) -> Pixels:
        path = obtain(dataset, dataset.files[0].name, options.mirror)
        return pickles.grey_images(path, dataset.files[0], part, rows, 150)

    return datasets.fetch(targets, read, (150, 150, 1))


def _labels(part: Part, dataset: Dataset, options: Options) -> dict[str, Any]:
    path = obtain(dataset, dataset.files[0].name, options.mirror)
    is_full = dataset.variant == "full"
    keys = ("labels", "filenames") if is_full else ("labels",)
    columns = pickles.listed(path, dataset.files[0], part.members, keys)
    columns["label"] = datasets.class_names(dataset, columns.pop("labels"))
    if is_full:
        columns |= _named(columns.pop("filenames"), columns["label"])
    return columns


def _named(paths: Sequence[str], codes: Sequence[str]) -> dict[str, Any]:
    """What file names say: code_RA+Dec_redshift_size, with degrees and arcsec."""
    stems = [PurePosixPath(str(p)).name.removesuffix(".png") for p in paths]
    matches = [re.fullmatch(r"\d+_([\d.]+)([+-][\d.]+)_([\d.]+)_([\d.]+)", s) for s in stems]
    values = [[float(g) for g in m.groups()] if m else [np.nan] * 4 for m in matches]
    names = ("ra_deg", "dec_deg", "redshift", "largest_angular_size_arcsec")
    morphologies = {"1": "FRI", "2": "FRII", "3": "hybrid"}
    return {
        "object_id": stems,
        **dict(zip(names, np.array(values).reshape(-1, 4).T, strict=True)),
        "morphology": [morphologies[code[0]] for code in codes],
        "is_confident": [code[1] == "0" for code in codes],
    }
