"""ROC and precision-recall curves of every detector."""

from typing import Any

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import performance


def main(path_curves: str, output: Any, *, order: list[str], group: str) -> None:
    keep(*performance.draw_curves(tables.read("curve", path_curves), order, group), output)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.curves,
            snakemake.output,
            order=snakemake.params.order,
            group=snakemake.wildcards.group,
        )
