"""Fit a detector of vectors to a feature space of the fit batches."""

from typing import Any

import numpy as np
import pandas as pd

from _job import job
from hoag import registry, tables
from hoag.files import atomic


def main(paths_features: list[str], path_fit: str, *, plugin: dict[str, Any], seed: int) -> None:
    section = {"kind": plugin["kind"], **plugin["options"]}
    module, options = registry.plugin("detectors", section, "detectors")
    frame = pd.concat([tables.read("features", p) for p in paths_features])
    x = frame.drop(columns="object_id")
    names = {"names": list(x.columns)} if getattr(module, "NEEDS_NAMES", False) else {}
    state = module.fit(x.to_numpy(np.float32), options, seed, **names)
    with atomic(path_fit) as private:
        np.savez(private, **state)


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.features),
            snakemake.output.fit,
            plugin=snakemake.params.plugin,
            seed=snakemake.params.seed,
        )
