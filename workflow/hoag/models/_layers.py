"""Building blocks of the convolutional networks: 5 x 5 kernels, stride 2, four of them deep.

The published code pads asymmetrically (one pixel before, two after); here two pixels on either
side, and the adjoint for the transposed layers, give the same sizes without a copy per layer.
"""

import itertools
import math

import numpy as np
import torch
from torch import Tensor, nn

from hoag.models._shape import DEPTH, REDUCTION

KERNEL, STRIDE = 5, 2


def down(n_in: int, n_out: int) -> nn.Conv2d:
    """A layer that halves the sides; an odd one loses half a pixel less."""
    return nn.Conv2d(n_in, n_out, KERNEL, STRIDE, padding=2)


def up(n_in: int, n_out: int, extra: tuple[int, int] = (1, 1)) -> nn.ConvTranspose2d:
    """A layer that doubles the sides (y, x), less one pixel where ``extra`` is 0."""
    return nn.ConvTranspose2d(n_in, n_out, KERNEL, STRIDE, padding=2, output_padding=extra)


def widths(width: int) -> tuple[int, ...]:
    """Channels after each of the four layers of an encoding network."""
    return tuple(width * 2**i for i in range(DEPTH))


def downward(channels: int, width: int) -> nn.ModuleList:
    """The four layers of an encoding network."""
    ends = (channels, *widths(width))
    return nn.ModuleList(down(a, b) for a, b in itertools.pairwise(ends))


def upward(shape: tuple[int, int, int], width: int) -> nn.ModuleList:
    """The four layers of a decoding network that ends in images of ``shape`` (y, x, c)."""
    ends = (*widths(width)[::-1], shape[2])
    sides = [[-(-side // 2**i) for side in shape[:2]] for i in range(DEPTH)][::-1]
    extras = [tuple(1 - side % 2 for side in pair) for pair in sides]  # an even one was doubled
    pairs = zip(itertools.pairwise(ends), extras, strict=True)
    return nn.ModuleList(up(a, b, extra) for (a, b), extra in pairs)


def coarse_shape(shape: tuple[int, int, int], width: int) -> tuple[int, int, int]:
    """(channels, y, x) of the last encoding layer for images of ``shape`` (y, x, c)."""
    return widths(width)[-1], -(-shape[0] // REDUCTION), -(-shape[1] // REDUCTION)


def initialise(module: nn.Module, seed: int) -> None:
    """Draw the weights as the code of Gulrajani et al. 2017 does.

    Uniform: He-like for convolutions, with fans that account for the stride; Glorot for linear
    layers; biases zero.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            transposed = isinstance(layer, nn.ConvTranspose2d)
            fans = [layer.in_channels * KERNEL**2, layer.out_channels * KERNEL**2]
            fans[0 if transposed else 1] /= STRIDE**2
            deviation = math.sqrt(4 / sum(fans))
        elif isinstance(layer, nn.Linear):
            deviation = math.sqrt(2 / (layer.in_features + layer.out_features))
        else:
            continue
        bound = math.sqrt(3) * deviation
        with torch.no_grad():
            layer.weight.uniform_(-bound, bound, generator=generator)
            if layer.bias is not None:
                layer.bias.zero_()


def as_tensor(
    images: np.ndarray | Tensor,
    device: torch.device | str = "cpu",
    layout: torch.memory_format = torch.contiguous_format,
) -> Tensor:
    """uint8 images (n, y, x, c) -> float32 tensor (n, c, y, x) in [0, 1]; floats unscaled."""
    tensor = torch.as_tensor(images).to(device)
    scale = 255.0 if tensor.dtype == torch.uint8 else 1.0
    return (tensor.permute(0, 3, 1, 2).float() / scale).contiguous(memory_format=layout)


def best_device() -> str:
    """The GPU where there is one, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def layout(device: torch.device | str) -> torch.memory_format:
    """How images and kernels lie in memory where networks are only applied, not trained.

    On a CPU channels last is faster at every size (``benchmarks/scoring.py``).
    """
    on_cpu = torch.device(device).type == "cpu"
    return torch.channels_last if on_cpu else torch.contiguous_format


def freeze(network: nn.Module, device: torch.device | str = "cpu") -> None:
    """Make a trained network ready to be applied: no gradients for its weights, laid out anew."""
    network.requires_grad_(False).eval().to(device, memory_format=layout(device))


def as_images(tensor: Tensor) -> np.ndarray:
    """Float tensor (n, c, y, x) in [0, 1] -> uint8 array (n, y, x, c)."""
    return (tensor * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
