"""Some of the channels, in the order wanted."""

from dataclasses import dataclass

import numpy as np

from hoag.options import ConfigError, option, unknown

TAKES = ("flux", "unit", "byte")
GIVES = None
KEEPS_VALUES = True  # channels are chosen, not changed


@dataclass(frozen=True)
class Options:
    """Which channels."""

    bands: tuple[str, ...] = option(
        doc="Names of the survey's bands, in the order in which they come out."
    )

    def __post_init__(self) -> None:
        if not self.bands:
            raise ConfigError("bands: found no name, allowed: one or more")


def output_bands(bands: tuple[str, ...], options: Options) -> tuple[str, ...]:
    """The bands chosen; raises ConfigError for one that isn't there."""
    for name in options.bands:
        if name not in bands:
            raise ConfigError(unknown("bands", name, bands))
    return options.bands


def output_shape(shape: tuple[int | None, ...], options: Options) -> tuple[int | None, ...]:
    """As many channels as bands are named."""
    return (*shape[:2], len(options.bands))


def apply(image: np.ndarray, bands: tuple[str, ...], options: Options) -> np.ndarray:
    """The channels named, in the order named."""
    return image[..., [bands.index(name) for name in options.bands]]
