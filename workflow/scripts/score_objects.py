"""Score the feature vectors of one shard."""

from typing import Any

import numpy as np
import pandas as pd

from _job import job
from hoag import registry, tables
from hoag.predicted import Predicted


def main(path_features: str, path_fit: str, path_scores: str, *, plugin: dict[str, Any]) -> None:
    section = {"kind": plugin["kind"], **plugin["options"]}
    module, options = registry.plugin("detectors", section, "detectors")
    with np.load(path_fit, allow_pickle=False) as file:
        state = dict(file)
    frame = tables.read("features", path_features)
    columns = frame.drop(columns="object_id")
    x = columns.to_numpy(np.float32)
    if module.TAKES == "predictions":
        x = Predicted.of(x, list(columns))
    score = module.score(x, options, state) if len(x) else np.empty(0)
    tables.write(
        "raw_scores", pd.DataFrame({"object_id": frame["object_id"], "score": score}), path_scores
    )


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.features,
            snakemake.input.fit,
            snakemake.output.scores,
            plugin=snakemake.params.plugin,
        )
