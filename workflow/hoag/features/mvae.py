"""Mean codes of images together with catalogue columns (Wu & Goodman 2018).

A column that an object lacks is left out; its code is then found from the image and the others.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hoag.features._networks import input_scale, train_network, with_weights
from hoag.models.mvae import Options as ModelOptions
from hoag.options import ConfigError, option

if TYPE_CHECKING:
    from pathlib import Path

    from hoag.models._training import Store
    from hoag.models.mvae.trained import TrainedMVAE

INPUT = "images"
NEEDS_COLUMNS = True  # fit, transform and losses are given the columns' values
MODEL = "mvae"
_log = logging.getLogger(__name__)
GENERATES = True  # its codes have a prior, from which images are drawn


@dataclass(frozen=True)
class Options(ModelOptions):
    """The columns, and the network's options."""

    columns: tuple[str, ...] = option(
        (), doc="Numeric columns of the catalogue, at least one; say magnitude and size."
    )

    def __post_init__(self) -> None:
        if not self.columns:
            raise ConfigError("columns: found none, allowed: one numeric column or more")
        if len(set(self.columns)) < len(self.columns):
            raise ConfigError(f"columns: found {', '.join(self.columns)}, allowed: each once")


def fit(
    store: "Store",
    options: Options,
    seed: int,
    *,
    columns: np.ndarray,
    checkpoint: "Path | None" = None,
    threads: int = 1,
    say: Callable[[str], None] | None = None,
) -> dict[str, np.ndarray]:
    """Train the network.

    Parameters
    ----------
    store
        Images: len, ``shape`` (y, x, c), ``read``.
    options
        See `Options`.
    seed
        Of the weights, the order of the images, the draws of codes and the random subsets.
    columns : (n, k) float32
        Of the store's objects; NaN where there is no value.
    checkpoint, threads, say
        As of `hoag.features._networks.train_network`.

    Returns
    -------
    dict
        Weights, history and scale, and ``column_mean`` and ``column_spread`` (k,): median and
        interquartile range (as a standard deviation), which stand-ins for missing values don't
        move. What lies a hundred spreads out is taken for one, and left out.

    Raises
    ------
    ValueError
        For a column without any value.
    """
    from hoag.models.mvae.trained import centre_and_spread, within_reach
    from hoag.models.mvae.training import MVAETraining, Pairs

    known = np.isfinite(columns).any(axis=0)
    if not known.all():
        empty = options.columns[int(np.argmin(known))]
        raise ValueError(f"columns: found no value of {empty!r} in the fit batches, allowed: some")
    values = columns.astype(np.float64)
    mean, spread = centre_and_spread(values)
    scaled = within_reach((values - mean) / spread)
    for name, n in zip(options.columns, _beyond(scaled, values), strict=True):
        if n:
            _log.warning("%s: %d values lie so far out that they are taken for missing", name, n)
    scale = input_scale(store, seed)
    module = MVAETraining(options, store.shape, len(options.columns), scale, seed)
    state = train_network(
        module, Pairs(store, scaled), seed, checkpoint=checkpoint, threads=threads, say=say
    )
    return state | {"column_mean": mean, "column_spread": spread}


def _beyond(scaled: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How many values of each column are none any more once they are scaled, (k,)."""
    return (np.isnan(scaled) & np.isfinite(values)).sum(axis=0)


def load(
    shape: tuple[int, int, int], options: Options, state: Mapping[str, np.ndarray]
) -> "TrainedMVAE":
    """The trained network, for images of ``shape`` (y, x, c)."""
    from hoag.models.mvae.networks import MultimodalVAE
    from hoag.models.mvae.trained import TrainedMVAE

    network = with_weights(MultimodalVAE(options, shape, len(options.columns)), state)
    scales = state["column_mean"], state["column_spread"]
    return TrainedMVAE(network, float(state["scale"]), options.columns, *scales)


def transform(
    images: np.ndarray, options: Options, state: Mapping[str, np.ndarray], *, columns: np.ndarray
) -> np.ndarray:
    """Mean codes of ``images`` (n, y, x, c) with their ``columns`` (n, k), float32 (n, d)."""
    return load(images.shape[1:], options, state).encode(images, columns)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """mean_00, mean_01, ..."""
    return [f"mean_{i:02d}" for i in range(options.n_components)]


def loss_names(options: Options) -> list[str]:
    """What ``losses`` of the trained network gives."""
    of_all = ["reconstruction_error", "negative_bound", "image_given_columns"]
    return [*of_all, "columns_given_image", *(f"{c}_given_image" for c in options.columns)]
