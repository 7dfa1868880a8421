"""Map a feature space onto the plane and find groups in it."""

from typing import Any

import numpy as np
import pandas as pd

from _job import Progress, job
from hoag import registry, tables
from hoag.groups import find_groups, summarise, typical_members
from hoag.seeds import generator

N_TYPICAL = 5


def main(
    paths_features: list[str],
    path_scores: str,
    paths_catalogues: list[str],
    path_embedding: str,
    path_groups: str,
    *,
    plugin: dict[str, Any],
    keys: dict[str, Any],
    flag_above_sigma: float,
    fit_batches: list[str],
    seed: int,
    say: Progress,
) -> None:
    section = {"kind": plugin["kind"], **plugin["options"]}
    module, options = registry.plugin("embeddings", section, "embeddings")
    scores = tables.read("scores", path_scores).set_index("object_id")
    features = pd.concat(tables.read("features", p) for p in paths_features)
    features = features.dropna().set_index("object_id")
    if keys["objects"] == "flagged":
        flagged = scores.index[scores["sigma"] > flag_above_sigma]
        features = features[features.index.isin(flagged)]
    x = features.to_numpy(np.float32)
    may_fit = scores["batch"].reindex(features.index).isin(fit_batches).to_numpy()
    drawn = generator(seed, "embedding").permutation(np.flatnonzero(may_fit))
    fit_rows = np.sort(drawn[: keys["max_fit"]])
    say(f"{len(x)} objects, the map is fitted on {len(fit_rows)}")
    xy = module.embed(x, fit_rows, options, seed) if len(fit_rows) else np.full((len(x), 2), np.nan)
    group = find_groups(xy, min_size=keys["min_group"], seed=seed)
    fitted, typical = np.zeros((2, len(x)), bool)
    fitted[fit_rows] = np.isfinite(xy[fit_rows]).all(axis=1)
    typical[typical_members(xy, group, N_TYPICAL)] = True
    embedding = pd.DataFrame(
        {"object_id": features.index, "x": xy[:, 0], "y": xy[:, 1], "fitted": fitted,
         "group": group, "typical": typical}
    )  # fmt: skip
    columns = ["object_id", "label"]
    labels = pd.concat(tables.read("catalogue", p, columns) for p in paths_catalogues)
    labels = labels.set_index("object_id")["label"].reindex(features.index)
    sigma = scores["sigma"].reindex(features.index)
    summary = summarise(
        features.index.to_numpy(), group, sigma.to_numpy(), labels.to_numpy(), xy, N_TYPICAL
    )
    tables.write("embedding", embedding, path_embedding)
    tables.write("groups", summary, path_groups)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.features),
            snakemake.input.scores[0],
            list(snakemake.input.catalogues),
            snakemake.output.embedding,
            snakemake.output.groups,
            plugin=snakemake.params.plugin,
            keys=snakemake.params.section,
            flag_above_sigma=snakemake.params.flag_above_sigma,
            fit_batches=snakemake.params.fit_batches,
            seed=snakemake.params.seed,
            say=say,
        )
