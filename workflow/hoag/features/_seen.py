"""What a network that is there already sees of images, and its principal components."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.features._images import as_unit
from hoag.seeds import fitted_rows

if TYPE_CHECKING:
    import torch

See = Callable[[np.ndarray], np.ndarray]  # images (n, y, x, c) -> vectors (n, d), float64


def scaled(images: np.ndarray, shape: tuple[int, int, int, int]) -> "torch.Tensor":
    """Images (n, y, x, c) as a network takes them: float32 in 0..1 of ``shape`` (batch, c, y, x).

    Sides are changed by bicubic interpolation without aliases; of another number of channels the
    mean is repeated; missing images are 0.
    """
    import torch
    from torch.nn import functional

    batch, channels, *size = shape
    unit = as_unit(images)
    if unit.shape[3] != channels:
        unit = np.repeat(unit.mean(axis=3, keepdims=True), channels, axis=3)
    x = torch.from_numpy(np.ascontiguousarray(unit.transpose(0, 3, 1, 2)))
    x = functional.pad(x, (0, 0, 0, 0, 0, 0, 0, batch - len(x)))
    return functional.interpolate(x, size, mode="bicubic", align_corners=False, antialias=True)


def fit_components(
    store: Any, see: See, batch: int, n_components: int, max_fit: int, seed: int
) -> dict[str, np.ndarray]:
    """Find the components of what is seen of at most ``max_fit`` images (scikit-learn's PCA).

    Parameters
    ----------
    store
        Images.
    see, batch
        The network, and how many images it is given at a time.
    n_components
        Components kept, if there are as many.
    max_fit, seed
        As many images are drawn with ``seed``.

    Returns
    -------
    dict
        ``mean`` (d,), ``components`` (k, d), divided by one number so that the components' mean
        variance is 1: their relative sizes stay.

    Raises
    ------
    ValueError
        If the store is empty.
    """
    from sklearn.decomposition import PCA

    if len(store) == 0:
        raise ValueError("found no image to fit, allowed: one or more")
    chosen = fitted_rows(len(store), max_fit, seed)
    seen = np.concatenate(
        [see(store.read(chosen[i : i + batch])) for i in range(0, len(chosen), batch)]
    )
    pca = PCA(min(n_components, *seen.shape), svd_solver="full")
    with np.errstate(divide="ignore", invalid="ignore"):  # the shares of a variance of zero
        pca.fit(seen)
    scale = np.sqrt(pca.explained_variance_.mean()) if len(seen) > 1 else 0.0
    return {"mean": pca.mean_, "components": pca.components_ / (scale or 1.0)}


def on_components(
    images: np.ndarray, see: See, batch: int, state: Mapping[str, np.ndarray]
) -> np.ndarray:
    """What is seen of images (n, y, x, c), projected on the components: (n, k) float32."""
    out = np.empty((len(images), len(state["components"])), np.float32)
    for start in range(0, len(images), batch):
        seen = see(images[start : start + batch])
        out[start : start + batch] = (seen - state["mean"]) @ state["components"].T
    return out
