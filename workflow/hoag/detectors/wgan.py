"""Anomaly score of the Wasserstein GAN: how badly the generator reconstructs an image.

Storey-Fisher et al. 2020, section 3.2 (recipe ``workshop``), and its journal version of 2021
(``journal``).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hoag.options import option
from hoag.recipes import RECIPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from hoag.models.encoder.networks import Encoder
    from hoag.models.wgan.inversion import Inversion
    from hoag.models.wgan.networks import Critic, Generator

TAKES = "images"
MODELS = ("wgan", "encoder")


@dataclass(frozen=True)
class Options:
    """The defaults are the workshop paper's, with the published code's optimiser."""

    recipe: str = option("workshop", doc="Which published score.", choices=tuple(RECIPES))
    weight: float | None = option(
        None,
        doc="Lambda, the critic's share of the score; null: the recipe's.",
        minimum=0,
        maximum=1,
    )
    steps: int = option(
        10, doc="Adam steps per image; 0 scores the encoder's guess (amortised).", minimum=0
    )
    learning_rate: float = option(0.1, doc="Adam's rate for the latent vector.", minimum=0)
    beta1: float = option(0.4, doc="Adam's first decay.", minimum=0, maximum=1)
    beta2: float = option(0.9, doc="Adam's second decay.", minimum=0, maximum=1)
    start: str = option(
        "encoder",
        doc="First latent vector: the encoder's, all zero, or drawn from the normal prior.",
        choices=("encoder", "zero", "random"),
    )
    batch_size: int = option(
        128, doc="Images scored together; the last batch is padded to this size.", minimum=1
    )


@dataclass(frozen=True)
class Networks:
    """The trained networks that score an image."""

    generator: "Generator"
    critic: "Critic"
    encoder: "Encoder"


@dataclass(frozen=True)
class Scored:
    """Scores of n images and what they came from."""

    score: np.ndarray  # float64 (n,), higher is more anomalous
    s_gen: np.ndarray  # float64 (n,)
    s_disc: np.ndarray  # float64 (n,)
    z: np.ndarray  # float32 (n, n_latent)
    reconstruction: np.ndarray  # uint8 (n, y, x, c)


def weight_of(options: Options) -> float:
    """Lambda: the option where it is given, the recipe's otherwise."""
    return RECIPES[options.recipe].weight if options.weight is None else options.weight


def score(images: np.ndarray, options: Options, networks: Networks, seed: int = 0) -> Scored:
    """Score uint8 images (n, y, x, c).

    Every image has its own optimiser, and batches have one fixed size, so a score depends
    neither on the other images nor on their order; with another ``batch_size`` it agrees to
    about 1e-3 (floating-point sums are grouped differently).
    """
    parts = []
    for start in range(0, len(images), options.batch_size):
        batch = images[start : start + options.batch_size]
        *_, last = trajectory(batch, options, networks, seed)
        parts.append((len(batch), last))
    return _collect(parts, options, images.shape)


def trajectory(
    batch: np.ndarray, options: Options, networks: Networks, seed: int = 0
) -> "Iterator[Inversion]":
    """The states before the first step and after each, for at most ``batch_size`` images."""
    import torch

    from hoag.models._layers import as_tensor
    from hoag.models.wgan.inversion import invert

    device = next(networks.generator.parameters()).device
    padded = np.concatenate([batch, np.repeat(batch[-1:], options.batch_size - len(batch), axis=0)])
    image = as_tensor(padded, device)
    with torch.no_grad():
        z = _first_latents(image, options, networks, seed)
    return invert(
        image,
        z,
        networks.generator,
        networks.critic,
        distance=RECIPES[options.recipe].distance,
        weight=weight_of(options),
        n_steps=options.steps,
        learning_rate=options.learning_rate,
        betas=(options.beta1, options.beta2),
    )


def _first_latents(image: "Tensor", options: Options, networks: Networks, seed: int) -> "Tensor":
    import torch

    from hoag.seeds import sequence

    if options.start == "encoder":
        return networks.encoder(image)
    n_latent = networks.generator.project.in_features
    if options.start == "zero":
        return torch.zeros(len(image), n_latent, device=image.device)
    # one draw for all images: a score must not depend on an image's place in the batch
    random = torch.Generator().manual_seed(sequence(seed, "start"))
    return torch.randn(1, n_latent, generator=random).to(image.device).repeat(len(image), 1)


def _collect(
    parts: "list[tuple[int, Inversion]]", options: Options, shape: tuple[int, ...]
) -> Scored:
    from hoag.models._layers import as_images

    if not parts:
        empty = np.empty(0)
        return Scored(empty, empty, empty, np.empty((0, 0), np.float32), np.empty(shape, np.uint8))
    s_gen = np.concatenate([p.s_gen[:n].double().cpu().numpy() for n, p in parts])
    s_disc = np.concatenate([p.s_disc[:n].double().cpu().numpy() for n, p in parts])
    weight = weight_of(options)
    return Scored(
        (1 - weight) * s_gen + weight * s_disc,
        s_gen,
        s_disc,
        np.concatenate([p.z[:n].cpu().numpy() for n, p in parts]),
        np.concatenate([as_images(p.reconstruction[:n]) for n, p in parts]),
    )
