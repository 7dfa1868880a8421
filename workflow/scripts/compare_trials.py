"""Put the trials of all experiments together: by round, by what was viewed, against each other."""

import pandas as pd

from _job import job
from hoag import tables
from hoag.active.comparison import by_round, in_pairs
from hoag.active.viewing import against_first, by_depth


def main(
    paths_trials: list[str],
    path_rounds: str,
    path_comparisons: str,
    path_viewed: str,
    path_viewed_pairs: str,
    *,
    experiments: list[str],
    seed: int,
) -> None:
    trials: dict[str, list[pd.DataFrame]] = {}
    for experiment, path in zip(experiments, paths_trials, strict=True):
        trials.setdefault(experiment, []).append(tables.read("trials", path))
    whole = {name: pd.concat(parts, ignore_index=True) for name, parts in trials.items()}
    tables.write("rounds", by_round(whole, seed=seed), path_rounds)
    tables.write("comparisons", in_pairs(whole, seed=seed), path_comparisons)
    tables.write("viewed", by_depth(whole, seed=seed), path_viewed)
    tables.write("viewed_pairs", against_first(whole, seed=seed), path_viewed_pairs)


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.trials),
            snakemake.output.rounds,
            snakemake.output.comparisons,
            snakemake.output.viewed,
            snakemake.output.viewed_pairs,
            experiments=snakemake.params.experiments,
            seed=snakemake.params.seed,
        )
