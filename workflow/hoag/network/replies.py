"""FITS replies of cutout services: judged before they count, and read."""

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hoag.network.contract import InvalidError, NothingError, Target

if TYPE_CHECKING:
    from astropy.io.fits import HDUList, Header

SCALE_TOLERANCE = 0.02  # relative; services round their scales
OFF_MIDDLE_PX = 2.0


class OffEdgeError(InvalidError):
    """A valid image that doesn't hold the whole square around the object."""


def open_fits(content: bytes, *, ignore_missing_end: bool = False) -> "HDUList":
    """All HDUs of a FITS file in memory.

    ``ignore_missing_end`` passes over what stands behind the last HDU and is none.

    Raises
    ------
    InvalidError
        For anything else: an error page, a truncated or damaged file.
    """
    from astropy.io import fits

    if not content.startswith(b"SIMPLE  ="):
        raise InvalidError(f"found {_shown(content)}, allowed: a FITS file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # astropy only warns of a file that was cut off
            warnings.filterwarnings("ignore", category=fits.verify.VerifyWarning)
            warnings.filterwarnings("ignore", message="non-ASCII characters")
            hdus = fits.open(
                io.BytesIO(content),
                memmap=False,
                lazy_load_hdus=False,
                ignore_missing_end=ignore_missing_end,
            )
            for hdu in hdus:
                _ = hdu.data
    except Exception as error:  # astropy raises nearly anything for damaged files
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise InvalidError(f"the FITS file is damaged: {said}") from None
    return hdus


def _shown(content: bytes) -> str:
    """The beginning of something that is no FITS file, in words."""
    text = re.sub(r"<[^>]*>", " ", content[:2000].decode("latin-1"))
    text = " ".join(text.split())[:80]
    return repr(text) if text else f"{len(content)} bytes without text"


def first_image(hdus: "HDUList") -> tuple[np.ndarray, "Header"]:
    """The first image of a file as (y, x), and its header; axes of length 1 are left out.

    Raises
    ------
    InvalidError
        If there is none.
    """
    for hdu in hdus:
        if hdu.is_image and hdu.data is not None:
            data = hdu.data.reshape(
                [n for n in hdu.data.shape[:-2] if n > 1] + [*hdu.data.shape[-2:]]
            )
            if data.ndim == 2:
                return data, hdu.header
    raise InvalidError("found no image in the FITS file, allowed: one")


def planes(data: np.ndarray | None, n: int, size_px: int) -> np.ndarray:
    """``data`` as float32 (n, size_px, size_px); raises `InvalidError` for another shape."""
    if data is None:
        raise InvalidError("found no image in the FITS file, allowed: one")
    data = data[None] if data.ndim == 2 else data
    if data.shape != (n, size_px, size_px):
        raise InvalidError(f"found an image of shape {data.shape}, allowed: {n, size_px, size_px}")
    return np.ascontiguousarray(data, dtype=np.float32)


def checked_wcs(
    header: "Header",
    pixel_scale_arcsec: float,
    target: Target | None = None,
    size_px: int = 0,
) -> str:
    """The celestial WCS as header cards, one a line.

    Raises
    ------
    InvalidError
        For another scale, and, with a ``target``, where it isn't in the middle of ``size_px``.
    """
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_scales

    from hoag.images.sky import celestial_cards

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs = WCS(header, naxis=2)
    if not wcs.has_celestial:
        raise InvalidError("found no celestial WCS, allowed: one")
    found = float(proj_plane_pixel_scales(wcs).mean() * 3600)
    if abs(found / pixel_scale_arcsec - 1) > SCALE_TOLERANCE:
        raise InvalidError(
            f"found a pixel scale of {found:.4g} arcsec, allowed: {pixel_scale_arcsec:.4g}"
        )
    if target is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            place = np.array(wcs.all_world2pix(target.ra_deg, target.dec_deg, 0))
        if not (np.abs(place - (size_px - 1) / 2) <= OFF_MIDDLE_PX).all():
            raise InvalidError(
                f"found the object at pixel ({place[0]:.0f}, {place[1]:.0f}), "
                f"allowed: the middle of {size_px} px"
            )
    return "\n".join(celestial_cards(header, wcs))


def check_filled(pixels: np.ndarray, max_empty_fraction: float, names: Sequence[str]) -> None:
    """Raise `NothingError` where too much of a plane is NaN or zero."""
    empty = (~np.isfinite(pixels) | (pixels == 0)).mean(axis=(1, 2))
    worst = int(np.argmax(empty))
    if empty[worst] > max_empty_fraction:
        raise NothingError(
            f"found {100 * empty[worst]:.0f} % of {names[worst]} empty, "
            f"allowed: {100 * max_empty_fraction:.0f} %"
        )


def crop_around(
    data: np.ndarray, header: "Header", target: Target, size_px: int
) -> tuple[np.ndarray, "Header"]:
    """The square of ``size_px`` around a target, and its header, from a somewhat larger image.

    The pixel that holds the target becomes pixel ``size_px // 2`` of either axis.

    Raises
    ------
    OffEdgeError
        If the square isn't inside the image.
    """
    from astropy.wcs import WCS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x, y = WCS(header, naxis=2).all_world2pix(target.ra_deg, target.dec_deg, 0)
    height, width = data.shape[-2:]
    if not np.isfinite([x, y]).all():
        raise OffEdgeError("found an image of another part of the sky, allowed: one of the object")
    left, low = (round(float(v)) - size_px // 2 for v in (x, y))
    if left < 0 or low < 0 or left + size_px > width or low + size_px > height:
        raise OffEdgeError(
            f"found {width} x {height} px with the object at ({float(x):.0f}, {float(y):.0f}), "
            f"allowed: {size_px} px around it"
        )
    cut = header.copy()
    cut["CRPIX1"], cut["CRPIX2"] = header["CRPIX1"] - left, header["CRPIX2"] - low
    return data[..., low : low + size_px, left : left + size_px], cut


def square_around(
    content: bytes,
    target: Target,
    size_px: int,
    pixel_scale_arcsec: float,
    *,
    ignore_missing_end: bool = False,
) -> tuple[np.ndarray, str, "Header"]:
    """The square around a target in a file whose first image is somewhat larger.

    Returns
    -------
    (float32 (1, size_px, size_px), the WCS as header cards, the image's header)
    """
    data, header = first_image(open_fits(content, ignore_missing_end=ignore_missing_end))
    cut, header = crop_around(data, header, target, size_px)
    return planes(cut, 1, size_px), checked_wcs(header, pixel_scale_arcsec), header


def stacked(
    contents: Mapping[str, bytes],
    names: Sequence[str],
    read: Callable[[bytes, str], tuple[np.ndarray, str]],
) -> tuple[np.ndarray, str]:
    """Those bands of ``names`` that there are, float32 (band, y, x), and the WCS of the first.

    ``read`` gives the pixels (1, y, x) and the WCS of one, from its bytes and its name.
    """
    found = [read(contents[name], name) for name in names if name in contents]
    return np.concatenate([pixels for pixels, _ in found]), found[0][1]
