"""Survey ``hsc``: Hyper Suprime-Cam, public data releases 2 and 3, through DAS cutout.

Protocol: the bulk mode of https://hsc-release.mtk.nao.ac.jp/das_cutout/pdr3/manual.html, as NAOJ's
``downloadCutout.py`` uses it: a POST of a list of at most 1,000 rows gives an uncompressed tar. Its
members begin with the row's line number; the list's first line counts, so the first object is 2.
``sw`` and ``sh`` are half the width and height. What has no data is missing in the tar.

A free account is needed: user and password in the environment (`SSP_PDR_USR`, `SSP_PDR_PWD`) or in
``~/.netrc``.
"""

import contextlib
import re
import tarfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

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
)
from hoag.options import ConfigError, option

if TYPE_CHECKING:
    from hoag.network.session import Reply, Session

__all__ = ["Batch", "image_shape", "object_kind"]  # as all remote surveys have them
FORMAT_VERSION = 1
NEEDS_POSITION = True
MOST_ROWS = 990  # in a request; the service refuses more than 1,000
MOST_BYTES = 200 * 2**20  # of a reply, so that a slow line gets it in time
PIXEL_SCALE_ARCSEC = 0.168
ZERO_POINT = 27.0
MARGIN_PX = 3  # asked for on each side, since the service rounds sizes its own way
ACKNOWLEDGEMENT = (
    "The Hyper Suprime-Cam (HSC) collaboration includes the astronomical communities of Japan and "
    "Taiwan, and Princeton University; please quote the full text, and the data release's paper, "
    "from https://hsc-release.mtk.nao.ac.jp/doc/index.php/acknowledging-hsc-2/"
)
_MEMBER = re.compile(r"arch-[^/]+/(?P<line>\d+)-(?:cutout|coadd\+bg)-(?P<filter>[^/]+?)-\d+-")
_RERUN = {"pdr2": "pdr2_wide", "pdr3": "pdr3_wide"}


@dataclass(frozen=True)
class Options(RemoteOptions):
    """What is asked of the archive, and how."""

    release: str = option("pdr3", doc="Public data release.", choices=("pdr2", "pdr3"))
    rerun: str | None = option(
        None, doc="Rerun, such as pdr3_dud_rev; null: the wide layer of the release."
    )
    bands: tuple[str, ...] = option(("g", "r", "i"), doc="Bands: g, r, i, z, y.")
    image_type: str = option(
        "coadd",
        doc="coadd, or coadd/bg with the background left in.",
        choices=("coadd", "coadd/bg"),
    )
    base_url: str = option(
        "https://hsc-release.mtk.nao.ac.jp/das_cutout", doc="Where the cutout service is."
    )

    def __post_init__(self) -> None:
        for band in self.bands:
            if band not in tuple("grizy"):
                raise ConfigError(f"bands: found {band!r}, allowed: g, r, i, z, y")
        if not self.bands or len(set(self.bands)) < len(self.bands):
            raise ConfigError(f"bands: found {list(self.bands)}, allowed: each of them once")
        largest = int(2116 / PIXEL_SCALE_ARCSEC) - 2 * MARGIN_PX
        if self.size_px > largest:
            raise ConfigError(f"size_px: found {self.size_px}, allowed: 1..{largest}")


def bands(options: Options) -> tuple[str, ...]:
    """Those asked for."""
    return options.bands


def attributes(options: Options) -> dict[str, Any]:
    """Pixel scale and zero point of the coadds."""
    return {
        "pixel_scale_arcsec": PIXEL_SCALE_ARCSEC,
        "zero_point": ZERO_POINT,
        "unit": "flux of AB magnitude 27",
    }


def _login(options: Options) -> dict[str, Any]:
    from hoag.network.session import credentials

    host = urlsplit(options.base_url).hostname or ""
    auth = credentials(host, "SSP_PDR_USR", "SSP_PDR_PWD")
    if auth is None:
        raise RuntimeError(
            "survey hsc: found no login, allowed: SSP_PDR_USR and SSP_PDR_PWD in the environment, "
            f"or an entry for {host} in ~/.netrc"
        )
    return {"auth": auth}


fetch = fetcher(__name__, _login)


def group_size(options: Options) -> int:
    """Objects whose bands fill one request, in rows or in bytes."""
    rows = min(MOST_ROWS, MOST_BYTES // (4 * options.size_px**2))
    return max(1, rows // len(options.bands))


def pieces(options: Options) -> tuple[str, ...]:
    """One FITS file a band."""
    return options.bands


async def ask(
    wanted: Sequence[Wanted], session: "Session", options: Options
) -> AsyncIterator[Piece | Nothing]:
    """One request for many objects; rows stand in the order that helps the service's cache."""
    from hoag.network.session import TryAgainError

    rows = [(band, want.target) for want in wanted for band in want.missing]
    rows.sort(key=lambda row: (row[0], row[1].ra_deg, row[1].dec_deg))
    url = f"{options.base_url}/{options.release}/cgi-bin/cutout"
    files = {"list": ("coordlist.txt", coordinate_list(rows, options), "text/plain")}
    try:
        reply = await session.request("POST", url, files=files, keep_partial=True)
    except TryAgainError as error:
        if error.partial is not None:  # what came whole of a reply that broke off
            for piece in _members(error.partial, rows):
                yield piece
        raise
    for piece in _members(reply, rows):
        yield piece


def coordinate_list(rows: Sequence[tuple[str, Target]], options: Options) -> str:
    """The list that the service reads: a line of names, then a line for each band of an object."""
    half = (options.size_px / 2 + MARGIN_PX) * PIXEL_SCALE_ARCSEC
    rerun = options.rerun or _RERUN[options.release]
    lines = ["#? rerun type filter tract ra dec sw sh image mask variance"]
    lines += [
        f"{rerun} {options.image_type} HSC-{band.upper()} any {target.ra_deg:.8f}deg "
        f"{target.dec_deg:.8f}deg {half:.3f}asec {half:.3f}asec true false false"
        for band, target in rows
    ]
    return "\n".join(lines) + "\n"


def _members(reply: "Reply", rows: Sequence[tuple[str, Target]]) -> Iterator[Piece]:
    """The files of a tar, one at a time, for as long as it is whole."""
    from hoag.network.session import TryAgainError

    with reply.body:
        try:
            archive = tarfile.open(fileobj=reply.body, mode="r|")  # noqa: SIM115
        except tarfile.ReadError:  # an error page with status 200
            raise TryAgainError("invalid", "the reply is no tar file", url=reply.url) from None
        with archive, contextlib.suppress(tarfile.ReadError):  # the end of what broke off
            for member in archive:
                match = _MEMBER.match(member.name)
                row = int(match["line"]) - 2 if match else -1
                if not member.isfile() or not 0 <= row < len(rows):
                    continue
                band, target = rows[row]
                content = archive.extractfile(member).read()
                if len(content) == member.size and match["filter"] == f"HSC-{band.upper()}":
                    yield Piece(target.object_id, band, content, reply.url)


def decode(
    contents: Mapping[str, bytes], target: Target, options: Options
) -> tuple[np.ndarray, str]:
    """Flux of the coadd, float32 (band, y, x), and the WCS."""
    from hoag.network import replies

    found, wcs = [], ""
    for band in (b for b in options.bands if b in contents):
        hdus = replies.open_fits(contents[band])
        image = next((h for h in hdus if h.data is not None and h.data.ndim == 2), hdus[0])
        if image.data is None:
            replies.planes(None, 1, options.size_px)
        cut, header = replies.crop_around(image.data, image.header, target, options.size_px)
        pixels = replies.planes(cut, 1, options.size_px)
        cards = replies.checked_wcs(header, PIXEL_SCALE_ARCSEC)
        replies.check_filled(pixels, options.max_empty_fraction, [band])
        found.append(pixels)
        wcs = wcs or cards
    return np.concatenate(found), wcs
