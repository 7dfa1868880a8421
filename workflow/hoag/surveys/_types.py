"""What a survey hands over for each object that it was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np

FLUX_IMAGE = "flux_image"  # float32 (band, y, x), linear flux, with pixel scale and zero point
RENDERED_IMAGE = "rendered_image"  # uint8 (y, x, channel), one or three channels
LIGHT_CURVE = "light_curve"  # a trace in order of time; band: place of the filter in the bands
SPECTRUM = "spectrum"  # a trace in order of wavelength; ivar: 1 / variance, 0 where masked
FEATURES = "features"  # no pixels: the catalogue's own columns enter at the features stage
IMAGES = (FLUX_IMAGE, RENDERED_IMAGE)
TRACES: Mapping[str, Mapping[str, type]] = {  # columns of a trace
    LIGHT_CURVE: {
        "time_mjd": np.float64,
        "value": np.float64,
        "error": np.float64,
        "band": np.int16,
    },
    SPECTRUM: {"wavelength_angstrom": np.float64, "flux": np.float32, "ivar": np.float64},
}
INPUTS = {  # what feature spaces can take of each kind
    FLUX_IMAGE: ("catalogue", "features", "images"),
    RENDERED_IMAGE: ("catalogue", "features", "images"),
    LIGHT_CURVE: ("catalogue", "features", "light_curves"),
    SPECTRUM: ("catalogue", "features", "spectra"),
    FEATURES: ("catalogue", "features"),
}


def draws(survey: ModuleType) -> bool:
    """Does a survey draw its objects from a seed (``DRAWS = True``), as many as asked for?"""
    return getattr(survey, "DRAWS", False)


def lists_objects(survey: ModuleType) -> bool:
    """Does a survey have a list of objects of its own? Otherwise a batch needs a catalogue."""
    return hasattr(survey, "list_objects")


@dataclass(frozen=True, slots=True)
class Cutout:
    """Pixels of one object: float32 (band, y, x) or uint8 (y, x, channel), by the kind.

    ``wcs`` is the celestial WCS of the first band as FITS header cards, one a line, if the
    survey knows it; then all cut-outs of the survey have one.
    """

    object_id: str
    pixels: np.ndarray
    url: str = ""
    attempts: int = 1
    wcs: str = ""
    n_bytes: int | None = None  # that came over the network


@dataclass(frozen=True, slots=True)
class Trace:
    """One light curve or spectrum: the columns of its kind in `TRACES`, equally long.

    Only good rows come, and a light curve's times differ within a band. ``remark`` says what
    was left out, as a sentence; empty where all rows are there.
    """

    object_id: str
    columns: Mapping[str, np.ndarray]
    remark: str = ""
    url: str = ""
    attempts: int = 1
    n_bytes: int | None = None  # that came over the network


@dataclass(frozen=True, slots=True)
class Failure:
    """One object without data, and why: status is a word (``invalid``), reason a sentence."""

    object_id: str
    status: str
    reason: str
    url: str = ""
    attempts: int = 1
