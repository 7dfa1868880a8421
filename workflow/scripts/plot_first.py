"""What each detector finds first, side by side."""

from typing import Any

import pandas as pd

from _job import job
from _pictures import Album, keep
from hoag import tables
from hoag.figures import galleries
from hoag.figures._style import series_name


def main(
    paths_scores: list[str],
    paths_catalogues: list[str],
    paths_images: list[str],
    output: Any,
    *,
    names: list[list[Any]],
) -> None:
    columns = ["object_id", "label"]
    objects = pd.concat(tables.read("catalogue", p, columns) for p in paths_catalogues)
    album, strips = Album(paths_images), []
    for path, (space, detector, _) in zip(paths_scores, names, strict=True):
        scores = tables.read("scores", path).dropna(subset=["score"])
        scores = scores[scores["object_id"].isin(album.place.index)]
        scores = scores.sort_values(["score", "object_id"], ascending=[False, True])
        shown = scores.head(galleries.FIRST).merge(objects, on="object_id", how="left")
        shown["rank"] = range(1, len(shown) + 1)
        strips.append((series_name(space, detector), shown, album.images(shown["object_id"])))
    keep(*galleries.draw_first(strips, "What each detector finds first"), output)


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.scores),
            list(snakemake.input.catalogues),
            list(snakemake.input.images),
            snakemake.output,
            names=snakemake.params.names,
        )
