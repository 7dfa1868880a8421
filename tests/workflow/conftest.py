"""A copy of the workflow in a folder of its own, in which Snakemake really runs.

Tests may edit that copy's code and configuration. One small run is made once and copied, with all
dates, for every test that asks what a change would do to it.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
import pytest
import yaml

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "rules", "workflow", "config", "envs", "profiles")


@dataclass(frozen=True)
class Finished:
    """How a run of Snakemake ended, with all that it said."""

    code: int
    said: str

    @property
    def jobs(self) -> Counter:
        """Rule -> number of jobs planned; empty where there is nothing to do."""
        table = self.said.partition("Job stats:")[2].partition("total")[0]
        counts = re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)
        return Counter({rule: int(n) for rule, n in counts if rule != "all"})

    @property
    def messages(self) -> set[str]:
        """What each planned or started job says that it does."""
        return set(re.findall(r"^Job \d+: (.*)$", self.said, re.MULTILINE))

    @property
    def nothing_to_do(self) -> bool:
        return self.code == 0 and "Nothing to be done" in self.said and not self.jobs


class Workspace:
    """A folder with the workflow's code, a configuration and whatever was run there."""

    def __init__(self, folder: Path, config: str) -> None:
        self.folder, self.config = folder, config

    def command(self, *arguments: str, cores: int = 2) -> list[str]:
        snakemake = [sys.executable, "-m", "snakemake", "--cores", str(cores)]
        return [*snakemake, *arguments, "--configfile", self.config]

    def run(self, *arguments: str, cores: int = 2) -> Finished:
        """Run Snakemake to its end."""
        return self.call(self.command(*arguments, cores=cores))

    def call(self, command: list[str]) -> Finished:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1800,
        )
        return Finished(done.returncode, done.stdout)

    def start(self, *arguments: str) -> psutil.Popen:
        """Start Snakemake, in a session of its own."""
        return psutil.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def plan(self, *arguments: str) -> Finished:
        """What would run."""
        done = self.run("-n", *arguments)
        assert done.code == 0, done.said
        return done

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text in a file of the workspace, once."""
        file = self.folder / path
        text = file.read_text()
        assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
        file.write_text(text.replace(old, new))

    def configure(self, **sections: object) -> None:
        """Replace top-level sections of the configuration; None removes one."""
        file = self.folder / self.config
        config = yaml.safe_load(file.read_text()) | sections
        config = {k: v for k, v in config.items() if v is not None}
        file.write_text(yaml.safe_dump(config, sort_keys=False))

    def tables(self, run: str = "small") -> dict[str, pd.DataFrame]:
        """Every table of scores, the ranked one, metrics and manifests, but for times."""
        results = self.folder / "results" / run
        found = {"ranked.parquet": results / "ranked.parquet"}
        for part in ("catalogue", "cutouts", "features", "scores"):
            found |= {str(p.relative_to(results)): p for p in (results / part).rglob("*.parquet")}
        tables = {name: pd.read_parquet(path) for name, path in sorted(found.items())}
        metrics = results / "tables" / "metrics.csv"
        tables |= {"metrics.csv": pd.read_csv(metrics)} if metrics.is_file() else {}
        return {k: t.drop(columns="fetched_at", errors="ignore") for k, t in tables.items()}


def _environment() -> dict[str, str]:
    """The user's environment, without what would turn Snakemake or Hoag."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("SNAKEMAKE_", "HOAG_"))}


def _build(folder: Path, config: str) -> Workspace:
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part)
        else:
            shutil.copy2(ROOT / part, folder / part)
    shutil.copy2(ROOT / "tests" / "data" / config, folder / config)
    return Workspace(folder, config)


@pytest.fixture
def build(tmp_path):
    """A function that makes a workspace for one of the configurations in tests/data."""
    return lambda config="small.yaml": _build(tmp_path / "workspace", config)


@dataclass(frozen=True)
class Undisturbed:
    """The small run, how it ended and how long it took (s)."""

    workspace: Workspace
    finished: Finished
    seconds: float


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The small run, made once; nobody may change it."""
    workspace = _build(tmp_path_factory.mktemp("undisturbed") / "workspace", "small.yaml")
    started = time.monotonic()
    finished = workspace.run()
    assert finished.code == 0, finished.said
    return Undisturbed(workspace, finished, time.monotonic() - started)


@pytest.fixture
def small(undisturbed, tmp_path):
    """A copy of the finished small run, to change at will."""
    folder = tmp_path / "small"
    shutil.copytree(undisturbed.workspace.folder, folder)  # keeps all dates
    return Workspace(folder, "small.yaml")
