"""The encoder network."""

import torch
from torch import Tensor, nn

from hoag.models._layers import coarse_shape, downward, initialise


class Encoder(nn.Module):
    """Images (n, c, y, x) -> vectors (n, n_latent).

    Parameters
    ----------
    width
        Channels of the first layer.
    shape
        Of one image: (y, x, c).
    n_latent
        Length of the vectors.
    seed
        Of the initial weights.
    """

    def __init__(
        self, width: int, shape: tuple[int, int, int], n_latent: int, seed: int = 0
    ) -> None:
        super().__init__()
        self.layers = downward(shape[2], width)
        c, y, x = coarse_shape(shape, width)
        self.last = nn.Linear(c * y * x, n_latent)
        initialise(self, seed)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.last(x.flatten(1))
