"""What a map keeps of the neighbourhoods in its feature space."""

import numpy as np
import pandas as pd

from _job import job
from hoag import tables
from hoag.embeddings._plane import scaled
from hoag.planes import judge


def main(
    paths_features: list[str],
    path_embedding: str,
    path_table: str,
    *,
    metric: str,
    standardise: bool,
    seed: int,
) -> None:
    plane = tables.read("embedding", path_embedding).set_index("object_id")
    features = pd.concat(tables.read("features", p) for p in paths_features)
    x = features.set_index("object_id").loc[plane.index].to_numpy(np.float32)
    fitted = plane["fitted"].to_numpy(bool)
    if standardise and fitted.any():
        x = scaled(x, x[fitted])
    found = judge(x, plane[["x", "y"]].to_numpy(), fitted, seed=seed, metric=metric)
    tables.write("embedding_quality", found, path_table)


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.features),
            snakemake.input.embedding,
            snakemake.output.table,
            metric=snakemake.params.metric,
            standardise=snakemake.params.standardise,
            seed=snakemake.params.seed,
        )
