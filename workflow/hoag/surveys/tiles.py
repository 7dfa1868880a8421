"""Survey ``tiles``: cut-outs from FITS tiles, local or remote, for the objects of a catalogue.

Tiles are HSC patches, Legacy Survey bricks, DECam CCDs, HST mosaics: one image plane each, with a
celestial WCS (TAN, TPV, SIP, ...). For more than some 1e5 objects this is the way: copy the tiles,
and cut here.

Rules
    The middle of a cut-out is the object's position by the tile's own WCS, rounded to whole pixels
    as `astropy.nddata.Cutout2D` does; nothing is resampled, unless each object has a size of its
    own (and then no cut-out has a WCS). So the object lies within half a pixel
    of the middle, in each band by itself: bands on one grid stay aligned, bands on different grids
    (DECam exposures) may be off against one another by up to a pixel and keep their own rotation.
    Values are those of the tile, as float32. Pixels outside the tile are NaN. Of several tiles of
    a band that hold an object, the one in which it lies farthest from the edge is taken.
    Distortions given as tables (some HST images) count in placing the cut-out, but its own WCS
    leaves them out.
"""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.options import ConfigError, option, unknown
from hoag.surveys._containers import UnreadableError, text
from hoag.surveys._tiles import (
    OpenTiles,
    Place,
    Tile,
    is_remote,
    locate,
    public,
    read_tile,
    unit_vectors,
)
from hoag.surveys._types import FLUX_IMAGE, Cutout, Failure

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
NEEDS_POSITION = True
ACKNOWLEDGEMENT = (
    "The image tiles were supplied by the user; please acknowledge the survey that took them "
    "in the words that it asks for."
)

_LARGEST_PX = 8192  # side of a cut-out whose object has a size of its own


@dataclass(frozen=True)
class Options:
    """What is cut out of the tiles."""

    bands: tuple[str, ...] = option(doc="Names of the bands, in the order of the pixels.")
    size_px: int = option(doc="Side of a cut-out.", unit="px", minimum=1)
    pixel_scale_arcsec: float = option(
        doc="Pixel scale that the tiles must have; one of another scale is not used.",
        unit="arcsec",
        minimum=1e-6,
    )
    pixel_scale_tolerance: float = option(
        0.02, doc="Fraction by which a tile's pixels may differ from it.", minimum=0.0, maximum=1.0
    )
    zero_point: float | None = option(
        None, doc="AB magnitude of a flux of 1 in the tiles' unit, where known.", unit="mag"
    )
    flux_unit: str | None = option(
        None, doc="Unit of the tiles' values, where known; it is noted, nothing is converted."
    )
    max_nan_fraction: float = option(
        0.5,
        doc="Largest fraction of a band's pixels that may be missing (NaN, or outside the tile).",
        minimum=0.0,
        maximum=1.0,
    )
    extension: int | str | None = option(
        None, doc="FITS extension (name, or number from 0) of the image; null: the first image."
    )
    size_column: str | None = option(
        None,
        doc="Column of the catalogue with the side of each object's cut-out, which is resampled "
        "to size_px, surface brightness kept; null: size_px of the tile's own pixels.",
        unit="arcsec",
    )

    def __post_init__(self) -> None:
        if not self.bands or len(set(self.bands)) < len(self.bands):
            raise ConfigError(
                f"bands: found {list(self.bands)}, allowed: at least one name, each once"
            )


@dataclass(frozen=True)
class Batch:
    """The tiles; the objects are those of the batch's catalogue."""

    tiles: str = option(
        doc="A table of tiles, with columns path (a relative one begins at the table's folder) or "
        "url, and band; or a folder. The table may have columns extension, and ra_deg, dec_deg, "
        "radius_deg: a circle that holds the tile, so that of tiles far off no header is read.",
        unit="path",
    )
    pattern: str | None = option(
        None, doc="Glob of the tiles below a folder, with {band} where a band's name stands."
    )
    storage: dict[str, Any] = option(  # noqa: RUF009 (no call, the fields' own helper)
        {},
        doc="Arguments of fsspec for remote tiles, such as {anon: true}; never a password, which "
        "belongs into ~/.netrc or what the environment has for it.",
    )


def object_kind(options: Options) -> str:
    """Always `FLUX_IMAGE`."""
    return FLUX_IMAGE


def bands(options: Options) -> tuple[str, ...]:
    """Names of the bands, in the order of the pixels."""
    return options.bands


def image_shape(options: Options) -> tuple[int, int] | None:
    """(y, x) of every cut-out in px."""
    return (options.size_px, options.size_px)


def attributes(options: Options) -> dict[str, float | str]:
    """Pixel scale (arcsec), and zero point (AB mag) and flux unit where the user gave them."""
    known = {
        "pixel_scale_arcsec": options.pixel_scale_arcsec,
        "zero_point": options.zero_point,
        "flux_unit": options.flux_unit,
    }
    return {k: v for k, v in known.items() if v is not None}


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Cutout | Failure]:
    """Cut-outs of one shard's objects, tile by tile.

    Parameters
    ----------
    targets
        Catalogue rows: object_id, ra_deg, dec_deg (ICRS).
    seed
        Not used.

    Yields
    ------
    Cutout or Failure
        One for each target: float32 (band, y, x), NaN kept, with the WCS of the first band; or
        ``outside`` (in no tile of some band), ``invalid`` (its tile or its size can't be used) or
        ``no_data`` (too many missing pixels).

    Raises
    ------
    ConfigError
        If the table or folder of tiles is missing, unreadable or without a tile of some band; if
        the catalogue has no column of sizes.
    """
    if not len(targets):
        return
    sides = _sides(targets, options)
    for row in targets[np.isnan(sides)].to_dict("records"):
        largest = _LARGEST_PX * options.pixel_scale_arcsec
        reason = (
            f"{options.size_column}: found {row[options.size_column]}, "
            f"allowed: {options.pixel_scale_arcsec:g} to {largest:g} arcsec"
        )
        yield Failure(str(row["object_id"]), "invalid", reason)
    targets, sides = targets[~np.isnan(sides)], sides[~np.isnan(sides)].astype(int)
    if not len(targets):
        return
    ids = targets["object_id"].astype(str).to_numpy()
    ra_deg, dec_deg = (targets[c].to_numpy(dtype=float) for c in ("ra_deg", "dec_deg"))
    points = unit_vectors(ra_deg, dec_deg)
    near = [p for p in places(batch, options, name) if p.may_hold(points).any()]
    tiles = [
        read_tile(
            place,
            scale_arcsec=options.pixel_scale_arcsec,
            tolerance=options.pixel_scale_tolerance,
            storage=batch.storage,
        )
        for place in near
    ]
    chosen, x0, y0 = _chosen(tiles, ra_deg, dec_deg, sides, options)
    n_cutouts = np.bincount(chosen[chosen >= 0], minlength=len(tiles))
    n_bands, largest = len(options.bands), int(sides.max())
    open_tiles = OpenTiles(tiles, n_cutouts, largest, n_bands, batch.storage)
    lost = [tile for tile in tiles if tile.wcs is None]
    try:
        for row in np.lexsort(chosen[::-1]):  # the first band's tiles one after another
            where = list(zip(*(a[:, row].tolist() for a in (chosen, x0, y0)), strict=True))
            gap = next((b for b, w in zip(options.bands, where, strict=True) if w[0] < 0), None)
            if gap is None:
                yield _answer(str(ids[row]), where, sides[row], tiles, open_tiles, options)
            else:
                yield _in_no_tile(str(ids[row]), points[[row]], gap, lost)
    finally:
        open_tiles.close()


# ---- which tiles there are


def places(batch: Batch, options: Options, name: str) -> list[Place]:
    """The tiles of a batch, of all bands; `ConfigError` as for `fetch`."""
    path = Path(batch.tiles)
    key = f"batches.{name}.tiles"
    if path.is_dir():
        if not batch.pattern:
            raise ConfigError(
                f"batches.{name}.pattern: required with a folder of tiles, "
                "for instance '*-{band}-*.fits'"
            )
        found = _in_folder(path, batch.pattern, options)
    elif batch.pattern:
        raise ConfigError(f"batches.{name}.pattern: allowed only with a folder, found {path}")
    else:
        found = _in_table(path, options, key)
    for band in options.bands:
        if not any(p.band == band for p in found):
            raise ConfigError(f"{key}: found no tile of band {band!r} in {batch.tiles!r}")
    return found


def _in_folder(folder: Path, pattern: str, options: Options) -> list[Place]:
    return [
        Place(band, str(path), options.extension)
        for band in options.bands
        for path in sorted(folder.glob(pattern.replace("{band}", glob.escape(band))))
    ]


def _in_table(path: Path, options: Options, key: str) -> list[Place]:
    from hoag import catalogue

    try:
        table = catalogue.read(path)
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from None
    column = next((c for c in ("path", "url") if c in table), None)
    if column is None or "band" not in table:
        raise ConfigError(
            f"{key}: found columns {', '.join(map(str, table.columns))}, allowed: path or url, "
            "and band"
        )
    table = table[table["band"].astype(str).isin(options.bands)]
    return [
        Place(
            str(row["band"]),
            _source(str(row[column]), path.parent),
            _extension(row.get("extension"), options),
            _cap(row),
        )
        for row in table.to_dict("records")
    ]


def _source(source: str, folder: Path) -> str:
    return source if is_remote(source) else str(folder / source)


def _extension(found: Any, options: Options) -> int | str | None:
    said = text(found)
    if said is None:
        return options.extension
    return int(said) if said.isdigit() else said


def _cap(row: dict[str, Any]) -> tuple[float, float, float] | None:
    found = [row.get(c) for c in ("ra_deg", "dec_deg", "radius_deg")]
    is_there = all(v is not None and np.isfinite(v) for v in found)
    return tuple(float(v) for v in found) if is_there else None


# ---- one object


def _sides(targets: "pd.DataFrame", options: Options) -> np.ndarray:
    """Side of each cut-out in the tiles' pixels, (n,); NaN for a size that can't be."""
    if options.size_column is None:
        return np.full(len(targets), float(options.size_px))
    if options.size_column not in targets:
        raise ConfigError(unknown("survey.size_column", options.size_column, targets.columns))
    import pandas as pd

    size_arcsec = pd.to_numeric(targets[options.size_column], errors="coerce").to_numpy(float)
    sides = np.rint(size_arcsec / options.pixel_scale_arcsec)
    return np.where((sides >= 1) & (sides <= _LARGEST_PX), sides, np.nan)


def _chosen(
    tiles: Sequence[Tile],
    ra_deg: np.ndarray,
    dec_deg: np.ndarray,
    sides: np.ndarray,
    options: Options,
) -> np.ndarray:
    """Index of the tile (-1: none) and the cut-out's first pixel x, y: (3, band, object)."""
    found = np.zeros((3, len(options.bands), len(ra_deg)), dtype=int)
    for i, band in enumerate(options.bands):
        own = [k for k, tile in enumerate(tiles) if tile.place.band == band]
        chosen, x0, y0 = locate([tiles[k] for k in own], ra_deg, dec_deg, sides)
        found[:, i] = np.append(own, -1)[chosen], x0, y0  # -1 picks the last, which is -1
    return found


def _answer(
    object_id: str,
    where: Sequence[tuple[int, int, int]],
    side: int,
    tiles: Sequence[Tile],
    open_tiles: OpenTiles,
    options: Options,
) -> Cutout | Failure:
    """Cutout or Failure of one object, given (tile, x0, y0) for each band."""
    for index, _, _ in where:
        if tiles[index].fault:
            url = public(tiles[index].place.source)
            return Failure(object_id, "invalid", tiles[index].fault, url)
    first, x0, y0 = where[0]
    url = public(tiles[first].place.source)
    pixels = np.full((len(where), side, side), np.nan, np.float32)
    try:
        for plane, (index, x, y) in zip(pixels, where, strict=True):
            open_tiles.cut(index, x, y, plane)
    except UnreadableError as error:
        return Failure(object_id, "invalid", str(error), url)
    missing = 1 - np.isfinite(pixels).mean(axis=(1, 2))
    worst = int(missing.argmax())
    if missing[worst] > options.max_nan_fraction:
        return Failure(
            object_id,
            "no_data",
            f"band {options.bands[worst]}: found {missing[worst]:.3f} of the pixels missing, "
            f"allowed: {options.max_nan_fraction:g}",
            url,
        )
    if options.size_column is not None:
        return Cutout(object_id, _resampled(pixels, options.size_px), url)
    return Cutout(object_id, pixels, url, wcs=tiles[first].header_of(x0, y0))


def _resampled(pixels: np.ndarray, size: int) -> np.ndarray:
    """(band, y, x) -> (band, size, size), NaN where more than half of what counts is missing."""
    from hoag.images.transforms import resize

    to = resize.Options(size)
    cube = np.moveaxis(pixels, 0, -1)
    values = resize.apply(cube, (), to)
    seen = resize.apply(np.isfinite(cube).astype(np.float32), (), to)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(seen >= 0.5, values / seen, np.nan)
    return np.ascontiguousarray(np.moveaxis(found, -1, 0))


def _in_no_tile(object_id: str, point: np.ndarray, band: str, lost: Sequence[Tile]) -> Failure:
    """A position in no tile; where a tile can't be placed, it may be that one which has it."""
    lost = [t for t in lost if t.place.band == band and t.place.may_hold(point)[0]]
    if not lost:
        return Failure(object_id, "outside", f"in no tile of band {band}")
    first = lost[0].fault
    reason = f"in no readable tile of band {band}; {len(lost)} can't be read, the first: {first}"
    return Failure(object_id, "invalid", reason)
