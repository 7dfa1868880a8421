"""One table of every object with every detector's score, the most anomalous first."""

from pathlib import Path

import pandas as pd

from _job import job
from hoag import tables
from hoag.scores import rank, score_name


def main(
    paths_scores: list[str],
    paths_catalogues: list[str],
    paths_manifests: list[str],
    path_parquet: str,
    path_csv: str,
    *,
    names: list[list[str]],
    batches: list[str],
    main: dict[str, str],
) -> None:
    scores = {
        score_name(space, detector): tables.read("scores", path)
        for path, (space, detector, _) in zip(paths_scores, names, strict=True)
    }
    catalogue = pd.concat(
        tables.read("catalogue", path).assign(batch=batch)
        for path, batch in zip(paths_catalogues, batches, strict=True)
    )
    manifest = None
    if paths_manifests:
        manifest = pd.concat(
            tables.read("manifest", path).assign(batch=Path(path).parent.name)
            for path in paths_manifests
        )
    ranked = rank(scores, catalogue, manifest, score_name(main["features"], main["detector"]))
    tables.write("ranked", ranked, path_parquet)
    tables.write("ranked", ranked, path_csv)


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.scores),
            list(snakemake.input.catalogues),
            list(snakemake.input.manifests),
            snakemake.output.parquet,
            snakemake.output.csv,
            names=snakemake.params.names,
            batches=snakemake.params.batches,
            main=snakemake.params.main,
        )
