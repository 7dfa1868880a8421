"""Score one shard's images with the WGAN and keep their reconstructions."""

from typing import Any

import pandas as pd
import torch

from _job import Progress, job
from hoag import tables
from hoag.detectors import wgan
from hoag.images.store import ImageStore, ShardWriter
from hoag.models._layers import best_device
from hoag.models.wgan.trained import load_networks
from hoag.options import build


def main(
    path_images: str,
    networks: tuple[tuple[str, str], tuple[str, str]],
    path_scores: str,
    path_reconstructions: str,
    *,
    plugin: dict[str, Any],
    seed: int,
    threads: int,
    say: Progress,
) -> None:
    torch.set_num_threads(threads)
    store = ImageStore([path_images])
    options = build(wgan.Options, plugin["options"], "detector")
    trained = load_networks(*networks, device=best_device())
    parts = []
    with ShardWriter(path_reconstructions, {"kind": "image"}, shape=store.shape) as writer:
        for images in store.slices(options.batch_size):
            scored = wgan.score(images, options, trained, seed)
            start = sum(len(p) for p in parts)
            ids = store.object_ids[start : start + len(images)]
            for object_id, image, z in zip(ids, scored.reconstruction, scored.z, strict=True):
                writer.append(object_id, image, z=z)
            values = {name: getattr(scored, name) for name in ("score", *wgan.COMPONENTS)}
            parts.append(pd.DataFrame({"object_id": ids, **values}))
            say(f"{start + len(images)}/{len(store)} images scored")
    none = pd.DataFrame(columns=["object_id", "score", *wgan.COMPONENTS])
    tables.write("raw_scores", pd.concat(parts) if parts else none, path_scores)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            snakemake.input.images,
            (
                (snakemake.input.wgan, snakemake.input.wgan_description),
                (snakemake.input.encoder, snakemake.input.encoder_description),
            ),
            snakemake.output.scores,
            snakemake.output.reconstructions,
            plugin=snakemake.params.plugin,
            seed=snakemake.params.seed,
            threads=snakemake.params.threads,
            say=say,
        )
