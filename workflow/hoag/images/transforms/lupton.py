"""Colour image of three bands after Lupton et al. (2004), as astropy computes it.

The defaults are those of the HSC images of Storey-Fisher et al. (2021, MNRAS 508, 2946).
"""

from dataclasses import dataclass

import numpy as np

from hoag.options import ConfigError, option, unknown

TAKES = ("flux",)
GIVES = "byte"


@dataclass(frozen=True)
class Options:
    """Which bands become red, green and blue, and how flux becomes brightness."""

    red: str = option("i", doc="Band shown as red, usually the longest wavelength.")
    green: str = option("r", doc="Band shown as green.")
    blue: str = option("g", doc="Band shown as blue, usually the shortest wavelength.")
    q: float = option(
        15.0, doc="Softening Q: 0 is linear, larger compresses bright pixels.", minimum=0
    )
    stretch: float = option(0.5, doc="Scale of the linear part, above 0.", unit="survey flux")
    minimum: float | tuple[float, float, float] = option(
        0.0, doc="Flux that becomes black: one value, or red, green, blue.", unit="survey flux"
    )

    def __post_init__(self) -> None:
        if not self.stretch > 0:
            raise ConfigError(f"stretch: found {self.stretch}, allowed: above 0")


def output_bands(bands: tuple[str, ...], options: Options) -> tuple[str, ...]:
    """Names of the channels that come out; raises ConfigError for a band that isn't there."""
    for name in ("red", "green", "blue"):
        if getattr(options, name) not in bands:
            raise ConfigError(unknown(name, getattr(options, name), bands))
    return ("red", "green", "blue")


def output_shape(shape: tuple[int | None, ...], options: Options) -> tuple[int | None, ...]:
    """Three channels of the same size."""
    return (*shape[:2], 3)


def apply(image: np.ndarray, bands: tuple[str, ...], options: Options) -> np.ndarray:
    """Map (y, x, band) flux to uint8 (y, x, 3); NaN counts as 0 flux in its band."""
    from hoag.images.lupton import make_lupton_rgb

    red, green, blue = (
        image[..., bands.index(b)] for b in (options.red, options.green, options.blue)
    )
    return make_lupton_rgb(
        red, green, blue, q=options.q, stretch=options.stretch, minimum=options.minimum
    )
