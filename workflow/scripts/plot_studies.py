"""Lambda, start and number of steps of the WGAN's score."""

from typing import Any

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import studies


def main(path: str, output: Any) -> None:
    keep(*studies.draw(tables.read("study", path)), output)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.input.study, snakemake.output)
