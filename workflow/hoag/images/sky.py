"""Where stored cutouts lie on the sky."""

import re
import warnings
from pathlib import Path

import h5py
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning

_CARD = re.compile(
    r"C(TYPE|RVAL|RPIX|DELT|UNIT|ROTA)[12]|(CD|PC)[12]_[12]|PC00[12]00[12]|PV[12]_\d+"
    r"|[AB]P?_(\d+_\d+|ORDER)|LONPOLE|LATPOLE|RADESYS|EQUINOX"
)
_OLD_PC = re.compile(r"PC00(\d)00(\d)")  # as Pan-STARRS still writes them


def celestial_cards(header: fits.Header, wcs: WCS) -> list[str]:
    """The cards of a header that make its celestial WCS, without blanks at their ends.

    Parameters
    ----------
    header
        Of an image whose first two axes are the sky's.
    wcs
        What astropy made of it: the reference system, where only an old card (RADECSYS) says it.
    """
    kept = [c for c in header.cards if _CARD.fullmatch(c.keyword)]
    if "RADESYS" not in header and wcs.wcs.radesys:
        kept.append(fits.Card("RADESYS", wcs.wcs.radesys))
    names = (_OLD_PC.sub(r"PC\1_\2", card.keyword) for card in kept)
    return [str(fits.Card(n, c.value)).rstrip() for n, c in zip(names, kept, strict=True)]


def read_wcs(shard: str | Path, index: int) -> WCS:
    """Celestial WCS of one image of a shard of cutouts: of its first band, in its own pixels.

    Parameters
    ----------
    shard
        File that `hoag.images.store.ShardWriter` wrote.
    index
        Place of the image in it.

    Raises
    ------
    ValueError
        If the survey gave no WCS, or there is no such image.
    """
    with h5py.File(shard, "r") as file:
        if "wcs" not in file:
            raise ValueError(f"{shard}: found no WCS of its images")
        if not 0 <= index < len(file["wcs"]):
            raise ValueError(f"{shard}: found index {index}, allowed: 0..{len(file['wcs']) - 1}")
        cards = file["wcs"].asstr()[index]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        return WCS(fits.Header.fromstring(cards, sep="\n"))
