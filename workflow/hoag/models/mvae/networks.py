"""The multimodal variational autoencoder's network: experts, their product, decoders."""

import torch
from torch import Tensor, nn

from hoag.models._layers import initialise
from hoag.models._normal import Normal, log_likelihood
from hoag.models.mvae import Options
from hoag.models.vae.networks import VariationalAutoencoder


class ColumnCoder(nn.Module):
    """A column's expert and its decoder.

    Parameters
    ----------
    hidden
        Units of the layer between.
    n_components
        Length of the codes.
    """

    def __init__(self, hidden: int, n_components: int) -> None:
        super().__init__()
        self.expert = nn.Sequential(
            nn.Linear(1, hidden), nn.ReLU(), nn.Linear(hidden, 2 * n_components)
        )
        self.decoder = nn.Sequential(
            nn.Linear(n_components, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        )


class MultimodalVAE(nn.Module):
    """An image (n, c, y, x) and columns (n, k) -> normal distributions of one code -> both.

    Modalities are numbered: the image is 0, the columns 1 to k.

    Parameters
    ----------
    options
        Widths, code length and the columns' noise.
    shape
        Of one image: (y, x, c); any size.
    n_columns
        k.
    seed
        Of the initial weights.
    """

    def __init__(
        self, options: Options, shape: tuple[int, int, int], n_columns: int, seed: int = 0
    ) -> None:
        super().__init__()
        self.column_variance = options.column_noise**2
        self.image = VariationalAutoencoder(options.width, shape, options.n_components)
        self.columns = nn.ModuleList(
            ColumnCoder(options.hidden, options.n_components) for _ in range(n_columns)
        )
        initialise(self, seed)

    def experts(self, x: Tensor | None, columns: Tensor) -> Normal:
        """What each modality says of the code, (n, 1 + k, d), or (n, k, d) without images.

        Parameters
        ----------
        x : (n, c, y, x)
            Scaled images.
        columns : (n, k)
            Scaled, any finite number where there is none.
        """
        pairs = [coder.expert(columns[:, i : i + 1]) for i, coder in enumerate(self.columns)]
        found = [Normal(*pair.chunk(2, dim=1)) for pair in pairs]
        if x is not None:
            found = [self.image.posterior(x), *found]
        means, log_variances = zip(*((f.mean, f.log_variance) for f in found), strict=True)
        return Normal(torch.stack(means, dim=1), torch.stack(log_variances, dim=1))

    def decode_columns(self, z: Tensor) -> Tensor:
        """Scaled columns of codes (n, d), (n, k)."""
        return torch.cat([coder.decoder(z) for coder in self.columns], dim=1)

    def column_fits(self, z: Tensor, columns: Tensor) -> Tensor:
        """Log likelihood of each column given codes (n, d), (n, k), nat."""
        squares = (self.decode_columns(z) - columns).square()
        return log_likelihood(squares, 1, self.column_variance)
