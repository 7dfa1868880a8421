"""Colour image of three bands as the DESI Legacy Imaging Surveys (DECaLS) draw theirs."""

from dataclasses import dataclass

import numpy as np

from hoag.options import ConfigError, option, unknown

TAKES = ("flux",)
GIVES = "unit"


@dataclass(frozen=True)
class Options:
    """Which bands become red, green and blue, and how flux becomes brightness."""

    red: str = option("z", doc="Band shown as red, usually the longest wavelength.")
    green: str = option("r", doc="Band shown as green.")
    blue: str = option("g", doc="Band shown as blue, usually the shortest wavelength.")
    scales: tuple[float, float, float] = option(
        (2.2, 3.4, 6.0),
        doc="Factors of red, green and blue; the defaults are for nanomaggies a pixel.",
        unit="1 / survey flux",
        minimum=0,
    )
    q: float = option(
        20.0, doc="Softening Q: larger compresses bright pixels.", minimum=0.001, maximum=1e6
    )
    pedestal: float = option(0.03, doc="Added to each scaled band: the grey of the sky.", minimum=0)


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
    """Map (y, x, band) flux to float32 (y, x, 3) in [0, 1].

    With b = scale * flux + pedestal of each band and I the mean over the bands of max(b, 0), a
    channel is b asinh(Q I) / (sqrt(Q) I), cut at 0 and 1, as in the surveys' own images. Values
    that aren't finite count as 0 flux.
    """
    flux = image[..., [bands.index(b) for b in (options.red, options.green, options.blue)]]
    flux = np.where(np.isfinite(flux), flux, 0).astype(float)
    scaled = flux * options.scales + options.pedestal
    mean = np.maximum(scaled, 0).mean(axis=2, keepdims=True)
    bright = np.arcsinh(options.q * mean) / np.sqrt(options.q)
    factor = np.divide(bright, mean, out=np.zeros_like(mean), where=mean > 0)
    return np.clip(scaled * factor, 0, 1).astype(np.float32)
