"""Training of the Wasserstein GAN."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from hoag.models._layers import as_tensor
from hoag.models._training import Module, Schedule, Store, train
from hoag.models.wgan import Options
from hoag.models.wgan.networks import Critic, Generator, gradient_penalty
from hoag.seeds import sequence, uniform

MIN_IMAGES = 16  # fewer can't be checked against one another


class WassersteinGAN(Module):
    """Five critic steps and one generator step an iteration (Gulrajani et al. 2017, Alg. 1)."""

    def __init__(self, options: Options, shape: tuple[int, int, int], seed: int) -> None:
        super().__init__(options.iterations)
        self.options, self.seed = options, seed
        self.generator = Generator(options, shape, sequence(seed, "generator"))
        self.critic = Critic(options, shape, sequence(seed, "critic"))

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        rate, betas = self.options.learning_rate, (self.options.beta1, self.options.beta2)
        networks = (self.generator, self.critic)
        return [torch.optim.Adam(n.parameters(), rate, betas) for n in networks]

    def training_step(self, batch: tuple[int, Tensor], _: int) -> None:
        iteration, images = batch
        reals = as_tensor(images, self.device).chunk(self.options.critic_steps)
        random = torch.Generator().manual_seed(sequence(self.seed, "wgan", iteration))
        optimise_generator, optimise_critic = self.optimizers()
        for real in reals:
            distance, penalty = self._critic_step(real, random, optimise_critic)
        loss = self._generator_step(len(reals[0]), random, optimise_generator)
        terms = {"critic_distance": distance, "gradient_penalty": penalty}
        self.note(iteration, **terms, generator_loss=loss)

    def latents(self, n: int, random: torch.Generator) -> Tensor:
        """Latent vectors, drawn on the CPU so that they are the same on any device."""
        return torch.randn(n, self.options.n_latent, generator=random).to(self.device)

    def _critic_step(
        self, real: Tensor, random: torch.Generator, optimiser: torch.optim.Optimizer
    ) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            fake = self.generator(self.latents(len(real), random), random)
        mix = torch.rand(len(real), 1, 1, 1, generator=random).to(self.device)
        judged = self.critic(torch.cat([real, fake]))
        distance = judged[: len(real)].mean() - judged[len(real) :].mean()
        penalty = gradient_penalty(self.critic, real, fake, mix)
        optimiser.zero_grad()
        self.manual_backward(-distance + self.options.gradient_penalty * penalty)
        optimiser.step()
        return distance, penalty

    def _generator_step(
        self, n: int, random: torch.Generator, optimiser: torch.optim.Optimizer
    ) -> Tensor:
        self.critic.requires_grad_(False)
        loss = -self.critic(self.generator(self.latents(n, random), random)).mean()
        optimiser.zero_grad()
        self.manual_backward(loss)
        optimiser.step()
        self.critic.requires_grad_(True)
        return loss


def split_hold_out(
    object_ids: np.ndarray, share: float, seed: int, batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Indices to train on and indices held out, decided for each object by its id alone.

    Raises
    ------
    ValueError
        If fewer images than one batch, or than `MIN_IMAGES`, are left to train on.
    """
    held = uniform(seed, object_ids, "hold_out") < share
    if (~held).sum() < max(batch_size, MIN_IMAGES):
        raise ValueError(
            f"found {(~held).sum()} images to train on, allowed: at least one batch "
            f"({batch_size}), and no fewer than {MIN_IMAGES}"
        )
    return np.flatnonzero(~held), np.flatnonzero(held)


def train_wgan(
    store: Store,
    object_ids: np.ndarray,
    shape: tuple[int, int, int],
    options: Options,
    schedule: Schedule,
    say: Callable[[str], None],
) -> WassersteinGAN:
    """Train on all images of ``store`` but the hold-out.

    Parameters
    ----------
    store
        uint8 images (y, x, c) of ``shape``.
    object_ids
        Their ids, (n,): they decide the hold-out.
    shape
        Of one image: (y, x, c).
    options, schedule, say
        See `Options`, `hoag.models._training.Schedule` and `train`.
    """
    fit_on, _ = split_hold_out(object_ids, options.hold_out, schedule.seed, options.batch_size)
    module = WassersteinGAN(options, shape, schedule.seed)
    n_images = options.batch_size * options.critic_steps
    return train(module, store, fit_on, n_images, schedule, say)
