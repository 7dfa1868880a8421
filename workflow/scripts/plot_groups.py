"""Typical members of a map's groups: originals, reconstructions, residuals (Fig. 2c-e)."""

import json
from typing import Any

import numpy as np
import pandas as pd

from _job import job
from _pictures import Album, keep, residual
from hoag import tables
from hoag.figures import embedding as figures

N_GROUPS = 6


def main(
    path_groups: str, paths_images: list[str], paths_reconstructions: list[str], output: Any
) -> None:
    groups = _shown(tables.read("groups", path_groups), paths_images, paths_reconstructions)
    keep(*figures.draw_groups(groups), output)


def _shown(
    summary: pd.DataFrame, paths_images: list[str], paths_reconstructions: list[str]
) -> list[dict[str, Any]]:
    """The groups with the highest median score, with their typical members' pictures."""
    real = Album(paths_images)
    rebuilt = Album(paths_reconstructions) if paths_reconstructions else None
    shown = []
    grouped = summary[summary["group"] >= 0].sort_values("median_sigma", ascending=False)
    for row in grouped.head(N_GROUPS).itertuples():
        ids = [i for i in json.loads(row.typical_members) if i in real.place.index]
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
            snakemake.input.groups,
            list(snakemake.input.images),
            list(snakemake.input.reconstructions),
            snakemake.output,
        )
