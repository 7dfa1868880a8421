"""Train the Wasserstein GAN on the fit batches."""

from pathlib import Path
from typing import Any

import pandas as pd

from _job import Progress, job
from hoag import tables
from hoag.digests import digest
from hoag.images.store import ImageStore
from hoag.models._saving import save
from hoag.models._training import Schedule
from hoag.models.wgan import Options
from hoag.models.wgan.training import train_wgan
from hoag.options import build


def main(
    paths_images: list[str],
    path_weights: str,
    path_description: str,
    path_history: str,
    *,
    options: dict[str, Any],
    seed: int,
    threads: int,
    code: str,
    libraries: dict[str, str],
    say: Progress,
) -> None:
    store = ImageStore(paths_images)
    chosen = build(Options, options, "models.wgan")
    identity = digest("wgan", options, seed, threads, code, libraries, store.digest)
    schedule = Schedule(
        iterations=chosen.iterations,
        checkpoint_every=chosen.checkpoint_every,
        checkpoint=Path("resources/checkpoints") / identity / "last.ckpt",
        threads=threads,
        seed=seed,
    )
    model = train_wgan(store, store.object_ids, store.shape, chosen, schedule, say)
    save(
        path_weights,
        path_description,
        {"generator": model.generator, "critic": model.critic},
        options=chosen,
        shape=list(store.shape),
    )
    tables.write("history", pd.DataFrame(model.history), path_history)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.images),
            snakemake.output.weights,
            snakemake.output.description,
            snakemake.output.history,
            options=snakemake.params.options,
            seed=snakemake.params.seed,
            threads=snakemake.params.threads,
            code=snakemake.params.code,
            libraries=snakemake.params.libraries,
            say=say,
        )
