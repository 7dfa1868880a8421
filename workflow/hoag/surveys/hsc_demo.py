"""Survey ``hsc_demo``: about 1000 objects of the HSC survey in g, r, i, with nothing to sign for.

FITS files of the public demo data of Hyrax, one for each object and band, named by the object's
HSC id. Their sizes differ by a pixel or so; a central square of one size is read. There are no
labels.
"""

import io
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.options import option
from hoag.surveys import _containers as containers
from hoag.surveys import _datasets as datasets
from hoag.surveys._containers import UnreadableError, one_line
from hoag.surveys._datasets import WholeBatch as Batch
from hoag.surveys._obtain import Dataset, File, Part, obtain
from hoag.surveys._types import FLUX_IMAGE, Cutout, Failure

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
ARCHIVE = "hsc_demo_data.zip"
BANDS = ("g", "r", "i")
_NAME = re.compile(r"(?:.*/)?(\d{17})_[^/]*_HSC-([GRI])\.fits")
DATASET = Dataset(
    name="hsc_demo",
    files=(
        File(
            ARCHIVE,
            ("https://zenodo.org/records/14498536/files/hsc_demo_data.zip",),
            "md5:1be05a6b49505054de441a7262a09671",
        ),
    ),
    parts=(Part("all", 1000),),
    classes=(),
    citation="HSC-SSP: Aihara et al. 2022, PASJ 74, 247; demo data of Hyrax, "
    "doi:10.5281/zenodo.14498536.",
    licence="see Zenodo record 14498536.",
    is_about=True,
)
ACKNOWLEDGEMENT = DATASET.acknowledgement


@dataclass(frozen=True)
class Options(datasets.Options):
    """How much of each image."""

    size_px: int = option(94, doc="Side of the central square that is read.", unit="px", minimum=1)


def object_kind(options: Options) -> str:
    """Always `FLUX_IMAGE`: float32 (3, size_px, size_px)."""
    return FLUX_IMAGE


def bands(options: Options) -> tuple[str, ...]:
    """g, r, i."""
    return BANDS


def image_shape(options: Options) -> tuple[int, int]:
    """(y, x) in px."""
    return (options.size_px, options.size_px)


def attributes(options: Options) -> dict[str, Any]:
    """Pixel scale (arcsec) and zero point (AB mag)."""
    return {"pixel_scale_arcsec": 0.168, "zero_point": 27.0}


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Number of objects, rounded."""
    return datasets.count(DATASET, batch, options, name=name)


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """The objects by HSC id, with the path of each band's file inside the archive.

    ``file_g``, ``file_r``, ``file_i`` are null where a band is missing.
    """
    return datasets.list_objects(DATASET, batch, options, _objects, name=name)


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Cutout | Failure]:
    """One answer for each row of `list_objects`: float32 (3, size_px, size_px)."""
    if not len(targets):
        return
    columns = [f"file_{band}" for band in BANDS]
    wanted = {row["object_id"]: [row[c] for c in columns] for row in targets.to_dict("records")}
    files = {f: object_id for object_id, names in wanted.items() for f in names if f == f and f}
    path, found = obtain(DATASET, ARCHIVE, options.mirror), defaultdict(dict)
    n_files = {o: sum(f in files for f in names) for o, names in wanted.items()}
    yield from (Failure(o, "no_data", "no file of any band") for o, n in n_files.items() if not n)
    for file, data in containers.read(path, files):
        object_id = files[file]
        found[object_id][file] = data
        if len(found[object_id]) == n_files[object_id]:  # its files needn't be neighbours
            yield _answer(object_id, wanted[object_id], found.pop(object_id), options.size_px)


def _objects(part: Part, dataset: Dataset, options: Options) -> dict[str, Any]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for entry in containers.entries(obtain(dataset, ARCHIVE, options.mirror)):
        if match := _NAME.fullmatch(entry.name):
            found[match[1]][match[2].lower()] = entry.name
    ids = sorted(found)
    return {"object_id": ids, **{f"file_{b}": [found[i].get(b) for i in ids] for b in BANDS}}


def _answer(
    object_id: str, files: list[Any], found: Mapping[str, bytes | UnreadableError], size: int
) -> Cutout | Failure:
    missing = [band for band, file in zip(BANDS, files, strict=True) if file not in found]
    if missing:
        return Failure(object_id, "no_data", f"no file of band {', '.join(missing)}")
    try:
        planes = [_plane(found[file]) for file in files]
        if len({plane.shape for plane in planes}) > 1:
            sizes = ", ".join(f"{p.shape[0]} x {p.shape[1]}" for p in planes)
            raise UnreadableError(f"found bands of different sizes ({sizes} px), allowed: one size")
        cube = datasets.central(np.moveaxis(np.stack(planes), 0, -1), size)
        if isinstance(cube, UnreadableError):
            raise cube
    except UnreadableError as error:
        return Failure(object_id, "invalid", str(error))
    return Cutout(object_id, np.ascontiguousarray(np.moveaxis(cube, -1, 0)))


def _plane(data: bytes | UnreadableError) -> np.ndarray:
    """float32 (y, x) of the first image in a FITS file, physical values."""
    from astropy.io import fits

    if isinstance(data, UnreadableError):
        raise data
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", message=".*truncated.*")
            with fits.open(io.BytesIO(data), lazy_load_hdus=False) as hdus:
                planes = [h.data for h in hdus if h.is_image and len(h.shape) == 2]
                if planes:
                    return planes[0].astype(np.float32)
    except (OSError, TypeError, ValueError, UserWarning) as error:
        raise UnreadableError(one_line(error)) from None
    raise UnreadableError("found no image in a FITS file")
