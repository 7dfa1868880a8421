"""Ellipses around the light at several percentiles of its brightness.

The features of Astronomaly (Lochner & Bassett 2021, Astronomy and Computing 36, 100481), as its
code computes them and mended. The light should be that of the central object alone: let the images'
chain hold `sigma_clip`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.features._images import INPUTS, as_unit, check_channel
from hoag.options import ConfigError, option

INPUT = "images"
CHUNK = 256  # images converted at a time


@dataclass(frozen=True)
class Options:
    """The levels, the channel, and which of the two variants."""

    input: str = option("images", doc="Images that are measured.", choices=INPUTS)
    percentiles: tuple[float, ...] = option(
        (90, 80, 70, 60, 50, 0),
        doc="Levels of the isophotes among the pixels above zero, falling.",
        minimum=0,
        maximum=100,
    )
    channel: int | None = option(
        None, doc="Channel that is measured, from 0; null: the mean of all.", minimum=0
    )
    variant: str = option(
        "mended",
        doc="The published code's measures with its faults, or without them.",
        choices=("mended", "published"),
    )

    def __post_init__(self) -> None:
        falling = list(self.percentiles)
        if len(falling) < 2 or falling != sorted(set(falling), reverse=True):
            raise ConfigError(f"percentiles: found {falling}, allowed: two or more, falling")


def check(shape: tuple[int, int, int], options: Options, key: str) -> None:
    """Raise `ConfigError` for a channel that images (y, x, c) don't have."""
    check_channel(shape, options.channel, key)


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Nothing is learnt."""
    return {}


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Measure each image by itself.

    At each percentile of the pixels above zero, from the highest down, the contour is taken whose
    centroid is nearest to the image's centre (the first level) or to the first level's contour
    (the others), and an ellipse is laid around it. The first level is the reference.

    Parameters
    ----------
    images : (n, y, x, c) uint8, or float
    options
        The levels, the channel and the variant.
    state
        Not used.

    Returns
    -------
    (n, d) float32
        Mended, for each percentile p: ``residual_p``, pixels in which the area inside the contour
        and its ellipse differ, over those of the area; ``aspect_p``, major over minor axis;
        and for all but the reference ``offset_p``, distance from the reference's centre in
        mean semi-axes of the ellipse; ``theta_p``, the acute angle with the reference (degrees);
        ``major_p``, major axis over the reference's. The ellipse has the area's second moments.
        All are the same for an image that is moved, turned or enlarged, but for pixel effects.

        Published: ``residual_p``, those pixels over all pixels of the image; ``offset_p``, distance
        of the centres in px, 0 where a centre lies at 0; ``aspect_p``, over the reference's;
        ``theta_p``, the angle of the axes, less 90 where it is above 90 degrees; ``maj_p``, the
        aspect once more. The ellipse is fitted to the contour's corners, and drawn, as OpenCV does
        it. The reference's ``offset``, ``aspect``, ``theta`` and ``maj`` are constant.

        A row is NaN where `reasons` has one.
    """
    out = np.full((len(images), len(names(options, state))), np.nan, np.float32)
    for i, (measured, failed) in enumerate(_measured(images, options)):
        if not failed:
            out[i] = _COLUMNS[options.variant](measured)
    return out


def reasons(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """Why each of some images has no ellipses; empty where it has."""
    from hoag.features._isophotes import REASONS

    return [REASONS.get(failed, "") for _, failed in _measured(images, options)]


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """Measure and percentile, ``residual_90`` and so on; all levels of a measure side by side."""
    levels = [f"{p:g}" for p in options.percentiles]
    if options.variant == "published":
        measures = ("residual", "offset", "aspect", "theta", "maj")
        return [f"{measure}_{level}" for measure in measures for level in levels]
    whole = [f"{measure}_{level}" for measure in ("residual", "aspect") for level in levels]
    relative = [f"{m}_{level}" for m in ("offset", "theta", "major") for level in levels[1:]]
    return whole + relative


def _measured(images: np.ndarray, options: Options) -> Iterator[tuple[np.ndarray, int]]:
    """Measures at each level, and the status, image by image."""
    from hoag.features import _isophotes

    measure = getattr(_isophotes, options.variant)
    for start in range(0, len(images), CHUNK):
        part = images[start : start + CHUNK]
        if options.channel is not None:
            part = part[..., options.channel : options.channel + 1]
        grey = np.ascontiguousarray(as_unit(part, np.float64).mean(axis=3))
        thresholds, lit = _thresholds(grey.reshape(len(grey), -1), options.percentiles)
        for image, levels, has_light in zip(grey, thresholds, lit, strict=True):
            if has_light:
                yield measure(image, levels)
            else:
                yield np.empty(0), _isophotes.NO_LIGHT


def _thresholds(flat: np.ndarray, percentiles: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles of each row's values above zero, as `numpy.percentile` has them, and which rows
    have any: (n, k) and (n,) bool.

    One sort serves all levels; NaN counts as not above zero.
    """
    ordered = np.sort(np.where(flat > 0, flat, 0), axis=1)
    n_lit = np.count_nonzero(ordered, axis=1)
    place = np.multiply.outer(n_lit - 1, np.array(percentiles) / 100).clip(0)
    low = np.floor(place).astype(int)
    first = (flat.shape[1] - np.maximum(n_lit, 1))[:, None]
    below = np.take_along_axis(ordered, first + low, axis=1)
    above = np.take_along_axis(
        ordered, first + np.minimum(low + 1, np.maximum(n_lit - 1, 0)[:, None]), axis=1
    )
    share = place - low
    return np.where(
        share < 0.5, below + (above - below) * share, above - (above - below) * (1 - share)
    ), n_lit > 0


def _published(measured: np.ndarray) -> np.ndarray:
    residual, x, y, aspect, theta = measured.T
    offset = np.where((x == 0) | (y == 0), 0, np.hypot(x - x[0], y - y[0]))
    turned = np.abs(theta - theta[0]) % 360
    relative = aspect / aspect[0]
    folded = np.where(turned > 90, turned - 90, turned)
    return np.concatenate([residual, offset, relative, folded, relative])


def _mended(measured: np.ndarray) -> np.ndarray:
    residual, x, y, major, minor, tilt = measured.T
    offset = np.hypot(x - x[0], y - y[0]) / (np.sqrt(major * minor) / 2)
    turned = np.degrees(np.abs(tilt - tilt[0])) % 180
    acute = np.minimum(turned, 180 - turned)
    return np.concatenate([residual, major / minor, offset[1:], acute[1:], (major / major[0])[1:]])


_COLUMNS = {"mended": _mended, "published": _published}
