"""Writing files so that a reader never sees half of one."""

import contextlib
import glob
import os
from collections.abc import Iterator
from pathlib import Path


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


def _runs(pid: int) -> bool:
    """Is there a process of this number?"""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
