"""Survey ``sdss``: the Sloan Digital Sky Survey, as rendered pictures or as calibrated frames.

``product: jpeg`` asks SkyServer's ``ImgCutout/getjpeg``
(https://skyserver.sdss.org/dr17/en/help/docs/api.aspx) for colour pictures of any pixel scale.
Outside the footprint it says so in a 404, or, in older releases, in a picture that is nearly black.

``product: frames`` asks ``SearchTools/SqlSearch`` for the fields that hold some positions, gets
their corrected frames from the Science Archive Server
(https://data.sdss.org/datamodel/files/BOSS_PHOTOOBJ/frames/RERUN/RUN/CAMCOL/frame.html), cuts the
objects out and forgets the frames. Frames are sky-subtracted, in nanomaggies. Each band is cut by
its own WCS to a whole pixel and never resampled, so bands may be off by half a pixel. Fields of a
run overlap by 128 rows; larger squares at an edge lie in no single frame and are ``outside``.

SkyServer takes 60 queries a minute; one query serves some objects that lie together on the sky,
which share frames as well.
"""

import io
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.network.asking import Patience, refused
from hoag.network.contract import (
    Batch,
    InvalidError,
    Nothing,
    NothingError,
    Piece,
    RemoteOptions,
    Target,
    Wanted,
    fetcher,
    image_shape,
    polite,
)
from hoag.options import ConfigError, option
from hoag.surveys._sdss_frames import cut_frames
from hoag.surveys._types import FLUX_IMAGE, RENDERED_IMAGE

if TYPE_CHECKING:
    from hoag.network.session import Session

__all__ = ["Batch", "image_shape"]  # as all remote surveys have them
FORMAT_VERSION = 1
NEEDS_POSITION = True
POSITIONS = 12  # so many make a query that a URL holds
PIXEL_SCALE_ARCSEC = 0.396
ZERO_POINT = 22.5  # frames are in nanomaggies
SIZES_PX = {"jpeg": (64, 2048), "frames": (1, 1489)}
ACKNOWLEDGEMENT = (
    "Funding for the Sloan Digital Sky Survey IV has been provided by the Alfred P. Sloan "
    "Foundation, the U.S. Department of Energy Office of Science, and the Participating "
    "Institutions; the full text to quote is at https://www.sdss4.org/collaboration/citing-sdss/"
)


@dataclass(frozen=True)
class Options(RemoteOptions):
    """What is asked of the survey, and how."""

    requests_per_minute: float | None = polite(
        60.0, "Requests begun in a minute at most; null: no limit.", minimum=0.001
    )
    max_empty_fraction: float = option(
        0.75,
        doc="Largest share of pixels that may be NaN or zero: outside, pictures are 90 % black.",
        minimum=0,
        maximum=1,
    )
    product: str = option(
        "jpeg",
        doc="jpeg for rendered pictures, frames for flux.",
        choices=("jpeg", "frames"),
    )
    bands: tuple[str, ...] = option(
        ("g", "r", "i"), doc="Bands of frames.", choices=("u", "g", "r", "i", "z")
    )
    pixel_scale_arcsec: float = option(
        PIXEL_SCALE_ARCSEC,
        doc="Pixel scale of pictures; frames have 0.396.",
        unit="arcsec",
        minimum=0.015,
        maximum=60,
    )
    base_url: str = option(
        "https://skyserver.sdss.org/dr17", doc="Where SkyServer is, with the data release."
    )
    frames_url: str = option(
        "https://data.sdss.org/sas/dr17/eboss/photoObj/frames", doc="Folder of the frames."
    )

    def __post_init__(self) -> None:
        if not self.bands or len(set(self.bands)) < len(self.bands):
            raise ConfigError(f"bands: found {list(self.bands)}, allowed: each of them once")
        least, most = SIZES_PX[self.product]
        if not least <= self.size_px <= most:
            raise ConfigError(f"size_px: found {self.size_px}, allowed: {least}..{most}")
        if self.product == "frames" and self.pixel_scale_arcsec != PIXEL_SCALE_ARCSEC:
            raise ConfigError(
                f"pixel_scale_arcsec: found {self.pixel_scale_arcsec}, "
                f"allowed: {PIXEL_SCALE_ARCSEC} for frames"
            )


def object_kind(options: Options) -> str:
    """`RENDERED_IMAGE` for pictures, `FLUX_IMAGE` for frames."""
    return RENDERED_IMAGE if options.product == "jpeg" else FLUX_IMAGE


def bands(options: Options) -> tuple[str, ...]:
    """Red, green and blue of pictures (i, r and g of the sky); those asked for of frames."""
    return ("r", "g", "b") if options.product == "jpeg" else options.bands


def attributes(options: Options) -> dict[str, Any]:
    """Pixel scale, and for frames zero point and unit."""
    known = {"pixel_scale_arcsec": options.pixel_scale_arcsec}
    return known if options.product == "jpeg" else known | _FLUX


_FLUX = {"zero_point": ZERO_POINT, "unit": "nanomaggy"}
fetch = fetcher(__name__)


def group_size(options: Options) -> int:
    """Pictures come one by one; positions of frames are asked for together."""
    return POSITIONS if options.product == "frames" else 1


def pieces(options: Options) -> tuple[str, ...]:
    """A picture, or all bands of one field: bands of different runs are never mixed."""
    return (options.product,)


async def ask(
    wanted: Sequence[Wanted], session: "Session", options: Options
) -> AsyncIterator[Piece | Nothing]:
    """A request for each picture; a query for all, and each frame once."""
    targets = [want.target for want in wanted]
    how = _pictures if options.product == "jpeg" else cut_frames
    async for answer in how(targets, session, options):
        yield answer


async def _pictures(
    targets: Sequence[Target], session: "Session", options: Options
) -> AsyncIterator[Piece | Nothing]:
    from hoag.network.session import RefusedError, TryAgainError

    patience = Patience()
    for target in targets:
        asked = {
            "ra": f"{target.ra_deg:.7f}",
            "dec": f"{target.dec_deg:.7f}",
            "scale": options.pixel_scale_arcsec,
            "width": options.size_px,
            "height": options.size_px,
        }
        try:
            url = f"{options.base_url}/SkyServerWS/ImgCutout/getjpeg"
            reply = await session.get(url, asked)
        except RefusedError as error:
            if "footprint" in f"{error} {error.text}":
                yield Nothing(target.object_id, "outside", "outside the footprint", error.url)
            else:
                yield refused(error, target.object_id)
        except TryAgainError as error:
            patience.failed(error)
        else:
            patience.went_well()
            yield Piece(target.object_id, "jpeg", reply.content(), reply.url)
    patience.end()


def decode(
    contents: Mapping[str, bytes], target: Target, options: Options
) -> tuple[np.ndarray, str]:
    """uint8 (y, x, 3), or flux in nanomaggies, float32 (band, y, x), and the first band's WCS."""
    from hoag.network import replies

    if options.product == "jpeg":
        return _picture(contents["jpeg"], options), ""
    hdus = replies.open_fits(contents["frames"])
    pixels = np.concatenate(
        [replies.planes(hdus[b].data, 1, options.size_px) for b in options.bands]
    )
    wcs = replies.checked_wcs(hdus[options.bands[0]].header, PIXEL_SCALE_ARCSEC)
    replies.check_filled(pixels, options.max_empty_fraction, options.bands)
    return pixels, wcs


def _picture(content: bytes, options: Options) -> np.ndarray:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    except Exception as error:  # PIL raises nearly anything for damaged pictures
        raise InvalidError(f"no picture: {' '.join(str(error).split())[:120]}") from None
    size = options.size_px
    if pixels.shape != (size, size, 3):
        raise InvalidError(f"found a picture of shape {pixels.shape}, allowed: {size, size, 3}")
    black = float((pixels.max(axis=2) == 0).mean())
    if black > options.max_empty_fraction:
        raise NothingError(
            f"found {100 * black:.0f} % of the picture black, "
            f"allowed: {100 * options.max_empty_fraction:.0f} %"
        )
    return pixels
