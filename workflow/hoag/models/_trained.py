"""Trained networks at work: arrays in, arrays out, a fixed number of images at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hoag.models._layers import best_device, freeze
from hoag.seeds import sequence

BATCH, MULTIPLE = 128, 16  # other numbers of rows round matrix products otherwise


class Trained:
    """A frozen network of images with the scale of its inputs; on a GPU where there is one.

    Parameters
    ----------
    network
        With its trained weights.
    scale
        Inputs are divided by it.
    """

    def __init__(self, network: torch.nn.Module, scale: float) -> None:
        self.network, self.scale, self.device = network, scale, best_device()
        freeze(network, self.device)

    def apply(self, function: Callable[..., Tensor], *arrays: np.ndarray) -> np.ndarray:
        """``function`` of a few rows of the arrays (tensors on the device) at a time, joined."""
        parts = zip(*(torch.as_tensor(a).split(BATCH) for a in arrays), strict=True)
        with torch.inference_mode():
            done = [
                function(*(_filled_up(p).to(self.device) for p in part)).cpu()[: len(part[0])]
                for part in parts
            ]
        return torch.cat(done).numpy()

    def as_pictures(self, decoded: Tensor) -> Tensor:
        """What a decoder gives, (n, c, y, x), as images (n, y, x, c) in which white is one."""
        return (decoded * self.scale).permute(0, 2, 3, 1)


def _filled_up(rows: Tensor) -> Tensor:
    """With zeros up to the next multiple."""
    more = -len(rows) % MULTIPLE
    return torch.cat([rows, rows.new_zeros(more, *rows.shape[1:])]) if more else rows


def to_bytes(pictures: np.ndarray) -> np.ndarray:
    """Images in which white is one as uint8, cut to what a picture can show."""
    return np.rint(np.clip(pictures, 0, 1) * 255).astype(np.uint8)


def common_noise(n: int, d: int, *names: Any) -> Tensor:
    """Standard normal (n, d), the same for every object, so that none depends on its company."""
    random = torch.Generator().manual_seed(sequence(0, "noise", *names))
    return torch.randn(n, d, generator=random)
