"""Colour images from three bands, after Lupton et al. (2004), bit for bit as astropy makes them.

`astropy.visualization.make_lupton_rgb` (version 7.2) is the definition; this module repeats its
arithmetic, in its order and precision, in two passes over each image instead of some twenty.
Only the arcsinh stays numpy's own: a compiler's arcsinh differs from it in the last bit for one
value in five, which is enough to move a pixel across a whole number.
"""

import functools
from collections.abc import Sequence

import numba
import numpy as np

_Q_LEAST = 1.0 / 2**23  # below this astropy takes _Q_ZERO
_Q_ZERO = 0.1
_Q_MOST = 1e10
_SLOPE_AT = 0.1  # the stretch is linear below this fraction of ``stretch``


def make_lupton_rgb(
    red: np.ndarray,
    green: np.ndarray,
    blue: np.ndarray,
    *,
    q: float,
    stretch: float,
    minimum: float | Sequence[float],
) -> np.ndarray:
    r"""Colour image of three bands.

    With I the mean of the bands less their minima, each band is multiplied by f(I) / I where

    .. math:: f(I) = 0.1 \, \mathrm{asinh}(Q I / s) / \mathrm{asinh}(0.1 Q)

    then, where the brightest band exceeds 1, all three are divided by it (Lupton et al. 2004,
    PASP 116, 133, eqs. 2 and 3, with astropy's constants).

    Parameters
    ----------
    red, green, blue
        (y, x), linear flux, all of one shape and type. float32 is computed in float32, any other
        type in float64, as astropy does.
    q
        Softening Q: 0 is a linear stretch, large values compress bright pixels.
    stretch
        Flux scale s of the linear part, in the unit of the bands; above 0.
    minimum
        Flux that becomes black: one value or three (red, green, blue).

    Returns
    -------
    numpy array, uint8, (y, x, 3)

    Raises
    ------
    ValueError
        For bands that differ in shape or type, a negative ``q``, a ``stretch`` that isn't
        positive, or a ``minimum`` that isn't one or three values.

    Notes
    -----
    NaN counts as 0 in its band, before ``minimum`` is taken off. A pixel with an infinite flux
    becomes black.
    """
    bands = [np.asarray(b) for b in (red, green, blue)]
    if len({(b.shape, b.dtype) for b in bands}) > 1:
        found = ", ".join(f"{b.shape} {b.dtype}" for b in bands)
        raise ValueError(f"red, green, blue: found {found}, allowed: one shape and type")
    minima = (minimum,) if np.isscalar(minimum) else tuple(minimum)
    dtype = np.float32 if bands[0].dtype == np.float32 else np.float64
    slope, soften, minima = _constants(float(q), float(stretch), minima, dtype)
    shape, bands = bands[0].shape, [np.ascontiguousarray(b, dtype).ravel() for b in bands]
    rgb = np.empty((*shape, 3), np.uint8)
    intensity, mapped = np.empty((2, bands[0].size), dtype)
    _intensity(*bands, minima, soften, intensity, mapped)
    np.arcsinh(mapped, out=mapped)
    _colour(*bands, minima, intensity, mapped, slope, rgb.reshape(-1))
    return rgb


@functools.lru_cache(maxsize=16)
def _constants(
    q: float, stretch: float, minimum: tuple[float, ...], dtype: type
) -> tuple[float, np.floating, np.ndarray]:
    """Slope (float64 even for float32 bands), softening, and the three minima."""
    if not q >= 0:
        raise ValueError(f"q: found {q}, allowed: 0 or more")
    if not stretch > 0:
        raise ValueError(f"stretch: found {stretch}, allowed: above 0")
    if len(minimum) not in (1, 3):
        raise ValueError(f"minimum: found {len(minimum)} values, allowed: 1 or 3")
    q = _Q_ZERO if q < _Q_LEAST else min(q, _Q_MOST)
    slope = _SLOPE_AT / float(np.arcsinh(_SLOPE_AT * q))
    with np.errstate(over="ignore"):
        return slope, dtype(q / stretch), np.asarray(minimum * (3 // len(minimum)), dtype)


# Compiled on first use, for the type in hand, and without fast-math: contraction changes bits.
_compile = numba.njit(error_model="numpy", nogil=True, cache=True)


@_compile
def _intensity(red, green, blue, minima, soften, intensity, mapped):
    """Fill the mean of the three bands and that mean in units of the softening."""
    zero, three = minima.dtype.type(0), minima.dtype.type(3)
    low_r, low_g, low_b = minima[0], minima[1], minima[2]
    for i in range(intensity.size):
        r, g, b = red[i], green[i], blue[i]
        r = (zero if np.isnan(r) else r) - low_r
        g = (zero if np.isnan(g) else g) - low_g
        b = (zero if np.isnan(b) else b) - low_b
        mean = (r + g + b) / three
        intensity[i] = mean
        mapped[i] = mean * soften


@_compile
def _colour(red, green, blue, minima, intensity, mapped, slope, rgb):
    """Scale the bands by f(I) / I, limit the brightest to 1, and truncate to whole numbers."""
    number = minima.dtype.type
    zero, one, top = number(0), number(1), number(255)
    low_r, low_g, low_b = minima[0], minima[1], minima[2]
    for i in range(intensity.size):
        r, g, b = red[i], green[i], blue[i]
        # numpy multiplies by the float64 slope in float64 and then rounds to the array's type.
        factor = number(mapped[i] * slope) / intensity[i]
        factor = zero if intensity[i] <= zero else factor
        r = max(((zero if np.isnan(r) else r) - low_r) * factor, zero)
        g = max(((zero if np.isnan(g) else g) - low_g) * factor, zero)
        b = max(((zero if np.isnan(b) else b) - low_b) * factor, zero)
        scale = max(r, g, b, one)  # x / 1 is x
        r, g, b = r / scale * top, g / scale * top, b / scale * top
        rgb[3 * i] = np.uint8(np.int32(r if r <= top else zero))
        rgb[3 * i + 1] = np.uint8(np.int32(g if g <= top else zero))
        rgb[3 * i + 2] = np.uint8(np.int32(b if b <= top else zero))
