"""Coordinates along the principal components of the pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.features._images import INPUTS, as_unit
from hoag.options import option
from hoag.seeds import fitted_rows

INPUT = "images"
CHUNK = 256  # images converted and projected at a time
EXACT_UP_TO = 500  # images or pixels, whichever is fewer: a full decomposition is quick


@dataclass(frozen=True)
class Options:
    """How many components, fitted to how many images."""

    input: str = option("images", doc="Images whose pixels are taken.", choices=INPUTS)
    n_components: int = option(64, doc="Components kept.", minimum=1)
    max_fit: int = option(
        20_000, doc="Fit on at most this many images, drawn at random.", minimum=1
    )


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Find the components (scikit-learn's PCA; randomised where a full one would be slow).

    Parameters
    ----------
    store
        Images. Those fitted are held in memory as float32, 4 bytes a pixel and channel.
    options, seed
        ``max_fit`` images are drawn with ``seed``, which also starts the randomised search.

    Returns
    -------
    dict
        ``mean`` (d,) and ``components`` (k, d), float32; each component's largest element is
        positive. k is smaller than ``n_components`` where there are fewer images or pixels.

    Raises
    ------
    ValueError
        If the store is empty.
    """
    from sklearn.decomposition import PCA

    if len(store) == 0:
        raise ValueError("principal_components: found no image to fit, allowed: one or more")
    x = _sample(store, options.max_fit, seed)
    k = min(options.n_components, *x.shape)
    solver = "full" if min(x.shape) <= EXACT_UP_TO else "randomized"
    pca = PCA(k, svd_solver=solver, random_state=seed % 2**32, copy=False)
    with np.errstate(divide="ignore", invalid="ignore"):  # the shares of a variance of zero
        pca.fit(x)
    return {"mean": pca.mean_, "components": pca.components_}


def _sample(store: Any, max_fit: int, seed: int) -> np.ndarray:
    """The images to fit, flattened, (n, d) float32."""
    chosen = fitted_rows(len(store), max_fit, seed)
    x = np.empty((len(chosen), int(np.prod(store.shape))), np.float32)
    for start in range(0, len(chosen), CHUNK):
        images = store.read(chosen[start : start + CHUNK])
        x[start : start + CHUNK] = as_unit(images).reshape(len(images), -1)
    return x


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Project (n, y, x, c) images on the components: (n, k) float32.

    The sums are done in double precision, so that the batch in which an image comes does not
    show in the result.
    """
    mean, components = (state[key].astype(np.float64) for key in ("mean", "components"))
    out = np.empty((len(images), len(components)), np.float32)
    for start in range(0, len(images), CHUNK):
        flat = as_unit(images[start : start + CHUNK], np.float64).reshape(-1, len(mean))
        out[start : start + CHUNK] = (flat - mean) @ components.T
    return out


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """``pc_1``, ``pc_2``, ... in order of decreasing variance."""
    return [f"pc_{i + 1}" for i in range(len(state["components"]))]
