"""What surveys that are asked over the network have in common; `hoag.network.engine` asks them.

A remote survey is a module with `Options` (a subclass of `RemoteOptions`), `Batch`, what every
survey has, and three functions:

``pieces(options)``
    Names of the pieces that make an object, in order (its bands, say).
``ask(wanted, session, options)``
    An asynchronous generator that asks the service for the missing pieces of some objects and
    yields a `Piece` or `Nothing` for what it learns. Where one request serves many objects,
    ``group_size(options)`` says how many; else each object is asked for alone.
``decode(contents, target, options)``
    Pixels and WCS from an object's pieces, or `InvalidError`, or `NothingError`. It also judges
    single pieces as they come, before they count.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hoag.options import option
from hoag.surveys._types import FLUX_IMAGE, Cutout, Failure

if TYPE_CHECKING:
    import pandas as pd


def polite(default: Any, doc: str, **limits: Any) -> Any:
    """An option on how a service is asked, which doesn't change what it answers."""
    return option(default, doc=doc, shapes_result=False, **limits)


@dataclass(frozen=True)
class RemoteOptions:
    """What all remote surveys are asked for, and how."""

    size_px: int = option(96, doc="Side of the square cutout.", unit="px", minimum=1)
    max_empty_fraction: float = option(
        0.5,
        doc="Largest share of a band's pixels that may be NaN or zero.",
        minimum=0,
        maximum=1,
    )
    moc: str | None = option(
        None,
        doc="FITS file of the survey's footprint (a multi-order coverage map); objects outside "
        "are not asked for. Null: the service tells.",
        unit="path",
    )
    connections: int = polite(4, "Requests at the same time.", minimum=1)
    requests_per_minute: float | None = polite(
        None, "Requests begun in a minute at most; null: no limit.", minimum=0.001
    )
    retries: int = polite(5, "Further tries after one that failed.", minimum=0)
    backoff_s: float = polite(
        2.0, "Wait before the second try; it doubles with each.", unit="s", minimum=0
    )
    read_timeout_s: float = polite(
        60.0, "Longest wait for the next bytes of a reply.", unit="s", minimum=0.01
    )
    total_timeout_s: float = polite(
        600.0, "Longest wait for a whole reply.", unit="s", minimum=0.01
    )
    give_up_after: int = polite(
        40, "Requests in a row whose every try failed, after which the job stops.", minimum=1
    )


@dataclass(frozen=True)
class Batch:
    """No keys of its own: the objects are those of the batch's catalogue."""


@dataclass(frozen=True, slots=True)
class Target:
    """One object to fetch, with positions in degrees (ICRS)."""

    object_id: str
    ra_deg: float
    dec_deg: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object and the pieces of it that are still missing."""

    target: Target
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """What a service gave: the bytes of one piece of an object."""

    object_id: str
    name: str
    content: bytes
    url: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """What a service lacks: status ``outside`` or ``no_data``, and its reason.

    It is believed when it comes twice, or at once where it ``is_certain`` without asking.
    """

    object_id: str
    status: str
    reason: str
    url: str
    is_certain: bool = False


class InvalidError(Exception):
    """A reply that is not what was asked for; the reason is its text."""


class NothingError(Exception):
    """A valid reply without an image in it: NaN or zero where the object should be."""


def object_kind(options: Any) -> str:
    """Always `FLUX_IMAGE`."""
    return FLUX_IMAGE


def image_shape(options: RemoteOptions) -> tuple[int, int]:
    """A square."""
    return options.size_px, options.size_px


def fetcher(module_name: str, login: Callable[[Any], Mapping[str, Any]] = lambda _: {}) -> Callable:
    """The ``fetch`` of a survey's contract.

    Parameters
    ----------
    module_name
        The survey's ``__name__``.
    login
        Options -> ``auth`` and ``headers`` for `fetch`.
    """

    def fetch_targets(
        targets: "pd.DataFrame",
        batch: Batch,
        options: Any,
        *,
        seed: int,
        name: str,
        say: Callable[[str], None] | None = None,
    ) -> Iterator[Cutout | Failure]:
        """One answer for each target; ``say`` gets a line on the progress now and then."""
        from hoag.network.engine import fetch

        module = sys.modules[module_name]
        return fetch(module, targets, options, name=name, say=say, **login(options))

    return fetch_targets
