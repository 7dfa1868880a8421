"""Survey ``datalab``: image collections of NOIRLab's Astro Data Lab (DES, DELVE, NSC, ...).

Protocol: SIA version 1 (https://www.ivoa.net/documents/SIA/20091116/) at
``https://datalab.noirlab.edu/sia/<collection>``, then the ``access_url`` of a row with POS and SIZE
of the cutout, as in Data Lab's notebook "How to use the Simple Image Access service". Without SIZE
it would be the whole file. Of a band's rows with proctype Stack and prodtype image the one of the
longest exposure is taken; where its image ends too near to the object, the next one.

Pixels are scaled to the AB zero point 22.5 by the header's MAGZERO, or MAGZPT; collections that
have neither need the option ``zero_point``, unless their BUNIT is nanomaggy.
"""

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.network import vo
from hoag.network.asking import Patience, refused
from hoag.network.contract import (
    Batch,
    InvalidError,
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
    from astropy.io.fits import Header

    from hoag.network.session import Session

__all__ = ["Batch", "image_shape", "object_kind"]  # as all remote surveys have them
FORMAT_VERSION = 1
NEEDS_POSITION = True
ZERO_POINT = 22.5
LARGEST_PX = 4000
MARGIN_PX = 4  # asked for on each side, since the service rounds sizes its own way
MOST_IMAGES = 3  # that are tried for a band
ACKNOWLEDGEMENT = (
    "This research uses services or data provided by the Astro Data Lab, which is part of the "
    "Community Science and Data Center program at NSF NOIRLab; the full text is at "
    "https://datalab.noirlab.edu/acknowledgments, and each survey has one of its own."
)


@dataclass(frozen=True)
class Options(RemoteOptions):
    """What is asked of the Data Lab, and how."""

    base_url: str = option("https://datalab.noirlab.edu", doc="Where the Data Lab is.")
    collection: str = option("des_dr2", doc="Collection of images, such as delve_dr2.")
    bands: tuple[str, ...] = option(
        ("g", "r", "i"), doc="Bands, named as in the collection (obs_bandpass)."
    )
    pixel_scale_arcsec: float = option(
        0.263, doc="Pixel scale of the collection's stacks.", unit="arcsec", minimum=0.001
    )
    zero_point: float | None = option(
        None, doc="AB magnitude of a flux of 1, for images that don't say.", unit="mag"
    )

    def __post_init__(self) -> None:
        if not self.bands or len(set(self.bands)) < len(self.bands):
            raise ConfigError(f"bands: found {list(self.bands)}, allowed: each of them once")
        if self.size_px > LARGEST_PX:
            raise ConfigError(f"size_px: found {self.size_px}, allowed: 1..{LARGEST_PX}")


def bands(options: Options) -> tuple[str, ...]:
    """Those asked for."""
    return options.bands


def attributes(options: Options) -> dict[str, Any]:
    """Pixel scale, zero point and unit."""
    return {
        "pixel_scale_arcsec": options.pixel_scale_arcsec,
        "zero_point": ZERO_POINT,
        "unit": "nanomaggy",
    }


fetch = fetcher(__name__)


def pieces(options: Options) -> tuple[str, ...]:
    """One FITS file a band."""
    return options.bands


async def ask(
    wanted: Sequence[Wanted], session: "Session", options: Options
) -> AsyncIterator[Piece | Nothing]:
    """A search for each object, then a cutout for each band that is missing."""
    from hoag.network.session import TryAgainError

    patience = Patience()
    for want in wanted:
        target = want.target
        url = f"{options.base_url}/sia/{options.collection}"
        asked = box_of(target, options) | {"FORMAT": "all", "VERB": "2"}
        reply = await session.get(url, asked)
        rows = vo.rows(vo.read_votable(reply))
        if not rows:
            yield Nothing(target.object_id, "outside", "no image there", reply.url)
            continue
        for band in want.missing:
            urls = stacks(rows, band, target)[:MOST_IMAGES]
            if not urls:
                yield Nothing(target.object_id, "no_data", f"no stack in {band}", reply.url)
                continue
            try:
                found = await _cutout(urls, target, band, session, options)
            except TryAgainError as error:
                patience.failed(error)
            else:
                patience.went_well()
                yield found
    patience.end()


def box_of(target: Target, options: Options) -> dict[str, str]:
    """POS and SIZE in degrees; the size in right ascension grows towards the poles."""
    height = (options.size_px + 2 * MARGIN_PX) * options.pixel_scale_arcsec / 3600
    width = min(360.0, height / max(math.cos(math.radians(target.dec_deg)), 1e-6))
    return {
        "POS": f"{target.ra_deg:.7f},{target.dec_deg:.7f}",
        "SIZE": f"{width:.7f},{height:.7f}",
    }


def stacks(rows: Sequence[vo.Row], band: str, target: Target) -> list[str]:
    """Addresses of a band's stacks, that of the longest exposure first."""

    def is_stack(row: vo.Row) -> bool:
        words = [str(row.get(c) or "") for c in ("proctype", "prodtype", "obs_bandpass")]
        name = words[2].split()[:1]
        return words[0].startswith("Stack") and words[1] == "image" and name == [band]

    def rank(row: vo.Row) -> tuple[Any, ...]:
        exposure_s = vo.number(row.get("exptime"), 0.0)
        return -exposure_s, vo.separation_deg(row, target), row["access_url"]

    chosen = sorted((r for r in rows if r.get("access_url") and is_stack(r)), key=rank)
    return [row["access_url"] for row in chosen]


async def _cutout(
    urls: Sequence[str], target: Target, band: str, session: "Session", options: Options
) -> Piece | Nothing:
    """From the first image that holds the whole square."""
    from hoag.network.session import RefusedError

    nothing: Nothing | None = None
    for url in urls:
        try:
            reply = await session.get(*vo.with_parameters(url, box_of(target, options)))
        except RefusedError as error:
            nothing = nothing or refused(error, target.object_id)
            continue
        piece = Piece(target.object_id, band, reply.content(), reply.url)
        if not _ends_early(piece.content, target, options):
            return piece
        said = f"no stack in {band} holds the whole square"
        nothing = nothing or Nothing(target.object_id, "no_data", said, reply.url)
    return nothing


def _ends_early(content: bytes, target: Target, options: Options) -> bool:
    """Does a valid image hold less than the square? Others are judged later."""
    from hoag.network import replies

    try:
        replies.square_around(content, target, options.size_px, options.pixel_scale_arcsec)
    except replies.OffEdgeError:
        return True
    except InvalidError:
        return False
    return False


def decode(
    contents: Mapping[str, bytes], target: Target, options: Options
) -> tuple[np.ndarray, str]:
    """Flux in nanomaggies, float32 (band, y, x), and the first band's WCS."""
    from hoag.network import replies

    def read(content: bytes, band: str) -> tuple[np.ndarray, str]:
        scale = options.pixel_scale_arcsec
        pixels, wcs, header = replies.square_around(content, target, options.size_px, scale)
        replies.check_filled(pixels, options.max_empty_fraction, [band])
        return pixels * np.float32(10 ** (0.4 * (ZERO_POINT - zero_point(header, options)))), wcs

    return replies.stacked(contents, options.bands, read)


def zero_point(header: "Header", options: Options) -> float:
    """AB magnitude of a flux of 1 in an image; raises `InvalidError` where nobody says."""
    for key in ("MAGZERO", "MAGZPT"):
        found = vo.number(header.get(key), 0.0)
        if found > 0:
            return found
    if options.zero_point is not None:
        return options.zero_point
    if "nanomagg" in str(header.get("BUNIT", "")).lower():
        return ZERO_POINT
    raise InvalidError("found neither MAGZERO nor MAGZPT, allowed: one, or the option zero_point")
