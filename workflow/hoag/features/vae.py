"""Mean codes of a variational autoencoder of images (Kingma & Welling 2014)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hoag.features._networks import input_scale, train_network, with_weights
from hoag.models.vae import Options as ModelOptions

if TYPE_CHECKING:
    from pathlib import Path

    from hoag.models._training import Store
    from hoag.models.vae.trained import TrainedVAE

INPUT = "images"
MODEL = "vae"
GENERATES = True  # its codes have a prior, from which images are drawn


@dataclass(frozen=True)
class Options(ModelOptions):
    """The network's options."""


def fit(
    store: "Store",
    options: Options,
    seed: int,
    *,
    checkpoint: "Path | None" = None,
    threads: int = 1,
    say: Callable[[str], None] | None = None,
) -> dict[str, np.ndarray]:
    """Train the network; the state holds its weights, its history and the inputs' scale.

    Parameters
    ----------
    store
        Images: len, ``shape`` (y, x, c), ``read``.
    options
        See `Options`.
    seed
        Of the weights, the order of the images and the draws of codes.
    checkpoint, threads, say
        As of `hoag.features._networks.train_network`.
    """
    from hoag.models.vae.training import VAETraining

    module = VAETraining(options, store.shape, input_scale(store, seed), seed)
    return train_network(module, store, seed, checkpoint=checkpoint, threads=threads, say=say)


def load(
    shape: tuple[int, int, int], options: Options, state: Mapping[str, np.ndarray]
) -> "TrainedVAE":
    """The trained network, for images of ``shape`` (y, x, c)."""
    from hoag.models.vae.networks import VariationalAutoencoder
    from hoag.models.vae.trained import TrainedVAE

    network = VariationalAutoencoder(options.width, shape, options.n_components)
    return TrainedVAE(with_weights(network, state), float(state["scale"]))


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Mean codes of ``images`` (n, y, x, c), float32 (n, n_components)."""
    return load(images.shape[1:], options, state).encode(images)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """mean_00, mean_01, ..."""
    return [f"mean_{i:02d}" for i in range(options.n_components)]


def loss_names(options: Options) -> list[str]:
    """What ``losses`` of the trained network gives."""
    return ["reconstruction_error", "negative_bound", "negative_importance_bound"]
