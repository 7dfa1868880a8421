"""What every script's last block does around ``main``: log, errors, progress, an end with the run.

A script runs in a process of its own. Its log file gets everything; the terminal gets a line of
progress now and then, and one line if it fails. When the run that started it is killed, it ends
too, so that a later run never meets a stray writer.
"""

import contextlib
import logging
import os
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PROGRESS_EVERY = 5.0  # seconds between two lines of progress on the terminal


@contextlib.contextmanager
def job(snakemake: Any) -> Iterator["Progress"]:
    """Log into the rule's log file; on an error say one line on the terminal and exit 1."""
    _end_with_run()
    name = _describe(snakemake)
    log = Path(snakemake.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=log,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    for library in ("pytorch_lightning", "httpx", "httpcore"):  # these two log whole URLs
        logging.getLogger(library).setLevel(logging.WARNING)
    started = time.monotonic()
    try:
        yield Progress(name)
    except Exception as error:
        logging.exception("failed")
        reason = " ".join(str(error).split()) or type(error).__name__
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        kind = type(error).__name__
        print(f"{name}: {kind}: {reason} ({place}; log: {log})", file=sys.stderr, flush=True)
        sys.exit(1)
    logging.info("done in %.1f s", time.monotonic() - started)


class Progress:
    """Call it with a line of text; the log gets all of them, the terminal one every 5 s."""

    def __init__(self, name: str) -> None:
        self.name, self._last = name, time.monotonic()

    def __call__(self, text: str) -> None:
        logging.info(text)
        if time.monotonic() - self._last >= _PROGRESS_EVERY:
            self._last = time.monotonic()
            print(f"{self.name}: {text}", file=sys.stderr, flush=True)

    def always(self, text: str) -> None:
        """A line for the terminal whatever the time."""
        logging.info(text)
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)


def _describe(snakemake: Any) -> str:
    """The rule's name and its wildcards, as the user sees them."""
    wildcards = " ".join(str(v) for k, v in snakemake.wildcards.items() if k != "run")
    return f"{snakemake.rule} {wildcards}".strip()


def _end_with_run() -> None:
    """End this process as soon as its parent or the Snakemake process (HOAG_PID) is gone.

    The run may be gone already by now: a script imports for seconds before it gets here.
    """
    run, parent = int(os.environ.get("HOAG_PID", os.getppid())), os.getppid()
    started = _started(run)
    if started is None and Path("/proc/self/stat").exists():
        os._exit(1)

    def watch() -> None:
        while os.getppid() == parent and _started(run) == started:
            time.sleep(0.25)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end-with-run").start()


def _started(pid: int) -> str | None:
    """When a process started, in clock ticks; None if it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]
