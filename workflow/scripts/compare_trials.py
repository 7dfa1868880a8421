"""Put the trials of all experiments together: by round, and each against each."""

import pandas as pd

from _job import job
from hoag import tables
from hoag.active.comparison import by_round, in_pairs


def main(
    paths_trials: list[str],
    path_rounds: str,
    path_comparisons: str,
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


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.trials),
            snakemake.output.rounds,
            snakemake.output.comparisons,
            experiments=snakemake.params.experiments,
            seed=snakemake.params.seed,
        )
