"""Writing under a private name: what a killed process leaves is cleared away by the next."""

import subprocess
import sys
from pathlib import Path

import pytest

from hoag.files import atomic

WORKFLOW = Path(__file__).parents[2] / "workflow"
KILLED = """
import os, signal, sys
sys.path.insert(0, {workflow!r})
import pytest

from hoag.files import atomic
with atomic({path!r}) as private:
    private.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_removed(tmp_path):
    path = tmp_path / "shard-000.parquet"
    program = KILLED.format(workflow=str(WORKFLOW), path=str(path))
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    [left] = tmp_path.iterdir()
    assert left.name.endswith(".part.parquet") and left.read_text() == "half"
    neighbour = tmp_path / ".shard-000.manifest.77.part.parquet"  # another output's
    neighbour.write_text("half")
    with atomic(path) as private:
        private.write_text("whole")
    assert {p.name for p in tmp_path.iterdir()} == {path.name, neighbour.name}
    assert path.read_text() == "whole"


def test_a_process_whose_file_was_removed_damages_nothing(tmp_path):
    """One that outlived its run fails, and the output stays the new run's."""
    path = tmp_path / "out.txt"
    path.write_text("new")
    orphan = atomic(path)
    private = orphan.__enter__()
    private.write_text("old")
    private.unlink()
    with pytest.raises(FileNotFoundError):
        orphan.__exit__(None, None, None)
    assert path.read_text() == "new"
