"""Colour images from three bands, after Lupton et al. (2004), bit for bit as astropy makes them.

`astropy.visualization.make_lupton_rgb` (version 7.2) is the definition; this module repeats its
arithmetic, in its order and precision, in two passes over each image instead of some twenty.
Only the arcsinh stays numpy's own: a compiler's arcsinh differs from it in the last bit for one
value in five, which is enough to move a pixel across a whole number.
"""

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
    NaN counts as 0 in its band, before ``minimum`` is taken off; `make_lupton_rgb_batch` returns
    how many there were. A pixel with an infinite flux becomes black.
    """
    bands = [np.asarray(b) for b in (red, green, blue)]
    if len({(b.shape, b.dtype) for b in bands}) > 1:
        found = ", ".join(f"{b.shape} {b.dtype}" for b in bands)
        raise ValueError(f"red, green, blue: found {found}, allowed: one shape and type")
    mapping = _Mapping(bands[0].shape, bands[0].dtype, q, stretch, minimum)
    return mapping(*bands)[0]


def make_lupton_rgb_batch(
    images: np.ndarray, *, q: float, stretch: float, minimum: float | Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Colour images of many objects; `make_lupton_rgb` describes the mapping.

    Parameters
    ----------
    images
        (n, 3, y, x), linear flux in the order red, green, blue.
    q, stretch, minimum
        As for `make_lupton_rgb`.

    Returns
    -------
    images : numpy array, uint8, (n, y, x, 3)
    n_nan : numpy array, int64, (n,)
        NaN values of each object's three bands, which counted as 0.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images: found shape {images.shape}, allowed: (n, 3, y, x)")
    mapping = _Mapping(images.shape[2:], images.dtype, q, stretch, minimum)
    rgb = np.empty((len(images), *images.shape[2:], 3), np.uint8)
    n_nan = np.empty(len(images), np.int64)
    for i, (red, green, blue) in enumerate(images):
        rgb[i], n_nan[i] = mapping(red, green, blue)
    return rgb, n_nan


class _Mapping:
    """The mapping for images of one shape and type, with the memory that it works in."""

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        q: float,
        stretch: float,
        minimum: float | Sequence[float],
    ) -> None:
        self._shape = shape
        self._dtype = np.dtype(np.float32 if dtype == np.float32 else np.float64)
        self._slope, soften, minima = _constants(q, stretch, minimum)
        with np.errstate(over="ignore"):
            self._soften = self._dtype.type(soften)
            self._minima = np.asarray(minima, self._dtype)
        self._intensity, self._mapped = np.empty((2, int(np.prod(shape))), self._dtype)

    def __call__(self, *bands: np.ndarray) -> tuple[np.ndarray, int]:
        """The colour image, uint8 (y, x, 3), and the number of NaN values."""
        bands = [np.ascontiguousarray(b, self._dtype).reshape(-1) for b in bands]
        rgb = np.empty((*self._shape, 3), np.uint8)
        n_nan = _intensity(*bands, self._minima, self._soften, self._intensity, self._mapped)
        np.arcsinh(self._mapped, out=self._mapped)
        _colour(*bands, self._minima, self._intensity, self._mapped, self._slope, rgb.reshape(-1))
        return rgb, n_nan


def _constants(
    q: float, stretch: float, minimum: float | Sequence[float]
) -> tuple[float, float, list[float]]:
    """Slope (float64 even for float32 bands), softening, and the three minima."""
    q, stretch = float(q), float(stretch)
    if not q >= 0:
        raise ValueError(f"q: found {q}, allowed: 0 or more")
    if not stretch > 0:
        raise ValueError(f"stretch: found {stretch}, allowed: above 0")
    minima = np.asarray(minimum, float).ravel().tolist()
    if len(minima) not in (1, 3):
        raise ValueError(f"minimum: found {len(minima)} values, allowed: 1 or 3")
    q = _Q_ZERO if q < _Q_LEAST else min(q, _Q_MOST)
    slope = _SLOPE_AT / float(np.arcsinh(_SLOPE_AT * q))
    return slope, q / stretch, minima * (3 // len(minima))


# Compiled on first use, for the type in hand, and without fast-math: contraction changes bits.
_compile = numba.njit(error_model="numpy", nogil=True)


@_compile
def _intensity(red, green, blue, minima, soften, intensity, mapped):
    """Fill the mean of the three bands and that mean in units of the softening; count NaNs."""
    n_nan = 0
    zero, three = minima.dtype.type(0), minima.dtype.type(3)
    low_r, low_g, low_b = minima[0], minima[1], minima[2]
    for i in range(intensity.size):
        r, g, b = red[i], green[i], blue[i]
        n_nan += np.isnan(r) + np.isnan(g) + np.isnan(b)
        r = (zero if np.isnan(r) else r) - low_r
        g = (zero if np.isnan(g) else g) - low_g
        b = (zero if np.isnan(b) else b) - low_b
        mean = (r + g + b) / three
        intensity[i] = mean
        mapped[i] = mean * soften
    return n_nan


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
