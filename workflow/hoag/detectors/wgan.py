"""Anomaly score of the Wasserstein GAN: how badly the generator reconstructs an image.

Storey-Fisher et al. 2020, section 3.2 (recipe ``workshop``), and its journal version of 2021
(``journal``).
"""

from collections import deque
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from hoag.options import option
from hoag.recipes import RECIPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from hoag.models.wgan.inversion import Inversion
    from hoag.models.wgan.trained import Networks

TAKES = "images"
MODELS = ("wgan", "encoder")
COMPONENTS = ("s_gen", "s_disc")  # parts of the score, which stand beside it
_ROWS = 16  # a matrix product rounds all rows alike where their number is a multiple of this


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
    beta1: float = option(0.4, doc="Adam's first decay.", minimum=0, maximum=0.9999)
    beta2: float = option(0.9, doc="Adam's second decay.", minimum=0, maximum=0.9999)
    start: str = option(
        "encoder",
        doc="First latent vector: the encoder's, all zero, or drawn from the normal prior.",
        choices=("encoder", "zero", "random"),
    )
    batch_size: int = option(
        128,
        doc="Images scored together; the last batch is padded to this size, rounded up to a "
        "multiple of 16.",
        minimum=1,
    )


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


def score(images: np.ndarray, options: Options, networks: "Networks", seed: int) -> Scored:
    """Score uint8 images (n, y, x, c).

    Every image has its own optimiser, and batches have one fixed size, so a score depends
    neither on the other images nor on their order; with another ``batch_size`` it agrees to
    about 1e-3 (floating-point sums are grouped differently).

    Parameters
    ----------
    images
        Of the size that the networks were trained on.
    options
        See `Options`.
    networks
        From `hoag.models.wgan.trained.load_networks`.
    seed
        Of the first latent vector where ``start`` is "random".
    """
    parts = []
    for batch in in_batches(images, options):
        (last,) = deque(trajectory(batch, options, networks, seed), maxlen=1)
        parts.append(_scored(last, len(batch), weight_of(options)))
    if not parts:
        none, no_z = np.empty(0), np.empty((0, networks.generator.n_latent), np.float32)
        return Scored(none, none, none, no_z, np.empty(images.shape, np.uint8))
    columns = [field.name for field in fields(Scored)]
    return Scored(*(np.concatenate([getattr(p, name) for p in parts]) for name in columns))


def in_batches(images: np.ndarray, options: Options) -> "Iterator[np.ndarray]":
    """``batch_size`` images at a time, in order; what is left over at the end."""
    for start in range(0, len(images), options.batch_size):
        yield images[start : start + options.batch_size]


def trajectory(
    batch: np.ndarray, options: Options, networks: "Networks", seed: int
) -> "Iterator[Inversion]":
    """Yield the states before the first step and after each, padded to one fixed size.

    The first len(batch) entries belong to the images; at most ``batch_size`` are taken.
    """
    import torch

    from hoag.models._layers import as_tensor, layout
    from hoag.models.wgan.inversion import invert

    device = next(networks.generator.parameters()).device
    image = as_tensor(_padded(batch, options.batch_size), device, layout(device))
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


def _padded(batch: np.ndarray, batch_size: int) -> np.ndarray:
    """Repeat the last image so that every batch has the same number of rows."""
    size = 1 if batch_size == 1 else -(-batch_size // _ROWS) * _ROWS
    return np.concatenate([batch, np.repeat(batch[-1:], size - len(batch), axis=0)])


def _first_latents(image: "Tensor", options: Options, networks: "Networks", seed: int) -> "Tensor":
    import torch

    from hoag.seeds import sequence

    if options.start == "encoder":
        return networks.encoder(image)
    n_latent = networks.generator.n_latent
    if options.start == "zero":
        return torch.zeros(len(image), n_latent, device=image.device)
    # one draw for all images: a score must not depend on an image's place in the batch
    random = torch.Generator().manual_seed(sequence(seed, "start"))
    return torch.randn(1, n_latent, generator=random).to(image.device).repeat(len(image), 1)


def _scored(state: "Inversion", n: int, weight: float) -> Scored:
    """Results of the first ``n`` images, off the device."""
    from hoag.models._layers import as_images

    return Scored(
        state.score(weight)[:n].numpy(),
        state.s_gen[:n].double().cpu().numpy(),
        state.s_disc[:n].double().cpu().numpy(),
        state.z[:n].cpu().numpy(),
        as_images(state.reconstruction[:n]),
    )
