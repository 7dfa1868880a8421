"""A trained multimodal variational autoencoder at work."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from hoag.models._layers import as_tensor
from hoag.models._normal import Normal, log_likelihood, product
from hoag.models._trained import Trained, common_noise
from hoag.models.mvae.networks import MultimodalVAE
from hoag.models.vae.trained import drawn

REACH = 5.0  # spreads of a column beyond which a value counts as this far
BEYOND = 100.0  # spreads beyond which a value is none
MOVES = 5  # of a draw towards the columns it is to have


def within_reach(scaled: np.ndarray) -> np.ndarray:
    """Scaled columns as the networks get them, float32: NaN where no column's values can be.

    That far out are stand-ins for a missing value, -9999 say.
    """
    scaled = np.where(np.abs(scaled) < BEYOND, scaled, np.nan)
    return np.clip(scaled, -REACH, REACH).astype(np.float32)


def centre_and_spread(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each column (n, k): the median, and the spread about it that a few stand-ins don't move.

    That is the interquartile range as the standard deviation of a normal distribution; the usual
    one where half of the values are equal, 1 where all are.
    """
    low, middle, high = np.nanpercentile(values, [25, 50, 75], axis=0)
    spread = (high - low) / 1.349
    spread = np.where(spread > 0, spread, np.nanstd(values, axis=0))
    return middle, np.where(spread > 0, spread, 1.0)


class TrainedMVAE(Trained):
    """Codes of images and columns, either from the other, samples with chosen columns.

    Columns are in their own units, (n, k) float, NaN where there is none.

    Parameters
    ----------
    network, scale
        As of `Trained`.
    columns
        Names of the k columns.
    mean, spread : (k,)
        Of each column over the fit.
    """

    def __init__(
        self,
        network: MultimodalVAE,
        scale: float,
        columns: Sequence[str],
        mean: np.ndarray,
        spread: np.ndarray,
    ) -> None:
        super().__init__(network, scale)
        self.columns, self.mean, self.spread = list(columns), mean, spread

    @property
    def n_components(self) -> int:
        return self.network.image.decoder.expand.in_features

    def encode(self, images: np.ndarray | None, columns: np.ndarray) -> np.ndarray:
        """Mean codes, float32 (n, n_components), of what there is of each object.

        Parameters
        ----------
        images : (n, y, x, c)
            None: of the columns alone. An object without any column then has the prior's, zero.
        columns
            All NaN: of the image alone.
        """
        return self.apply(self._mean_code, *self._inputs(images, columns))

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Images (n, y, x, c) of codes, float32, in units in which white is one."""
        return self.apply(lambda z: self.as_pictures(self.network.image.decoder(z)), codes)

    def decode_columns(self, codes: np.ndarray) -> np.ndarray:
        """Columns (n, k) of codes, float64."""
        return self.apply(self.network.decode_columns, codes) * self.spread + self.mean

    def reconstruct(self, images: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Images of the mean codes, float32 (n, y, x, c), in units in which white is one."""
        return self.decode(self.encode(images, columns))

    def sample(self, n: int, seed: int, given: Mapping[str, float] | None = None) -> np.ndarray:
        """Draw codes, float32 (n, n_components), from the prior, or with some columns given.

        Draws from the prior are moved, as by `change`, five times towards codes whose columns are
        the given ones. What the columns' experts themselves allow (Wu & Goodman 2018, section 2.2)
        is far less diverse: here they learn to expect the mean image. The i-th code comes from the
        same random numbers whatever is given, so that rows of samples differ in what is given
        alone.

        Raises
        ------
        ValueError
            For a value that no object of the fit can have had.
        """
        for name, value in (given or {}).items():
            self._check(name, value)
        codes = drawn(n, self.n_components, seed)
        for _ in range(MOVES if given else 0):
            own = self.decode_columns(codes)
            wanted = own.copy()
            for name, value in given.items():
                wanted[:, self.columns.index(name)] = value
            codes = codes + self._step(own, wanted)
        return codes

    def change(
        self, images: np.ndarray, columns: np.ndarray, name: str, value: float
    ) -> np.ndarray:
        """Codes of objects with one column changed to ``value``, float32 (n, n_components).

        The image says far more of the code than a column does, so that a product with another value
        would hardly move it. The code is moved instead by as much as the columns alone move theirs.

        Raises
        ------
        ValueError
            For a value that no object of the fit can have had.
        """
        self._check(name, value)
        changed = columns.copy()
        changed[:, self.columns.index(name)] = value
        return self.encode(images, columns) + self._step(columns, changed)

    def _check(self, name: str, value: float) -> None:
        """Farther out a column's value would be cut, or taken for none."""
        i = self.columns.index(name)
        low, high = self.mean[i] - REACH * self.spread[i], self.mean[i] + REACH * self.spread[i]
        if not low <= value <= high:
            raise ValueError(f"{name}: found {value:g}, allowed: {low:g} to {high:g}")

    def _step(self, columns: np.ndarray, others: np.ndarray) -> np.ndarray:
        """From the mean codes of some columns alone to those of others, (n, n_components)."""
        return self.encode(None, others) - self.encode(None, columns)

    def losses(self, images: np.ndarray, n_draws: int, columns: np.ndarray) -> np.ndarray:
        """How badly each object is known, float32 (n, 4 + k), by the names that the features give.

        Mean squared error of the image reconstructed from all there is, white being one; negative
        evidence bound of all there is, from ``n_draws`` draws, in nat; mean squared error of the
        image expected from the columns; squared error of the columns expected from the image, in
        units of their variance: the mean over those that there are, then each. What would need a
        column that an object lacks is NaN.
        """
        noise = common_noise(n_draws, self.n_components, "mvae").to(self.device)

        def losses(part: Tensor, own: Tensor) -> Tensor:
            x, known, filled = self._image(part), own.isfinite(), own.nan_to_num()
            n, seen = x.shape[1:].numel(), torch.ones_like(known[:, :1])
            experts = self.network.experts(x, filled)
            of_all = product(experts, torch.cat([seen, known], dim=1))
            of_image = product(experts, torch.cat([seen, known & False], dim=1))
            of_columns = product(experts, torch.cat([~seen, known], dim=1))

            def error(z: Tensor) -> Tensor:
                return self.network.image.squares(z, x) * self.scale**2 / n

            bound = self._bound(of_all, x, filled, known, noise)
            missed = (self.network.decode_columns(of_image.mean) - filled).square() * known
            unlike = error(of_columns.mean).masked_fill(~known.any(dim=1), torch.nan)
            parts = error(of_all.mean), -bound, unlike, missed.sum(dim=1) / known.sum(dim=1)
            each = missed.masked_fill(~known, torch.nan)
            return torch.cat([torch.stack(parts, dim=1), each], dim=1)

        return self.apply(losses, images, self._scaled(columns))

    def _bound(self, q: Normal, x: Tensor, columns: Tensor, known: Tensor, noise: Tensor) -> Tensor:
        """Evidence lower bound of all there is, (n,), nat (Wu & Goodman 2018, Eq. 2)."""
        n, variance = x.shape[1:].numel(), self.network.image.variance
        fits = []
        for z in (q.draw(one) for one in noise):
            image = log_likelihood(self.network.image.squares(z, x), n, variance)
            fits.append(image + (self.network.column_fits(z, columns) * known).sum(dim=1))
        return torch.stack(fits).mean(dim=0) - q.divergence()

    def _inputs(self, images: np.ndarray | None, columns: np.ndarray) -> list[np.ndarray]:
        parts = [] if images is None else [images]
        return [*parts, self._scaled(columns)]

    def _scaled(self, columns: np.ndarray) -> np.ndarray:
        return within_reach((columns - self.mean) / self.spread)

    def _image(self, images: Tensor) -> Tensor:
        return as_tensor(images) / self.scale

    def _mean_code(self, *parts: Tensor) -> Tensor:
        images, columns = parts if len(parts) == 2 else (None, parts[0])
        return self._posterior(images, columns).mean

    def _posterior(self, images: Tensor | None, columns: Tensor) -> Normal:
        present = columns.isfinite()
        x = None
        if images is not None:
            x = self._image(images)
            present = torch.cat([torch.ones_like(present[:, :1]), present], dim=1)
        return product(self.network.experts(x, columns.nan_to_num()), present)
