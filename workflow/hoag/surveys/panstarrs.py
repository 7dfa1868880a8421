"""Survey ``panstarrs``: stacks of Pan-STARRS1 (3 pi, north of -30 degrees), from MAST.

Protocol: https://outerspace.stsci.edu/display/PANSTARRS/PS1+Image+Cutout+Service, the way of its
example ``ps1bulk.py``: a list of positions posted to ``ps1filenames.py`` gives the stacks' names,
then ``fitscut.cgi`` gives a cutout of each. Where a header has BSOFTEN and BOFFSET, the pixels are
on the asinh scale of the skycell files and are made linear,
``BOFFSET + 2 BSOFTEN sinh(v / (2.5 log10 e))``. A stack has the zero point 25 + 2.5 log10(EXPTIME)
(https://outerspace.stsci.edu/display/PANSTARRS/PS1+Stack+images), so pixels are divided by EXPTIME:
all objects and bands have the zero point 25. It may be off by some hundredths of a magnitude.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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

    from hoag.network.session import Reply, Session

__all__ = ["Batch", "image_shape", "object_kind"]  # as all remote surveys have them
FORMAT_VERSION = 1
NEEDS_POSITION = True
POSITIONS = 32  # in a list of names
PIXEL_SCALE_ARCSEC = 0.25
ZERO_POINT = 25.0
SOUTHERNMOST_DEG = -30.0
LARGEST_PX = 6000  # more than this the service advises against
NEAR_DEG = 1e-3  # the service writes the positions back rounded
ACKNOWLEDGEMENT = (
    "The Pan-STARRS1 Surveys (PS1; Chambers et al. 2016, arXiv:1612.05560) and the PS1 public "
    "science archive; the full text to quote is at https://panstarrs.stsci.edu/"
)


@dataclass(frozen=True)
class Options(RemoteOptions):
    """What is asked of the archive, and how."""

    bands: tuple[str, ...] = option(
        ("g", "r", "i"), doc="Bands.", choices=("g", "r", "i", "z", "y")
    )
    base_url: str = option(
        "https://ps1images.stsci.edu/cgi-bin", doc="Where ps1filenames.py and fitscut.cgi are."
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
    """Pixel scale and zero point."""
    return {
        "pixel_scale_arcsec": PIXEL_SCALE_ARCSEC,
        "zero_point": ZERO_POINT,
        "unit": "flux of AB magnitude 25",
    }


fetch = fetcher(__name__)


def group_size(options: Options) -> int:
    """Names of files are asked for together."""
    return POSITIONS


def pieces(options: Options) -> tuple[str, ...]:
    """One FITS file a band."""
    return options.bands


async def ask(
    wanted: Sequence[Wanted], session: "Session", options: Options
) -> AsyncIterator[Piece | Nothing]:
    """One list of names for all objects, then a cutout for each band, skycell by skycell."""
    from hoag.network.session import RefusedError, TryAgainError

    patience = Patience()
    north = [w for w in wanted if w.target.dec_deg >= SOUTHERNMOST_DEG]
    for want in wanted:
        if want not in north:
            yield Nothing(want.target.object_id, "outside", "south of the survey", "", True)
    if not north:
        return
    reply = await session.request("POST", f"{options.base_url}/ps1filenames.py", **_list(north))
    names = _names(reply)
    asked = [(names_of(w.target, b, names), w.target, b) for w in north for b in w.missing]
    for name, target, band in sorted(asked, key=lambda a: (a[0], a[1].object_id)):
        if not name:
            said = f"no stack in {band}"
            yield Nothing(target.object_id, "no_data", said, reply.url)
            continue
        try:
            cutout = await session.get(
                f"{options.base_url}/fitscut.cgi", _cutout(target, name, options)
            )
        except RefusedError as error:
            yield refused(error, target.object_id)
        except TryAgainError as error:
            patience.failed(error)
        else:
            patience.went_well()
            yield Piece(target.object_id, band, cutout.content(), cutout.url)
    patience.end()


def _list(wanted: Sequence[Wanted]) -> dict[str, Any]:
    """What is posted: the positions as a file, and for which bands (each a letter)."""
    lines = "\n".join(f"{w.target.ra_deg:.7f} {w.target.dec_deg:.7f}" for w in wanted)
    filters = "".join(sorted({band for w in wanted for band in w.missing}))
    return {"data": {"filters": filters, "type": "stack"}, "files": {"file": ("file", lines)}}


def _cutout(target: Target, name: str, options: Options) -> dict[str, Any]:
    return {
        "ra": f"{target.ra_deg:.7f}",
        "dec": f"{target.dec_deg:.7f}",
        "size": options.size_px,
        "format": "fits",
        "red": name,
    }


Name = tuple[str, float, float, str]  # band, ra and dec of the position asked for, file's name


def _names(reply: "Reply") -> list[Name]:
    """The table of names; raises `TryAgainError` for anything else."""
    from hoag.network.session import TryAgainError

    text = reply.text()
    lines = [line.split() for line in text.splitlines() if line.strip()]
    try:
        columns = [lines[0].index(name) for name in ("filter", "ra", "dec", "filename")]
        found = [[line[c] for c in columns] for line in lines[1:]]
        return [(band, float(ra), float(dec), name) for band, ra, dec, name in found]
    except (ValueError, LookupError):
        said = " ".join(text[:120].split())
        raise TryAgainError("invalid", f"no list of names: {said!r}", url=reply.url) from None


def names_of(target: Target, band: str, names: Iterable[Name]) -> str:
    """The stack of the position next to the target; empty if none is near."""
    east = np.cos(np.deg2rad(target.dec_deg))

    def far(name: Name) -> float:
        turn = (name[1] - target.ra_deg + 180) % 360 - 180
        return max(abs(turn * east), abs(name[2] - target.dec_deg))

    best = min((n for n in names if n[0] == band), key=lambda n: (far(n), n[3]), default=None)
    return best[3] if best and far(best) < NEAR_DEG else ""


def decode(
    contents: Mapping[str, bytes], target: Target, options: Options
) -> tuple[np.ndarray, str]:
    """Flux of zero point 25, float32 (band, y, x), and the first band's WCS."""
    from hoag.network import replies

    def read(content: bytes, band: str) -> tuple[np.ndarray, str]:
        data, header = replies.first_image(replies.open_fits(content))
        stored = replies.planes(data, 1, options.size_px)
        wcs = replies.checked_wcs(header, PIXEL_SCALE_ARCSEC, target, options.size_px)
        replies.check_filled(stored, options.max_empty_fraction, [band])  # on the asinh scale too
        return replies.planes(linear(data, header), 1, options.size_px), wcs

    return replies.stacked(contents, options.bands, read)


def linear(data: np.ndarray, header: "Header") -> np.ndarray:
    """Flux a second, of zero point 25, from the pixels of a stack.

    Raises
    ------
    InvalidError
        If the header has no exposure time.
    """
    flux = data.astype(np.float64)
    if "BSOFTEN" in header and "BOFFSET" in header:
        magnitude = 2.5 * np.log10(np.e)
        flux = header["BOFFSET"] + 2 * header["BSOFTEN"] * np.sinh(flux / magnitude)
    exposure_s = header.get("EXPTIME")
    if not isinstance(exposure_s, (int, float)) or not exposure_s > 0:
        raise InvalidError(f"found EXPTIME {exposure_s!r}, allowed: more than 0 s")
    return flux / exposure_s
