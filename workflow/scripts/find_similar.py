"""Nearest and farthest neighbours of some objects, or more objects like all of them."""

from typing import Any

import numpy as np
import pandas as pd

from _job import job
from hoag import tables
from hoag.similarity import Found, build_index, more_like, neighbours


def main(
    paths_features: list[str], path_table: str, *, name: str, section: dict[str, Any], seed: int
) -> None:
    features = pd.concat(tables.read("features", p) for p in paths_features)
    index = build_index(
        features["object_id"].tolist(),
        features.drop(columns="object_id").to_numpy(np.float32),
        distance=section["distance"],
        standardise=section["standardise"],
        seed=seed,
    )
    objects, n = section["objects"], section["n"]
    if section["together"]:
        parts = [_rows(name, "nearest", more_like(index, objects, n, unlike=section["unlike"]))]
    else:
        ends = {"nearest": False, "farthest": True} if section["farthest"] else {"nearest": False}
        parts = [
            _rows(query, end, neighbours(index, query, n, farthest=far))
            for query in objects
            for end, far in ends.items()
        ]
    tables.write("similar", pd.concat(parts), path_table)


def _rows(query: str, end: str, found: Found) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "query": query,
            "end": end,
            "rank": np.arange(1, len(found.object_ids) + 1),
            "object_id": found.object_ids.astype(str),
            "distance": found.distances,
        }
    )


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.features),
            snakemake.output.table,
            name=snakemake.wildcards.search,
            section=snakemake.params.section,
            seed=snakemake.params.seed,
        )
