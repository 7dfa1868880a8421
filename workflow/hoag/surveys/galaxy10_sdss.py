"""Survey ``galaxy10_sdss``: galaxies of SDSS in ten classes of Galaxy Zoo, 69 x 69 px, in colour.

The file has no splits and no positions. The published numbers of the classes sum to 45 objects
more than the published total, so that they are taken for rounded ones.
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
FILE = "Galaxy10.h5"
DATASET = Dataset(
    name="galaxy10_sdss",
    files=(
        File(
            FILE,
            (
                "https://zenodo.org/records/10844811/files/Galaxy10.h5",
                "https://www.astro.utoronto.ca/~hleung/shared/Galaxy10/Galaxy10.h5",
            ),
            "sha256:969a6b1cefcc36e09fffa86febd2f699a4aa19b837ba0427f01b0bc6ded458af",
            210_234_548,
        ),
    ),
    parts=(Part("all", 21_785, (3461, 6997, 6292, 394, 1534, 17, 589, 1121, 906, 519)),),
    classes=(
        "Disk, Face-on, No Spiral",
        "Smooth, Completely round",
        "Smooth, in-between round",
        "Smooth, Cigar shaped",
        "Disk, Edge-on, Rounded Bulge",
        "Disk, Edge-on, Boxy Bulge",
        "Disk, Edge-on, No Bulge",
        "Disk, Face-on, Tight Spiral",
        "Disk, Face-on, Medium Spiral",
        "Disk, Face-on, Loose Spiral",
    ),
    citation="Leung & Bovy 2019, MNRAS 483, 3255 (astroNN); "
    "Lintott et al. 2008, MNRAS 389, 1179 and 2011, MNRAS 410, 166 (Galaxy Zoo); SDSS.",
    licence="see Zenodo record 10844811.",
    is_about=True,
)
ACKNOWLEDGEMENT = DATASET.acknowledgement
object_kind = datasets.object_kind
bands = datasets.colour
attributes = datasets.attributes


def image_shape(options: Options) -> tuple[int, int]:
    """(y, x) in px."""
    return (69, 69)


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Published number of objects."""
    return datasets.count(DATASET, batch, options, name=name)


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """The galaxies, in the file's order; see `_datasets.list_objects`."""
    return datasets.list_objects(DATASET, batch, options, _labels, name=name)


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Cutout | Failure]:
    """One `Cutout` for each row of `list_objects`: uint8 (69, 69, 3)."""

    def read(part: str, rows: Sequence[int]) -> Pixels:
        return containers.rows(obtain(DATASET, FILE, options.mirror), "images", rows)

    return datasets.fetch(targets, read, (69, 69, 3))


def _labels(part: Part, dataset: Dataset, options: Options) -> dict[str, Any]:
    numbers = containers.whole(obtain(dataset, FILE, options.mirror), "ans")
    return {
        "label": datasets.class_names(dataset, numbers),
        "source_part": part.name,
        "source_row": np.arange(len(numbers)),
    }
