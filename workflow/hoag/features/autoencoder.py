"""Codes of a convolutional autoencoder, of images or of what the WGAN leaves of them.

Storey-Fisher et al. 2020, section 4.1: the absolute residual between an image and its
reconstruction, brought down to 32 numbers; on the images themselves as the control.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hoag.features._images import INPUTS
from hoag.features._networks import input_scale, train_network, with_weights
from hoag.models.autoencoder import Options as ModelOptions
from hoag.options import option

if TYPE_CHECKING:
    from pathlib import Path

    from hoag.models._training import Store
    from hoag.models.autoencoder.trained import TrainedAutoencoder

INPUT = "images"
MODEL = "autoencoder"


@dataclass(frozen=True)
class Options(ModelOptions):
    """The network's options, and what it looks at."""

    input: str = option(
        "images",
        doc="What is encoded; unit_residuals are residuals scaled to unit norm.",
        choices=INPUTS,
    )


def fit(
    store: "Store",
    options: Options,
    seed: int,
    *,
    checkpoint: "Path | None" = None,
    threads: int = 1,
    say: Callable[[str], None] | None = None,
) -> dict[str, np.ndarray]:
    """Train the autoencoder; the state holds its weights, its history and the inputs' scale.

    Parameters
    ----------
    store
        Images, residuals or unit residuals: len, ``shape`` (y, x, c), ``read``.
    options
        See `Options`.
    seed
        Of the weights, the order of the images and the noise.
    checkpoint, threads, say
        As of `hoag.features._networks.train_network`.
    """
    from hoag.models.autoencoder.training import AutoencoderTraining

    module = AutoencoderTraining(options, store.shape, input_scale(store, seed), seed)
    return train_network(module, store, seed, checkpoint=checkpoint, threads=threads, say=say)


def load(
    shape: tuple[int, int, int], options: Options, state: Mapping[str, np.ndarray]
) -> "TrainedAutoencoder":
    """The trained network, for images of ``shape`` (y, x, c)."""
    from hoag.models.autoencoder.networks import Autoencoder
    from hoag.models.autoencoder.trained import TrainedAutoencoder

    network = Autoencoder(options.width, shape, options.n_components)
    return TrainedAutoencoder(with_weights(network, state), float(state["scale"]))


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Codes of ``images`` (n, y, x, c), float32 (n, n_components); on a GPU where there is one."""
    return load(images.shape[1:], options, state).encode(images)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """code_00, code_01, ..."""
    return [f"code_{i:02d}" for i in range(options.n_components)]


def loss_names(options: Options) -> list[str]:
    """What ``losses`` of the trained network gives."""
    return ["reconstruction_error"]
