"""Run some trials of one experiment: rounds of questions to an oracle that knows the labels."""

import time
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from _job import Progress, job
from hoag import tables
from hoag.active.experiments import IMAGES
from hoag.active.protocol import Protocol
from hoag.active.rounds import Plugin, Round, run_trial
from hoag.images.store import ImageStore
from hoag.options import build
from hoag.registry import plugin


def main(
    paths_catalogue: list[str],
    paths_objects: list[str],
    path_trials: str,
    *,
    experiment: dict[str, Any],
    trials: list[int],
    seed: int,
    say: Progress,
) -> None:
    protocol = build(Protocol, experiment["protocol"], "protocol")
    learner, strategy = (_plugin(family, experiment[key]) for family, key in _FAMILIES.items())
    catalogue = pd.concat([tables.read("catalogue", p) for p in paths_catalogue])
    labels = catalogue.set_index("object_id")["label"]
    labels = labels[labels.isin(protocol.labels())]
    if experiment["features"] == IMAGES:
        data, labels = _images(paths_objects, labels)
    else:
        data, labels = _vectors(paths_objects, labels)
    started, n_rounds = time.monotonic(), len(trials) * (protocol.n_rounds + 1)
    rows, done = [], 0

    def watch(r: Round) -> None:
        nonlocal done
        done += 1
        left = (time.monotonic() - started) / done * (n_rounds - done)
        say(f"trial {trial}, round {r.number} of {protocol.n_rounds}, {left:.0f} s left")

    with threadpool_limits(1):  # trials, not their steps, run side by side
        for trial in trials:
            rows += run_trial(
                data, labels, protocol, learner, strategy, seed=seed, trial=trial, watch=watch
            )
    tables.write("trials", pd.DataFrame(rows), path_trials)


_FAMILIES = {"learners": "learner", "strategies": "strategy"}


def _plugin(family: str, section: dict[str, Any]) -> Plugin:
    return Plugin(*plugin(family, {"kind": section["kind"], **section["options"]}, family))


def _images(paths: list[str], labels: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of the labelled objects that have an image, in the order of their ids."""
    store = ImageStore(paths)
    place = pd.Series(np.arange(len(store)), index=store.object_ids)
    ids = sorted(labels.index.intersection(place.index))
    return store.read(place[ids].to_numpy()), labels[ids].to_numpy(dtype=object)


def _vectors(paths: list[str], labels: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Vectors and labels of the labelled objects without a NaN, in the order of their ids."""
    table = pd.concat([tables.read("features", p) for p in paths]).set_index("object_id")
    table = table[np.isfinite(table.to_numpy()).all(axis=1)]
    ids = sorted(labels.index.intersection(table.index))
    return table.loc[ids].to_numpy(dtype=np.float32), labels[ids].to_numpy(dtype=object)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.catalogues),
            list(snakemake.input.objects),
            snakemake.output.trials,
            experiment=snakemake.params.experiment,
            trials=snakemake.params.trials,
            seed=snakemake.params.seed,
            say=say,
        )
