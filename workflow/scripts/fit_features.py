"""Fit a feature space to the fit batches; the fit is a flat file of arrays."""

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from _columns import rows_of, values_of
from _job import Progress, job
from _spaces import join
from hoag import registry, tables
from hoag.digests import digest
from hoag.files import atomic
from hoag.images.views import open_view
from hoag.traces.store import TraceStore


def main(
    inputs: dict[str, list[str]],
    path_fit: str,
    *,
    plugin: dict[str, Any],
    network: dict[str, Any],
    view: str,
    columns: list[str],
    seed: int,
    threads: int,
    code: str,
    libraries: dict[str, str],
    say: Progress,
) -> None:
    section = {"kind": plugin["kind"], **plugin["options"]}
    module, options = registry.plugin("features", section, "features")
    if view == "catalogue":
        parts = [tables.read("catalogue", p) for p in inputs["catalogue"]]
        objects = pd.concat(parts)
        objects.attrs["made_from"] = sorted({n for p in parts for n in p.attrs["made_from"]})
    elif view == "features":
        objects = join(inputs)
    elif "traces" in inputs:
        objects = TraceStore(inputs["traces"])
    else:
        objects = open_view(view, inputs["images"], inputs.get("reconstructions"))
    if not len(objects):
        raise ValueError(
            "found no object in the fit batches (see the manifests), allowed: 1 or more"
        )
    extra = {}
    if getattr(module, "NEEDS_LABELS", False):  # a supervised one
        known = rows_of(objects.object_ids, inputs["catalogue"])[["label", "split"]]
        labels, splits = known.fillna("").to_numpy(dtype=object).T
        extra = {"labels": labels, "splits": splits, "say": say}
    if getattr(module, "NEEDS_COLUMNS", False):
        extra = {"columns": values_of(columns, objects.object_ids, inputs["catalogue"])}
    if network:
        with np.load(inputs["network"][0], allow_pickle=False) as file:
            extra = {"network": network, "network_state": dict(file)}
    if "checkpoint" in inspect.signature(module.fit).parameters:  # a feature space that is trained
        seen = [objects.digest, extra["columns"].tolist() if "columns" in extra else []]
        identity = digest("features", plugin, seed, threads, code, libraries, seen)
        checkpoint = Path("resources/checkpoints") / identity / "last.ckpt"
        extra |= {"checkpoint": checkpoint, "threads": threads, "say": say}
    state = module.fit(objects, options, seed, **extra)
    with atomic(path_fit) as private:
        np.savez(private, **state)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            {k: [v] if isinstance(v, str) else list(v) for k, v in snakemake.input.items()},
            snakemake.output.fit,
            plugin=snakemake.params.plugin,
            network=snakemake.params.network,
            view=snakemake.params.view,
            columns=snakemake.params.columns,
            seed=snakemake.params.seed,
            threads=snakemake.params.threads,
            code=snakemake.params.code,
            libraries=snakemake.params.libraries,
            say=say,
        )
