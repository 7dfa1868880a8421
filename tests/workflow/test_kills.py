"""SIGKILL at any moment, then the same command again: the tables of an undisturbed run."""

import contextlib
import fcntl
import random
import time

import pandas as pd
import psutil
import pytest

pytestmark = pytest.mark.workflow

SOON = 5.0  # seconds in which a job ends that has begun its work
IMPORTED = 20.0  # one that still imports (torch, on a busy machine) has written nothing yet


def assert_same_tables(workspace, undisturbed):
    found, expected = workspace.tables(), undisturbed.workspace.tables()
    assert set(found) == set(expected)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(found[name], table, check_exact=True, obj=name)


def jobs_of(main):
    """The processes of a run's jobs."""
    try:
        return main.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def wait_until(condition, main, seconds=600.0):
    """True as soon as the condition holds; False if the process ended before that."""
    deadline = time.monotonic() + seconds
    while main.poll() is None:
        if condition():
            return True
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.01)
    return False


def kill_only(main, within=IMPORTED):
    """Kill the main process alone; its jobs must end by themselves. Returns how many there were."""
    jobs = jobs_of(main)
    main.kill()
    main.wait()
    _, left = psutil.wait_procs(jobs, timeout=within)
    alive = [p for p in left if not has_ended(p)]
    assert not alive, [p.pid for p in alive]
    return len(jobs)


def has_ended(process):
    """Also while init has not asked for its exit status yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def finish(workspace, undisturbed):
    """The same command again: it goes on and ends, with nothing left over."""
    done = workspace.run("ranking")
    assert done.code == 0, done.said
    assert_same_tables(workspace, undisturbed)
    assert not list((workspace.folder / "results").rglob("*.part*"))
    assert workspace.run("ranking").nothing_to_do


def test_killed_main_process(undisturbed, build):
    workspace, rng, n_jobs = build(), random.Random(5), 0
    main = workspace.start("ranking")  # killed while its first job is still importing
    assert wait_until(lambda: jobs_of(main), main)
    n_jobs += kill_only(main)

    log = workspace.folder / "results/small/logs/train_wgan/seed-1.log"
    weights = workspace.folder / "results/small/models/wgan/seed-1/weights.safetensors"
    main = workspace.start("ranking")  # killed in the middle of the training
    assert wait_until(lambda: log.exists() and "4/40 " in log.read_text(), main)
    n_jobs += kill_only(main, within=SOON)
    assert not weights.exists()

    main = workspace.start("ranking")
    assert wait_until(weights.exists, main)
    assert "goes on from" in log.read_text()
    for _ in range(3):  # killed at random moments
        with contextlib.suppress(psutil.TimeoutExpired):
            main.wait(rng.uniform(0, 8))
        n_jobs += kill_only(main) if main.poll() is None else 0
        main = workspace.start("ranking")
    kill_only(main)
    assert n_jobs >= 3
    finish(workspace, undisturbed)


def test_killed_jobs(undisturbed, build):
    workspace, rng = build(), random.Random(6)
    for _ in range(3):
        main = workspace.start("ranking")
        assert wait_until(lambda main=main: jobs_of(main), main)
        time.sleep(rng.uniform(0, 6))
        while main.poll() is None and not jobs_of(main):
            time.sleep(0.01)
        for job in jobs_of(main):
            with contextlib.suppress(psutil.NoSuchProcess):
                job.kill()
        assert main.wait(60) != 0
    finish(workspace, undisturbed)


def is_held(path):
    """Whether some process holds the lock of a run."""
    if not path.exists():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_second_process_on_the_same_run_stops(small):
    force = ("--forcerun", "embed_objects")
    main = small.start(*force)
    lock = small.folder / "results" / "small" / ".lock"
    assert wait_until(lambda: is_held(lock), main)
    second = small.run(*force)
    assert second.code != 0 and "Traceback" not in second.said
    said = [line for line in second.said.splitlines() if line.startswith("hoag:")]
    assert said == ["hoag: run 'small' is being worked on by another process; wait until it ends"]
    assert main.wait(120) == 0
    assert small.plan().nothing_to_do
