"""Writing files so that a reader never sees half of one, and no two processes the same one."""

import contextlib
import fcntl
import glob
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a private name beside ``path``; on success it takes the place of ``path``.

    A process that is killed, or that outlives the run which started it, leaves at most a
    ``.part`` file behind and never a damaged output. The next one that writes ``path`` removes
    what a process that is gone has left.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.stem)}.[0-9]*.part{path.suffix}"):
        if not _runs(int(left.name.split(".")[-2 if not path.suffix else -3])):
            left.unlink(missing_ok=True)
    private = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield private
        os.replace(private, path)
    finally:
        private.unlink(missing_ok=True)


def lock(file: IO, waits_for: str, say: Callable[[str], None] = _log.info) -> None:
    """Lock an open file until it is closed or its process ends; wait where another one has it.

    Parameters
    ----------
    file
        Open for writing.
    waits_for
        What the other process does, for the line that says why this one waits.
    say
        Called with that line, by ``say.always`` where there is one.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        getattr(say, "always", say)(f"waits for another run that {waits_for}")
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        _log.info("this file system has no locks: %s", error)


def _runs(pid: int) -> bool:
    """Is there a process of this number?"""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
