"""Survey ``soda``: any archive with the IVOA's image search (SIA2) and cutout service (SODA).

Protocol: SIA 2.0 (https://www.ivoa.net/documents/SIA/20151223/) finds images as rows of ObsCore
(https://www.ivoa.net/documents/ObsCore/20170509/); SODA 1.0
(https://www.ivoa.net/documents/SODA/20170517/) cuts one out by its ID and a circle. The cutout
service is ``soda_url``, or what the image's DataLink document
(https://www.ivoa.net/documents/DataLink/20231215/) names. Of a band's images the one is taken in
which the object lies farthest from the edge (s_region), then the nearest, then the longest
exposure. The circle is drawn around the whole square, since some services blank what is outside it.

A token in the environment (`HOAG_SODA_TOKEN`), or user and password there (`HOAG_SODA_USR`,
`HOAG_SODA_PWD`) or in ``~/.netrc``, go to the host of ``sia_url`` and to no other. The rate suits
the Rubin Science Platform, which takes 35 requests a minute.
"""

import math
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from hoag.network import vo
from hoag.network.asking import Patience, refused
from hoag.network.contract import (
    Batch,
    Nothing,
    Piece,
    RemoteOptions,
    Target,
    Wanted,
    fetcher,
    image_shape,
    object_kind,
    polite,
)
from hoag.options import ConfigError, option

if TYPE_CHECKING:
    from hoag.network.session import Reply, Session

__all__ = ["Batch", "image_shape", "object_kind"]  # as all remote surveys have them
FORMAT_VERSION = 1
NEEDS_POSITION = True
LARGEST_PX = 4000
MARGIN_PX = 3  # asked for on each side, since services round sizes their own way
TOKEN = "HOAG_SODA_TOKEN"
ACKNOWLEDGEMENT = (
    "Images were found and cut out by Virtual Observatory protocols (https://www.ivoa.net); please "
    "acknowledge the archive and the survey behind them in the words that they ask for."
)
_RUBIN = {"g": "g", "r": "r", "i": "i"}


@dataclass(frozen=True)
class Options(RemoteOptions):
    """Which archive, which of its images, and how it is asked."""

    connections: int = polite(2, "Requests at the same time.", minimum=1)
    requests_per_minute: float | None = polite(
        35.0, "Requests begun in a minute at most; null: no limit.", minimum=0.001
    )
    sia_url: str = option(
        "https://data.lsst.cloud/api/sia/dp1/query", doc="The archive's image search (SIA2)."
    )
    soda_url: str | None = option(
        None, doc="Its cutout service (SODA sync); null: as the images' DataLink documents say."
    )
    collection: str | None = option(None, doc="COLLECTION of the search; null: any.")
    search: dict[str, str] = option(  # noqa: RUF009 (no call, the fields' own helper)
        {}, doc="Further parameters of the search, such as CALIB: 3."
    )
    bands: dict[str, Any] = option(  # noqa: RUF009 (no call, the fields' own helper)
        _RUBIN,
        doc="Band -> its name in band_column, or a wavelength in m that the image's band holds.",
    )
    band_column: str = option("lsst_band", doc="Column of the search's table that names bands.")
    pixel_scale_arcsec: float = option(
        0.2, doc="Pixel scale of the images.", unit="arcsec", minimum=0.001
    )
    unit: str = option("nJy", doc="Unit of the images' pixels.")
    zero_point: float | None = option(
        None, doc="AB magnitude of a flux of 1, where known (31.4 for nJy).", unit="mag"
    )

    def __post_init__(self) -> None:
        if not self.bands:
            raise ConfigError("bands: found none, allowed: at least one")
        for name, chosen in self.bands.items():
            if isinstance(chosen, bool) or not isinstance(chosen, (str, int, float)):
                raise ConfigError(f"bands.{name}: found {chosen!r}, allowed: text, or a number")
        if self.size_px > LARGEST_PX:
            raise ConfigError(f"size_px: found {self.size_px}, allowed: 1..{LARGEST_PX}")


def bands(options: Options) -> tuple[str, ...]:
    """Their names, in order."""
    return tuple(options.bands)


def attributes(options: Options) -> dict[str, Any]:
    """Pixel scale, and what the user knows of unit and zero point."""
    known = {} if options.zero_point is None else {"zero_point": options.zero_point}
    return {"pixel_scale_arcsec": options.pixel_scale_arcsec, "unit": options.unit} | known


def login(options: Options) -> dict[str, Any]:
    """The token as a header, or user and password; nothing for an open archive."""
    from hoag.network.session import credentials

    if token := os.environ.get(TOKEN, "").strip():
        if not (token.isascii() and token.isprintable()):
            raise RuntimeError(f"{TOKEN}: found characters that no header may hold")
        return {"headers": {"Authorization": f"Bearer {token}"}}
    auth = credentials(_host(options.sia_url), "HOAG_SODA_USR", "HOAG_SODA_PWD")
    return {} if auth is None else {"auth": auth}


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


fetch = fetcher(__name__, login)


def pieces(options: Options) -> tuple[str, ...]:
    """One FITS file a band."""
    return tuple(options.bands)


async def ask(
    wanted: Sequence[Wanted], session: "Session", options: Options
) -> AsyncIterator[Piece | Nothing]:
    """A search for each object, then a cutout for each band that is missing."""
    from hoag.network.session import RefusedError, TryAgainError

    patience = Patience()
    for want in wanted:
        target = want.target
        reply = await session.get(options.sia_url, query_of(target, options))
        rows = vo.rows(vo.read_votable(reply))
        if not rows:
            yield Nothing(target.object_id, "outside", "no image there", reply.url)
            continue
        for band in want.missing:
            image = best(rows, band, target, options)
            if image is None:
                yield Nothing(target.object_id, "no_data", f"no image in {band}", reply.url)
                continue
            try:
                cutout = await _cutout(image, target, session, options)
            except RefusedError as error:
                yield refused(error, target.object_id)
            except TryAgainError as error:
                patience.failed(error)
            else:
                patience.went_well()
                yield Piece(target.object_id, band, cutout.content(), cutout.url)
    patience.end()


def circle(target: Target, options: Options) -> str:
    """The circle around the square, in degrees."""
    side = (options.size_px + 2 * MARGIN_PX) * options.pixel_scale_arcsec / 3600
    return f"CIRCLE {target.ra_deg:.7f} {target.dec_deg:.7f} {side / math.sqrt(2):.7f}"


def query_of(target: Target, options: Options) -> dict[str, str]:
    """What is searched for: images that the circle touches."""
    chosen = {} if options.collection is None else {"COLLECTION": options.collection}
    return {"POS": circle(target, options), "DPTYPE": "image"} | chosen | options.search


def best(rows: Sequence[vo.Row], band: str, target: Target, options: Options) -> vo.Row | None:
    """The image of a band that covers the position best; None if there is none."""
    chosen = options.bands[band]

    def suits(row: vo.Row) -> bool:
        if isinstance(chosen, str):
            return str(row.get(options.band_column.lower()) or "").strip() == chosen
        low, high = (vo.number(row.get(c), np.nan) for c in ("em_min", "em_max"))
        return low <= chosen <= high

    def rank(row: vo.Row) -> tuple[Any, ...]:
        margin = vo.margin_deg(row.get("s_region"), target)
        exposure_s = vo.number(row.get("t_exptime"), 0.0)
        known = 0.0 if np.isnan(margin) else margin
        name = str(row.get("obs_publisher_did") or row.get("access_url") or "")
        return known < 0, -round(known, 5), vo.separation_deg(row, target), -exposure_s, name

    return min((row for row in rows if suits(row)), key=rank, default=None)


async def _cutout(image: vo.Row, target: Target, session: "Session", options: Options) -> "Reply":
    if options.soda_url is not None:
        url, name = options.soda_url, str(image.get("obs_publisher_did") or "")
    else:
        link = str(image.get("access_url") or "")
        reply = await session.get(*vo.with_parameters(_same_host(link, options), {}))
        url, name = vo.soda_of(vo.read_votable(reply), image, reply.url)
    asked = {"ID": name, "POS": circle(target, options)}
    return await session.get(*vo.with_parameters(_same_host(url, options), asked))


def _place(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port: a login goes over the same line only."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _same_host(url: str, options: Options) -> str:
    """The URL; raises `RefusedError` if it would take a login to another host."""
    from hoag.network.session import RefusedError, public

    if _place(url) != _place(options.sia_url) and login(options):
        said = (
            f"found host {_host(url)!r}, allowed: {_host(options.sia_url)!r}, for the login's sake"
        )
        raise RefusedError("other_host", said, url=public(url))
    return url


def decode(
    contents: Mapping[str, bytes], target: Target, options: Options
) -> tuple[np.ndarray, str]:
    """Flux as in the images, float32 (band, y, x), and the first band's WCS."""
    from hoag.network import replies

    def read(content: bytes, band: str) -> tuple[np.ndarray, str]:
        scale = options.pixel_scale_arcsec
        pixels, wcs, _ = replies.square_around(content, target, options.size_px, scale)
        replies.check_filled(pixels, options.max_empty_fraction, [band])
        return pixels, wcs

    return replies.stacked(contents, bands(options), read)
