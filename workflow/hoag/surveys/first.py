"""Survey ``first``: Faint Images of the Radio Sky at Twenty centimeters (VLA, 1.4 GHz).

Protocol: the form of https://sundog.stsci.edu/cgi-bin/firstcutout, filled in the way that
astroquery's `image_cutouts.first` does: the position as hours and degrees, the size in arcminutes.
Errors come as a web page with status 200. Something stands behind the FITS file that is none, and
is ignored.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    polite,
)
from hoag.options import ConfigError, option

if TYPE_CHECKING:
    from hoag.network.session import Session

__all__ = ["Batch", "image_shape", "object_kind"]  # as all remote surveys have them
FORMAT_VERSION = 1
NEEDS_POSITION = True
BAND = "1.4GHz"
PIXEL_SCALE_ARCSEC = 1.8
MOST_PX = 1024  # MaxImSize of the form
MARGIN_PX = 2  # asked for on each side, since the service rounds sizes its own way
ACKNOWLEDGEMENT = (
    "The FIRST survey (Becker, White & Helfand 1995, ApJ 450, 559; Helfand, White & Becker 2015, "
    "ApJ 801, 26); see https://sundog.stsci.edu/first/"
)
_OUTSIDE = re.compile(
    r"(?i)outside|not (?:\w+ ){0,3}(?:covered|observed|in the (?:first|survey))|"
    r"no (?:first |survey )?(?:coverage|images?|data|fields?|maps?)\b"
)


@dataclass(frozen=True)
class Options(RemoteOptions):
    """What is asked of the service, and how."""

    connections: int = polite(2, "Requests at the same time.", minimum=1)
    size_px: int = option(150, doc="Side of the square cutout.", unit="px", minimum=1)
    base_url: str = option(
        "https://sundog.stsci.edu/cgi-bin/firstcutout", doc="The form's address."
    )

    def __post_init__(self) -> None:
        largest = MOST_PX - 2 * MARGIN_PX
        if self.size_px > largest:
            raise ConfigError(f"size_px: found {self.size_px}, allowed: 1..{largest}")


def bands(options: Options) -> tuple[str, ...]:
    """Always 1.4 GHz."""
    return (BAND,)


def attributes(options: Options) -> dict[str, Any]:
    """Pixel scale and unit; a radio image has no zero point."""
    return {"pixel_scale_arcsec": PIXEL_SCALE_ARCSEC, "unit": "Jy/beam"}


fetch = fetcher(__name__)


def pieces(options: Options) -> tuple[str, ...]:
    """One FITS file."""
    return (BAND,)


async def ask(
    wanted: Sequence[Wanted], session: "Session", options: Options
) -> AsyncIterator[Piece | Nothing]:
    """One request for each object."""
    for want in wanted:
        target = want.target
        form = form_of(target, options)
        reply = await session.request("POST", options.base_url, data=form)
        content = reply.content()
        if not content.startswith(b"SIMPLE") and (said := outside(content)):
            yield Nothing(target.object_id, "outside", said, reply.url)
        else:
            yield Piece(target.object_id, BAND, content, reply.url)


def form_of(target: Target, options: Options) -> dict[str, Any]:
    """The form's fields."""
    size_arcmin = (options.size_px + 2 * MARGIN_PX) * PIXEL_SCALE_ARCSEC / 60
    return {
        "RA": f"{target.ra_deg / 15:.9f} {target.dec_deg:.8f}",
        "Equinox": "J2000",
        "ImageSize": f"{size_arcmin:.4f}",
        "ImageType": "FITS File",
        "MaxImSize": MOST_PX,
    }


def outside(content: bytes) -> str:
    """The sentence of an error page that says that a position isn't covered; empty if none does."""
    text = " ".join(re.sub(r"<[^>]*>", " . ", content[:20_000].decode("latin-1")).split())
    sentences = (s.strip() for s in re.split(r" \. |(?<=[a-z])\.\s", text))
    return next((s[:200] for s in sentences if _OUTSIDE.search(s)), "")


def decode(
    contents: Mapping[str, bytes], target: Target, options: Options
) -> tuple[np.ndarray, str]:
    """Brightness in Jy/beam, float32 (1, y, x), and the WCS."""
    from hoag.network import replies

    pixels, wcs, _ = replies.square_around(
        contents[BAND], target, options.size_px, PIXEL_SCALE_ARCSEC, ignore_missing_end=True
    )
    replies.check_filled(pixels, options.max_empty_fraction, [BAND])
    return pixels, wcs
