"""A trained variational autoencoder at work."""

import numpy as np
import torch
from torch import Tensor

from hoag.models._layers import as_tensor
from hoag.models._trained import Trained, common_noise
from hoag.seeds import sequence


class TrainedVAE(Trained):
    """Mean codes, reconstructions, bounds on the evidence, samples."""

    @property
    def n_components(self) -> int:
        return self.network.decoder.expand.in_features

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Mean codes of images (n, y, x, c), float32 (n, n_components)."""
        return self.apply(lambda x: self.network.posterior(self._scaled(x)).mean, images)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Images (n, y, x, c) of codes, float32, in units in which white is one."""
        return self.apply(lambda z: self.as_pictures(self.network.decoder(z)), codes)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """Images of the mean codes, float32 (n, y, x, c), in units in which white is one."""
        return self.decode(self.encode(images))

    def sample(self, n: int, seed: int) -> np.ndarray:
        """Codes drawn from the prior, float32 (n, n_components), the same for the same seed."""
        return drawn(n, self.n_components, seed)

    def losses(self, images: np.ndarray, n_draws: int) -> np.ndarray:
        """How badly each image is known, float32 (n, 3), in the order of `loss_names`.

        Mean squared error of the reconstruction from the mean code, white being one; the negative
        evidence bound and the negative importance-weighted bound from ``n_draws`` draws, in nat, of
        the pixels in units of their root mean square.
        """
        noise = common_noise(n_draws, self.n_components, "vae").to(self.device)

        def losses(part: Tensor) -> Tensor:
            x = self._scaled(part)
            squares = self.network.squares(self.network.posterior(x).mean, x)
            error = squares * self.scale**2 / x.shape[1:].numel()
            return torch.cat([error[:, None], -self.network.bounds(x, noise)], dim=1)

        return self.apply(losses, images)

    def _scaled(self, images: Tensor) -> Tensor:
        return as_tensor(images) / self.scale


def drawn(n: int, d: int, seed: int) -> np.ndarray:
    """Codes from the prior, float32 (n, d), the same for the same seed."""
    random = torch.Generator().manual_seed(sequence(seed, "sample"))
    return torch.randn(n, d, generator=random).numpy()
