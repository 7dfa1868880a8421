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


def best_fit(squares: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Summed log likelihood of images with ``squares`` (m,), nat, at the variance that is best.

    That variance, which is no part of the gradient, is given too (Rybkin et al. 2021).
    """
    variance = (squares.detach().mean() / n).clamp(min=1e-12)
    return log_likelihood(squares, n, variance).sum(), variance


class MVAETraining(Module):
    """Maximises the sum of evidence bounds over subsets of the modalities.

    The code is found from a subset, and all that is known of the object is asked of it: the
    generalised multimodal bound (Sutter, Daunhawer & Vogt 2021, ICLR), with Wu & Goodman's (2018)
    choice of subsets. The empty one, whose code is the prior's, is among them: it is asked for the
    mean of everything. Theirs asks for the subset's own modalities (Eq. 5), so that nothing makes
    the image's expert know a column. In nat a number of the image. Each object has a random subset
    of its own; a modality that an object lacks is in none of its subsets.
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
        rebuilt, expected, column_fits, divergences = [], [], [], []
        for present in self._subsets(there, random):
            q = product(experts, present)
            z = q.draw(torch.randn(q.mean.shape, generator=random).to(self.device))
            divergences.append(q.divergence())
            column_fits.append((self.network.column_fits(z, columns) * known).sum(dim=1))
            squares, seen = self.network.image.squares(z, x), present[:, 0]
            rebuilt.append(squares[seen])
            expected.append(squares[~seen])
        image_fit, variance = best_fit(torch.cat(rebuilt), n)
        follow(self.network.image.variance, variance, iteration)
        fit = image_fit + best_fit(torch.cat(expected), n)[0] + torch.stack(column_fits).sum()
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
