"""One metric of every detector, kind by kind."""

from typing import Any

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import performance


def main(path_metrics: str, output: Any, *, metric: str, faults: list[str]) -> None:
    metrics = tables.read("metrics", path_metrics)
    keep(*performance.draw_by_kind(metrics, metric, faults=faults), output)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.metrics,
            snakemake.output,
            metric=snakemake.wildcards.metric,
            faults=snakemake.params.faults,
        )
