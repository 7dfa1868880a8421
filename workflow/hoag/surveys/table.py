"""Survey ``table``: objects that are rows of numbers, without pixels.

The rows are those of the batch's ``catalogue``, and its columns enter at the features stage. So
there is nothing to list and nothing to fetch.
"""

from dataclasses import dataclass
from typing import Any

from hoag.surveys._types import FEATURES

FORMAT_VERSION = 1
ACKNOWLEDGEMENT = (
    "The feature table was supplied by the user; please acknowledge its source in the words "
    "that it asks for."
)


@dataclass(frozen=True)
class Options:
    """None: which columns are features is said by a feature space of kind ``columns``."""


@dataclass(frozen=True)
class Batch:
    """No keys of its own."""


def object_kind(options: Options) -> str:
    """Always `FEATURES`."""
    return FEATURES


def bands(options: Options) -> tuple[str, ...]:
    """No bands: there are no pixels."""
    return ()


def image_shape(options: Options) -> tuple[int, int] | None:
    """None: there are no pixels."""
    return None


def attributes(options: Options) -> dict[str, Any]:
    """Nothing holds for all rows."""
    return {}
