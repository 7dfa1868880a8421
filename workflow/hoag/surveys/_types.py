"""What a survey hands over for each object that it was asked for."""

from dataclasses import dataclass
from types import ModuleType

import numpy as np

FLUX_IMAGE = "flux_image"  # float32 (band, y, x), linear flux, with pixel scale and zero point
RENDERED_IMAGE = "rendered_image"  # uint8 (y, x, channel), one or three channels
FEATURES = "features"  # no pixels: the catalogue's own columns enter at the features stage


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
class Failure:
    """One object without pixels, and why: status is a word (``invalid``), reason a sentence."""

    object_id: str
    status: str
    reason: str
    url: str = ""
    attempts: int = 1
