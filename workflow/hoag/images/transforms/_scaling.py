"""What the per-image brightness scalings share: limits, and how they are applied."""

from collections.abc import Callable

import numpy as np

from hoag.options import ConfigError

Limits = Callable[[np.ndarray], tuple[float, float]]


def to_unit(image: np.ndarray, limits: Limits, *, per_channel: bool) -> np.ndarray:
    """Scale an image linearly so that its limits become 0 and 1, and clip.

    Parameters
    ----------
    image
        (y, x, c), any real type.
    limits
        Function from the finite values (1-d, float64, at least one) to the lower and upper limit.
    per_channel
        Give each channel its own limits; otherwise one pair serves all, which keeps colours.

    Returns
    -------
    numpy array, float32, (y, x, c), in [0, 1]

    Notes
    -----
    Infinite values become 0 or 1 by their sign and NaN becomes 0; neither has a say in the
    limits. Where the limits coincide (a constant image) or no value is finite, all becomes 0. Of an
    image that lies wholly above a given maximum all becomes 1, wholly below a minimum 0.
    """
    if not per_channel:
        return _scale(image, limits)
    planes = [_scale(image[..., c : c + 1], limits) for c in range(image.shape[2])]
    return np.concatenate(planes, axis=-1)


def check_limits(minimum: float | None, maximum: float | None) -> None:
    """Raise ConfigError where both limits are given and leave no room between them."""
    if minimum is not None and maximum is not None and not maximum > minimum:
        raise ConfigError(f"maximum: found {maximum}, allowed: above minimum ({minimum})")


def extrema(minimum: float | None, maximum: float | None) -> Limits:
    """Limits given by the user, each of which falls back on the image's own extreme."""

    def limits(finite: np.ndarray) -> tuple[float, float]:
        low = float(finite.min()) if minimum is None else minimum
        high = float(finite.max()) if maximum is None else maximum
        return low, high

    return limits


def _scale(values: np.ndarray, limits: Limits) -> np.ndarray:
    values = values.astype(float)
    # Channel after channel: limits taken from every third value must not see one channel alone.
    by_channel = np.moveaxis(values, -1, 0)
    finite = by_channel[np.isfinite(by_channel)]
    low, high = limits(finite) if finite.size else (0.0, 0.0)
    if low > high:  # all beyond the one limit that was given
        return (values >= low).astype(np.float32)
    if not high > low:
        return np.zeros(values.shape, np.float32)
    unit = np.clip((values - low) / (high - low), 0, 1)
    return np.nan_to_num(unit, copy=False, nan=0.0).astype(np.float32)
