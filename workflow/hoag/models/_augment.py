"""Random small changes of training images."""

from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Moves:
    """A change for each of n images.

    Attributes
    ----------
    angle : (n,)
        rad.
    shift : (n, 2)
        In units of half a side.
    scale : (n, 2)
        Of either axis; negative mirrors it.
    """

    angle: torch.Tensor
    shift: torch.Tensor
    scale: torch.Tensor

    def to(self, device: torch.device | str) -> "Moves":
        """The same on another device."""
        return Moves(self.angle.to(device), self.shift.to(device), self.scale.to(device))


def moves(
    n: int,
    rotation_deg: float,
    shift: float,
    zoom: float,
    *,
    flips: bool = False,
    generator: torch.Generator | None = None,
) -> Moves:
    """Draw changes for n images.

    Parameters
    ----------
    rotation_deg
        Angles are uniform within +- this.
    shift
        Shifts along either axis are uniform within +- this share of the side.
    zoom
        Scales of either axis are uniform within 1 +- this.
    flips
        Half of the images mirrored, each axis by itself.
    generator
        Torch's own where none is given.
    """
    angle = torch.deg2rad((2 * torch.rand(n, generator=generator) - 1) * rotation_deg)
    move = (2 * torch.rand(n, 2, generator=generator) - 1) * 2 * shift
    scale = 1 + (2 * torch.rand(n, 2, generator=generator) - 1) * zoom
    if flips:
        scale = scale * (2 * torch.randint(0, 2, (n, 2), generator=generator) - 1)
    return Moves(angle, move, scale)


def moved(images: torch.Tensor, change: Moves) -> torch.Tensor:
    """Each image rotated, shifted and zoomed, with edges repeated beyond the image.

    Parameters
    ----------
    images : (n, channel, y, x) float
        On the device of the changes.
    change
        One for each image.

    Returns
    -------
    Tensor
        The same shape; bilinear interpolation, which keeps the range of values.
    """
    cos, sin = torch.cos(change.angle), torch.sin(change.angle)
    scale, move = change.scale, change.shift
    y, x = (_centres(side, images.device) for side in images.shape[2:])
    grid = torch.stack(
        [
            _affine(cos * scale[:, 0], -sin * scale[:, 1], move[:, 0], x, y),
            _affine(sin * scale[:, 0], cos * scale[:, 1], move[:, 1], x, y),
        ],
        dim=3,
    )
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def _centres(side: int, device: torch.device) -> torch.Tensor:
    """Coordinates of the pixels' centres, the side being from -1 to 1."""
    return (2 * torch.arange(side, device=device) + 1) / side - 1


def _affine(
    a: torch.Tensor, b: torch.Tensor, c: torch.Tensor, x: torch.Tensor, y: torch.Tensor
) -> torch.Tensor:
    """a x + b y + c for each image and pixel, (n, y, x)."""
    along_x = a[:, None] * x + c[:, None]
    return along_x[:, None, :] + (b[:, None] * y)[:, :, None]
