"""Small studies of the WGAN's score: lambda, where the search starts, how many steps it takes."""

from typing import Any

import numpy as np
import pandas as pd
import torch

from _job import Progress, job
from hoag import studies, tables
from hoag.detectors import wgan
from hoag.images.store import ImageStore
from hoag.models._layers import best_device
from hoag.models.wgan.trained import load_networks
from hoag.options import build
from hoag.seeds import generator


def main(
    paths_images: list[str],
    networks: tuple[tuple[str, str], tuple[str, str]],
    path_study: str,
    *,
    plugin: dict[str, Any],
    n_objects: int,
    seed: int,
    threads: int,
    say: Progress,
) -> None:
    torch.set_num_threads(threads)
    store = ImageStore(paths_images)
    options = build(wgan.Options, plugin["options"], "detector")
    trained = load_networks(*networks, device=best_device())
    chosen = generator(seed, "study").permutation(len(store))[:n_objects]
    images = store.read(np.sort(chosen))
    parts = []
    for name, study in (
        ("lambda", lambda: studies.scan_weights(images, options, trained, seed)),
        ("starts", lambda: studies.compare_starts(images, options, trained, seed)),
        ("steps", lambda: studies.follow_steps(images, options, trained, seed)),
    ):
        say(f"study of {name} on {len(images)} images")
        parts.append(study())
    tables.write("study", pd.concat(parts).assign(seed=seed), path_study)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.images),
            (
                (snakemake.input.wgan, snakemake.input.wgan_description),
                (snakemake.input.encoder, snakemake.input.encoder_description),
            ),
            snakemake.output.study,
            plugin=snakemake.params.plugin,
            n_objects=snakemake.params.n_objects,
            seed=snakemake.params.seed,
            threads=snakemake.params.threads,
            say=say,
        )
