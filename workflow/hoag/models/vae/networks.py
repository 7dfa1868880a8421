"""The variational autoencoder's network."""

import math

import torch
from torch import Tensor, nn

from hoag.models._layers import initialise
from hoag.models._normal import Normal, log_likelihood, standard
from hoag.models.autoencoder.networks import Decoder
from hoag.models.encoder.networks import Encoder


class VariationalAutoencoder(nn.Module):
    """Images (n, c, y, x) -> normal distributions of codes -> images.

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

    Attributes
    ----------
    encoder : nn.Module
        Images -> means and log variances, (n, 2 n_components).
    decoder : nn.Module
        Codes -> images.
    variance : Tensor
        Of the pixels' errors, in the inputs' unit; followed while training.
    """

    def __init__(
        self, width: int, shape: tuple[int, int, int], n_components: int, seed: int = 0
    ) -> None:
        super().__init__()
        self.encoder = Encoder(width, shape, 2 * n_components)
        self.decoder = Decoder(width, shape, n_components)
        self.register_buffer("variance", torch.ones(()))
        initialise(self, seed)

    def posterior(self, x: Tensor) -> Normal:
        """What the codes of images can be."""
        return Normal(*self.encoder(x).chunk(2, dim=1))

    def squares(self, z: Tensor, x: Tensor) -> Tensor:
        """Summed squared errors of the images that codes (n, n_components) give, (n,)."""
        return (self.decoder(z) - x).square().flatten(1).sum(dim=1)

    def bounds(self, x: Tensor, noise: Tensor) -> Tensor:
        """Two lower bounds on the log evidence log p(x) of each object, (n, 2), nat.

        The evidence lower bound (Kingma & Welling 2014, Eq. 10, the divergence in closed form) and
        the importance-weighted one (Burda et al. 2016, Eq. 8), which rises towards log p(x) with
        the number of draws. Both hold in the mean over draws.

        Parameters
        ----------
        x : (n, ...)
            Scaled images.
        noise : (k, n_components)
            Standard normal; the same draws serve all objects.
        """
        q = self.posterior(x)
        draws = [q.draw(one) for one in noise]
        fits = [
            log_likelihood(self.squares(z, x), x.shape[1:].numel(), self.variance) for z in draws
        ]
        fit = torch.stack(fits)
        weights = fit + torch.stack([standard(z) - q.log_density(z) for z in draws])
        evidence = fit.mean(dim=0) - q.divergence()
        weighted = torch.logsumexp(weights, dim=0) - math.log(len(noise))
        return torch.stack([evidence, weighted], dim=1)
