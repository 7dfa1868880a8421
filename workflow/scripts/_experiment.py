"""What the scripts that run trials share: an experiment's objects, protocol and plug-ins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from _job import Progress
from hoag import tables
from hoag.active.contract import IMAGES
from hoag.active.protocol import Protocol, draw
from hoag.active.rounds import Plugin, Round, run_trial, run_trials
from hoag.digests import digest
from hoag.images.store import ImageStore
from hoag.options import build
from hoag.registry import plugin


@dataclass(frozen=True)
class Setting:
    """All that a trial needs; rows of ``data`` and ``labels`` are those of ``object_ids``."""

    object_ids: np.ndarray
    data: np.ndarray
    labels: np.ndarray
    protocol: Protocol
    learner: Plugin
    strategy: Plugin

    def run(
        self, trials: Sequence[int], seed: int, watch: Callable[[Round], None]
    ) -> list[dict[str, Any]]:
        """The rounds of some trials, on one thread: trials, not their steps, run side by side."""
        parts = (self.data, self.labels, self.protocol, self.learner, self.strategy)
        with threadpool_limits(1):
            if getattr(self.learner.options, "together", False):
                rows = run_trials(*parts, seed=seed, trials=trials, watch=watch)
            else:
                one = partial(run_trial, *parts, seed=seed, watch=watch)
                rows = [row for trial in trials for row in one(trial=trial)]
        objects = {trial: self.objects(trial, seed) for trial in trials}
        return [{"objects": objects[row["trial"]]} | row for row in rows]

    def objects(self, trial: int, seed: int) -> str:
        """Digest of the objects of a trial and of when they arrive."""
        drawn = draw(self.protocol, self.labels, seed=seed, trial=trial)
        order, held_out = (self.object_ids[rows].tolist() for rows in (drawn.order, drawn.held_out))
        return digest(order, held_out, drawn.n_known, drawn.ends)


def read_setting(
    paths_catalogue: list[str],
    paths_objects: list[str],
    experiment: dict[str, Any],
    say: Progress,
) -> Setting:
    """The labelled objects that have an image or a vector, in the order of their ids."""
    protocol = build(Protocol, experiment["protocol"], "protocol")
    catalogue = pd.concat([tables.read("catalogue", p) for p in paths_catalogue])
    labels = catalogue.set_index("object_id")["label"]
    labels = labels[labels.isin(protocol.labels())]
    features = experiment["features"]
    if features == IMAGES:
        ids, data = _images(paths_objects, labels.index)
    elif isinstance(features, str):
        ids, data = _vectors(paths_objects, labels.index)
    else:
        parts = np.array_split(paths_objects, len(features))
        ids, data = _weighted(parts, labels.index, list(features.values()))
    if lost := len(labels) - len(ids):
        say.always(f"{lost} of {len(labels)} labelled objects take no part: {_lacking(features)}")
    return Setting(
        object_ids=ids.to_numpy(dtype=object),
        data=data,
        labels=labels[ids].to_numpy(dtype=object),
        protocol=protocol,
        learner=_plugin("learners", experiment["learner"]),
        strategy=_plugin("strategies", experiment["strategy"]),
    )


def _lacking(features: str | dict[str, float]) -> str:
    if features == IMAGES:
        return "they lack an image"
    named = features if isinstance(features, str) else ", ".join(features)
    return f"they lack a value in {named}; the space `prepared` with `impute: true` keeps them"


def _plugin(family: str, section: dict[str, Any]) -> Plugin:
    return Plugin(*plugin(family, {"kind": section["kind"], **section["options"]}, family))


def _images(paths: list[str], labelled: pd.Index) -> tuple[pd.Index, np.ndarray]:
    store = ImageStore(paths)
    place = pd.Series(np.arange(len(store)), index=store.object_ids)
    ids = labelled.intersection(place.index).sort_values()
    return ids, store.read(place[ids].to_numpy())


def _vectors(paths: Sequence[str], labelled: pd.Index) -> tuple[pd.Index, np.ndarray]:
    """Those without a NaN."""
    table = pd.concat([tables.read("features", p) for p in paths]).set_index("object_id")
    table = table[np.isfinite(table.to_numpy()).all(axis=1)]
    ids = labelled.intersection(table.index).sort_values()
    return ids, table.loc[ids].to_numpy(dtype=np.float32)


def _weighted(
    paths: Sequence[Sequence[str]], labelled: pd.Index, weights: list[float]
) -> tuple[pd.Index, np.ndarray]:
    """Several spaces side by side, each with its weight as its root mean square length."""
    found = [_vectors(part, labelled) for part in paths]
    ids = found[0][0]
    for other, _ in found[1:]:
        ids = ids.intersection(other)
    ids = ids.sort_values()
    parts = []
    for (own, x), weight in zip(found, weights, strict=True):
        x = x[own.get_indexer(ids)]
        length = np.sqrt(np.square(x, dtype=np.float64).sum(axis=1).mean()) or 1.0
        parts.append((x * (weight / length)).astype(np.float32))
    return ids, np.concatenate(parts, axis=1)
