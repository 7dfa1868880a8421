"""Small plots of light curves and spectra, shown wherever an image of an object would be.

They are for the eye and say only what fits: the measurements, over their own range, and that range
in numbers. Nothing learns from them.
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.surveys._types import LIGHT_CURVE

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SIZE_PX = 144
_FINER = 3  # drawn so many times larger, then averaged
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.24, 0.96, 0.06, 0.87  # of the side: where measurements lie
_LINE = 4  # width of a spectrum, on the finer picture
_TEXT = 0.085  # height of the numbers, of the side
_FITS = 5  # characters of a number at the left
_INK, _GREY = "#202020", "#5A5A5A"
# Okabe & Ito's palette, as in figures
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def draw(trace: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    """Draw one object.

    Parameters
    ----------
    trace
        Columns of a light curve or spectrum, as stored; one row or more.
    attributes
        The store's: ``kind``, and ``values`` of light curves (magnitudes are drawn upside down).

    Returns
    -------
    (SIZE_PX, SIZE_PX, 3) uint8

    Notes
    -----
    A light curve is points with error bars, a colour for each filter in the survey's order, over
    all times, with the first and the last (MJD) below; bars are cut at the frame. A spectrum is
    the mean flux of each column of pixels, over all wavelengths (angstrom); the highest and lowest
    percent of the columns don't set the scale. Values at the top and at the bottom of the
    measurements stand at the left, between them the power of ten that they are in, if any.
    """
    from PIL import Image, ImageDraw

    side = SIZE_PX * _FINER
    image = Image.new("RGB", (side, side), "white")
    pen = ImageDraw.Draw(image)
    if attributes["kind"] == LIGHT_CURVE:
        ends = _light_curve(pen, trace, upside_down=attributes["values"] == "magnitudes")
    else:
        ends = _spectrum(pen, trace)
    _numbers(pen, *ends)
    pen.rectangle((0, 0, side - 1, side - 1), outline="#B0B0B0", width=_FINER)
    return np.asarray(image.resize((SIZE_PX, SIZE_PX), Image.Resampling.BOX))


def _light_curve(
    pen: "ImageDraw", trace: Mapping[str, np.ndarray], *, upside_down: bool
) -> tuple[float, float, float, float]:
    time, value = trace["time_mjd"], trace["value"]
    error = np.nan_to_num(trace["error"])
    low, high = value.min(), value.max()
    top, bottom = (low, high) if upside_down else (high, low)
    x = _places(time, time.min(), time.max(), _LEFT, _RIGHT)
    y, above, below = (_places(v, bottom, top, _BOTTOM, _TOP) for v in _with_errors(value, error))
    dot = 1.3 * _FINER
    for i, colour in enumerate(_COLOURS[b % len(_COLOURS)] for b in trace["band"]):
        pen.line((x[i], above[i], x[i], below[i]), fill=_pale(colour), width=_FINER)
    for i, colour in enumerate(_COLOURS[b % len(_COLOURS)] for b in trace["band"]):
        pen.ellipse((x[i] - dot, y[i] - dot, x[i] + dot, y[i] + dot), fill=colour)
    return time.min(), time.max(), bottom, top


def _with_errors(value: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The values, and both ends of their bars, which stay within the values' range."""
    low, high = value.min(), value.max()
    return value, np.clip(value + error, low, high), np.clip(value - error, low, high)


def _spectrum(
    pen: "ImageDraw", trace: Mapping[str, np.ndarray]
) -> tuple[float, float, float, float]:
    wavelength = trace["wavelength_angstrom"]
    first, last = wavelength[0], wavelength[-1]
    column = np.rint(_places(wavelength, first, last, _LEFT, _RIGHT) / _FINER).astype(int)
    weight = np.where(trace["ivar"] > 0, 1.0, 0.0)
    total = np.bincount(column, weights=weight, minlength=SIZE_PX)
    flux = np.where(weight > 0, trace["flux"], 0.0)
    shown = np.flatnonzero(total)
    if not len(shown):
        return first, last, np.nan, np.nan
    mean = np.bincount(column, weights=flux, minlength=SIZE_PX)[shown] / total[shown]
    bottom, top = np.percentile(mean, [1, 99])
    margin = 0.05 * (top - bottom)
    bottom, top = bottom - margin, top + margin
    y = np.clip(_places(mean, bottom, top, _BOTTOM, _TOP), 0, SIZE_PX * _FINER)
    for run in np.split(np.arange(len(shown)), np.flatnonzero(np.diff(shown) > 1) + 1):
        steps = [(shown[i] * _FINER + end, y[i]) for i in run for end in (0, _FINER - 1)]
        pen.line(steps, fill=_COLOURS[0], width=_LINE)
    return first, last, bottom, top


def _places(values: np.ndarray, low: float, high: float, start: float, end: float) -> np.ndarray:
    """Where values lie on the large picture; the middle where all are the same."""
    share = (values - low) / (high - low) if high != low else np.full(len(values), 0.5)
    return (start + share * (end - start)) * SIZE_PX * _FINER


def _numbers(pen: "ImageDraw", first: float, last: float, bottom: float, top: float) -> None:
    """The ranges along both axes."""
    from PIL import ImageFont

    font = ImageFont.load_default(_TEXT * SIZE_PX * _FINER)
    side, edge = SIZE_PX * _FINER, 2 * _FINER
    pen.text((edge, side - edge), f"{first:.0f}", fill=_GREY, font=font, anchor="ls")
    pen.text((side - edge, side - edge), f"{last:.0f}", fill=_GREY, font=font, anchor="rs")
    if not (np.isfinite(top) and np.isfinite(bottom)):
        return
    *texts, power = labels(top, bottom)
    for text, place in zip(texts, (_TOP, _BOTTOM), strict=True):
        pen.text((edge, place * side), text, fill=_INK, font=font, anchor="lm")
    if power:
        middle = (_TOP + _BOTTOM) / 2 * side
        pen.text((edge, middle), f"1e{power}", fill=_GREY, font=font, anchor="lm")


def labels(top: float, bottom: float) -> tuple[str, str, int]:
    """Two values with as many decimals as tell them apart, and the power of ten they are in.

    At most five characters each, which is what fits, as long as five can tell them apart.
    """
    largest = max(abs(top), abs(bottom))
    if largest == 0:
        return "0", "0", 0
    for power in dict.fromkeys((0, math.floor(math.log10(largest)))):
        values = top / 10.0**power, bottom / 10.0**power
        span = abs(values[0] - values[1]) or abs(values[0])
        least = max(0, -math.floor(math.log10(span)))
        for decimals in (least + 1, least):
            texts = [f"{value:.{decimals}f}" for value in values]
            if max(map(len, texts)) <= _FITS:
                return *texts, power
    return *texts, power


def _pale(colour: str) -> tuple[int, int, int]:
    """A colour half way to white."""
    return tuple((int(colour[i : i + 2], 16) + 255) // 2 for i in (1, 3, 5))
