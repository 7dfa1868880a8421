"""Compiled parts of the `ellipse` features: contours, the regions inside them, fitted ellipses.

Contours are those of Suzuki & Abe (1985, CVGIP 30, 32), outer borders only, joined by sides or
corners; pixels have whole-numbered centres, x to the right and y downwards. Ellipses are
(x0, y0, first axis, second axis, angle): full lengths in px, the angle of the first axis in degrees
from x towards y.
"""

import numba
import numpy as np

OK, NO_LIGHT, TOO_FEW, NO_FIT, OUTSIDE = range(5)  # what became of an image
REASONS = {
    NO_LIGHT: "no pixel is brighter than the innermost isophote",
    TOO_FEW: "an isophote has fewer than five corners",
    NO_FIT: "no ellipse fits an isophote",
    OUTSIDE: "the centre of a fitted ellipse lies outside the image",
}
ENTERS, LEAVES = 1, -1  # marks of border pixels: does the region go on to their right?
_DX = np.array([1, 1, 0, -1, -1, -1, 0, 1])  # the eight neighbours, from the right upwards
_DY = np.array([0, -1, -1, -1, 0, 1, 1, 1])
_LEAST_FOR_FIT = 5  # points that make an ellipse
_THIN = 1.1920929e-07  # singular values below this, relative to the first, count as none

# Compiled on first use, and kept beside this file: every shard has a job of its own.
_compile = numba.njit(error_model="numpy", nogil=True, cache=True)


@_compile
def _next(bright, row, column, direction):
    """The first bright neighbour after ``direction``, and whether the right one was found dark."""
    dark = False
    for step in range(1, 9):
        turned = (direction + step) & 7
        if bright[row + _DY[turned], column + _DX[turned]]:
            return turned, dark
        dark |= turned == 0
    return -1, True


@_compile
def _follow(bright, marks, row, column, corners):
    """Follow the outer border that begins at a pixel with nothing to its left.

    Fills ``marks`` along the border and ``corners`` with (x, y) where the direction changes.
    Returns the number of corners and the border's sums of x dy - y dx and of its first moments.
    """
    start = -1
    for step in range(1, 8):  # the other way round, from the left
        turned = (4 - step) & 7
        if bright[row + _DY[turned], column + _DX[turned]]:
            start = turned
            break
    if start < 0:  # a pixel by itself
        marks[row, column] = LEAVES
        corners[0, 0], corners[0, 1] = column, row
        return 1, 0.0, 0.0, 0.0
    last_row, last_column = row + _DY[start], column + _DX[start]
    came = start ^ 4  # direction of the step that leads here
    r, c, direction, n = row, column, start, 0
    area = first_x = first_y = 0.0
    while True:
        direction, dark = _next(bright, r, c, direction)
        if dark:
            marks[r, c] = LEAVES
        elif marks[r, c] == 0:
            marks[r, c] = ENTERS
        if direction != came:
            corners[n, 0], corners[n, 1] = c, r
            n += 1
        came = direction
        to_r, to_c = r + _DY[direction], c + _DX[direction]
        cross = float(c * to_r - to_c * r)
        area += cross
        first_x += cross * (c + to_c)
        first_y += cross * (r + to_r)
        if to_r == row and to_c == column and r == last_row and c == last_column:
            return n, area, first_x, first_y
        r, c = to_r, to_c
        direction = (direction + 4) & 7


@_compile
def _region_of(marks, region):
    """Pixels on a border and inside it, holes filled: (first row, last row, number)."""
    top, bottom, n = -1, -1, 0
    for r in range(marks.shape[0]):
        inside = False
        for c in range(marks.shape[1]):
            mark = marks[r, c]
            region[r, c] = inside or mark != 0
            n += region[r, c]
            if mark != 0:
                inside = mark == ENTERS
                top = r if top < 0 else top
                bottom = r
    return top, bottom, n


@_compile
def _brighter(image, threshold, bright):
    """Which pixels are above a threshold, with a dark frame of one pixel."""
    bright[:] = False
    for r in range(image.shape[0]):
        for c in range(image.shape[1]):
            bright[r + 1, c + 1] = image[r, c] > threshold


@_compile
def _nearest(bright, marks, corners, x, y, whole):
    """First pixel of the contour whose centroid is nearest to (x, y), and that centroid.

    ``whole``: centroids are cut to whole pixels and, of a contour without area, are (0, 0);
    otherwise that of a contour without area is its first pixel. Of equals the lowest counts. Row -1
    where there is no contour.
    """
    marks[:] = 0
    best, row, column, at_x, at_y = np.inf, -1, -1, 0.0, 0.0
    for r in range(1, bright.shape[0] - 1):
        inside = False
        for c in range(1, bright.shape[1] - 1):
            if not bright[r, c]:
                continue
            if marks[r, c] == 0 and not inside and not bright[r, c - 1]:
                _, area, first_x, first_y = _follow(bright, marks, r, c, corners)
                own_x, own_y = c - 1.0, r - 1.0  # without the frame
                if abs(area) > _THIN:
                    # in this order, so that centroids on whole pixels stay on their side of them
                    zeroth, third = area * 0.5, 1 / 6
                    own_x, own_y = first_x * third / zeroth - 1, first_y * third / zeroth - 1
                    if whole:
                        own_x, own_y = np.trunc(own_x), np.trunc(own_y)
                elif whole:
                    own_x = own_y = 0.0
                distance = (own_x - x) ** 2 + (own_y - y) ** 2
                if distance <= best:
                    best, row, column, at_x, at_y = distance, r, c, own_x, own_y
            if marks[r, c] != 0:
                inside = marks[r, c] == ENTERS
    return row, column, at_x, at_y


@_compile
def _least_squares(columns, corners, n, centre_x, centre_y, scale, shift):
    """Conic (5 columns) through the corners, or its axes (3 columns) once its centre is known."""
    a = np.empty((n, columns))
    for i in range(n):
        x = (corners[i, 0] + ((i & 1) * 2 - 1) * shift - centre_x) * scale
        y = (corners[i, 1] + ((i & 2) - 1) * shift - centre_y) * scale
        if columns == 5:
            a[i, 0], a[i, 1], a[i, 2], a[i, 3], a[i, 4] = -x * x, -y * y, -x * y, x, y
        else:
            a[i, 0], a[i, 1], a[i, 2] = x * x, y * y, x * y
    solution, _, _, singular = np.linalg.lstsq(a, np.ones(n))
    return solution, singular


@_compile
def fit_ellipse(corners, n):
    """Least-squares ellipse through n >= 5 points (x, y), as ``cv2.fitEllipse`` fits it.

    A general conic gives the centre; a conic about that centre gives the axes and the angle. Points
    that several conics fit are moved by a thousandth of their spread first. (Newer OpenCV treats
    those, and any five points, in another way.)
    """
    middle_x, middle_y, spread = 0.0, 0.0, 0.0
    for i in range(n):
        middle_x += corners[i, 0] / n
        middle_y += corners[i, 1] / n
    for i in range(n):
        spread += abs(corners[i, 0] - middle_x) + abs(corners[i, 1] - middle_y)
    scale, shift = 100 / max(spread, _THIN), 0.0
    conic, singular = _least_squares(5, corners, n, middle_x, middle_y, scale, shift)
    if singular[0] * _THIN > singular[4]:
        shift = spread / (2 * n) * 1e-3
        conic, _ = _least_squares(5, corners, n, middle_x, middle_y, scale, shift)
    a = np.array([[2 * conic[0], conic[2]], [conic[2], 2 * conic[1]]])
    centre = np.linalg.lstsq(a, conic[3:].copy())[0]
    x0, y0 = middle_x + centre[0] / scale, middle_y + centre[1] / scale
    (xx, yy, xy), _ = _least_squares(3, corners, n, x0, y0, scale, shift)
    tilt = -0.5 * np.arctan2(xy, yy - xx)
    turn = xy / np.sin(-2 * tilt) if abs(xy) > 1e-8 else yy - xx
    axes = np.abs(np.array([xx + yy - turn, xx + yy + turn]))
    for i in range(2):
        axes[i] = 2 / scale * (np.sqrt(2 / axes[i]) if axes[i] > 1e-8 else axes[i])
    out = np.array([x0, y0, axes[0], axes[1], 0.0]).astype(np.float32)
    if out[2] > out[3]:
        out[2], out[3] = out[3], out[2]
        out[4] = 90 + np.degrees(tilt)
    return out


@_compile
def _widen(extent, x, y):
    """Widen a row's extent by the pixel in which a point lies."""
    column, row = int(np.floor(x + 0.5)), int(np.floor(y + 0.5))
    if 0 <= row < len(extent):
        extent[row, 0] = min(extent[row, 0], column)
        extent[row, 1] = max(extent[row, 1], column)


@_compile
def _line(extent, x0, y0, x1, y1):
    """Widen each row's extent by a side of a polygon.

    By one pixel for each step along the longer axis, and by where the side crosses each row when it
    runs from the row in which it begins to that in which it ends.
    """
    steep = abs(y1 - y0) >= abs(x1 - x0)
    if (y1 < y0) if steep else (x1 < x0):
        x0, y0, x1, y1 = x1, y1, x0, y0
    length = abs(y1 - y0) if steep else abs(x1 - x0)
    for i in range(int(length) + 1):
        share = i / length if length > 0 else 0.0
        _widen(extent, x0 + share * (x1 - x0), y0 + share * (y1 - y0))
    _widen(extent, x1, y1)
    if y1 < y0:
        x0, y0, x1, y1 = x1, y1, x0, y0
    first, last = np.floor(y0 + 0.5), np.floor(y1 + 0.5)
    for i in range(int(last - first) + 1):
        _widen(extent, x0 + i * (x1 - x0) / max(last - first, 1), first + i)


@_compile
def _drawn(ellipse, height):
    """Columns (first, last) of each row that ``cv2.ellipse`` fills, (height, 2).

    Centre and angle are rounded and half axes are whole; the ellipse is a polygon of 4 corners
    where the larger half axis is below 3 px, 12 below 10, 20 below 15 and 72 above.
    """
    x0, y0, angle = np.rint(ellipse[0]), np.rint(ellipse[1]), np.rint(ellipse[4])
    a, b = np.rint(ellipse[2]) // 2, np.rint(ellipse[3]) // 2
    larger = max(a, b)
    corners = 4 if larger < 3 else 12 if larger < 10 else 20 if larger < 15 else 72
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    extent = np.empty((height, 2), np.int64)
    extent[:, 0], extent[:, 1] = 2**40, -(2**40)
    last_x = last_y = 0.0
    for i in range(corners + 1):
        turn = 2 * np.pi * i / corners
        u, v = a * np.cos(turn), b * np.sin(turn)
        # in whole 65536ths of a pixel, so that halves are halves
        x = x0 + np.rint(65536 * (u * cosine - v * sine)) / 65536
        y = y0 + np.rint(65536 * (u * sine + v * cosine)) / 65536
        if i > 0:
            _line(extent, last_x, last_y, x, y)
        last_x, last_y = x, y
    return extent


@_compile
def _differing(region, extent):
    """Pixels of a framed region that are not within the rows' extents, and the other way round."""
    n = 0
    for r in range(len(extent)):
        for c in range(region.shape[1] - 2):
            n += region[r + 1, c + 1] != (extent[r, 0] <= c <= extent[r, 1])
    return n


@_compile
def published(image, thresholds):
    """Residual, x0, y0, aspect and angle at each threshold, as Astronomaly measures them.

    Parameters
    ----------
    image : (y, x) float
    thresholds : (k,), the highest first

    Returns
    -------
    (k, 5) float64, all NaN where one level fails, and the status
    """
    height, width = image.shape
    out = np.full((len(thresholds), 5), np.nan)
    bright = np.zeros((height + 2, width + 2), np.bool_)
    region = np.zeros(bright.shape, np.bool_)
    marks = np.zeros(bright.shape, np.int8)
    corners = np.empty((4 * bright.size, 2), np.int64)
    x, y, known = float(height // 2), float(width // 2), False  # the two sides are confused
    for k, threshold in enumerate(thresholds):
        _brighter(image, threshold, bright)
        row, column, at_x, at_y = _nearest(bright, marks, corners, x, y, True)
        if row < 0:
            return np.full_like(out, np.nan), NO_LIGHT
        if not known:
            x, y, known = at_x, at_y, True
        marks[:] = 0
        n, _, _, _ = _follow(bright, marks, row, column, corners)
        if n < _LEAST_FOR_FIT:
            return np.full_like(out, np.nan), TOO_FEW
        corners[:n] -= 1  # without the frame
        ellipse = fit_ellipse(corners, n)
        if np.isnan(ellipse).any():
            return np.full_like(out, np.nan), NO_FIT
        if min(ellipse[0], ellipse[1]) < 0 or max(ellipse[0], ellipse[1]) > height:
            return np.full_like(out, np.nan), OUTSIDE
        _region_of(marks, region)
        aspect = 1.0
        if ellipse[2] != 0 and ellipse[3] != 0:
            aspect = np.float64(ellipse[3]) / np.float64(ellipse[2])
        aspect = 1 / aspect if aspect < 1 else aspect
        aspect = 1.0 if aspect > 100 else aspect
        out[k, 0] = _differing(region, _drawn(ellipse, height)) / (height * width)
        out[k, 1], out[k, 2], out[k, 3], out[k, 4] = ellipse[0], ellipse[1], aspect, ellipse[4]
    return out, OK


@_compile
def _moments(region, top, bottom):
    """Ellipse with the area's second moments, and its number of pixels."""
    n, sum_x, sum_y = 0, 0.0, 0.0
    for r in range(top, bottom + 1):
        for c in range(region.shape[1]):
            if region[r, c]:
                n += 1
                sum_x += c
                sum_y += r
    x0, y0 = sum_x / n, sum_y / n
    xx = yy = xy = 0.0
    for r in range(top, bottom + 1):
        for c in range(region.shape[1]):
            if region[r, c]:
                xx += (c - x0) ** 2
                yy += (r - y0) ** 2
                xy += (c - x0) * (r - y0)
    xx, yy, xy = xx / n + 1 / 12, yy / n + 1 / 12, xy / n  # each pixel is a square
    mean, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    # a filled ellipse of semi-axis a has the second moment a^2 / 4 along it
    major, minor = 4 * np.sqrt(mean + half), 4 * np.sqrt(max(mean - half, 1 / 12))
    return n, x0, y0, major, minor, 0.5 * np.arctan2(2 * xy, xx - yy)


@_compile
def _outside(region, x0, y0, major, minor, tilt):
    """Pixels of a region outside an ellipse, and pixels inside it that are none of the region."""
    cosine, sine, n = np.cos(tilt), np.sin(tilt), 0
    for r in range(region.shape[0]):
        for c in range(region.shape[1]):
            along = ((c - x0) * cosine + (r - y0) * sine) * 2 / major
            across = ((r - y0) * cosine - (c - x0) * sine) * 2 / minor
            n += region[r, c] != (along**2 + across**2 <= 1)
    return n


@_compile
def mended(image, thresholds):
    """Residual, x0, y0, major axis, minor axis and angle (rad) at each threshold.

    Parameters
    ----------
    image : (y, x) float
    thresholds : (k,), the highest first

    Returns
    -------
    (k, 6) float64, all NaN without light above the first threshold, and the status
    """
    height, width = image.shape
    out = np.full((len(thresholds), 6), np.nan)
    bright = np.zeros((height + 2, width + 2), np.bool_)
    region = np.zeros(bright.shape, np.bool_)
    marks = np.zeros(bright.shape, np.int8)
    corners = np.empty((4 * bright.size, 2), np.int64)
    x, y = (width - 1) / 2, (height - 1) / 2
    for k, threshold in enumerate(thresholds):
        _brighter(image, threshold, bright)
        row, column, _, _ = _nearest(bright, marks, corners, x, y, False)
        if row < 0:
            return out, NO_LIGHT
        marks[:] = 0
        _follow(bright, marks, row, column, corners)
        top, bottom, _ = _region_of(marks, region)
        n, x0, y0, major, minor, tilt = _moments(region, top, bottom)
        if k == 0:
            x, y = x0 - 1, y0 - 1
        out[k, 0] = _outside(region, x0, y0, major, minor, tilt) / n
        out[k, 1], out[k, 2], out[k, 3], out[k, 4], out[k, 5] = x0 - 1, y0 - 1, major, minor, tilt
    return out, OK
