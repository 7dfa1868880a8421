"""How well neighbours predict the score, per feature space."""

from typing import Any

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import claim


def main(path: str, output: Any) -> None:
    keep(*claim.draw_neighbour_prediction(tables.read("neighbour_prediction", path)), output)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.input.table, snakemake.output)
