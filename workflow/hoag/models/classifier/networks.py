"""The classifier's network, and its passes with dropout."""

import itertools

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from hoag.models.classifier import Options

_VALUES = 2**24  # of one layer that passes hold at a time


class SpectralBound(nn.Module):
    """Weights scaled so that their largest singular value is at most a coefficient.

    The singular value is estimated by power iteration, one step for each training step (Miyato et
    al. 2018, algorithm 1); a convolution's kernels count as a matrix (filters, rest). Weights whose
    norm is smaller stay as they are (Gouk et al. 2021, eq. 9).
    """

    def __init__(self, weight: Tensor, coefficient: float, generator: torch.Generator) -> None:
        super().__init__()
        self.coefficient = coefficient
        matrix = weight.detach().flatten(1)
        self.register_buffer("u", torch.randn(matrix.shape[0], generator=generator))
        self.register_buffer("v", torch.randn(matrix.shape[1], generator=generator))
        for _ in range(30):
            self._iterate(matrix)

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> None:
        self.v.copy_(nn.functional.normalize(matrix.T @ self.u, dim=0))
        self.u.copy_(nn.functional.normalize(matrix @ self.v, dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """(n_out, ...) -> the same shape."""
        matrix = weight.flatten(1)
        if self.training:
            self._iterate(matrix)
        # copies, since the next step changes them before this one's gradients are known
        norm = self.u.clone() @ (matrix @ self.v.clone())
        return weight / (norm / self.coefficient).clamp(min=1)


class Classifier(nn.Module):
    """Images (n, c, y, x) -> logits (n, n_classes).

    Parameters
    ----------
    options
        See `Options`.
    shape
        Of one image: (y, x, c).
    n_classes
        How many logits.
    seed
        Of the initial weights.

    Attributes
    ----------
    trunk : nn.Module
        Everything below the first dropout.
    tops : nn.ModuleList
        What follows each dropout; the last one gives the logits.
    """

    def __init__(
        self, options: Options, shape: tuple[int, int, int], n_classes: int, seed: int = 0
    ) -> None:
        super().__init__()
        y, x, channels = shape
        convolutions: list[nn.Module] = []
        for n in options.filters:
            convolutions += [
                nn.Conv2d(channels, n, options.kernel_px, padding=1),
                nn.MaxPool2d(2),
                nn.ReLU(),
            ]
            channels = n
            y, x = ((side + 3 - options.kernel_px) // 2 for side in (y, x))
        widths = (channels * y * x, *options.hidden)
        dense = [nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in itertools.pairwise(widths)]
        first = len(dense) - options.dropout_layers + 1  # dense layers below the first dropout
        self.trunk = nn.Sequential(*convolutions, nn.Flatten(), *dense[:first])
        self.tops = nn.ModuleList([*dense[first:], nn.Linear(options.hidden[-1], n_classes)])
        self.dropout = options.dropout
        rng = torch.Generator().manual_seed(seed)
        for layer in [m for m in self.modules() if isinstance(m, nn.Conv2d | nn.Linear)]:
            nn.init.kaiming_uniform_(layer.weight, a=5**0.5, generator=rng)
            bound = layer.weight[0].numel() ** -0.5
            nn.init.uniform_(layer.bias, -bound, bound, generator=rng)
            if options.spectral_coefficient is not None:
                bounded = SpectralBound(layer.weight, options.spectral_coefficient, rng)
                parametrize.register_parametrization(layer, "weight", bounded)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, with dropout in training."""
        return self.logits(self.trunk(x))

    def logits(self, hidden: Tensor) -> Tensor:
        """(n, d) of the trunk -> (n, n_classes), with dropout in training."""
        for top in self.tops:
            hidden = top(nn.functional.dropout(hidden, self.dropout, self.training))
        return hidden

    def latent(self, hidden: Tensor) -> Tensor:
        """(n, d) of the trunk -> what the last layer sees, (n, hidden[-1]), without dropout."""
        for top in self.tops[:-1]:
            hidden = top(hidden)
        return hidden

    def passes(self, hidden: Tensor, n: int, seed: int) -> Tensor:
        """Logits of n draws of dropout, (n, n_objects, n_classes), all layers vectorised.

        A draw drops the same units for all objects (Kirsch et al. 2019): a pass is one network, and
        no object's values depend on which others are asked for.

        Parameters
        ----------
        hidden : (n_objects, d)
            Of the trunk, which is the same in all passes.
        n, seed
            How many draws; the i-th depends on the seed and i alone.
        """
        keep = 1 - self.dropout
        inputs = [hidden.shape[1], *(top[0].out_features for top in self.tops[:-1])]
        masks = []
        for i, d in enumerate(inputs):
            rng = torch.Generator().manual_seed(seed + i)
            masks.append((torch.rand(n, 1, d, generator=rng) < keep) / keep)
        size = max(1, _VALUES // max(1, len(hidden) * max(inputs)))
        parts = []
        for rows in torch.arange(n).split(size):
            x = hidden
            for top, mask in zip(self.tops, masks, strict=True):
                x = top(x * mask[rows].to(hidden.device))
            parts.append(x)
        return torch.cat(parts)
