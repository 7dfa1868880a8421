"""Map the latent space of each recorded round onto the plane."""

import numpy as np
import pandas as pd

from _job import Progress, job
from hoag import registry, tables
from hoag.seeds import sequence

FIXED = ("round", "object_id", "class", "asked")


def main(path_latents: str, path_map: str, *, seed: int, say: Progress) -> None:
    umap, options = registry.plugin("embeddings", {"kind": "umap"}, "embeddings")
    parts = []
    for r, part in tables.read("latents", path_latents).groupby("round"):
        say(f"round {r}, {len(part)} objects")
        x = part.drop(columns=list(FIXED)).to_numpy(np.float32)
        xy = umap.embed(x, np.arange(len(x)), options, sequence(seed, "latents", int(r)))
        parts.append(part[list(FIXED)].assign(x=xy[:, 0], y=xy[:, 1]))
    tables.write("latent_map", pd.concat(parts, ignore_index=True), path_map)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(snakemake.input.latents, snakemake.output.map, seed=snakemake.params.seed, say=say)
