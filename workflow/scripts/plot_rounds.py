"""MCC and AUC per round, and anomalies found, of every experiment."""

from typing import Any

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import rounds


def main(path_rounds: str, output: Any) -> None:
    keep(*rounds.draw_rounds(tables.read("rounds", path_rounds)), output)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.input.rounds, snakemake.output)
