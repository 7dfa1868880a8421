"""What an autoencoder makes of images: reconstructions, their residuals, and their light."""

from typing import Any

import numpy as np

from _job import job
from _networks import read_known
from _pictures import keep, residual
from hoag.features._images import as_unit
from hoag.figures import profiles, reconstructions
from hoag.images.photometry import measure
from hoag.models._trained import to_bytes

N_COLUMNS = 5
PANELS = (("smallest errors", 0.0), ("middle errors", 0.5), ("largest errors", 1.0))


def main(
    path_fit: str,
    paths_images: list[str],
    paths_catalogue: list[str],
    output: Any,
    *,
    plugin: dict[str, Any],
    columns: list[str],
    name: str,
    seed: int,
) -> None:
    known = read_known(
        path_fit, paths_images, paths_catalogue, plugin=plugin, columns=columns, seed=seed
    )
    rebuilt = known.network.reconstruct(known.images, **known.extra)
    error = np.square(rebuilt - as_unit(known.images)).mean(axis=(1, 2, 3))
    sigma = (error - error.mean()) / (error.std() or 1.0)
    order, shown = np.argsort(sigma, kind="stable"), to_bytes(rebuilt)
    panels = []
    for title, place in PANELS:
        start = round(place * max(0, len(order) - N_COLUMNS))
        rows = order[start : start + N_COLUMNS]
        before, after = known.images[rows], shown[rows]
        panels.append((title, before, after, residual(before, after), sigma[rows]))
    keep(*reconstructions.draw(panels, f"reconstruction error of {name}"), output)
    light = measure(as_unit(known.images)), measure(rebuilt)
    keep(*profiles.draw(*light), output, "profiles")


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.fit,
            list(snakemake.input.images),
            list(snakemake.input.catalogues),
            snakemake.output,
            plugin=snakemake.params.plugin,
            columns=snakemake.params.columns,
            name=snakemake.wildcards.features,
            seed=snakemake.params.seed,
        )
