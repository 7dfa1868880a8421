"""Metrics of every detector in every feature space, as means over seeds."""

from typing import Any

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import performance


def main(path_metrics: str, output: Any, *, group: str) -> None:
    keep(*performance.draw_by_space(tables.read("metrics", path_metrics), group), output)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.input.metrics, snakemake.output, group=snakemake.wildcards.group)
