"""Run some trials of one experiment: rounds of questions to an oracle that knows the labels."""

import time
from typing import Any

import pandas as pd

from _experiment import read_setting
from _job import Progress, job
from hoag import tables
from hoag.active.rounds import Round


def main(
    paths_catalogue: list[str],
    paths_objects: list[str],
    path_trials: str,
    *,
    experiment: dict[str, Any],
    trials: list[int],
    seed: int,
    say: Progress,
) -> None:
    s = read_setting(paths_catalogue, paths_objects, experiment, say)
    started, n_rounds = time.monotonic(), len(trials) * (s.protocol.n_rounds + 1)
    done = 0

    def watch(r: Round) -> None:
        nonlocal done
        done += 1
        left = (time.monotonic() - started) / done * (n_rounds - done)
        say(f"trial {r.trial}, round {r.number} of {s.protocol.n_rounds}, {left:.0f} s left")

    tables.write("trials", pd.DataFrame(s.run(trials, seed, watch)), path_trials)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.catalogues),
            list(snakemake.input.objects),
            snakemake.output.trials,
            experiment=snakemake.params.experiment,
            trials=snakemake.params.trials,
            seed=snakemake.params.seed,
            say=say,
        )
