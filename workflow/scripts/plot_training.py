"""Training curves of every network, and samples of the generator beside real images."""

from typing import Any

import numpy as np
import pandas as pd

from _job import job
from _pictures import Album, keep
from hoag import tables
from hoag.figures import training
from hoag.models.wgan.checks import sample
from hoag.models.wgan.networks import load_wgan
from hoag.seeds import generator

N_SAMPLES = 32
HISTORY = ["iteration", "loss", "validation_loss", "validation_accuracy"]  # of a feature space
MEANINGS = {
    "critic_distance": "critic's distance between real and generated images",
    "gradient_penalty": "gradient penalty",
    "generator_loss": "generator's loss",
    "loss": "loss",
    "validation_loss": "loss in validation",
    "validation_accuracy": "accuracy in validation",
    "s_gen": "pixel part of the score",
    "s_disc": "critic's part of the score",
}


def main(
    histories: dict[str, str],
    fits: dict[str, str],
    wgan: tuple[str, str],
    paths_images: list[str],
    output: Any,
    *,
    seed: int,
) -> None:
    curves = {name: tables.read("history", path) for name, path in histories.items()}
    for name, path in fits.items():
        with np.load(path, allow_pickle=False) as state:
            values = state["history"]
        rows = pd.DataFrame(values, columns=HISTORY[: values.shape[1]])
        curves[name] = rows.astype({"iteration": "int64"})
    keep(*training.draw_history(curves, MEANINGS), output)
    drawer, _ = load_wgan(*wgan)
    made = sample(drawer, N_SAMPLES, seed)
    album = Album(paths_images)
    chosen = generator(seed, "real").permutation(len(album.store))[:N_SAMPLES]
    keep(*training.draw_samples(made, album.store.read(chosen)), output, "samples")


if __name__ == "__main__":
    with job(snakemake):
        main(
            dict(zip(("wgan", "encoder"), snakemake.input.histories, strict=True)),
            dict(zip(snakemake.params.trained, snakemake.input.fits, strict=True)),
            (snakemake.input.weights, snakemake.input.description),
            list(snakemake.input.images),
            snakemake.output,
            seed=snakemake.params.seed,
        )
