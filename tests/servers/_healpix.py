"""HEALPix cells, nested, for the coverage maps that MocServer gives.

Source: Gorski et al. 2005, ApJ 622, 759, section 5 and appendix; the nested number is the base
face followed by the interleaved bits of the two coordinates in it.
"""

import numpy as np


def cells(ra_deg, dec_deg, order: int) -> np.ndarray:
    """The nested cell of each position, int64."""
    nside = 2**order
    z = np.sin(np.deg2rad(np.asarray(dec_deg, float)))
    turn = np.asarray(ra_deg, float) % 360 / 90  # in [0, 4)
    equatorial = np.abs(z) <= 2 / 3

    rising = np.floor(nside * (0.5 + turn - 0.75 * z)).astype(np.int64)  # lines of either slope
    falling = np.floor(nside * (0.5 + turn + 0.75 * z)).astype(np.int64)
    low, high = rising // nside, falling // nside
    face = np.where(low == high, low % 4 + 4, np.where(low < high, low % 4, high % 4 + 8))
    x, y = falling % nside, nside - 1 - rising % nside

    quarter = np.minimum(turn.astype(np.int64), 3)
    part = turn - quarter
    depth = nside * np.sqrt(np.clip(3 * (1 - np.abs(z)), 0, None))
    first = np.clip((part * depth).astype(np.int64), 0, nside - 1)
    second = np.clip(((1 - part) * depth).astype(np.int64), 0, nside - 1)
    north = z > 0
    face = np.where(equatorial, face, np.where(north, quarter, quarter + 8))
    x = np.where(equatorial, x, np.where(north, nside - 1 - second, first))
    y = np.where(equatorial, y, np.where(north, nside - 1 - first, second))
    return face * nside**2 + _spread(x, order) + 2 * _spread(y, order)


def _spread(number, order):
    """The bits of a number with a zero before each."""
    return sum(((number >> bit) & 1) << (2 * bit) for bit in range(max(order, 1)))
