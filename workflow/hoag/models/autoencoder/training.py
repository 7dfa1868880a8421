"""Training of the convolutional autoencoder."""

import torch
from torch import Tensor
from torch.nn import functional as F

from hoag.models._layers import as_tensor
from hoag.models._training import Module
from hoag.models.autoencoder import Options
from hoag.models.autoencoder.networks import Autoencoder
from hoag.seeds import sequence


class AutoencoderTraining(Module):
    """Mean squared error between the scaled image and its reconstruction."""

    def __init__(
        self, options: Options, shape: tuple[int, int, int], scale: float, seed: int
    ) -> None:
        super().__init__(options.iterations)
        self.options, self.scale = options, scale
        self.network = Autoencoder(
            options.width, shape, options.n_components, sequence(seed, "autoencoder")
        )

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.network.parameters(), self.options.learning_rate)

    def training_step(self, batch: tuple[int, Tensor], _: int) -> None:
        iteration, images = batch
        x = as_tensor(images, self.device) / self.scale
        loss = F.mse_loss(self.network(x), x)
        self.optimizers().zero_grad()
        self.manual_backward(loss)
        self.optimizers().step()
        self.note(iteration, loss=loss)
