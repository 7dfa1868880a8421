"""The configuration of a collection: figures and tables over the runs of several data sets."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hoag.options import ConfigError
from hoag.schema import check_schema

SCHEMA = Path(__file__).parents[2] / "config" / "schemas" / "collection.schema.yaml"


@dataclass(frozen=True)
class Collection:
    """All that the rules need to know.

    Attributes
    ----------
    run
        Name of the collection.
    rounds
        Data set -> table ``rounds`` of its run; None where there is no such run.
    published
        CSV of published numbers, or None.
    figures
        Name -> title, experiments, quantities.
    """

    run: str
    rounds: dict[str, str | None]
    published: str | None
    figures: dict[str, dict[str, Any]]


def make_collection(config: Mapping[str, Any]) -> Collection:
    """Check a collection's configuration and find its runs.

    Raises
    ------
    ConfigError
        For the first fault found; if none of the runs is there.
    """
    checked = check_schema(config, SCHEMA)
    collect = checked["collect"]
    if checked["run"] in collect["runs"].values():
        raise ConfigError(f"run: found {checked['run']!r}, allowed: a name that no run has")
    rounds = {}
    for name, run in collect["runs"].items():
        path = Path("results", run, "tables", "rounds.parquet")
        rounds[name] = str(path) if path.is_file() else None
    if not any(rounds.values()):
        runs = ", ".join(collect["runs"].values())
        raise ConfigError(f"collect.runs: found no rounds of {runs}, allowed: runs made before")
    published = collect["published"]
    if published is not None and not Path(published).is_file():
        raise ConfigError(f"collect.published: found no file {published!r}")
    return Collection(checked["run"], rounds, published, collect["figures"])
