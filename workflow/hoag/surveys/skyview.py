"""Survey ``skyview``: any survey of NASA's SkyView, resampled to a square around the object.

Protocol: https://skyview.gsfc.nasa.gov/current/docs/batchpage.html: a URL of ``runquery.pl`` with
keywords of the SkyView program; ``Return=FITS`` gives the file itself. The defaults are how
MiraBest was made: "VLA FIRST (1.4 GHz)", 150 x 150 px of 1.8 arcsec. Pixels are resampled (to the
nearest neighbour unless a ``sampler`` is chosen), so flux isn't conserved. Where the reply is
SkyView's page of links instead, the one called FITS is followed, as astroquery does; outside a
survey there is nothing behind it (astroquery, issue 572).
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import numpy as np

from hoag.network.asking import refused
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
    from hoag.network.session import Session

__all__ = ["Batch", "image_shape", "object_kind"]  # as all remote surveys have them
FORMAT_VERSION = 1
NEEDS_POSITION = True
LARGEST_PX = 3000
ACKNOWLEDGEMENT = (
    "We acknowledge the use of NASA's SkyView facility located at NASA Goddard Space Flight Center "
    "(https://skyview.gsfc.nasa.gov); please acknowledge as well the survey behind each image, see "
    "https://skyview.gsfc.nasa.gov/current/cgi/survey.pl"
)
_LINK = re.compile(r"""(?i)<a\s[^>]*href=["']?([^"'\s>]+)[^>]*>\s*FITS\s*</a>""")
_FIRST = {"1.4GHz": "VLA FIRST (1.4 GHz)"}


@dataclass(frozen=True)
class Options(RemoteOptions):
    """Which surveys, and how they are asked for."""

    connections: int = polite(2, "Requests at the same time.", minimum=1)
    size_px: int = option(150, doc="Side of the square cutout.", unit="px", minimum=1)
    surveys: dict[str, str] = option(  # noqa: RUF009 (no call, the fields' own helper)
        _FIRST, doc="Band -> SkyView's name of the survey that holds it, in order."
    )
    pixel_scale_arcsec: float = option(1.8, doc="Pixel scale of the cutout.", unit="arcsec")
    sampler: str | None = option(
        None, doc="SkyView's sampler, such as LI or Lanczos3; null: the nearest neighbour."
    )
    unit: str = option("Jy/beam", doc="Unit of the surveys' pixels.")
    zero_point: float | None = option(
        None, doc="AB magnitude of a flux of 1, where known.", unit="mag"
    )
    base_url: str = option(
        "https://skyview.gsfc.nasa.gov/current/cgi/runquery.pl", doc="The service."
    )

    def __post_init__(self) -> None:
        if not self.surveys:
            raise ConfigError("surveys: found none, allowed: at least one band")
        if self.size_px > LARGEST_PX:
            raise ConfigError(f"size_px: found {self.size_px}, allowed: 1..{LARGEST_PX}")
        if not self.pixel_scale_arcsec > 0:
            raise ConfigError(f"pixel_scale_arcsec: found {self.pixel_scale_arcsec}, allowed: > 0")


def bands(options: Options) -> tuple[str, ...]:
    """The names given to the surveys."""
    return tuple(options.surveys)


def attributes(options: Options) -> dict[str, Any]:
    """Pixel scale, and what the user knows of unit and zero point."""
    known = {} if options.zero_point is None else {"zero_point": options.zero_point}
    return {"pixel_scale_arcsec": options.pixel_scale_arcsec, "unit": options.unit} | known


fetch = fetcher(__name__)


def pieces(options: Options) -> tuple[str, ...]:
    """One FITS file a band."""
    return tuple(options.surveys)


async def ask(
    wanted: Sequence[Wanted], session: "Session", options: Options
) -> AsyncIterator[Piece | Nothing]:
    """One request for each band that is missing; another one where a page comes."""
    from hoag.network.session import RefusedError

    for want in wanted:
        target = want.target
        for band in want.missing:
            reply = await session.get(options.base_url, query_of(target, band, options))
            content, url = reply.content(), reply.url
            if link := link_of(content):
                try:
                    reply = await session.get(urljoin(url, link))
                except RefusedError as error:
                    yield refused(error, target.object_id)
                    continue
                content, url = reply.content(), reply.url
            yield Piece(target.object_id, band, content, url)


def link_of(content: bytes) -> str:
    """The FITS file that a page links to; empty for anything else."""
    if content.startswith(b"SIMPLE"):
        return ""
    found = _LINK.search(content[:200_000].decode("latin-1"))
    return found[1] if found else ""


def query_of(target: Target, band: str, options: Options) -> dict[str, Any]:
    """SkyView's keywords."""
    chosen = {} if options.sampler is None else {"Sampler": options.sampler}
    return {
        "Survey": options.surveys[band],
        "Position": f"{target.ra_deg:.7f},{target.dec_deg:.7f}",
        "Coordinates": "J2000",
        "Projection": "Tan",
        "Pixels": options.size_px,
        "Size": f"{options.size_px * options.pixel_scale_arcsec / 3600:.9f}",
        "Return": "FITS",
    } | chosen


def decode(
    contents: Mapping[str, bytes], target: Target, options: Options
) -> tuple[np.ndarray, str]:
    """Flux as in the survey, float32 (band, y, x), and the WCS."""
    from hoag.network import replies

    def read(content: bytes, band: str) -> tuple[np.ndarray, str]:
        data, header = replies.first_image(replies.open_fits(content))
        pixels = replies.planes(data, 1, options.size_px)
        wcs = replies.checked_wcs(header, options.pixel_scale_arcsec, target, options.size_px)
        replies.check_filled(pixels, options.max_empty_fraction, [band])
        return pixels, wcs

    return replies.stacked(contents, bands(options), read)
