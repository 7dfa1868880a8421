"""Purity of the nearest neighbours, per label and feature space."""

from typing import Any

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import claim


def main(path: str, output: Any) -> None:
    keep(*claim.draw_purity(tables.read("purity", path)), output)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.input.table, snakemake.output)
