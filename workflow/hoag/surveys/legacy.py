"""Survey ``legacy``: the DESI Legacy Imaging Surveys, and what else their viewer serves.

Protocol: ``cutout.fits`` of the viewer (legacysurvey/imagine, map/views.py). It replies with a
cube (band, y, x), clips large sizes without a word, falls back to the layer's own bands for
unknown ones, and says "no such layer" with status 200: shape and bands are therefore compared with
what was asked for.
"""

import io
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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
    from hoag.network.session import Session

__all__ = ["Batch", "image_shape", "object_kind"]  # as all remote surveys have them
FORMAT_VERSION = 1
NEEDS_POSITION = True
ZERO_POINT = 22.5  # fluxes are nanomaggies
ACKNOWLEDGEMENT = (
    "This work used the DESI Legacy Imaging Surveys (Dey et al. 2019, AJ 157, 168); the full text "
    "to quote is at https://www.legacysurvey.org/acknowledgment/"
)


@dataclass(frozen=True)
class Options(RemoteOptions):
    """What is asked of the viewer, and how."""

    base_url: str = option("https://www.legacysurvey.org/viewer", doc="Where the viewer is.")
    layer: str = option("ls-dr10", doc="The viewer's layer, such as ls-dr9 or hsc-dr3.")
    bands: tuple[str, ...] = option(
        ("g", "r", "z"), doc="Bands, each one letter, of those that the layer has."
    )
    pixel_scale_arcsec: float = option(
        0.262, doc="Pixel scale; another than the layer's own is resampled.", unit="arcsec"
    )

    def __post_init__(self) -> None:
        if not self.bands or any(len(b) != 1 for b in self.bands):
            raise ConfigError(f"bands: found {list(self.bands)}, allowed: letters, such as g, r, z")
        if self.size_px > 3000:
            raise ConfigError(f"size_px: found {self.size_px}, allowed: 1..3000")


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
    """One reply holds all bands."""
    return ("cube",)


async def ask(
    wanted: Sequence[Wanted], session: "Session", options: Options
) -> AsyncIterator[Piece | Nothing]:
    """One request for each object.

    Where no image overlaps, the viewer fails with status 500 as in any other trouble; its JPEG of
    the place is black then, which tells the two apart.
    """
    from hoag.network.session import TryAgainError

    for want in wanted:
        target = want.target
        asked = {
            "ra": f"{target.ra_deg:.7f}",
            "dec": f"{target.dec_deg:.7f}",
            "layer": options.layer,
            "pixscale": options.pixel_scale_arcsec,
            "bands": "".join(options.bands),
            "size": options.size_px,
        }
        try:
            reply = await session.get(f"{options.base_url}/cutout.fits", asked)
        except TryAgainError as error:
            if error.status != "http_500":
                raise
            picture = await session.get(f"{options.base_url}/cutout.jpg", asked)
            if not _is_black(picture.content()):
                raise
            yield Nothing(target.object_id, "outside", "no image overlaps", error.url)
        else:
            yield Piece(target.object_id, "cube", reply.content(), reply.url)


def _is_black(content: bytes) -> bool:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as picture:
            return not np.asarray(picture).any()
    except (UnidentifiedImageError, OSError):
        return False


def decode(
    contents: Mapping[str, bytes], target: Target, options: Options
) -> tuple[np.ndarray, str]:
    """Flux in nanomaggies, float32 (band, y, x), and the WCS."""
    from hoag.network import replies

    hdu = replies.open_fits(contents["cube"])[0]
    found, asked = hdu.header.get("BANDS", "").strip(), "".join(options.bands)
    if found != asked:
        raise InvalidError(f"found bands {found!r}, allowed: {asked!r}")
    pixels = replies.planes(hdu.data, len(options.bands), options.size_px)
    wcs = replies.checked_wcs(hdu.header, options.pixel_scale_arcsec, target, options.size_px)
    replies.check_filled(pixels, options.max_empty_fraction, options.bands)
    return pixels, wcs
