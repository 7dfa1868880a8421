"""From a survey's pixels to training images: the transforms that the configuration names.

A transform is a plug-in of ``hoag.images.transforms`` with ``TAKES``, ``GIVES``, ``Options``,
``output_shape(shape, options)`` and ``apply(image, bands, options)``. Two things are optional:
``output_bands(bands, options)`` where the channels that come out are others than those that go
in, and ``KEEPS_VALUES = True`` where pixels are only chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from hoag import registry
from hoag.options import ConfigError
from hoag.surveys._types import FLUX_IMAGE, RENDERED_IMAGE

_STARTS_AS = {FLUX_IMAGE: "flux", RENDERED_IMAGE: "byte"}
_MEANING = {"flux": "linear flux", "unit": "values in [0, 1]", "byte": "whole numbers 0..255"}
_CHANNELS = (1, 3)


@dataclass(frozen=True)
class Step:
    """One transform of a chain, with the names of the channels that reach it."""

    kind: str
    module: ModuleType
    options: Any
    bands: tuple[str, ...]


@dataclass(frozen=True)
class Chain:
    """Turns one image into a training image; made by `build_chain`.

    Attributes
    ----------
    kind : the survey's kind of object
    bands : names of the survey's channels
    shape : (y, x, c) of what comes out, in px
    steps : the transforms, in order
    """

    kind: str
    bands: tuple[str, ...]
    shape: tuple[int, int, int]
    steps: tuple[Step, ...]

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, int]:
        """Transform one image.

        Parameters
        ----------
        image
            float32 (band, y, x) for a flux image, uint8 (y, x, channel) for a rendered one.

        Returns
        -------
        image : numpy array, uint8, `shape`
        n_nan : int
            NaN values, over all bands, of the pixels that are left when the first transform that
            changes values begins (so a crop before it leaves out those at the edge). Each
            transform says what it makes of them; most count them as 0.

        Raises
        ------
        ValueError
            For an image with other channels than the chain was built for, or of a size with
            which it doesn't give `shape`.
        """
        image = self._channels_last(image)
        n_nan = None
        for step in self.steps:
            if n_nan is None and not getattr(step.module, "KEEPS_VALUES", False):
                n_nan = _count_nan(image)
            image = step.module.apply(image, step.bands, step.options)
        if image.shape != self.shape:
            raise ValueError(f"found an image of shape {image.shape}, allowed: {self.shape}")
        return _as_byte(image), n_nan or 0

    def _channels_last(self, image: np.ndarray) -> np.ndarray:
        axis = 0 if self.kind == FLUX_IMAGE else -1
        if image.ndim != 3 or image.shape[axis] != len(self.bands):
            raise ValueError(
                f"found pixels of shape {image.shape}, allowed: {len(self.bands)} bands "
                f"({', '.join(self.bands)}) on the {'first' if axis == 0 else 'last'} of 3 axes"
            )
        return np.moveaxis(image, axis, -1)


def build_chain(
    sections: Sequence[Mapping[str, Any]],
    *,
    kind: str,
    shape: Sequence[int] | None,
    bands: Sequence[str],
    key: str = "images",
) -> Chain:
    """Build a chain and check that each transform takes what the one before it gives.

    Parameters
    ----------
    sections
        One mapping per transform: ``kind`` and the transform's own options.
    kind
        The survey's kind of object: ``flux_image`` or ``rendered_image``.
    shape
        (y, x) of the survey's images in px, or None where it isn't known before reading.
    bands
        Names of the survey's channels.
    key
        Path of the list in the configuration, for messages.

    Raises
    ------
    ConfigError
        In one line, for anything that can't work, from an unknown transform to a chain that ends
        in linear flux, in an unknown size or in other than one or three channels.
    """
    if kind not in _STARTS_AS:
        raise ConfigError(f"{key}: found objects of kind {kind}, allowed: {', '.join(_STARTS_AS)}")
    state = _STARTS_AS[kind]
    names = tuple(bands)
    size = (*(shape or (None, None)), len(names))
    steps = []
    for i, section in enumerate(sections):
        here = f"{key}[{i}]"
        module, options = registry.plugin("transforms", section, here)
        if state not in module.TAKES:
            raise ConfigError(_misfit(section["kind"], state, here))
        steps.append(Step(section["kind"], module, options, names))
        size, names = _follow(steps[-1], size, here)
        state = module.GIVES or state
    _check_end(state, size, key)
    return Chain(kind, tuple(bands), size, tuple(steps))


def _follow(
    step: Step, size: tuple[int | None, ...], key: str
) -> tuple[tuple[int | None, ...], tuple[str, ...]]:
    """Shape and band names after a step."""
    try:
        names = step.bands
        if hasattr(step.module, "output_bands"):
            names = step.module.output_bands(names, step.options)
        return step.module.output_shape(size, step.options), names
    except ConfigError as error:  # the transform knows its option, only we know where it stands
        raise ConfigError(f"{key}.{error}") from None


def _misfit(found: str, state: str, key: str) -> str:
    takers = [n for n in registry.names("transforms") if _takes(n, state)]
    return (
        f"{key}.kind: found {found!r}, which does not take {_MEANING[state]}, "
        f"allowed here: {', '.join(takers)}"
    )


def _takes(name: str, state: str) -> bool:
    return state in registry.load("transforms", name).TAKES


def _check_end(state: str, size: tuple[int | None, ...], key: str) -> None:
    if state == "flux":
        ends = [n for n in registry.names("transforms") if registry.load("transforms", n).GIVES]
        raise ConfigError(
            f"{key}: found a chain that ends in linear flux, "
            f"allowed: one that holds one of {', '.join(ends)}"
        )
    if None in size:
        raise ConfigError(
            f"{key}: found images whose size is not known before reading, "
            "allowed: a chain that holds centre_crop or resize"
        )
    if size[2] not in _CHANNELS:
        raise ConfigError(
            f"{key}: found {size[2]} channels at the end, allowed: 1 or 3 "
            "(choose the survey's bands, or lupton)"
        )


def _count_nan(image: np.ndarray) -> int:
    return int(np.count_nonzero(np.isnan(image))) if image.dtype.kind == "f" else 0


def _as_byte(image: np.ndarray) -> np.ndarray:
    """uint8, contiguous; values in [0, 1] are multiplied by 255 and rounded to the nearest."""
    if image.dtype != np.uint8:
        # resize and sigma_clip may come last: the one may overshoot, both may leave NaN or -0
        unit = np.clip(np.nan_to_num(image, nan=0.0), 0, 1)
        image = np.rint(unit * 255).astype(np.uint8)
    return np.ascontiguousarray(image)
