"""Survey ``images``: the user's own pictures or flux images, from files, archives or arrays.

Sources: a folder (with all folders below it), a zip, a tar (.gz, .xz, .bz2), an npz or HDF5
file, or one FITS file whose extensions are one object each.

Rules for rendered images (JPEG, PNG, TIFF; uint8 arrays)
    The first frame counts. Palettes are looked up, CMYK becomes RGB, transparent pixels are laid
    over black; grey fills all three channels, and three channels become grey by the luma of
    ITU-R 601 (0.299, 0.587, 0.114). 16-bit samples keep their high byte (value >> 8), with no
    stretch per image; 32-bit samples are refused. EXIF orientation and colour profiles are
    ignored: pixels stay as they are stored.

Rules for flux images (FITS; float arrays)
    Values are physical ones (BSCALE and BZERO applied), as float32; NaN stays. Without
    ``extensions`` a file is read by the extensions named as the bands if it has them all, and
    else from its first image extension: a cube (band, y, x), or a plane where there is one band.
"""

import fnmatch
import hashlib
import io
import posixpath
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.options import ConfigError, option
from hoag.surveys import _containers as containers
from hoag.surveys._containers import Entry, UnreadableError, as_text, one_line
from hoag.surveys._sources import labels_of, named, opened_fits, read_labels, text_columns
from hoag.surveys._types import FLUX_IMAGE, RENDERED_IMAGE, Cutout, Failure

if TYPE_CHECKING:
    import pandas as pd
    from astropy.io import fits
    from PIL import Image

FORMAT_VERSION = 1
ACKNOWLEDGEMENT = (
    "The images were supplied by the user; please acknowledge the survey that took them "
    "in the words that it asks for."
)
_RENDERED_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")


@dataclass(frozen=True)
class Options:
    """What the images are, and how they are read."""

    pixels: str = option(
        "rendered",
        doc="rendered: uint8 pictures, never stretched again; flux: linear float32 bands.",
        choices=("rendered", "flux"),
    )
    channels: int = option(3, doc="Channels of rendered images.", choices=(1, 3))
    crop_px: int | None = option(
        None,
        doc="Side of the central square that is read; null reads whole images, which must then "
        "all have the size of the first readable one of their batch.",
        unit="px",
        minimum=1,
    )
    bands: tuple[str, ...] = option((), doc="Names of the bands of flux images, in order.")
    pixel_scale_arcsec: float | None = option(
        None, doc="Pixel scale, where known.", unit="arcsec", minimum=0.0
    )
    zero_point: float | None = option(
        None, doc="AB magnitude of a flux of 1, where known.", unit="mag"
    )
    extensions: tuple[Any, ...] = option(
        (),
        doc="FITS extensions (names, or numbers from 0) that hold the bands, one per band, or "
        "one that holds a cube; empty: found by the bands' names, else the first image.",
    )
    images_dataset: str = option("images", doc="Name of the image array in an npz or HDF5 file.")
    ids_dataset: str | None = option(
        None, doc="Name of the array of object ids there; null: ids are positions from 0."
    )
    labels_dataset: str | None = option(None, doc="Name of the array of labels there, or null.")

    def __post_init__(self) -> None:
        if self.pixels == "flux" and not self.bands:
            raise ConfigError("bands: found none, allowed: at least one name with pixels: flux")
        if self.pixels == "rendered" and (self.bands or self.extensions):
            raise ConfigError("bands and extensions: allowed only with pixels: flux")
        if len(set(self.bands)) < len(self.bands):
            raise ConfigError(f"bands: found {list(self.bands)}, allowed: each name once")
        if self.extensions and len(self.extensions) not in (1, len(self.bands)):
            raise ConfigError(
                f"extensions: found {len(self.extensions)}, allowed: 1 or {len(self.bands)} "
                "(one per band)"
            )
        for found in self.extensions:
            if isinstance(found, bool) or not isinstance(found, (int, str)):
                raise ConfigError(f"extensions: found {found!r}, allowed: names or whole numbers")


@dataclass(frozen=True)
class Batch:
    """One source of images, with its labels and what to leave out."""

    source: str = option(doc="The folder, archive or array file.", unit="path")
    pattern: str = option(
        "*", doc="Glob that a member's name, or its path inside the source, must match."
    )
    id_prefix: str = option("", doc="Text put before every object id.")
    label_from_folder: bool = option(False, doc="Label objects by the folder they lie in.")
    labels: str | None = option(None, doc="A table of labels, or null.", unit="path")
    labels_id_column: str = option("object_id", doc="Its column of ids, without the prefix.")
    labels_column: str = option("label", doc="Its column of labels.")
    labels_names: dict[str, str | None] = option(  # noqa: RUF009 (no call, the fields' own helper)
        {},
        doc="Names of its values (null: no label); empty: the values themselves are the labels.",
    )
    exclude: str | None = option(None, doc="A table of objects to leave out, or null.", unit="path")
    exclude_column: str = option("object_id", doc="Its column of ids, without the prefix.")
    merge_identical: bool = option(
        True,
        doc="Count files of one name and the same content once; otherwise each keeps its path as "
        "its id. In a folder or plain tar those of one name and size are read while planning.",
    )

    def __post_init__(self) -> None:
        if self.labels is not None and self.label_from_folder:
            raise ConfigError("labels and label_from_folder: found both, allowed: one of them")


@dataclass(frozen=True, slots=True)
class _Item:
    """One object before its table row: where it lies, and the ids that tables may call it."""

    member: str
    stem: str
    own_id: str
    label: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Its id, and the name of its file: without suffix, with it, and with its folders."""
        file = posixpath.basename(self.member)
        is_file = file.startswith(f"{self.stem}.")  # a row of an array is none
        return (self.own_id, self.stem, *((file, self.member) if is_file else ()))


def object_kind(options: Options) -> str:
    """`RENDERED_IMAGE` or `FLUX_IMAGE`."""
    return RENDERED_IMAGE if options.pixels == "rendered" else FLUX_IMAGE


def bands(options: Options) -> tuple[str, ...]:
    """Names of the bands or channels, in the order of the pixels."""
    if options.pixels == "flux":
        return options.bands
    return ("r", "g", "b") if options.channels == 3 else ("grey",)


def image_shape(options: Options) -> tuple[int, int] | None:
    """(y, x) of every image in px; None where only reading tells."""
    return None if options.crop_px is None else (options.crop_px, options.crop_px)


def attributes(options: Options) -> dict[str, float]:
    """Pixel scale (arcsec) and zero point (AB mag), where the user gave them."""
    known = {
        "pixel_scale_arcsec": options.pixel_scale_arcsec,
        "zero_point": options.zero_point,
    }
    return {k: v for k, v in known.items() if v is not None}


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """The batch's objects, sorted by member.

    Returns
    -------
    DataFrame
        object_id, label (null where there is none), source (the batch's), member (path inside
        the source, or position in an array; `fetch` finds the pixels by it).

    Raises
    ------
    ConfigError
        For a source or table that is missing, unreadable, empty or lacks a column.

    Notes
    -----
    An object's id is the prefix and the member's name without folder and suffix. Where one name
    stands in several places, byte-identical files are one object and the others are called by
    their path. ``seed`` is not used.
    """
    import pandas as pd

    items = _items(batch, options, name)
    return pd.DataFrame(
        {
            "object_id": [batch.id_prefix + i.own_id for i in items],
            "label": pd.Series([i.label for i in items], dtype="str"),
            "source": pd.Series([batch.source] * len(items), dtype="str"),
            "member": [i.member for i in items],
        }
    )


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Number of rows that `list_objects` gives; no image is decoded.

    Raises
    ------
    ConfigError
        As `list_objects`.
    """
    return len(_items(batch, options, name))


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Cutout | Failure]:
    """Pixels of one shard's objects, or the reason why there are none.

    Parameters
    ----------
    targets
        Rows of `list_objects`: object_id and member.
    seed
        Not used.

    Yields
    ------
    Cutout or Failure
        One for each target, in the order of the source. Rendered: uint8 (y, x, channel); flux:
        float32 (band, y, x), NaN kept. Members that can't be decoded, or have another size or
        number of bands than the batch, fail as ``invalid``.
    """
    path = _path(batch, name)
    ids = dict(zip(targets["member"].astype(str), targets["object_id"].astype(str), strict=True))
    expected = None if options.crop_px else _expected_size(path, batch, options)
    for member, found in _pixels(path, options, ids):
        try:
            if isinstance(found, UnreadableError):
                raise found
            pixels = np.ascontiguousarray(_sized(found, expected, options))
        except UnreadableError as error:
            yield Failure(ids[member], "invalid", str(error), url=member)
        else:
            yield Cutout(ids[member], pixels, url=member)


def label_counts(batch: Batch, options: Options) -> dict[str, int] | None:
    """Number of objects of each label; None for an archive, which takes long to list again."""
    if not Path(batch.source).is_dir():
        return None
    labels = [item.label for item in _items(batch, options, "")]
    return dict(Counter(label for label in labels if label is not None))


# ---- which objects there are


def _path(batch: Batch, name: str) -> Path:
    path = Path(batch.source)
    with named(f"batches.{name}.source"):
        containers.kind_of(path)
    return path


def _items(batch: Batch, options: Options, name: str) -> list[_Item]:
    path = _path(batch, name)
    with named(f"batches.{name}.source"):
        items = _LISTS.get(containers.kind_of(path), _file_items)(path, batch, options)
    with named(f"batches.{name}.exclude"):
        items = _without_excluded(items, batch)
    with named(f"batches.{name}.labels"):
        return _with_labels(items, batch, options)


def _suffixes(options: Options) -> tuple[str, ...]:
    return _RENDERED_SUFFIXES if options.pixels == "rendered" else containers.FITS_SUFFIXES


def _matching(path: Path, batch: Batch, options: Options) -> list[Entry]:
    """Files of the right suffix that match the pattern, sorted by name; never none."""
    suffixes = _suffixes(options)
    images = [e for e in containers.entries(path) if e.name.lower().endswith(suffixes)]
    if not images:
        raise ConfigError(
            f"found no image in {str(path)!r}, allowed with pixels: {options.pixels}: "
            f"files ending in {', '.join(suffixes)}"
        )
    matching = [
        e
        for e in images
        if fnmatch.fnmatchcase(e.name, batch.pattern)
        or fnmatch.fnmatchcase(posixpath.basename(e.name), batch.pattern)
    ]
    if not matching:
        raise ConfigError(
            f"found no image of {len(images)} that matches pattern {batch.pattern!r}, "
            f"allowed: for instance {images[0].name}"
        )
    return matching


def _stem(member: str, suffixes: Sequence[str]) -> str:
    base = posixpath.basename(member)
    longest = max((s for s in suffixes if base.lower().endswith(s)), key=len)
    return base[: -len(longest)]


def _folder(member: str) -> str | None:
    return posixpath.basename(posixpath.dirname(member)) or None


def _file_items(path: Path, batch: Batch, options: Options) -> list[_Item]:
    suffixes = _suffixes(options)
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in _matching(path, batch, options):
        groups[_stem(entry.name, suffixes)].append(entry)
    if batch.merge_identical:
        groups = _merged(path, groups, batch)
    items = [
        _Item(
            entry.name,
            stem,
            stem if len(group) == 1 else entry.name,
            _folder(entry.name) if batch.label_from_folder else None,
        )
        for stem, group in groups.items()
        for entry in group
    ]
    return sorted(items, key=lambda item: item.member)


def _merged(path: Path, groups: Mapping[str, list[Entry]], batch: Batch) -> dict[str, list[Entry]]:
    """The groups with byte-identical files of one name (and one label) reduced to the first."""

    def key(stem: str, entry: Entry) -> tuple[Any, ...]:
        return stem, entry.size, _folder(entry.name) if batch.label_from_folder else None

    alike: dict[tuple[Any, ...], list[Entry]] = defaultdict(list)
    for stem, group in groups.items():
        for entry in group if len(group) > 1 else ():
            alike[key(stem, entry)].append(entry)
    suspects = [e for group in alike.values() if len(group) > 1 for e in group]
    digests = {e.name: e.digest for e in suspects if e.digest}
    unknown = [e.name for e in suspects if not e.digest]
    for name, data in containers.read(path, unknown) if unknown else ():
        if not isinstance(data, UnreadableError):
            digests[name] = hashlib.sha256(data).hexdigest()
    merged = {}
    for stem, group in groups.items():
        first: dict[tuple[Any, ...], Entry] = {}
        for entry in group:
            first.setdefault((*key(stem, entry), digests.get(entry.name, entry.name)), entry)
        merged[stem] = list(first.values())
    return merged


def _array_items(path: Path, batch: Batch, options: Options) -> list[_Item]:
    _only_files(batch)
    n = _array_length(path, options)
    ids = _column(path, options.ids_dataset, n) or [str(i) for i in range(n)]
    labels = _column(path, options.labels_dataset, n) or [None] * n
    if missing := [i for i in range(n) if ids[i] is None]:
        raise ConfigError(
            f"array {options.ids_dataset!r}: found no id at position {missing[0]}, "
            "allowed: one for each image"
        )
    if len(set(ids)) < n:
        repeated = Counter(ids).most_common(1)[0][0]
        raise ConfigError(
            f"array {options.ids_dataset!r}: found id {repeated} more than once, "
            "allowed: one for each image"
        )
    return [_Item(str(i), ids[i], ids[i], labels[i]) for i in range(n)]


def _extension_items(path: Path, batch: Batch, options: Options) -> list[_Item]:
    _only_files(batch)
    if options.pixels != "flux" or options.extensions:
        raise ConfigError(
            f"found one FITS file {str(path)!r}, allowed: with pixels: flux and no extensions "
            "(each of its image extensions is one object)"
        )
    with containers.readable(path), opened_fits(path) as hdus:
        numbers = [str(i) for i, hdu in enumerate(hdus) if _has_image(hdu)]
    if not numbers:
        raise ConfigError(f"found no image extension in {str(path)!r}, allowed: at least one")
    return [_Item(number, number, number) for number in numbers]


def _only_files(batch: Batch) -> None:
    if batch.pattern != "*" or batch.label_from_folder:
        raise ConfigError(
            "pattern and label_from_folder: allowed only for a folder, zip or tar, "
            f"found {batch.source!r}"
        )


def _column(path: Path, dataset: str | None, n: int) -> list[str | None] | None:
    if dataset is None:
        return None
    values = containers.whole(path, dataset)
    if values.shape != (n,):
        raise ConfigError(f"array {dataset!r}: found shape {values.shape}, allowed: ({n},)")
    return as_text(values.tolist())


def _without_excluded(items: list[_Item], batch: Batch) -> list[_Item]:
    if batch.exclude is None:
        return items
    (column,) = text_columns(batch.exclude, batch.exclude_column)
    out = set(column)
    kept = [i for i in items if out.isdisjoint(i.names)]
    if not kept:
        raise ConfigError(f"{batch.exclude}: found all {len(items)} objects, allowed: fewer")
    return kept


def _with_labels(items: list[_Item], batch: Batch, options: Options) -> list[_Item]:
    if batch.labels is None:
        return items
    if options.labels_dataset is not None:
        raise ConfigError("labels and labels_dataset: found both, allowed: one of them")
    columns = batch.labels_id_column, batch.labels_column
    labels = read_labels(batch.labels, *columns, batch.labels_names)
    found = labels_of([i.names for i in items], labels)
    return [replace(i, label=label) for i, label in zip(items, found, strict=True)]


# ---- their pixels


def _pixels(
    path: Path, options: Options, members: Iterable[str]
) -> Iterator[tuple[str, np.ndarray | UnreadableError]]:
    """Decoded pixels of each member once, in the order of the source."""
    return _PIXELS.get(containers.kind_of(path), _file_pixels)(path, options, members)


def _file_pixels(
    path: Path, options: Options, members: Iterable[str]
) -> Iterator[tuple[str, np.ndarray | UnreadableError]]:
    decode = _decode_picture if options.pixels == "rendered" else _decode_fits
    for name, data in containers.read(path, members):
        yield name, data if isinstance(data, UnreadableError) else _tried(decode, data, options)


def _tried(decode: Any, data: Any, options: Options) -> np.ndarray | UnreadableError:
    try:
        return decode(data, options)
    except UnreadableError as error:
        return error
    except Exception as error:  # a damaged file makes decoders raise almost anything
        return UnreadableError(f"can't be decoded ({one_line(error)})")


def _decode_picture(data: bytes, options: Options) -> np.ndarray:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata is no fault of the pixels
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "TIFF")) as image:
            image.load()
            return _channels(image, options.channels)


def _channels(image: "Image.Image", channels: int) -> np.ndarray:
    """uint8 (y, x, channels) of a picture of any mode."""
    from PIL import Image

    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise UnreadableError("found 32 bits a sample, allowed: 8 or 16")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
        image = image.convert("RGB")
    image = image.convert("RGB" if channels == 3 else "L")
    return np.asarray(image).reshape(image.height, image.width, channels)


def _decode_fits(data: bytes, options: Options) -> np.ndarray:
    with opened_fits(io.BytesIO(containers.inflate(data))) as hdus:
        return _bands_of([hdu.data for hdu in _chosen(hdus, options)], options)


def _has_image(hdu: Any) -> bool:
    return bool(hdu.is_image and len(hdu.shape) >= 2 and min(hdu.shape) > 0)


def _chosen(hdus: "fits.HDUList", options: Options) -> list[Any]:
    if options.extensions:
        return [_extension(hdus, key) for key in options.extensions]
    images = [hdu for hdu in hdus if _has_image(hdu)]
    named = {hdu.name.lower(): hdu for hdu in reversed(images) if hdu.name}
    if all(band.lower() in named for band in options.bands):
        return [named[band.lower()] for band in options.bands]
    if not images:
        raise UnreadableError("found no image extension, allowed: at least one")
    return images[:1]


def _extension(hdus: "fits.HDUList", key: int | str) -> Any:
    try:
        found = hdus[key]
    except (KeyError, IndexError):
        allowed = ", ".join(f"{i} {hdu.name}".rstrip() for i, hdu in enumerate(hdus))
        raise UnreadableError(f"found no extension {key!r}, allowed: {allowed}") from None
    if not _has_image(found):
        raise UnreadableError(f"extension {key!r}: found no image, allowed: an image extension")
    return found


def _bands_of(parts: Sequence[np.ndarray], options: Options) -> np.ndarray:
    """float32 (band, y, x) of one cube, or of one plane per band."""
    shapes = {p.shape for p in parts}
    if len(shapes) > 1:
        found = " and ".join(str(s) for s in sorted(shapes))
        raise UnreadableError(f"found bands of shapes {found}, allowed: one shape")
    cube = parts[0] if len(parts) == 1 else np.stack(parts)
    cube = cube[None] if cube.ndim == 2 else cube
    n = len(options.bands)
    if cube.ndim != 3 or cube.shape[0] != n:
        raise UnreadableError(f"found shape {parts[0].shape}, allowed: ({n}, y, x) for {n} band(s)")
    if cube.dtype.kind not in "fiu":
        raise UnreadableError(f"found values of type {cube.dtype}, allowed: real numbers")
    return cube.astype(np.float32)


def _extension_pixels(
    path: Path, options: Options, members: Iterable[str]
) -> Iterator[tuple[str, np.ndarray | UnreadableError]]:
    def decode(hdu: Any, options: Options) -> np.ndarray:
        return _bands_of([hdu.data], options)

    with opened_fits(path) as hdus:
        found = [(m, _tried(decode, hdus[int(m)], options)) for m in sorted(members, key=int)]
    yield from found


def _array_length(path: Path, options: Options) -> int:
    """Number of images in an array, its shape and type checked."""
    shape, dtype = containers.header(path, options.images_dataset)
    n_bands = len(options.bands)
    if options.pixels == "rendered":
        suits = dtype == np.uint8 and (
            len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3, 4))
        )
        allowed = "uint8 (n, y, x) or (n, y, x, channel) with pixels: rendered"
    else:
        single = len(shape) == 3 and shape[0] == n_bands
        suits = dtype.kind == "f" and (
            (len(shape) == 4 and shape[1] == n_bands)
            or (len(shape) == 3 and n_bands == 1)
            or single
        )
        allowed = f"float (n, {n_bands}, y, x), or ({n_bands}, y, x), with pixels: flux"
    if not suits or not shape[0]:
        raise ConfigError(
            f"{path}: array {options.images_dataset!r}: found {dtype} {shape}, allowed: {allowed}"
        )
    return 1 if _is_single(shape, options) else shape[0]


def _is_single(shape: Sequence[int], options: Options) -> bool:
    """Whether the array is one object's bands rather than a row of objects."""
    return options.pixels == "flux" and len(shape) == 3 and len(options.bands) > 1


def _array_pixels(
    path: Path, options: Options, members: Iterable[str]
) -> Iterator[tuple[str, np.ndarray | UnreadableError]]:
    shape, _ = containers.header(path, options.images_dataset)
    if _is_single(shape, options):
        cube = containers.whole(path, options.images_dataset).astype(np.float32)
        yield from ((member, cube) for member in members)
        return
    for index, row in containers.rows(path, options.images_dataset, map(int, members)):
        yield str(index), row if isinstance(row, UnreadableError) else _from_row(row, options)


def _from_row(row: np.ndarray, options: Options) -> np.ndarray:
    if options.pixels == "flux":
        return row.reshape(len(options.bands), *row.shape[-2:]).astype(np.float32)
    if row.ndim == 3 and row.shape[2] == options.channels:
        return row
    from PIL import Image

    return _channels(
        Image.fromarray(row[..., 0] if row.shape[2:] == (1,) else row), options.channels
    )


# ---- their size


def _size(pixels: np.ndarray, options: Options) -> tuple[int, int]:
    return pixels.shape[:2] if options.pixels == "rendered" else pixels.shape[1:]


def _sized(pixels: np.ndarray, expected: tuple[int, int] | None, options: Options) -> np.ndarray:
    """The central square of the pixels, or all of them; raises where the size is not allowed.

    The square begins at (size - crop_px) // 2, so that an odd pixel too many is cut off at the
    high end.
    """
    height, width = _size(pixels, options)
    crop = options.crop_px
    if crop is None:
        if (height, width) != expected:
            raise UnreadableError(
                f"found {height} x {width} px, allowed: {expected[0]} x {expected[1]} px "
                "(y, x; as the first of its batch)"
            )
        return pixels
    if min(height, width) < crop:
        raise UnreadableError(
            f"found {height} x {width} px (y, x), allowed: at least {crop} x {crop}"
        )
    y, x = (height - crop) // 2, (width - crop) // 2
    window = (slice(y, y + crop), slice(x, x + crop))
    return pixels[window] if options.pixels == "rendered" else pixels[:, *window]


def _expected_size(path: Path, batch: Batch, options: Options) -> tuple[int, int] | None:
    """Size of the first readable member by sorted name, whichever shard asks."""
    if containers.kind_of(path) in _LISTS:
        names = [i.member for i in _LISTS[containers.kind_of(path)](path, batch, options)]
    else:
        names = [e.name for e in _matching(path, batch, options)]
    for start in range(0, len(names), 16):  # one pass of an archive seldom has to be followed
        chunk = names[start : start + 16]
        found = dict(_pixels(path, options, chunk))
        for name in chunk:
            if not isinstance(found[name], UnreadableError):
                return _size(found[name], options)
    return None


_LISTS = {"npz": _array_items, "hdf5": _array_items, "fits": _extension_items}
_PIXELS = {"npz": _array_pixels, "hdf5": _array_pixels, "fits": _extension_pixels}
