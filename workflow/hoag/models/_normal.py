"""Normal distributions with diagonal covariances: what variational autoencoders compute with."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Normal:
    """A normal distribution for each of n objects: mean and log variance, (n, d) each."""

    mean: Tensor
    log_variance: Tensor

    def draw(self, noise: Tensor) -> Tensor:
        """Standard normal ``noise``, (n, d) or (d,) for the same draw for all, as draws of this."""
        return self.mean + torch.exp(self.log_variance / 2) * noise

    def divergence(self) -> Tensor:
        """Kullback-Leibler divergence from the standard normal, (n,), nat.

        Kingma & Welling 2014, appendix B.
        """
        terms = self.mean.square() + self.log_variance.exp() - 1 - self.log_variance
        return terms.sum(dim=1) / 2

    def log_density(self, z: Tensor) -> Tensor:
        """Log density at ``z`` (n, d), (n,), nat."""
        terms = (z - self.mean).square() * torch.exp(-self.log_variance)
        return -(terms + self.log_variance + math.log(2 * math.pi)).sum(dim=1) / 2


def standard(z: Tensor) -> Tensor:
    """Log density of the standard normal at ``z`` (n, d), (n,), nat."""
    return -(z.square() + math.log(2 * math.pi)).sum(dim=1) / 2


def log_likelihood(squares: Tensor, n: int, variance: Tensor | float) -> Tensor:
    """Log density of ``n`` numbers with independent normal errors of one ``variance``, nat.

    Parameters
    ----------
    squares
        Sums of the n squared errors.
    n, variance
        How many, and the errors' variance.
    """
    variance = torch.as_tensor(variance)
    return -(squares / variance + n * torch.log(2 * math.pi * variance)) / 2


def product(experts: Normal, present: Tensor) -> Normal:
    """Product of experts and the standard normal (Wu & Goodman 2018, section 2.2 and appendix B).

    Precisions add up, and means weighed by them; an expert that is absent counts for nothing, and
    without any the standard normal is left.

    Parameters
    ----------
    experts
        Mean and log variance of the k experts, (n, k, d) each; those absent hold any finite number.
    present : (n, k) bool
        Which experts there are.
    """
    precision = torch.exp(-experts.log_variance) * present[:, :, None]
    total = 1 + precision.sum(dim=1)
    return Normal((precision * experts.mean).sum(dim=1) / total, -torch.log(total))
