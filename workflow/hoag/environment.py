"""What the machine has, and environment variables that the jobs of a run inherit."""

import os
from pathlib import Path


def has_gpu() -> bool:
    """Is there an NVIDIA GPU in this machine? Asked while planning, so without torch."""
    return Path("/dev/nvidiactl").exists()


def prepare_jobs() -> None:
    """Set them, in the process that plans the run or a part of it."""
    # Threads that wait for one another sleep instead of spinning: on a machine that other jobs
    # use too, training is several times faster.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # glibc keeps large blocks instead of handing them back to the kernel, which would fill each new
    # one with zeros, page by page: the steps of a training take half the time.
    for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
        os.environ.setdefault(name, str(2**30))
    # Jobs end when this process does, however it ends (see workflow/scripts/_job.py).
    os.environ["HOAG_PID"] = str(os.getpid())
