"""Generator, critic and gradient penalty of the Wasserstein GAN."""

import json
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hoag.models._layers import coarse_shape, downward, initialise, upward
from hoag.models._saving import load_weights
from hoag.models.wgan import Options
from hoag.options import build


class Generator(nn.Module):
    """Latent vectors (n, n_latent) -> images (n, c, y, x) in [0, 1].

    Parameters
    ----------
    options
        Width, latent length and noise.
    shape
        Of one image: (y, x, c).
    seed
        Of the initial weights.
    """

    def __init__(self, options: Options, shape: tuple[int, int, int], seed: int = 0) -> None:
        super().__init__()
        self.n_latent, self.noise = options.n_latent, options.noise
        self.start = coarse_shape(shape, options.width)
        c, y, x = self.start
        self.project = nn.Linear(options.n_latent, c * y * x)
        self.layers = upward(shape, options.width)
        initialise(self, seed)

    def forward(self, z: Tensor, random: torch.Generator | None = None) -> Tensor:
        """Without ``random`` the noise inside is off and the result depends on ``z`` alone."""
        x = torch.relu(self.project(z)).view(-1, *self.start)
        for i, layer in enumerate(self.layers[:-1]):
            x = torch.relu(layer(x))
            if i == 1 and random is not None and self.noise > 0:
                x = x + self.noise * torch.randn(x.shape, generator=random).to(x)
        return torch.sigmoid(self.layers[-1](x))


class Critic(nn.Module):
    """Images (n, c, y, x) in [0, 1] -> one real number each, (n,): higher is more real."""

    def __init__(self, options: Options, shape: tuple[int, int, int], seed: int = 0) -> None:
        super().__init__()
        self.layers = downward(shape[2], options.width)
        c, y, x = coarse_shape(shape, options.width)
        self.judge = nn.Linear(c * y * x, 1)
        initialise(self, seed)

    def features(self, x: Tensor) -> Tensor:
        """Activations of the last layer, (n, 8 width, y / 16, x / 16): 6 x 6 at 96 px."""
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
        return x

    def forward(self, x: Tensor) -> Tensor:
        return self.judge(self.features(x).flatten(1)).squeeze(1)


def gradient_penalty(critic: nn.Module, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """Mean of (|grad critic(x)| - 1)^2 at x = mix real + (1 - mix) fake.

    Gulrajani et al. 2017, Eq. 3; the norm is over all pixels of an image.

    Parameters
    ----------
    critic
        The network.
    real, fake
        Images, (n, c, y, x).
    mix
        (n, 1, 1, 1), uniform in [0, 1].
    """
    between = (mix * real + (1 - mix) * fake).requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()


def load_wgan(weights: str | Path, description: str | Path) -> tuple[Generator, Critic]:
    """Generator and critic from their files, frozen."""
    facts = json.loads(Path(description).read_text())
    options, shape = build(Options, facts["options"], "options"), tuple(facts["shape"])
    generator, critic = Generator(options, shape), Critic(options, shape)
    load_weights(weights, generator=generator, critic=critic)
    return generator, critic
