"""Turn the objects of one shard into feature vectors."""

from typing import Any

import numpy as np
import pandas as pd

from _job import Progress, job
from hoag import registry, tables
from hoag.images.views import open_view
from hoag.shards import take_shard
from hoag.traces.store import TraceStore

CHUNK = 512  # images or traces in memory at a time


def main(
    inputs: dict[str, list[str]],
    path_features: str,
    *,
    plugin: dict[str, Any],
    view: str,
    shard: int,
    n_shards: int,
    say: Progress,
) -> None:
    section = {"kind": plugin["kind"], **plugin["options"]}
    module, options = registry.plugin("features", section, "features")
    with np.load(inputs["fit"][0], allow_pickle=False) as file:
        state = dict(file)
    if view == "catalogue":
        objects = take_shard(tables.read("catalogue", inputs["catalogue"][0]), shard, n_shards)
        ids, values = objects["object_id"].to_numpy(), module.transform(objects, options, state)
    else:
        if "traces" in inputs:
            store = TraceStore(inputs["traces"])
        else:
            store = open_view(view, inputs["images"], inputs.get("reconstructions"))
        ids, parts = store.object_ids, []
        for some in store.slices(CHUNK):
            parts.append(module.transform(some, options, state))
            say(f"{sum(len(p) for p in parts)}/{len(store)} objects")
        names = module.names(options, state)
        values = np.concatenate(parts) if parts else np.empty((0, len(names)), np.float32)
    columns = dict(zip(module.names(options, state), values.T, strict=True))
    tables.write("features", pd.DataFrame({"object_id": ids, **columns}), path_features)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            {k: [v] if isinstance(v, str) else list(v) for k, v in snakemake.input.items()},
            snakemake.output.features,
            plugin=snakemake.params.plugin,
            view=snakemake.params.view,
            shard=snakemake.params.shard,
            n_shards=snakemake.params.n_shards,
            say=say,
        )
