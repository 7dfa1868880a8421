"""Where stored cutouts lie on the sky."""

import warnings
from pathlib import Path

import h5py
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning


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
