"""Train the Wasserstein GAN on the fit batches and check it for the failures it is known for."""

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
from hoag.models.wgan.checks import check
from hoag.models.wgan.training import train_wgan
from hoag.options import build


def main(
    paths_images: list[str],
    path_weights: str,
    path_description: str,
    path_history: str,
    path_checks: str,
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
    model.cpu()
    checks = check(model, store, store.object_ids)
    for row in checks[~checks["passed"]].itertuples():
        say.always(f"CHECK FAILED: {row.check} = {row.value:.3g}: {row.meaning}")
    save(
        path_weights,
        path_description,
        {"generator": model.generator, "critic": model.critic},
        options=chosen,
        shape=list(store.shape),
    )
    tables.write("history", pd.DataFrame(model.history), path_history)
    tables.write("checks", checks, path_checks)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.images),
            snakemake.output.weights,
            snakemake.output.description,
            snakemake.output.history,
            snakemake.output.checks,
            options=snakemake.params.options,
            seed=snakemake.params.seed,
            threads=snakemake.params.threads,
            code=snakemake.params.code,
            libraries=snakemake.params.libraries,
            say=say,
        )
