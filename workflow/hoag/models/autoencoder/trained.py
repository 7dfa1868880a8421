"""A trained autoencoder at work."""

import numpy as np
from torch import Tensor

from hoag.models._layers import as_tensor
from hoag.models._trained import Trained


class TrainedAutoencoder(Trained):
    """Codes, reconstructions and their errors."""

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Codes of images (n, y, x, c), float32 (n, n_components)."""
        return self.apply(lambda x: self.network.encoder(self._scaled(x)), images)

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """Reconstructions (n, y, x, c), float32, in units in which white is one."""
        return self.apply(lambda x: self.as_pictures(self.network(self._scaled(x))), images)

    def losses(self, images: np.ndarray, n_draws: int) -> np.ndarray:  # noqa: ARG002 (no draws)
        """Mean squared error of each reconstruction, white being one, float32 (n, 1)."""

        def error(part: Tensor) -> Tensor:
            x = self._scaled(part)
            difference = (self.network(x) - x).flatten(1) * self.scale
            return difference.square().mean(dim=1, keepdim=True)

        return self.apply(error, images)

    def _scaled(self, images: Tensor) -> Tensor:
        return as_tensor(images) / self.scale
