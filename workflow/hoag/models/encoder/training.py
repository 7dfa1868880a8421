"""Training of the encoder against the frozen generator and critic."""

import torch
from torch import Tensor

from hoag.models._layers import as_tensor, freeze
from hoag.models._training import Module
from hoag.models.encoder import Options
from hoag.models.encoder.networks import Encoder
from hoag.models.wgan.loss import loss_terms
from hoag.models.wgan.networks import Critic, Generator
from hoag.recipes import RECIPES
from hoag.seeds import sequence


class EncoderTraining(Module):
    """Minimises the anomaly score of G(E(x)) over the sample."""

    def __init__(
        self,
        options: Options,
        generator: Generator,
        critic: Critic,
        shape: tuple[int, int, int],
        seed: int,
    ) -> None:
        super().__init__(options.iterations)
        self.options = options
        # in a tuple, so that the frozen networks are no part of this module's state
        self.frozen = (generator, critic)
        n_latent, own_seed = generator.n_latent, sequence(seed, "encoder")
        self.encoder = Encoder(options.width, shape, n_latent, own_seed)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        betas = (self.options.beta1, self.options.beta2)
        return torch.optim.Adam(self.encoder.parameters(), self.options.learning_rate, betas)

    def on_fit_start(self) -> None:
        for network in self.frozen:
            freeze(network, self.device)

    def training_step(self, batch: tuple[int, Tensor], _: int) -> None:
        iteration, images = batch
        x = as_tensor(images, self.device)
        generator, critic = self.frozen
        recipe = RECIPES[self.options.recipe]
        with torch.no_grad():
            target = critic.features(x)
        s_gen, s_disc = loss_terms(generator(self.encoder(x)), x, target, critic, recipe.distance)
        loss = ((1 - recipe.weight) * s_gen + recipe.weight * s_disc).mean()
        self.optimizers().zero_grad()
        self.manual_backward(loss)
        self.optimizers().step()
        self.note(iteration, loss=loss, s_gen=s_gen.mean(), s_disc=s_disc.mean())
