"""Change an image to a square of another size, smoothing where it shrinks."""

from dataclasses import dataclass

import numpy as np

from hoag.options import option

TAKES = ("flux", "unit", "byte")
GIVES = None


@dataclass(frozen=True)
class Options:
    """Size of the square and the kernel of the interpolation."""

    size_px: int = option(doc="Side of the square that comes out.", unit="px", minimum=1)
    method: str = option(
        "bilinear",
        doc="Kernel: box and bilinear keep within the range of the pixels, bicubic and lanczos "
        "are sharper and may overshoot beside bright sources.",
        choices=("box", "bilinear", "bicubic", "lanczos"),
    )


def output_shape(shape: tuple[int | None, ...], options: Options) -> tuple[int | None, ...]:
    """A square of ``size_px``."""
    return (options.size_px, options.size_px, shape[2])


def apply(image: np.ndarray, bands: tuple[str, ...], options: Options) -> np.ndarray:
    """Resample each channel with Pillow.

    The kernel is widened by the factor of shrinking, which keeps fine structure from aliasing.
    Surface brightness (flux per pixel) is kept rather than total flux. Values that aren't finite
    count as 0. An image that isn't square is squeezed: crop it first to keep its aspect. uint8
    stays uint8, rounded and clipped; any other type becomes float32.
    """
    from PIL import Image

    size = (options.size_px, options.size_px)
    kernel = Image.Resampling[options.method.upper()]
    if image.dtype != np.uint8:
        image = np.where(np.isfinite(image), image, 0).astype(np.float32)
    planes = [np.ascontiguousarray(image[..., c]) for c in range(image.shape[2])]
    resized = [np.asarray(Image.fromarray(p).resize(size, kernel)) for p in planes]
    return np.stack(resized, axis=-1)
