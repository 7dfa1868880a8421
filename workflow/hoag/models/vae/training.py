"""Training of the variational autoencoder."""

import torch
from torch import Tensor

from hoag.models._layers import as_tensor
from hoag.models._normal import log_likelihood
from hoag.models._training import Module
from hoag.models.vae import Options
from hoag.models.vae.networks import VariationalAutoencoder
from hoag.seeds import sequence

FOLLOWS = 0.05  # share of a batch's error in the running variance


def warmth(options: Options, iteration: int) -> float:
    """Weight of the divergence at an iteration."""
    n = min(options.warm_up, options.iterations // 2)
    return options.beta * min(1.0, (iteration + 1) / max(1, n))


def follow(variance: Tensor, found: Tensor, iteration: int) -> None:
    """Move a running variance, in place, towards that of a batch."""
    variance.lerp_(found, 1.0 if iteration == 0 else FOLLOWS)


class VAETraining(Module):
    """Maximises the evidence lower bound, in nat a number of the image."""

    def __init__(
        self, options: Options, shape: tuple[int, int, int], scale: float, seed: int
    ) -> None:
        super().__init__(options.iterations)
        self.options, self.scale, self.seed = options, scale, seed
        self.network = VariationalAutoencoder(
            options.width, shape, options.n_components, sequence(seed, "vae")
        )

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.network.parameters(), self.options.learning_rate)

    def training_step(self, batch: tuple[int, Tensor], _: int) -> None:
        iteration, images = batch
        random = torch.Generator().manual_seed(sequence(self.seed, "vae", iteration))
        x = as_tensor(images, self.device) / self.scale
        n, q = x.shape[1:].numel(), self.network.posterior(x)
        noise = torch.randn(q.mean.shape, generator=random).to(self.device)
        squares, divergence = self.network.squares(q.draw(noise), x), q.divergence()
        variance = (squares.detach().mean() / n).clamp(min=1e-12)
        follow(self.network.variance, variance, iteration)
        fit = log_likelihood(squares, n, variance)
        loss = (warmth(self.options, iteration) * divergence - fit).mean() / n
        self.optimizers().zero_grad()
        self.manual_backward(loss)
        self.optimizers().step()
        self.note(iteration, loss=loss, error=variance, divergence=divergence.mean())
