"""How well is the score predicted from an object's neighbours in each feature space?

The claim of Storey-Fisher et al. 2020, section 4.1, as a number: residual codes against image
codes, and, since a residual's size is most of the score, codes of residuals of unit norm and the
norm alone beside them.
"""

import numpy as np
import pandas as pd

from _job import Progress, job
from hoag import tables
from hoag.statistics import neighbour_prediction


def main(
    paths_features: dict[tuple[str, int], list[str]],
    paths_scores: dict[int, str],
    path_table: str,
    *,
    detector: str,
    say: Progress,
) -> None:
    found = []
    for seed, path in paths_scores.items():
        scores = tables.read("scores", path).set_index("object_id")["score"]
        codes = {
            space: pd.concat(tables.read("features", p) for p in paths)
            .set_index("object_id")
            .reindex(scores.index)
            .to_numpy()
            for (space, of_seed), paths in paths_features.items()
            if of_seed == seed
        }
        for space, x in codes.items():
            n_lost = int((~np.isfinite(x).all(axis=1)).sum())
            if n_lost:
                say.always(f"{space}, seed {seed}: {n_lost} objects left out for want of a value")
        table = neighbour_prediction(codes, scores.to_numpy(), seed=seed)
        for row in table.itertuples():
            say.always(
                f"{row.features}, seed {seed}: "
                f"Spearman {row.spearman:.3f} ({row.n_objects} objects)"
            )
        found.append(table.assign(detector=detector, seed=seed))
    tables.write("neighbour_prediction", pd.concat(found), path_table)


def by_space(
    paths: list[str], spaces: list[str], seeds: list[int]
) -> dict[tuple[str, int], list[str]]:
    """Sort the shards' paths, which stand space by space and seed by seed."""
    keys = [(space, seed) for space in spaces for seed in seeds]
    n = len(paths) // len(keys)
    return {key: paths[i * n : (i + 1) * n] for i, key in enumerate(keys)}


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            by_space(
                list(snakemake.input.features), snakemake.params.spaces, snakemake.params.seeds
            ),
            dict(zip(snakemake.params.seeds, snakemake.input.scores, strict=True)),
            snakemake.output.table,
            detector=snakemake.params.detector,
            say=say,
        )
