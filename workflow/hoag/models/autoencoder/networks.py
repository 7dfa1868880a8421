"""The convolutional autoencoder's network."""

import torch
from torch import Tensor, nn

from hoag.models._layers import coarse_shape, initialise, upward
from hoag.models.encoder.networks import Encoder


class Decoder(nn.Module):
    """Codes (n, n_components) -> images (n, c, y, x); the mirror of `Encoder`.

    Parameters
    ----------
    width
        Channels of the last layer but one.
    shape
        Of one image: (y, x, c).
    n_components
        Length of the codes.
    seed
        Of the initial weights.
    """

    def __init__(
        self, width: int, shape: tuple[int, int, int], n_components: int, seed: int = 0
    ) -> None:
        super().__init__()
        self.start = coarse_shape(shape, width)
        c, y, x = self.start
        self.expand = nn.Linear(n_components, c * y * x)
        self.layers = upward(shape, width)
        initialise(self, seed)

    def forward(self, codes: Tensor) -> Tensor:
        x = self.expand(codes).view(-1, *self.start)
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


class Autoencoder(nn.Module):
    """Images (n, c, y, x) -> codes (n, n_components) -> images (n, c, y, x).

    Parameters
    ----------
    width
        Channels of the first layer.
    shape
        Of one image: (y, x, c); any size.
    n_components
        Length of the codes.
    seed
        Of the initial weights.
    """

    def __init__(
        self, width: int, shape: tuple[int, int, int], n_components: int, seed: int = 0
    ) -> None:
        super().__init__()
        self.encoder = Encoder(width, shape, n_components)
        self.decoder = Decoder(width, shape, n_components)
        initialise(self, seed)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.encoder(x))
