"""Where on the sky the objects lie, and which of them have an image."""

from pathlib import Path
from typing import Any

import pandas as pd

from _job import Progress, job
from _pictures import keep
from hoag import tables
from hoag.figures import coverage


def main(
    paths_catalogues: list[str], paths_manifests: list[str], output: Any, *, say: Progress
) -> None:
    positions = ["object_id", "ra_deg", "dec_deg"]
    catalogue = pd.concat(
        tables.read("catalogue", path, positions).assign(batch=Path(path).stem)
        for path in paths_catalogues
    )
    manifest = pd.concat(
        tables.read("manifest", path, ["object_id", "status"]).assign(batch=Path(path).parent.name)
        for path in paths_manifests
    )
    objects = catalogue.merge(manifest, on=["object_id", "batch"])
    figure, counts = coverage.draw(objects)
    for row in counts.itertuples():
        say.always(f"{row.batch}: {row.n_objects} {row.status} ({100 * row.share:.1f} %)")
    keep(figure, counts, output)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.catalogues),
            list(snakemake.input.manifests),
            snakemake.output,
            say=say,
        )
