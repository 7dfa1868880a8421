"""Anomalies found against objects viewed, of every experiment."""

from typing import Any

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import viewed


def main(path_viewed: str, output: Any, *, spaces: dict[str, str]) -> None:
    keep(*viewed.draw(tables.read("viewed", path_viewed), spaces), output)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.input.viewed, snakemake.output, spaces=snakemake.params.spaces)
