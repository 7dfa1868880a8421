"""FITS tiles: where each lies on the sky, which of them holds an object, and cut-outs of them."""

import math
import os
import re
import time
import urllib.parse
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.surveys._containers import UnreadableError, one_line

if TYPE_CHECKING:
    from astropy.io import fits
    from astropy.wcs import WCS

PLANE_BYTES = 512 * 2**20  # of all planes that are held at a time
OPEN_TILES = 64
READ_AHEAD_BYTES = 2**18  # of a remote tile: a cut-out's rows come as one request and little more
ATTEMPTS, WAIT_S = 3, 1.0  # at a remote tile; the wait doubles


@dataclass(frozen=True)
class Place:
    """Where a tile is to be found, before it has been looked at.

    ``extension`` None means the first image. ``cap`` is the circle (RA, Dec, radius in deg) that
    holds the tile, where the user's table says so.
    """

    band: str
    source: str
    extension: int | str | None = None
    cap: tuple[float, float, float] | None = None

    def may_hold(self, points: np.ndarray) -> np.ndarray:
        """Which of some unit vectors (n, 3) may lie in the tile, before anyone looked at it."""
        if self.cap is None:
            return np.ones(len(points), dtype=bool)
        ra, dec, radius = self.cap
        return points @ unit_vectors(ra, dec) >= math.cos(
            math.radians(min(radius * 1.01 + 1e-4, 180.0))
        )


@dataclass(frozen=True)
class Tile:
    """One tile by its header. A fault makes it unusable; without a ``wcs`` it lies nowhere."""

    place: Place
    fault: str = ""
    wcs: "WCS | None" = None
    shape: tuple[int, int] = (0, 0)
    centre: np.ndarray = field(default_factory=lambda: np.zeros(3))
    radius_rad: float = 0.0
    cards: str = ""
    is_plain: bool = False  # uncompressed, unscaled floats in a local file

    def pixels_of(self, ra_deg: np.ndarray, dec_deg: np.ndarray) -> np.ndarray:
        """Pixel coordinates (2, n) from 0 in x and y; NaN for what the projection can't show."""
        from astropy import units
        from astropy.coordinates import SkyCoord
        from astropy.wcs.utils import wcs_to_celestial_frame

        frame = wcs_to_celestial_frame(self.wcs)
        found = SkyCoord(ra_deg, dec_deg, unit=units.deg).transform_to(frame).spherical
        with warnings.catch_warnings():  # of invalid points, which stay NaN
            warnings.simplefilter("ignore")
            # far below astropy's tolerance, so that no point depends on those beside it
            xy = self.wcs.all_world2pix(
                found.lon.deg, found.lat.deg, 0, tolerance=1e-9, maxiter=50, quiet=True
            )
        return np.array(xy)

    def header_of(self, x0: int, y0: int) -> str:
        """Header cards of the WCS of a cut-out whose first pixel is (x0, y0)."""
        crpix = self.wcs.wcs.crpix
        moved = (f"CRPIX{i + 1}  = {v:>20.16G}" for i, v in enumerate(crpix - (x0, y0)))
        return "\n".join([self.cards, *moved])


def is_remote(source: str) -> bool:
    return "://" in source


def public(source: str) -> str:
    """A path, or a URL without user, password, query and fragment."""
    if not is_remote(source):
        return source
    parts = urllib.parse.urlsplit(source)
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))


def _reason(source: str, error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{public(source)}: no such file"
    said = re.sub(r"\w+://[^\s'\"<>]+", lambda m: public(m[0]), one_line(error))
    return f"{public(source)}: {said}"


# ---- reading


def open_fits(source: str, storage: Mapping[str, Any], *, memmap: bool) -> "fits.HDUList":
    """Open a local or remote file; only headers are read, as far as they are asked for."""
    from astropy.io import fits

    if not is_remote(source):
        return fits.open(source, memmap=memmap)
    kwargs = dict(storage)
    if source.startswith("http"):  # trust_env: passwords in ~/.netrc, and proxies
        kwargs = {"block_size": READ_AHEAD_BYTES, "client_kwargs": {"trust_env": True}} | kwargs
    return fits.open(source, use_fsspec=True, fsspec_kwargs=kwargs)


def _patiently(source: str, call: Callable[[], Any]) -> Any:
    """What ``call`` returns, tried again where a remote source failed for an unknown while."""
    for attempt in range(1, ATTEMPTS):
        try:
            return call()
        except (FileNotFoundError, PermissionError, UnreadableError):
            raise
        except Exception as error:  # of the many that a server can make fsspec raise
            if not is_remote(source) or "SIMPLE" in str(error):  # no FITS file will be one later
                raise
            time.sleep(WAIT_S * 2 ** (attempt - 1))
    return call()


def image_of(hdus: "fits.HDUList", extension: int | str | None) -> Any:
    """The extension asked for, or the first image of two axes (others may have one pixel)."""
    if extension is None:
        for hdu in hdus:
            if _is_plane(hdu):
                return hdu
        raise UnreadableError("found no image of two axes in any extension")
    try:
        hdu = hdus[extension]
    except LookupError:
        names = ", ".join(hdu.name or str(i) for i, hdu in enumerate(hdus))
        raise UnreadableError(f"found no extension {extension!r}, allowed: {names}") from None
    if not _is_plane(hdu):
        raise UnreadableError(f"extension {extension!r}: found no image of two axes")
    return hdu


def _is_plane(hdu: Any) -> bool:
    """Is it an image of two axes, or of more with one pixel each, as radio images are?"""
    return hdu.is_image and len(hdu.shape) >= 2 and math.prod(hdu.shape[:-2]) == 1


def read_tile(
    place: Place, *, scale_arcsec: float, tolerance: float, storage: Mapping[str, Any]
) -> Tile:
    """Look at a tile's header. Whatever is wrong with it ends in ``Tile.fault``."""
    from hoag.images.sky import celestial_cards

    try:
        looked = _patiently(place.source, lambda: _look(place, storage))
        header, shape, wcs, cut_short, is_plain = looked
        if not wcs.has_celestial or wcs.wcs.lng != 0:
            raise UnreadableError(
                f"found axes {list(wcs.wcs.ctype)}, allowed: a longitude and a latitude"
            )
        centre, radius, scales = _footprint(wcs, shape)
    except Exception as error:  # a foreign file can raise anything, and stops nothing but itself
        return Tile(place, fault=_reason(place.source, error))
    fault = cut_short or _wrong_scale(scales, scale_arcsec, tolerance)
    fault = f"{public(place.source)}: {fault}" if fault else ""
    cards = "\n".join(c for c in celestial_cards(header, wcs) if not c.startswith("CRPIX"))
    return Tile(place, fault, wcs, shape, centre, radius, cards, is_plain)


def _look(
    place: Place, storage: Mapping[str, Any]
) -> tuple["fits.Header", tuple[int, int], "WCS", str, bool]:
    """Header, shape and WCS of a tile, what is missing at its end, and whether it is plain."""
    from astropy.wcs import WCS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with open_fits(place.source, storage, memmap=False) as hdus:
            hdu = image_of(hdus, place.extension)
            header = hdu.header.copy()
            wcs, cut_short = WCS(header, fobj=hdus), _cut_short(place.source, hdu)
            if wcs.naxis > 2 and wcs.has_celestial:
                wcs = wcs.celestial
            return header, tuple(hdu.shape[-2:]), wcs, cut_short, _is_plain(place.source, hdu)


def _cut_short(source: str, hdu: Any) -> str:
    """What is missing at the end of a local file, if anything."""
    if is_remote(source) or _is_compressed(source):
        return ""
    found, info = os.path.getsize(source), getattr(hdu, "_bintable", None) or hdu
    info = info.fileinfo()
    expected = info["datLoc"] + info["datSpan"]
    return f"truncated, found {found} bytes of {expected}" if found < expected else ""


def _is_compressed(source: str) -> bool:
    """Is a local file compressed as a whole (gzip, bzip2, ...), so that it has no sections?"""
    with open(source, "rb") as file:
        return file.read(6) != b"SIMPLE"


def _wrong_scale(scales: Sequence[float], expected: float, tolerance: float) -> str:
    if all(abs(s - expected) <= tolerance * expected for s in scales):
        return ""
    found = " x ".join(f"{s:.5g}" for s in scales)
    low, high = expected * (1 - tolerance), expected * (1 + tolerance)
    return f"found pixels of {found} arcsec, allowed: {low:.5g} to {high:.5g}"


def _footprint(wcs: "WCS", shape: tuple[int, int]) -> tuple[np.ndarray, float, list[float]]:
    """Unit vector of the tile's centre, radius around it (rad), pixel sides there (arcsec)."""
    ny, nx = shape
    t = np.linspace(0, 1, 9)
    x, y = t * nx - 0.5, t * ny - 0.5
    edge_x = np.concatenate([x, x, np.full(9, x[0]), np.full(9, x[-1])])
    edge_y = np.concatenate([np.full(9, y[0]), np.full(9, y[-1]), y, y])
    middle = np.add([(nx - 1) / 2, (ny - 1) / 2], [[0, 0], [1, 0], [0, 1]])
    points = _unit_vectors(wcs, np.concatenate([middle, np.stack([edge_x, edge_y], axis=1)]))
    if not np.isfinite(points[:3]).all():
        raise UnreadableError("its WCS gives no position for the middle of the tile")
    reach = _angle(points[0], points[3:])
    # a tile whose edge leaves the projection may reach anywhere
    radius = math.pi if not np.isfinite(reach).all() else float(reach.max()) * 1.05 + 1e-6
    return points[0], radius, np.degrees(_angle(points[0], points[1:3]) * 3600).tolist()


def _angle(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    return 2 * np.arcsin(np.clip(np.linalg.norm(others - one, axis=-1) / 2, None, 1))


def _unit_vectors(wcs: "WCS", xy: np.ndarray) -> np.ndarray:
    """ICRS unit vectors (n, 3) of pixel positions."""
    from astropy.wcs.utils import pixel_to_skycoord

    found = pixel_to_skycoord(*np.transpose(xy), wcs).icrs
    return unit_vectors(found.ra.deg, found.dec.deg)


def unit_vectors(ra_deg: np.ndarray, dec_deg: np.ndarray) -> np.ndarray:
    """Unit vectors (n, 3)."""
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)


# ---- which tile has which object


def locate(
    tiles: Sequence[Tile], ra_deg: np.ndarray, dec_deg: np.ndarray, sides: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each object the tile of one band in which it lies farthest from the edge.

    Parameters
    ----------
    sides : (n,) int
        Of the cut-outs, in px.

    Returns
    -------
    chosen : (n,) int
        Index of the tile, -1 where there is none. A tile without fault goes before one with.
    x0, y0 : (n,) int
        First pixel of the cut-out in the tile, by the rule of `astropy.nddata.Cutout2D`; it may
        lie outside.
    """
    points = unit_vectors(ra_deg, dec_deg)
    chosen = np.full(len(points), -1)
    best = np.full(len(points), -np.inf)
    corner = np.zeros((2, len(points)), dtype=int)
    for index, tile in enumerate(tiles):
        if tile.wcs is None:
            continue
        near = np.flatnonzero(points @ tile.centre >= math.cos(tile.radius_rad))
        if not len(near):
            continue
        xy = tile.pixels_of(ra_deg[near], dec_deg[near])
        margin = _margin(xy, tile.shape) - (1e9 if tile.fault else 0.0)
        better = (_margin(xy, tile.shape) >= 0) & (margin > best[near])
        rows = near[better]
        chosen[rows], best[rows] = index, margin[better]
        corner[:, rows] = np.ceil(xy[:, better] - sides[rows] / 2)
    return chosen, *corner


def _margin(xy: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Distance (px) of positions from the nearest edge of a tile; negative or NaN outside."""
    (x, y), (ny, nx) = xy, shape
    return np.minimum(np.minimum(x + 0.5, nx - 0.5 - x), np.minimum(y + 0.5, ny - 0.5 - y))


# ---- pixels


class OpenTile:
    """A tile that is open for cut-outs: as a map of the file, a plane in memory, or by sections.

    A plane is read where the cut-outs would touch as many pixels as it has: a compressed tile
    comes in whole blocks and a remote one in whole rows.
    """

    def __init__(
        self, tile: Tile, n_cutouts: int, size: int, limit: int, storage: Mapping[str, Any]
    ) -> None:
        source = tile.place.source
        self._hdus = open_fits(source, storage, memmap=tile.is_plain)
        hdu = image_of(self._hdus, tile.place.extension)
        self.shape, self.nbytes = tuple(hdu.shape[-2:]), 0
        self._above = ()  # place along axes of one pixel, where they are still there
        self._whole_rows = is_remote(source)
        if self.shape != tile.shape:
            raise UnreadableError(f"found {self.shape} px, earlier {tile.shape}")
        if tile.is_plain:
            self._pixels, self._whole_rows = hdu.data.reshape(self.shape), False
            return
        plane = 4 * self.shape[0] * self.shape[1]
        touched = n_cutouts * _touched(size, self.shape, hdu, is_remote(source))
        if 4 * touched >= plane <= limit or (not is_remote(source) and _is_compressed(source)):
            self._pixels = np.asarray(hdu.data, np.float32).reshape(self.shape)
            self.nbytes = plane
            self._whole_rows = False
            self.close()
        else:
            self._pixels, self._above = hdu.section, (0,) * (len(hdu.shape) - 2)

    def cut(self, x0: int, y0: int, out: np.ndarray) -> None:
        """Put the square from (x0, y0) into ``out``, where it overlaps the tile."""
        (ny, nx), size = self.shape, len(out)
        y1, y2, x1, x2 = max(y0, 0), min(y0 + size, ny), max(x0, 0), min(x0 + size, nx)
        columns = slice(x1, x2)
        if self._whole_rows:  # in one piece
            found = self._pixels[*self._above, y1:y2, :][:, columns]
        else:
            found = self._pixels[*self._above, y1:y2, columns]
        out[y1 - y0 : y2 - y0, x1 - x0 : x2 - x0] = found

    def close(self) -> None:
        self._hdus.close()


def _is_plain(source: str, hdu: Any) -> bool:
    """Does a local file hold the pixels as floats, neither scaled nor compressed?"""
    if is_remote(source) or _is_compressed(source):
        return False
    header = hdu.header
    scaled = header.get("BSCALE", 1) != 1 or header.get("BZERO", 0) != 0
    return header["BITPIX"] < 0 and not scaled and not hasattr(hdu, "tile_shape")


def _touched(size: int, shape: tuple[int, int], hdu: Any, remote: bool) -> int:
    """Pixels that have to be read or decompressed, on average, for one cut-out."""
    block = getattr(hdu, "tile_shape", (1, shape[1]) if remote else (1, 1))
    return math.prod(min(n, size - 1 + b) for n, b in zip(shape, block[-2:], strict=True))


class OpenTiles:
    """Tiles, opened when first needed; those used longest ago are closed to keep the limits."""

    def __init__(
        self, tiles: Sequence[Tile], n_cutouts: np.ndarray, size: int, n_bands: int, storage: Any
    ) -> None:
        self._tiles, self._n_cutouts, self._size = tiles, n_cutouts, size
        self._limit, self._storage = PLANE_BYTES // n_bands, storage
        self._open: OrderedDict[int, OpenTile] = OrderedDict()
        self._faults: dict[int, str] = {}

    def cut(self, index: int, x0: int, y0: int, out: np.ndarray) -> None:
        """Put pixels of one tile into ``out``; `UnreadableError` if it can't be read."""
        if index in self._faults:
            raise UnreadableError(self._faults[index])
        source = self._tiles[index].place.source
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _patiently(source, lambda: self._opened(index).cut(x0, y0, out))
        except Exception as error:  # see `read_tile`
            self._faults[index] = _reason(source, error)
            raise UnreadableError(self._faults[index]) from None

    def _opened(self, index: int) -> OpenTile:
        if index not in self._open:
            self._open[index] = OpenTile(
                self._tiles[index],
                int(self._n_cutouts[index]),
                self._size,
                self._limit,
                self._storage,
            )
            while len(self._open) > 1 and self._are_too_many():
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(index)
        return self._open[index]

    def _are_too_many(self) -> bool:
        n_bytes = sum(t.nbytes for t in self._open.values())
        return len(self._open) > OPEN_TILES or n_bytes > PLANE_BYTES

    def close(self) -> None:
        for tile in self._open.values():
            tile.close()
        self._open.clear()
