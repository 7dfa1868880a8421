"""From an image back to the latent vector that reconstructs it best, and its anomaly score."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from hoag.models.wgan.loss import loss_terms
from hoag.models.wgan.networks import Critic, Generator


@dataclass(frozen=True)
class Inversion:
    """Result for n images: the score's two parts, the latent vectors and the reconstructions."""

    s_gen: Tensor  # (n,)
    s_disc: Tensor  # (n,)
    z: Tensor  # (n, n_latent)
    reconstruction: Tensor  # (n, c, y, x)

    def score(self, weight: float) -> Tensor:
        """(1 - weight) s_gen + weight s_disc, float64: Storey-Fisher et al. 2020, section 3.2."""
        return (1 - weight) * self.s_gen.double().cpu() + weight * self.s_disc.double().cpu()


def invert(
    image: Tensor,
    z: Tensor,
    generator: Generator,
    critic: Critic,
    *,
    distance: str,
    weight: float,
    n_steps: int,
    learning_rate: float,
    betas: tuple[float, float],
) -> Iterator[Inversion]:
    """Minimise each image's own loss over its latent vector, with Adam.

    Yields the state before the first step and after each one, n_steps + 1 in all. The images'
    losses are summed before the gradient is taken and Adam works element by element, so every
    image has an optimiser of its own and never feels the others in its batch.

    Parameters
    ----------
    image
        (n, c, y, x) in [0, 1].
    z
        Where to start, (n, n_latent).
    generator, critic
        The trained networks, with their weights frozen.
    distance, weight
        As in `hoag.models.wgan.loss.loss_terms` and `Inversion.score`.
    n_steps, learning_rate, betas
        Of Adam.
    """
    with torch.no_grad():
        target = critic.features(image)
    z = z.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([z], learning_rate, betas)
    for step in range(n_steps + 1):
        last = step == n_steps
        with torch.set_grad_enabled(not last):
            reconstruction = generator(z)
            s_gen, s_disc = loss_terms(reconstruction, image, target, critic, distance)
        yield Inversion(
            s_gen.detach(), s_disc.detach(), z.detach().clone(), reconstruction.detach()
        )
        if not last:
            loss = (1 - weight) * s_gen + weight * s_disc
            (z.grad,) = torch.autograd.grad(loss.sum(), z)
            optimiser.step()
