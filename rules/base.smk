# Functions that runs and collections share; no rules here.
import fcntl
import functools
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))

from hoag.digests import code_digest, library_versions
from hoag.environment import prepare_jobs
from hoag.options import ConfigError
from hoag.schema import check_text

STARTED = time.time()

prepare_jobs()

try:
    for path in workflow.configfiles:
        check_text(Path(path))
except ConfigError as error:
    sys.exit(f"hoag: {error}")


@functools.cache
def code(script, *plugins):
    """Digest of a script's code and of the plug-ins (family, kind) that the job loads."""
    return code_digest(f"{workflow.basedir}/workflow/scripts/{script}.py", plugins)


@functools.cache
def libraries(environment):
    """Versions of the libraries that an environment names."""
    return library_versions(f"{workflow.basedir}/envs/{environment}.yaml")


def hold_run():
    """Keep others from working on the same run; the lock goes with this process, however it ends."""
    folder = Path(RESULTS)
    folder.mkdir(parents=True, exist_ok=True)
    global RUN_LOCK
    RUN_LOCK = open(folder / ".lock", "w")
    try:
        fcntl.flock(RUN_LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(
            f"hoag: run {RUN!r} is being worked on by another process; wait until it ends"
        )
    except OSError as error:
        print(
            f"hoag: this file system has no locks ({error}); don't start {RUN!r} twice"
        )


def print_summary():
    """The five lines that tell what came out, where this run wrote them."""
    summary = Path(RESULTS) / "summary.txt"
    if summary.is_file() and summary.stat().st_mtime > STARTED:
        print(summary.read_text(), end="")
        print(f"time      {time.time() - STARTED:.0f} s (this run of the workflow)")
