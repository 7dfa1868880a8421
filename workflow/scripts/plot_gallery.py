"""The 25 most and the 25 least anomalous objects of a detector, each with all scores."""

from typing import Any

import pandas as pd

from _job import job
from _pictures import Album, keep
from hoag import tables
from hoag.figures import galleries

N_IMAGES = 25


def main(
    path_scores: str,
    paths_catalogues: list[str],
    paths_images: list[str],
    output: Any,
    *,
    title: str,
) -> None:
    columns = ["object_id", "label"]
    objects = pd.concat(tables.read("catalogue", p, columns) for p in paths_catalogues)
    scores = tables.read("scores", path_scores).dropna(subset=["score"])
    album, sigma = Album(paths_images), scores["sigma"]
    scores = scores[scores["object_id"].isin(album.place.index)]
    table = scores.merge(objects, on="object_id", how="left")
    table = table.sort_values(["score", "object_id"], ascending=[False, True], ignore_index=True)
    table["rank"] = table.index + 1
    for end, word, shown in (
        ("top", "most", table.head(N_IMAGES)),
        ("bottom", "least", table.tail(N_IMAGES)[::-1]),
    ):
        heading = f"{title}: the {len(shown)} {word} anomalous"
        images, lines = album.images(shown["object_id"]), galleries.title_lines(shown)
        drawn = galleries.draw(images, lines, heading, numbers=shown, among=sigma)
        keep(*drawn, output, end)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.scores,
            list(snakemake.input.catalogues),
            list(snakemake.input.images),
            snakemake.output,
            title=snakemake.params.title,
        )
