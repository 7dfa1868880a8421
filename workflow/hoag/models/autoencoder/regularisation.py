"""What keeps an autoencoder from copying: noisy inputs, sparse codes, contractive codes.

Codes have no unit: a network could halve them, double the decoder's weights and escape any penalty
on their size. Rifai et al. (2011) tie the two weights against that; here penalties act on codes in
units of their own spread over the batch.
"""

import torch
from torch import Tensor

_TINY = 1e-12  # keeps a code that is always 0 from dividing by it


def corrupted(x: Tensor, kind: str, size: float, random: torch.Generator) -> Tensor:
    """Noisy copies of inputs (Vincent et al. 2008, section 2.3; 2010, section 3.3).

    Parameters
    ----------
    x : (n, ...)
        Inputs of unit root mean square.
    kind
        "masking": each number is set to 0 with a chance of ``size``. "gaussian": normal noise of
        deviation ``size`` is added.
    size
        0 leaves the inputs as they are.
    random
        On the CPU, so that the noise is the same on any device.
    """
    if size == 0:
        return x
    if kind == "masking":
        return x * (torch.rand(x.shape, generator=random) >= size).to(x.device)
    return x + size * torch.randn(x.shape, generator=random).to(x.device)


def density(codes: Tensor) -> Tensor:
    """Mean absolute value of each code (n, d) in units of its root mean square over the batch: ().

    1 for a code that is always as large, .8 for a normal one, the root of the share of objects for
    one that only so many have.
    """
    return (codes.abs().mean(dim=0) / (codes.square().mean(dim=0) + _TINY).sqrt()).mean()


def spread(codes: Tensor) -> Tensor:
    """Standard deviation of each code (n, d) over the batch, (d,)."""
    return (codes.var(dim=0, correction=0) + _TINY).sqrt()


def jacobian_norm(codes: Tensor, x: Tensor, signs: Tensor) -> Tensor:
    """Estimate each object's squared Frobenius norm of d codes / d x, (n,).

    Rifai et al. 2011, Eq. 2, by Hutchinson's (1989) estimator: for random signs v the mean of
    \\|J^T v\\|^2 is the norm. One draw costs one pass backwards, whatever the codes' length.

    Parameters
    ----------
    codes : (n, d)
        Computed from ``x``, each row from its own object alone.
    x : (n, ...)
        With ``requires_grad``.
    signs : (n, d)
        +1 or -1, at random; divided by the codes' units, the norm is that of codes in them.
    """
    (gradient,) = torch.autograd.grad(codes, x, signs, create_graph=True)
    return gradient.flatten(1).square().sum(dim=1)
