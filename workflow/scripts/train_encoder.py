"""Train the encoder that starts the search for an image's latent vector."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from _job import Progress, job
from hoag import tables
from hoag.digests import digest
from hoag.images.store import ImageStore
from hoag.models._saving import save, weights_digest
from hoag.models._training import Schedule, train
from hoag.models.encoder import Options
from hoag.models.encoder.training import EncoderTraining
from hoag.models.wgan.networks import load_wgan
from hoag.options import build


def main(
    paths_images: list[str],
    path_wgan: str,
    path_wgan_description: str,
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
    generator, critic = load_wgan(path_wgan, path_wgan_description)
    chosen = build(Options, options, "models.encoder")
    trained_on = (store.digest, weights_digest(path_wgan))
    identity = digest("encoder", options, seed, threads, code, libraries, trained_on)
    schedule = Schedule(
        iterations=chosen.iterations,
        checkpoint_every=chosen.checkpoint_every,
        checkpoint=Path("resources/checkpoints") / identity / "last.ckpt",
        threads=threads,
        seed=seed,
    )
    model = EncoderTraining(chosen, generator, critic, store.shape, seed)
    train(model, store, np.arange(len(store)), chosen.batch_size, schedule, say)
    facts = {"shape": list(store.shape), "n_latent": generator.n_latent}
    save(path_weights, path_description, {"encoder": model.encoder}, options=chosen, **facts)
    tables.write("history", pd.DataFrame(model.history), path_history)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.images),
            snakemake.input.weights,
            snakemake.input.description,
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
