"""Experiments of several data sets side by side, round by round."""

from typing import Any

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import rounds


def main(paths_rounds: dict[str, str | None], output: Any, *, section: dict[str, Any]) -> None:
    found = {name: tables.read("rounds", p) if p else None for name, p in paths_rounds.items()}
    keep(*rounds.draw_datasets(found, **section), output)


if __name__ == "__main__":
    with job(snakemake):
        main(
            dict.fromkeys(snakemake.params.datasets)
            | dict(zip(snakemake.params.run_datasets, snakemake.input.rounds, strict=True)),
            snakemake.output,
            section=snakemake.params.section,
        )
