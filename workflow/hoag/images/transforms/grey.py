"""One channel of several: their weighted mean."""

from dataclasses import dataclass

import numpy as np

from hoag.options import ConfigError, option

TAKES = ("flux", "unit", "byte")
GIVES = None


@dataclass(frozen=True)
class Options:
    """How much each channel counts."""

    weights: tuple[float, ...] = option(
        (),
        doc="One number for each channel, divided by their sum; none: all count the same. "
        "[0.299, 0.587, 0.114] is the brightness of red, green and blue to the eye.",
        minimum=0,
    )

    def __post_init__(self) -> None:
        if self.weights and not sum(self.weights) > 0:
            raise ConfigError(f"weights: found {list(self.weights)}, allowed: a sum above 0")


def output_bands(bands: tuple[str, ...], options: Options) -> tuple[str, ...]:
    """The one channel's name; raises ConfigError for another number of weights than of bands."""
    if len(options.weights) not in (0, len(bands)):
        raise ConfigError(
            f"weights: found {len(options.weights)} numbers, allowed: one for each of "
            f"{', '.join(bands)}"
        )
    return ("grey",)


def output_shape(shape: tuple[int | None, ...], options: Options) -> tuple[int | None, ...]:
    """One channel of the same size."""
    return (*shape[:2], 1)


def apply(image: np.ndarray, bands: tuple[str, ...], options: Options) -> np.ndarray:
    """Weighted mean over the channels, (y, x, 1), of the type that came in; bytes are rounded.

    A pixel that is NaN or infinite in a channel that counts is so in the mean.
    """
    weights = np.array(options.weights or [1.0] * image.shape[2])
    counts = weights > 0  # 0 * NaN would be NaN
    mean = np.average(image[..., counts], axis=2, weights=weights[counts])[..., None]
    return np.rint(mean).astype(np.uint8) if image.dtype == np.uint8 else mean.astype(image.dtype)
