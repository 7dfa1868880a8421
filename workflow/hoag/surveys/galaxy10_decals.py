"""Survey ``galaxy10_decals``: DECaLS galaxies in ten classes of Galaxy Zoo, 256 x 256 px, colour.

The file has positions, redshifts and each image's pixel scale, and no splits.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.surveys import _containers as containers
from hoag.surveys import _datasets as datasets
from hoag.surveys._datasets import ClassBatch as Batch
from hoag.surveys._datasets import Options, Pixels
from hoag.surveys._obtain import Dataset, File, Part, obtain
from hoag.surveys._types import Cutout, Failure

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
FILE = "Galaxy10_DECals.h5"
DATASET = Dataset(
    name="galaxy10_decals",
    files=(
        File(
            FILE,
            (
                "https://zenodo.org/records/10845026/files/Galaxy10_DECals.h5",
                "https://www.astro.utoronto.ca/~hleung/shared/Galaxy10/Galaxy10_DECals.h5",
            ),
            "sha256:19aefc477c41bb7f77ff07599a6b82a038dc042f889a111b0d4d98bb755c1571",
        ),
    ),
    parts=(Part("all", 17_736, (1081, 1853, 2645, 2027, 334, 2043, 1829, 2628, 1423, 1873)),),
    classes=(
        "Disturbed",
        "Merging",
        "Round Smooth",
        "In-between Round Smooth",
        "Cigar Shaped Smooth",
        "Barred Spiral",
        "Unbarred Tight Spiral",
        "Unbarred Loose Spiral",
        "Edge-on without Bulge",
        "Edge-on with Bulge",
    ),
    citation="Leung & Bovy 2019, MNRAS 483, 3255 (astroNN); Walmsley et al. 2022, MNRAS 509, 3966 "
    "(Galaxy Zoo DECaLS); Lintott et al. 2011, MNRAS 410, 166; Dey et al. 2019, AJ 157, 168.",
    licence="see Zenodo record 10845026.",
)
ACKNOWLEDGEMENT = DATASET.acknowledgement
object_kind = datasets.object_kind
bands = datasets.colour
attributes = datasets.attributes


def image_shape(options: Options) -> tuple[int, int]:
    """(y, x) in px."""
    return (256, 256)


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Published number of objects."""
    return datasets.count(DATASET, batch, options, name=name)


def label_counts(batch: Batch, options: Options) -> dict[str, int] | None:
    """Published number of objects of each label."""
    return datasets.label_counts(DATASET, batch)


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """The galaxies, in the file's order.

    Also ``ra_deg``, ``dec_deg``, ``redshift`` (NaN where none is known) and
    ``pixel_scale_arcsec``; see `_datasets.list_objects`.
    """
    return datasets.list_objects(DATASET, batch, options, _labels, name=name)


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Cutout | Failure]:
    """One `Cutout` for each row of `list_objects`: uint8 (256, 256, 3)."""

    def read(part: str, rows: Sequence[int]) -> Pixels:
        return containers.rows(obtain(DATASET, FILE, options.mirror), "images", rows)

    return datasets.fetch(targets, read, (256, 256, 3))


def _labels(part: Part, dataset: Dataset, options: Options) -> dict[str, Any]:
    path = obtain(dataset, FILE, options.mirror)
    numbers = containers.whole(path, "ans")
    return {
        "label": datasets.class_names(dataset, numbers),
        "ra_deg": containers.whole(path, "ra"),
        "dec_deg": containers.whole(path, "dec"),
        "redshift": containers.whole(path, "redshift"),
        "pixel_scale_arcsec": containers.whole(path, "pxscale"),
        "source_part": part.name,
        "source_row": np.arange(len(numbers)),
    }
