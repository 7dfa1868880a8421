"""The engine under all surveys that are asked over the network (see `hoag.network.contract`).

Whatever comes is judged, then written into a `Journal` at once, so that a killed job goes on
where it stopped. A request is tried again, later and later, when the service failed; a service
that fails again and again stops the job, and nothing is lost.
"""

import asyncio
import logging
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from hoag.digests import digest
from hoag.network.contract import (
    InvalidError,
    Nothing,
    NothingError,
    Piece,
    Target,
    Wanted,
)
from hoag.network.journal import Final, Journal, object_key
from hoag.network.session import RefusedError, Session, TryAgainError
from hoag.options import as_identity
from hoag.surveys._types import Cutout, Failure

if TYPE_CHECKING:
    import pandas as pd

_log = logging.getLogger(__name__)

ROOT = Path("resources/cutouts")
LONGEST_WAIT_S = 300.0
ENOUGH = 2  # answers of "nothing there" that are believed: one may be a fault


def request_folder(kind: str, module: ModuleType, options: Any) -> Path:
    """Where replies to these request options are kept."""
    asked = {k: v for k, v in as_identity(options).items() if k != "moc"}  # it only leaves out
    return ROOT / kind / digest(kind, module.FORMAT_VERSION, asked)


def fetch(
    module: ModuleType,
    targets: "pd.DataFrame",
    options: Any,
    *,
    name: str,
    auth: httpx.BasicAuth | None = None,
    headers: Mapping[str, str] | None = None,
    say: Callable[[str], None] | None = None,
) -> Iterator[Cutout | Failure]:
    """Get all that is missing of ``targets``, then give each its one answer, in their order.

    Parameters
    ----------
    module
        The survey.
    targets
        Rows with object_id, ra_deg and dec_deg.
    options
        The survey's options.
    name
        Of the batch.
    auth, headers
        Credentials; they go into requests and nowhere else.
    say
        Called with a line on the progress now and then.

    Raises
    ------
    RuntimeError
        If the service keeps failing or refuses the login. What came is kept.
    """
    columns = (targets[c] for c in ("object_id", "ra_deg", "dec_deg"))
    wanted = [Target(*row) for row in zip(*columns, strict=True)]
    keys = {t.object_id: object_key(t.object_id, t.ra_deg, t.dec_deg) for t in wanted}
    kind = module.__name__.rpartition(".")[2]
    folder = request_folder(kind, module, options)
    shard = f"{name}-{digest(list(keys.values()))}"
    say = say or _log.info
    with Journal(folder, shard, keys.values(), say) as journal:
        download = _Download(module, options, journal, keys, say)
        arguments = {"folder": folder, "auth": auth, "headers": headers}
        asked = download.inside(wanted, options.moc) if options.moc else wanted
        asyncio.run(download.run(asked, arguments))
        for target in wanted:
            yield download.answer(target)


class _Download:
    """All requests of one shard."""

    def __init__(
        self,
        module: ModuleType,
        options: Any,
        journal: Journal,
        keys: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self.module, self.options, self.journal, self.keys = module, options, journal, keys
        self.say, self.names = say, tuple(module.pieces(options))
        self.failures: dict[str, Failure] = {}
        self.failed_in_row, self.something_came = 0, False

    def inside(self, targets: Sequence[Target], moc: str) -> list[Target]:
        """Those that lie within a coverage map; the others are answered for."""
        from astropy import units as u
        from mocpy import MOC

        ra, dec = (np.array([getattr(t, k) for t in targets]) for k in ("ra_deg", "dec_deg"))
        covered = MOC.from_fits(moc).contains_lonlat(ra * u.deg, dec * u.deg).tolist()
        for target, is_inside in zip(targets, covered, strict=True):
            if not is_inside:
                self._fail(target.object_id, "outside", f"outside the footprint of {moc}", "", 0)
        return [t for t, is_inside in zip(targets, covered, strict=True) if is_inside]

    async def run(self, targets: Sequence[Target], session_arguments: Mapping[str, Any]) -> None:
        """Ask for all that the journal lacks.

        There are more workers than connections, so that none is idle while replies are judged.
        """
        todo = [t for t in targets if self._missing(t)]
        if not todo:
            return
        o = self.options
        size = self.module.group_size(o) if hasattr(self.module, "group_size") else 1
        todo.sort(key=lambda t: (math.floor(t.dec_deg), t.ra_deg))  # neighbours share files
        groups = iter([todo[i : i + size] for i in range(0, len(todo), size)])
        self.started, self.n_done, self.n_todo = time.monotonic(), 0, len(todo)
        session = Session(
            connections=o.connections,
            requests_per_minute=o.requests_per_minute,
            read_timeout_s=o.read_timeout_s,
            total_timeout_s=o.total_timeout_s,
            **session_arguments,
        )
        async with session:
            try:
                async with asyncio.TaskGroup() as tasks:
                    for _ in range(2 * o.connections):
                        tasks.create_task(self._work(groups, session))
            except* Exception as errors:  # of all workers that failed, the first says enough
                raise errors.exceptions[0] from None

    async def _work(self, groups: Iterator[list[Target]], session: Session) -> None:
        for group in groups:
            await self._get(group, session)
            self.n_done += len(group)
            spent = time.monotonic() - self.started
            left = spent / self.n_done * (self.n_todo - self.n_done)
            rate = self.n_done / max(spent, 1e-9)
            self.say(f"{self.n_done}/{self.n_todo} objects, {rate:.1f}/s, {left:.0f} s left")

    async def _get(self, group: Sequence[Target], session: Session) -> None:
        """Try until nothing is missing, the service has said its last word, or patience ends.

        Patience counts tries in a row that brought nothing new.
        """
        n_empty: Counter[str] = Counter()
        attempt, in_vain, wait_s, first = 0, 0, 0.0, self._wanted(group)
        while (wanted := self._wanted(group)) and in_vain <= self.options.retries:
            await asyncio.sleep(min(wait_s, LONGEST_WAIT_S))
            attempt += 1
            wait_s = self.options.backoff_s * 2**in_vain * random.uniform(0.5, 1.5)
            empty: dict[str, Nothing] = {}  # what this try finds nothing for
            try:
                await self._ask(wanted, session, attempt, empty)
            except RefusedError as refusal:
                self._fail_rest(wanted, refusal, attempt)
                if refusal.status in ("http_401", "http_403"):
                    raise RuntimeError(f"the service refuses the login: {refusal}") from None
                if self.something_came:  # then it refuses this object, not all that is asked
                    return
                break
            except TryAgainError as failure:
                self._fail_rest(wanted, failure, attempt)
                wait_s = max(wait_s, failure.wait_s or 0.0)
            for nothing in empty.values():
                n_empty[nothing.object_id] += 1
                if n_empty[nothing.object_id] >= ENOUGH or nothing.is_certain:
                    self._close(nothing, attempt)
            in_vain = in_vain + 1 if self._wanted(group) == wanted else 0
        keys = [self.keys[want.target.object_id] for want in wanted]
        known = all(key in self.journal.failed for key in keys)  # from an earlier run
        for key in keys:
            self.journal.note_failure(key)
        if wanted != first or known:
            self.failed_in_row = 0 if wanted != first else self.failed_in_row
            return
        self.failed_in_row += 1
        if self.failed_in_row >= self.options.give_up_after:
            last = self.failures[wanted[-1].target.object_id]
            raise RuntimeError(
                f"{self.failed_in_row} requests in a row failed, the last: {last.status}: "
                f"{last.reason}; what came is kept, and the same command goes on from there"
            )

    def _wanted(self, group: Sequence[Target]) -> list[Wanted]:
        return [Wanted(t, missing) for t in group if (missing := self._missing(t))]

    async def _ask(
        self,
        wanted: Sequence[Wanted],
        session: Session,
        attempt: int,
        empty: dict[str, Nothing],
    ) -> None:
        """Ask once, keep what is good, and note in ``empty`` what there is nothing for."""
        targets = {w.target.object_id: w.target for w in wanted}
        silent = dict.fromkeys(targets)
        async for answer in self.module.ask(wanted, session, self.options):
            silent.pop(answer.object_id, None)
            if isinstance(answer, Piece):
                answer = self._judge(answer, targets[answer.object_id], attempt)
            if answer is not None and self._missing(targets[answer.object_id]):
                empty[answer.object_id] = answer
                self._fail(answer.object_id, answer.status, answer.reason, answer.url, attempt)
        for object_id in silent:
            reason = "the service has nothing for it"
            empty[object_id] = Nothing(object_id, "no_data", reason, "")
            self._fail(object_id, "no_data", reason, "", attempt)

    def _judge(self, piece: Piece, target: Target, attempt: int) -> Nothing | None:
        """Keep a piece that is good; one without an image comes back as `Nothing`."""
        try:
            self.module.decode({piece.name: piece.content}, target, self.options)
        except InvalidError as error:
            self._fail(target.object_id, "invalid", str(error), piece.url, attempt)
        except NothingError as error:
            return Nothing(target.object_id, "no_data", str(error), piece.url)
        except Exception as error:  # the libraries that read foreign headers raise nearly anything
            said = f"can't be read: {type(error).__name__}: {' '.join(str(error).split())[:120]}"
            self._fail(target.object_id, "invalid", said, piece.url, attempt)
        else:
            key, self.something_came = self.keys[target.object_id], True
            if piece.name not in self.journal.parts[key]:  # else it came twice
                self.journal.add(key, piece.name, piece.content, url=piece.url, attempts=attempt)
        return None

    def _close(self, nothing: Nothing, attempt: int) -> None:
        final = Final(nothing.status, nothing.reason, nothing.url, attempt)
        self.journal.close_object(self.keys[nothing.object_id], final)

    def _fail_rest(
        self, wanted: Sequence[Wanted], error: RefusedError | TryAgainError, attempt: int
    ) -> None:
        """Note an error for all of a group but those of which this try said something itself."""
        for object_id in (w.target.object_id for w in wanted):
            if object_id not in self.failures or self.failures[object_id].attempts != attempt:
                self._fail(object_id, error.status, str(error), error.url, attempt)

    def _fail(self, object_id: str, status: str, reason: str, url: str, attempt: int) -> None:
        """Remember why an object has no image, for as long as it has none."""
        self.failures[object_id] = Failure(object_id, status, reason, url, attempt)

    def _missing(self, target: Target) -> tuple[str, ...]:
        key = self.keys[target.object_id]
        if key in self.journal.finals:
            return ()
        parts = self.journal.parts.get(key, {})
        return tuple(name for name in self.names if name not in parts)

    def answer(self, target: Target) -> Cutout | Failure:
        """The one answer for an object, from what the journal holds."""
        key, object_id = self.keys[target.object_id], target.object_id
        if key in self.journal.finals:
            final = self.journal.finals[key]
            return Failure(object_id, final.status, final.reason, final.url, final.attempts)
        if self._missing(target):
            return self.failures[object_id]
        parts, contents = dict(self.journal.parts[key]), self.journal.contents(key)
        first = parts[self.names[0]]
        attempts = max(part.attempts for part in parts.values())
        if self._missing(target):
            reason = "its bytes on disk are damaged; the next run fetches it again"
            return Failure(object_id, "invalid", reason, first.url, attempts)
        try:
            pixels, wcs = self.module.decode(contents, target, self.options)
        except Exception as error:  # as in `_judge`
            return Failure(object_id, "invalid", str(error), first.url, attempts)
        n_bytes = sum(part.n_bytes for part in parts.values())
        return Cutout(object_id, pixels, first.url, attempts, wcs=wcs, n_bytes=n_bytes)
