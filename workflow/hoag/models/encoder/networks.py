"""The encoder network."""

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from hoag.models._layers import coarse_shape, downward, initialise
from hoag.models._saving import load_weights
from hoag.models.encoder import Options
from hoag.options import build


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


def load_encoder(weights: str | Path, description: str | Path) -> Encoder:
    """The encoder from its files, frozen."""
    facts = json.loads(Path(description).read_text())
    options = build(Options, facts["options"], "options")
    encoder = Encoder(options.width, tuple(facts["shape"]), facts["n_latent"])
    load_weights(weights, encoder=encoder)
    return encoder
