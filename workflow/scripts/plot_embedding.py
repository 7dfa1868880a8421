"""A map of a feature space, coloured by score and by group (Fig. 2a, b), with typical members of
each group (Fig. 2c-e)."""

from typing import Any

import numpy as np
import pandas as pd

from _job import job
from _pictures import Album, keep, residual
from hoag import tables
from hoag.figures import embedding as figures

N_GROUPS = 6


def main(
    path_embedding: str,
    path_groups: str,
    path_scores: str,
    paths_catalogues: list[str],
    paths_images: list[str],
    paths_reconstructions: list[str],
    output: Any,
    *,
    title: str,
) -> None:
    embedding = tables.read("embedding", path_embedding)
    scores = tables.read("scores", path_scores).set_index("object_id")["sigma"]
    columns = ["object_id", "label"]
    objects = pd.concat(tables.read("catalogue", p, columns) for p in paths_catalogues)
    labels = objects.set_index("object_id")["label"]
    sigma = scores.reindex(embedding["object_id"])
    labels = labels.reindex(embedding["object_id"]) if labels.notna().any() else None
    keep(*figures.draw(embedding, sigma, labels, title), output)
    if paths_images:
        groups = _shown(tables.read("groups", path_groups), paths_images, paths_reconstructions)
        keep(*figures.draw_groups(groups), output, "groups")


def _shown(
    summary: pd.DataFrame, paths_images: list[str], paths_reconstructions: list[str]
) -> list[dict[str, Any]]:
    """The groups with the highest median score, with their typical members' pictures."""
    real = Album(paths_images)
    rebuilt = Album(paths_reconstructions) if paths_reconstructions else None
    shown = []
    grouped = summary[summary["group"] >= 0].sort_values("median_sigma", ascending=False)
    for row in grouped.head(N_GROUPS).itertuples():
        ids = row.typical_members.split()
        before = real.images(ids)
        after = rebuilt.images(ids) if rebuilt else None
        note = ""
        if isinstance(row.commonest_label, str) and np.isfinite(row.share_of_commonest):
            note = f"{100 * row.share_of_commonest:.0f} % {row.commonest_label}"
        shown.append(
            {
                "group": row.group,
                "n": row.n_objects,
                "originals": before,
                "reconstructions": after,
                "residuals": None if after is None else residual(before, after),
                "median_sigma": row.median_sigma,
                "label_note": note,
            }
        )
    return shown


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.embedding,
            snakemake.input.groups,
            snakemake.input.scores[0],
            list(snakemake.input.catalogues),
            list(snakemake.input.images),
            list(snakemake.input.reconstructions),
            snakemake.output,
            title=snakemake.params.title,
        )
