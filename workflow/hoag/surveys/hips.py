"""Survey ``hips``: any sky survey that is published as a HiPS, through the CDS's hips2fits.

Protocol: https://alasky.cds.unistra.fr/hips-image-services/hips2fits, one band a request. The
image is resampled from the survey's tiles: good for looking at and for learning from, not for
photometry. Outside the survey it is NaN.
"""

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
)
from hoag.options import ConfigError, option

if TYPE_CHECKING:
    from hoag.network.session import Session

__all__ = ["Batch", "image_shape", "object_kind"]  # as all remote surveys have them
FORMAT_VERSION = 1
NEEDS_POSITION = True
ACKNOWLEDGEMENT = (
    "This research has made use of hips2fits, a service provided by CDS, Strasbourg; please "
    "acknowledge as well the survey behind each HiPS."
)
_PANSTARRS = {band: f"CDS/P/PanSTARRS/DR1/{band}" for band in "gri"}


@dataclass(frozen=True)
class Options(RemoteOptions):
    """Which surveys, and how they are asked for."""

    base_url: str = option(
        "https://alasky.cds.unistra.fr/hips-image-services/hips2fits",
        doc="The service; its mirror is at alaskybis.cds.unistra.fr.",
    )
    hips: dict[str, str] = option(  # noqa: RUF009 (no call, the fields' own helper)
        _PANSTARRS, doc="Band -> ID of the HiPS that holds it, in order."
    )
    pixel_scale_arcsec: float = option(0.25, doc="Pixel scale of the cutout.", unit="arcsec")
    zero_point: float | None = option(
        None, doc="AB magnitude of a flux of 1, where known.", unit="mag"
    )

    def __post_init__(self) -> None:
        if not self.hips:
            raise ConfigError("hips: found none, allowed: at least one band")


def bands(options: Options) -> tuple[str, ...]:
    """The names given to the HiPS."""
    return tuple(options.hips)


def attributes(options: Options) -> dict[str, Any]:
    """Pixel scale, and what the user knows of the zero point."""
    known = {} if options.zero_point is None else {"zero_point": options.zero_point}
    return {"pixel_scale_arcsec": options.pixel_scale_arcsec, "unit": "as in the HiPS"} | known


fetch = fetcher(__name__)


def pieces(options: Options) -> tuple[str, ...]:
    """One reply a band."""
    return tuple(options.hips)


async def ask(
    wanted: Sequence[Wanted], session: "Session", options: Options
) -> AsyncIterator[Piece | Nothing]:
    """One request for each band that is missing."""
    for want in wanted:
        target = want.target
        for band in want.missing:
            asked = {
                "hips": options.hips[band],
                "ra": f"{target.ra_deg:.7f}",
                "dec": f"{target.dec_deg:.7f}",
                "width": options.size_px,
                "height": options.size_px,
                "fov": f"{options.size_px * options.pixel_scale_arcsec / 3600:.9f}",
                "projection": "TAN",
                "coordsys": "icrs",
                "format": "fits",
            }
            reply = await session.get(options.base_url, asked)
            yield Piece(target.object_id, band, reply.content(), reply.url)


def decode(
    contents: Mapping[str, bytes], target: Target, options: Options
) -> tuple[np.ndarray, str]:
    """Flux as in the HiPS, float32 (band, y, x), and the WCS."""
    from hoag.network import replies

    found, wcs = [], ""
    for band in (b for b in options.hips if b in contents):
        hdu = replies.open_fits(contents[band])[0]
        pixels = replies.planes(hdu.data, 1, options.size_px)
        cards = replies.checked_wcs(hdu.header, options.pixel_scale_arcsec, target, options.size_px)
        wcs = wcs or cards
        replies.check_filled(pixels, options.max_empty_fraction, [band])
        found.append(pixels)
    return np.concatenate(found), wcs
