"""Entropies, logits and the local measure of one network; what all measures are worth."""

from typing import Any

import pandas as pd

from _job import job
from _pictures import Album, keep
from hoag import tables
from hoag.figures import galleries, uncertainty
from hoag.uncertainty.judging import SCORE, SIGMAS, main_variant

N_IMAGES = 30


def main(
    path_objects: str,
    path_uncertainty: str,
    paths_judged: list[str],
    path_explained: str,
    paths_images: list[str],
    output: Any,
    *,
    measure: str,
    classes: list[str],
) -> None:
    objects = tables.read("judged_objects", path_objects)
    objects = objects[objects["n_passes"] == objects["n_passes"].max()]
    keep(*uncertainty.draw_reliability(objects), output, "reliability")
    one, column = main_variant(objects), SCORE + measure
    one = one[(one["training"] == one["training"].min()) & (one["fold"] == one["fold"].min())]
    keep(*uncertainty.draw_objects(one, measure, classes), output, "objects")
    tested = one[one["role"].isin(["test", "outside"])]
    flagged = tested[tested[column] > SIGMAS].sort_values(column, ascending=False)
    shown = flagged.head(N_IMAGES)
    numbers = shown[["object_id", "label", "role", "entropy", column]].assign(
        sigma=shown[column], rank=range(1, len(shown) + 1)
    )
    heading = f"Above {SIGMAS:.0f} in {measure.replace('_', ' ')}: {len(flagged)} objects"
    images, titles = Album(paths_images).images(shown["object_id"]), galleries.title_lines(numbers)
    keep(*galleries.draw(images, titles, heading, numbers=numbers), output, "flagged")
    judged = main_variant(pd.concat([tables.read("judged", p) for p in paths_judged]))
    summary = main_variant(tables.read("uncertainty", path_uncertainty))
    keep(*uncertainty.draw_spread(judged, summary), output, "spread")
    keep(*uncertainty.draw_explained(tables.read("explained", path_explained)), output, "explained")


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.objects,
            snakemake.input.uncertainty,
            list(snakemake.input.judged),
            snakemake.input.explained,
            list(snakemake.input.images),
            snakemake.output,
            measure=snakemake.params.measure,
            classes=snakemake.params.classes,
        )
