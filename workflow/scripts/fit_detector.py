"""Fit a detector of vectors to a feature space of the fit batches."""

from typing import Any

import numpy as np
import pandas as pd

from _job import job
from hoag import registry, tables
from hoag.files import atomic
from hoag.predicted import UNKNOWN, Predicted


def main(
    paths_features: list[str],
    path_space: str,
    path_fit: str,
    *,
    plugin: dict[str, Any],
    seed: int,
) -> None:
    section = {"kind": plugin["kind"], **plugin["options"]}
    module, options = registry.plugin("detectors", section, "detectors")
    frame = pd.concat([tables.read("features", p) for p in paths_features])
    x = frame.drop(columns="object_id")
    values, names = x.to_numpy(np.float32), list(x.columns)
    if module.TAKES == "predictions":
        with np.load(path_space, allow_pickle=False) as file:
            learned = pd.Series(file["trained_as"], index=file["trained_on"])
        classes = learned.reindex(frame["object_id"]).fillna(UNKNOWN).to_numpy(int)
        state = module.fit(Predicted.of(values, names), options, seed, classes=classes)
    elif getattr(module, "NEEDS_NAMES", False):
        state = module.fit(values, options, seed, names=names)
    else:
        state = module.fit(values, options, seed)
    with atomic(path_fit) as private:
        np.savez(private, **state)


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.features),
            snakemake.input.space,
            snakemake.output.fit,
            plugin=snakemake.params.plugin,
            seed=snakemake.params.seed,
        )
