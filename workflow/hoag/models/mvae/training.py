"""Training of the multimodal variational autoencoder, with whatever modalities there are."""

import numpy as np
import torch
from torch import Tensor

from hoag.models._layers import as_tensor
from hoag.models._normal import log_likelihood, product
from hoag.models._training import Module, Store
from hoag.models.mvae import Options
from hoag.models.mvae.networks import MultimodalVAE
from hoag.models.vae.training import follow, warmth
from hoag.seeds import sequence


class Pairs:
    """Images and scaled columns (n, k) of the same objects, read together; columns may hold NaN."""

    def __init__(self, store: Store, columns: np.ndarray) -> None:
        self.store, self.columns = store, columns

    def __len__(self) -> int:
        return len(self.store)

    def read(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images and columns at ``indices``."""
        return self.store.read(indices), self.columns[indices]


class MVAETraining(Module):
    """Maximises the sum of the bounds over subsets of the modalities.

    Wu & Goodman 2018, Eq. 5, in nat a number of the image. Each object has a random subset of its
    own; a modality that an object lacks is in none of its subsets.
    """

    def __init__(
        self,
        options: Options,
        shape: tuple[int, int, int],
        n_columns: int,
        scale: float,
        seed: int,
    ) -> None:
        super().__init__(options.iterations)
        self.options, self.scale, self.seed = options, scale, seed
        self.network = MultimodalVAE(options, shape, n_columns, sequence(seed, "mvae"))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.network.parameters(), self.options.learning_rate)

    def training_step(self, batch: tuple[int, tuple[Tensor, Tensor]], _: int) -> None:
        iteration, (images, columns) = batch
        random = torch.Generator().manual_seed(sequence(self.seed, "mvae", iteration))
        x = as_tensor(images, self.device) / self.scale
        n, known, columns = x.shape[1:].numel(), columns.isfinite(), columns.nan_to_num()
        experts = self.network.experts(x, columns)
        there = torch.cat([torch.ones_like(known[:, :1]), known], dim=1)
        image_fits, column_fits, divergences = [], [], []
        for present in self._subsets(there, random):
            q = product(experts, present)
            z = q.draw(torch.randn(q.mean.shape, generator=random).to(self.device))
            divergences.append(q.divergence())
            column_fits.append((self.network.column_fits(z, columns) * present[:, 1:]).sum(dim=1))
            if present[:, 0].any():
                image_fits.append(self.network.image.squares(z, x)[present[:, 0]])
        squares = torch.cat(image_fits)
        variance = (squares.detach().mean() / n).clamp(min=1e-12)
        follow(self.network.image.variance, variance, iteration)
        fit = log_likelihood(squares, n, variance).sum() + torch.stack(column_fits).sum()
        divergence = torch.stack(divergences)
        loss = (warmth(self.options, iteration) * divergence.sum() - fit) / (n * len(x))
        self.optimizers().zero_grad()
        self.manual_backward(loss)
        self.optimizers().step()
        self.note(iteration, loss=loss, error=variance, divergence=divergence[0].mean())

    def _subsets(self, there: Tensor, random: torch.Generator) -> list[Tensor]:
        """Which modalities count, (n, 1 + k) bool each: all, each alone, random ones."""
        alone = torch.eye(there.shape[1], dtype=torch.bool, device=there.device)
        drawn = [
            torch.rand(there.shape, generator=random).to(there.device) < 0.5
            for _ in range(self.options.n_subsets)
        ]
        return [there, *(there & own for own in alone), *(there & own for own in drawn)]
