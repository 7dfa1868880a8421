"""Run the first trial of an experiment once more and keep its latent space in some rounds."""

from typing import Any

import pandas as pd

from _experiment import read_setting
from _job import Progress, job
from hoag import tables
from hoag.active.rounds import Round

TRIAL = 0


def main(
    paths_catalogue: list[str],
    paths_objects: list[str],
    path_latents: str,
    *,
    experiment: dict[str, Any],
    rounds: list[int],
    seed: int,
    say: Progress,
) -> None:
    s = read_setting(paths_catalogue, paths_objects, experiment, say)
    parts: list[pd.DataFrame] = []

    def watch(r: Round) -> None:
        say(f"round {r.number} of {s.protocol.n_rounds}")
        if r.number in rounds:
            latent = r.predictions.latent
            part = pd.DataFrame(latent, columns=[f"latent_{i}" for i in range(latent.shape[1])])
            ids = s.object_ids[r.rows]
            head = {"round": r.number, "object_id": ids, "class": r.classes, "asked": r.asked}
            parts.append(pd.concat([pd.DataFrame(head), part], axis=1))

    s.run([TRIAL], seed, watch)
    tables.write("latents", pd.concat(parts, ignore_index=True), path_latents)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.catalogues),
            list(snakemake.input.objects),
            snakemake.output.latents,
            experiment=snakemake.params.experiment,
            rounds=snakemake.params.rounds,
            seed=snakemake.params.seed,
            say=say,
        )
