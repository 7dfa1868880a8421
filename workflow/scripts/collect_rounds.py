"""Set the last rounds of several runs beside published numbers."""

from _job import job
from hoag import tables
from hoag.active.comparison import beside_published


def main(paths_rounds: dict[str, str | None], path_published: str | None, path_table: str) -> None:
    rounds = {name: tables.read("rounds", p) if p else None for name, p in paths_rounds.items()}
    published = tables.read("published", path_published) if path_published else None
    tables.write("collected", beside_published(rounds, published), path_table)


if __name__ == "__main__":
    with job(snakemake):
        main(
            dict.fromkeys(snakemake.params.datasets)
            | dict(zip(snakemake.params.run_datasets, snakemake.input.rounds, strict=True)),
            snakemake.input.get("published") or None,
            snakemake.output.table,
        )
