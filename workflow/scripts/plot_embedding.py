"""A map of a feature space, coloured by score, by group and, where known, by label (Fig. 2a, b)."""

from typing import Any

import pandas as pd

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import embedding as figures


def main(
    path_embedding: str,
    path_quality: str,
    path_scores: str,
    paths_catalogues: list[str],
    output: Any,
    *,
    title: str,
    score: str,
) -> None:
    embedding = tables.read("embedding", path_embedding)
    scores = tables.read("scores", path_scores).set_index("object_id")["sigma"]
    columns = ["object_id", "label"]
    objects = pd.concat(tables.read("catalogue", p, columns) for p in paths_catalogues)
    labels = objects.set_index("object_id")["label"]
    sigma = scores.reindex(embedding["object_id"])
    labels = labels.reindex(embedding["object_id"]) if labels.notna().any() else None
    note = figures.stated(tables.read("embedding_quality", path_quality))
    keep(*figures.draw(embedding, sigma, labels, title, note, score=score), output)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.embedding,
            snakemake.input.quality,
            snakemake.input.scores[0],
            list(snakemake.input.catalogues),
            snakemake.output,
            title=snakemake.params.title,
            score=snakemake.params.score,
        )
