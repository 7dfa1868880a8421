"""What the scripts that run trials share: an experiment's objects, protocol and plug-ins."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hoag import tables
from hoag.active.experiments import IMAGES
from hoag.active.protocol import Protocol
from hoag.active.rounds import Plugin
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


def read_setting(
    paths_catalogue: list[str], paths_objects: list[str], experiment: dict[str, Any]
) -> Setting:
    """The labelled objects that have an image or a vector, in the order of their ids."""
    protocol = build(Protocol, experiment["protocol"], "protocol")
    catalogue = pd.concat([tables.read("catalogue", p) for p in paths_catalogue])
    labels = catalogue.set_index("object_id")["label"]
    labels = labels[labels.isin(protocol.labels())]
    read = _images if experiment["features"] == IMAGES else _vectors
    ids, data = read(paths_objects, labels.index)
    return Setting(
        object_ids=ids.to_numpy(dtype=object),
        data=data,
        labels=labels[ids].to_numpy(dtype=object),
        protocol=protocol,
        learner=_plugin("learners", experiment["learner"]),
        strategy=_plugin("strategies", experiment["strategy"]),
    )


def _plugin(family: str, section: dict[str, Any]) -> Plugin:
    return Plugin(*plugin(family, {"kind": section["kind"], **section["options"]}, family))


def _images(paths: list[str], labelled: pd.Index) -> tuple[pd.Index, np.ndarray]:
    store = ImageStore(paths)
    place = pd.Series(np.arange(len(store)), index=store.object_ids)
    ids = labelled.intersection(place.index).sort_values()
    return ids, store.read(place[ids].to_numpy())


def _vectors(paths: list[str], labelled: pd.Index) -> tuple[pd.Index, np.ndarray]:
    """Those without a NaN."""
    table = pd.concat([tables.read("features", p) for p in paths]).set_index("object_id")
    table = table[np.isfinite(table.to_numpy()).all(axis=1)]
    ids = labelled.intersection(table.index).sort_values()
    return ids, table.loc[ids].to_numpy(dtype=np.float32)
