"""Samples of the WGAN's generator beside real images."""

from typing import Any

from _job import job
from _pictures import Album, keep
from hoag.figures import training
from hoag.models.wgan.checks import sample
from hoag.models.wgan.networks import load_wgan
from hoag.seeds import generator

N_SAMPLES = 32


def main(wgan: tuple[str, str], paths_images: list[str], output: Any, *, seed: int) -> None:
    drawer, _ = load_wgan(*wgan)
    made = sample(drawer, N_SAMPLES, seed)
    album = Album(paths_images)
    chosen = generator(seed, "real").permutation(len(album.store))[:N_SAMPLES]
    keep(*training.draw_samples(made, album.store.read(chosen)), output)


if __name__ == "__main__":
    with job(snakemake):
        main(
            (snakemake.input.weights, snakemake.input.description),
            list(snakemake.input.images),
            snakemake.output,
            seed=snakemake.params.seed,
        )
