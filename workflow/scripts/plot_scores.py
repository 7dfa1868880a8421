"""Histogram of a detector's scores in standard deviations."""

from typing import Any

import pandas as pd

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import scores as figures


def main(
    path_scores: str, paths_catalogues: list[str], output: Any, *, detector: str, threshold: float
) -> None:
    columns = ["object_id", "label"]
    objects = pd.concat(tables.read("catalogue", p, columns) for p in paths_catalogues)
    labels = objects.set_index("object_id")["label"]
    labels = labels if labels.notna().any() else None
    scores = tables.read("scores", path_scores)
    keep(*figures.draw_histogram(scores, labels, detector, threshold=threshold), output)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.scores,
            list(snakemake.input.catalogues),
            snakemake.output,
            detector=snakemake.params.title,
            threshold=snakemake.params.flag_above_sigma,
        )
