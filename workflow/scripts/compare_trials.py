"""Put the trials of all experiments together: by round, by what was viewed, against each other."""

import pandas as pd

from _job import Progress, job
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
    say: Progress,
) -> None:
    trials: dict[str, list[pd.DataFrame]] = {}
    for experiment, path in zip(experiments, paths_trials, strict=True):
        trials.setdefault(experiment, []).append(tables.read("trials", path))
    whole = {name: pd.concat(parts, ignore_index=True) for name, parts in trials.items()}
    tables.write("rounds", by_round(whole, seed=seed), path_rounds)
    tables.write("comparisons", in_pairs(whole, seed=seed), path_comparisons)
    tables.write("viewed", by_depth(whole, seed=seed), path_viewed)
    pairs = against_first(whole, seed=seed)
    tables.write("viewed_pairs", pairs, path_viewed_pairs)
    first, *others = whole
    if alone := [name for name in others if name not in set(pairs["experiment"])]:
        say.always(f"no trial of {', '.join(alone)} has the objects of {first}: not compared")


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.trials),
            snakemake.output.rounds,
            snakemake.output.comparisons,
            snakemake.output.viewed,
            snakemake.output.viewed_pairs,
            experiments=snakemake.params.experiments,
            seed=snakemake.params.seed,
            say=say,
        )
