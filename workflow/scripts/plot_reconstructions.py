"""Original, reconstruction and residual of ordinary, odd and very odd objects (Fig. 1)."""

from typing import Any

from _job import job
from _pictures import Album, keep, residual
from hoag import tables
from hoag.figures import reconstructions
from hoag.seeds import generator

RANGES = (("below the mean", -10.0, 0.0), ("around 3 sigma", 2.5, 3.5), ("above 5 sigma", 5.0, 1e9))
N_COLUMNS = 5


def main(
    paths_images: list[str],
    paths_reconstructions: list[str],
    path_scores: str,
    output: Any,
    *,
    detector: str,
    seed: int,
) -> None:
    scores = tables.read("scores", path_scores)
    real, rebuilt = Album(paths_images), Album(paths_reconstructions)
    panels = []
    for title, low, high in RANGES:
        within = scores[(scores["sigma"] > low) & (scores["sigma"] < high)]
        order = generator(seed, "panel", title).permutation(len(within))[:N_COLUMNS]
        chosen = within.iloc[order].sort_values("sigma")
        before, after = (a.images(chosen["object_id"]) for a in (real, rebuilt))
        panels.append((title, before, after, residual(before, after), chosen["sigma"].to_numpy()))
    keep(*reconstructions.draw(panels, f"score of {detector}"), output)


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.images),
            list(snakemake.input.reconstructions),
            snakemake.input.scores,
            snakemake.output,
            detector=snakemake.wildcards.detector,
            seed=snakemake.params.seed,
        )
