"""What the scripts share that draw what a feature space's network makes of objects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from _columns import values_of
from _pictures import Album
from hoag import registry
from hoag.seeds import generator

N_OBJECTS = 512


@dataclass(frozen=True)
class Known:
    """A trained network with some of the objects that it was fitted on.

    Attributes
    ----------
    network
        What the feature space's ``load`` gives.
    options
        Of the feature space.
    object_ids, images
        (n,) and uint8 (n, y, x, c).
    extra
        Further arguments of its methods that look at images: ``columns`` where it needs them.
    """

    network: Any
    options: Any
    object_ids: np.ndarray
    images: np.ndarray
    extra: dict[str, np.ndarray]


def read_known(
    path_fit: str,
    paths_images: Sequence[str],
    paths_catalogue: Sequence[str],
    *,
    plugin: dict[str, Any],
    columns: list[str],
    seed: int,
) -> Known:
    """Load a network and at most 512 objects drawn at random."""
    section = {"kind": plugin["kind"], **plugin["options"]}
    module, options = registry.plugin("features", section, "features")
    with np.load(path_fit, allow_pickle=False) as file:
        state = dict(file)
    store = Album(paths_images).store
    rows = np.sort(generator(seed, "shown").permutation(len(store))[:N_OBJECTS])
    ids = store.object_ids[rows]
    extra = {"columns": values_of(columns, ids, paths_catalogue)} if columns else {}
    network = module.load(store.shape, options, state)
    return Known(network, options, ids, store.read(rows), extra)
