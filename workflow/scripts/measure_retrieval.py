"""Does one example of a label find the others? Mean average precision in each feature space."""

import pandas as pd

from _job import Progress, job
from hoag import tables
from hoag.retrieval import from_one_example
from hoag.similarity import DISTANCES
from measure_claim import by_space


def main(
    paths_features: dict[tuple[str, int], list[str]],
    paths_catalogues: list[str],
    path_table: str,
    *,
    say: Progress,
) -> None:
    columns = ["object_id", "label"]
    objects = pd.concat(tables.read("catalogue", p, columns) for p in paths_catalogues)
    labels = objects.set_index("object_id")["label"]
    parts = []
    for (space, seed), paths in paths_features.items():
        codes = pd.concat(tables.read("features", p) for p in paths).set_index("object_id")
        known = labels.reindex(codes.index).to_numpy()
        for distance in DISTANCES:
            found = from_one_example(codes.to_numpy(), known, distance=distance, seed=seed)
            parts.append(found.assign(features=space, distance=distance, seed=seed))
        say(f"{space}, seed {seed}")
    tables.write("retrieval", pd.concat(parts), path_table)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            by_space(
                list(snakemake.input.features), snakemake.params.spaces, snakemake.params.seeds
            ),
            list(snakemake.input.catalogues),
            snakemake.output.table,
            say=say,
        )
