"""How badly a trained network of another feature space knows each object: no second training.

Of an autoencoder the reconstruction error, of a variational one the evidence bound as well, of a
multimodal one also what its image and its columns say of one another. Detectors of kind `column`
turn them into scores.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from hoag import registry
from hoag.options import option

INPUT = "images"
NEEDS_NETWORK = True  # fit is given the network's section and state; options.network names it


@dataclass(frozen=True)
class Options:
    """Whose losses."""

    network: str = option(
        doc="Feature space whose network is asked: one of kind autoencoder, vae or mvae."
    )
    n_draws: int = option(
        8, doc="Draws of the code for evidence bounds; an autoencoder has none.", minimum=1
    )


def fit(
    store: Any,
    options: Options,
    seed: int,
    *,
    network: Mapping[str, Any],
    network_state: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Take the network over.

    Parameters
    ----------
    store, options, seed
        Not used.
    network
        The feature space's section: kind and options.
    network_state
        Its fit.
    """
    return {**network_state, **described(network)}


def described(network: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The part of a state that names the columns; all that planning knows of it."""
    return {"network": np.array(json.dumps(network, sort_keys=True))}


def transform(
    images: np.ndarray, options: Options, state: Mapping[str, np.ndarray], **columns: np.ndarray
) -> np.ndarray:
    """Losses of ``images`` (n, y, x, c), float32 (n, k).

    ``columns`` (n, m) are given where the network itself needs them.
    """
    module, own = _network(state)
    trained = module.load(images.shape[1:], own, state)
    return trained.losses(images, options.n_draws, **columns)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """The network's own losses."""
    module, own = _network(state)
    return module.loss_names(own)


def _network(state: Mapping[str, np.ndarray]) -> tuple[ModuleType, Any]:
    return registry.plugin("features", json.loads(str(state["network"])), "features")
