"""Combine the ranks that several detectors give each object."""

from _job import job
from hoag import tables
from hoag.scores import aggregate, merge


def main(
    paths_scores: list[str], path_combined: str, *, how: str, reference_batches: list[str]
) -> None:
    combined = aggregate([tables.read("scores", path) for path in paths_scores], how)
    tables.write("scores", merge(combined, reference_batches), path_combined)


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.scores),
            snakemake.output.scores,
            how=snakemake.params.how,
            reference_batches=snakemake.params.reference_batches,
        )
