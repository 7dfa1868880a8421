"""Turn the objects of one shard into feature vectors, and say of whom some are missing and why."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from _columns import values_of
from _job import Progress, job
from _spaces import join
from hoag import registry, tables
from hoag.features._measure import measure_all, missing
from hoag.images.views import open_view
from hoag.shards import take_shard
from hoag.traces.store import TraceStore

CHUNK = 512  # images or traces in memory at a time
SLOW_CHUNK = 32  # of those that several processes measure


def main(
    inputs: dict[str, list[str]],
    path_features: str,
    path_failures: str,
    *,
    plugin: dict[str, Any],
    view: str,
    columns: list[str],
    shard: int,
    n_shards: int,
    processes: int,
    say: Progress,
) -> None:
    section = {"kind": plugin["kind"], **plugin["options"]}
    module, options = registry.plugin("features", section, "features")
    with np.load(inputs["fit"][0], allow_pickle=False) as file:
        state = dict(file)
    names = module.names(options, state)
    if view in ("catalogue", "features"):
        if view == "catalogue":
            table = take_shard(tables.read("catalogue", inputs["catalogue"][0]), shard, n_shards)
        else:
            table = join(inputs)
        ids, values = table["object_id"].to_numpy(), module.transform(table, options, state)
        failed = np.flatnonzero(np.isnan(values).any(axis=1))
        reasons = missing(values[failed], names)
    else:
        if "traces" in inputs:
            store = TraceStore(inputs["traces"])
        else:
            store = open_view(view, inputs["images"], inputs.get("reconstructions"))
        ids, parts, reasons = store.object_ids, [np.empty((0, len(names)), np.float32)], []
        handed = values_of(columns, ids, inputs["catalogue"]) if columns else None
        size = SLOW_CHUNK if processes > 1 else CHUNK
        some = (
            (part, {} if handed is None else {"columns": handed[start : start + size]})
            for start, part in zip(range(0, len(store), size), store.slices(size), strict=True)
        )
        for values, why in measure_all(section, state, some, processes):
            parts.append(values)
            reasons += why
            say(f"{sum(len(p) for p in parts)}/{len(store)} objects")
        values = np.concatenate(parts)
        failed = np.flatnonzero(np.isnan(values).any(axis=1))
    columns = dict(zip(names, values.T, strict=True))
    tables.write("features", pd.DataFrame({"object_id": ids, **columns}), path_features)
    failures = pd.DataFrame({"object_id": ids[failed], "reason": reasons})
    tables.write("failures", failures, path_failures)
    if reasons:
        said = "; ".join(f"{n} {reason}" for reason, n in Counter(reasons).most_common(3))
        say.always(f"{len(reasons)} of {len(ids)} objects lack features: {said}")


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            {k: [v] if isinstance(v, str) else list(v) for k, v in snakemake.input.items()},
            snakemake.output.features,
            snakemake.output.failures,
            plugin=snakemake.params.plugin,
            view=snakemake.params.view,
            columns=snakemake.params.columns,
            shard=snakemake.params.shard,
            n_shards=snakemake.params.n_shards,
            processes=snakemake.threads,
            say=say,
        )
