"""Training of the convolutional autoencoder."""

import torch
from torch import Tensor
from torch.nn import functional as F

from hoag.models._layers import as_tensor
from hoag.models._training import Module
from hoag.models.autoencoder import Options
from hoag.models.autoencoder.networks import Autoencoder
from hoag.models.autoencoder.regularisation import (
    corrupted,
    density,
    jacobian_norm,
    spread,
)
from hoag.seeds import sequence


class AutoencoderTraining(Module):
    """Mean squared error between the scaled image and its reconstruction, and the penalties."""

    def __init__(
        self, options: Options, shape: tuple[int, int, int], scale: float, seed: int
    ) -> None:
        super().__init__(options.iterations)
        self.options, self.scale, self.seed = options, scale, seed
        self.network = Autoencoder(
            options.width, shape, options.n_components, sequence(seed, "autoencoder")
        )

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.network.parameters(), self.options.learning_rate)

    def training_step(self, batch: tuple[int, Tensor], _: int) -> None:
        iteration, images = batch
        random = torch.Generator().manual_seed(sequence(self.seed, "autoencoder", iteration))
        x = as_tensor(images, self.device) / self.scale
        loss, error = self.loss(x, random)
        self.optimizers().zero_grad()
        self.manual_backward(loss)
        self.optimizers().step()
        self.note(iteration, loss=loss, error=error)

    def loss(self, x: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Loss and mean squared error of scaled images (n, c, y, x)."""
        o, network = self.options, self.network
        noisy = corrupted(x, o.noise_kind, o.noise, random)
        noisy.requires_grad_(o.contraction > 0)
        codes = network.encoder(noisy)
        error = F.mse_loss(network.decoder(codes), x)
        loss = error
        if o.sparsity:
            loss = loss + o.sparsity * density(codes)
        if o.contraction:
            signs = 2.0 * torch.randint(0, 2, codes.shape, generator=random) - 1
            signs = signs.to(codes.device) / spread(codes)
            loss = loss + o.contraction * jacobian_norm(codes, noisy, signs).mean()
        return loss, error
