"""Put the shards' scores together and state sigma and percentile against the reference batches."""

import pandas as pd

from _job import job
from hoag import tables
from hoag.scores import merge


def main(
    paths_scores: list[str], path_merged: str, *, batches: list[str], reference_batches: list[str]
) -> None:
    parts = [
        tables.read("raw_scores", path).assign(batch=batch)
        for path, batch in zip(paths_scores, batches, strict=True)
    ]
    tables.write("scores", merge(pd.concat(parts), reference_batches), path_merged)


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.scores),
            snakemake.output.scores,
            batches=snakemake.params.batches,
            reference_batches=snakemake.params.reference_batches,
        )
