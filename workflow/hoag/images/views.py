"""What features and detectors look at: the images, or what a model left unexplained in them."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from hoag.images.store import ImageStore
from hoag.options import unknown

VIEWS = ("images", "residuals", "unit_residuals")


class ResidualStore:
    """\\|image - reconstruction\\| of every object, computed when read.

    The absolute difference in the colour image's own units, as in Storey-Fisher et al. (2020,
    arXiv:2012.08082, section 4.1).

    Parameters
    ----------
    image_paths, reconstruction_paths
        Shards, in the same order, whose dataset ``images`` holds uint8 images of the same objects.
    unit
        Scale each residual to an L2 norm of 1, over all its pixels and channels; a residual that
        is zero everywhere stays zero.

    Attributes
    ----------
    object_ids, shape : as of `hoag.images.store.ImageStore`
    dtype : uint8, or float32 for unit residuals
    digest : SHA-256 of the two stores' digests and the view's name

    Raises
    ------
    ValueError
        Where the two sets of shards differ in number, shape, type or objects.
    """

    def __init__(
        self,
        image_paths: Iterable[str | Path],
        reconstruction_paths: Iterable[str | Path],
        *,
        unit: bool,
    ) -> None:
        self._images = ImageStore(image_paths)
        self._reconstructions = ImageStore(reconstruction_paths)
        self._unit = unit
        _check_pair(self._images, self._reconstructions)
        self.object_ids, self.shape = self._images.object_ids, self._images.shape
        self.dtype = np.dtype(np.float32 if unit else np.uint8)
        parts = (VIEWS[1 + unit], self._images.digest, self._reconstructions.digest)
        self.digest = hashlib.sha256(" ".join(parts).encode()).hexdigest()

    def __len__(self) -> int:
        return len(self._images)

    def read(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Residuals at ``indices`` (any order, repeats allowed), shape (len(indices), *shape)."""
        real, model = self._images.read(indices), self._reconstructions.read(indices)
        residual = np.maximum(real, model) - np.minimum(real, model)  # uint8 can't go below 0
        return _to_unit_norm(residual) if self._unit else residual

    def slices(self, size: int) -> Iterator[np.ndarray]:
        """All residuals in order, at most ``size`` at a time."""
        for start in range(0, len(self), size):
            yield self.read(range(start, min(start + size, len(self))))


def open_view(
    kind: str,
    image_paths: Iterable[str | Path],
    reconstruction_paths: Iterable[str | Path] | None = None,
) -> ImageStore | ResidualStore:
    """Open one view of a set of shards.

    Parameters
    ----------
    kind
        ``images`` (uint8), ``residuals`` (uint8) or ``unit_residuals`` (float32, L2 norm 1).
    image_paths
        The shards of images.
    reconstruction_paths
        The shards of reconstructions, which the two residuals need.

    Raises
    ------
    ValueError
        For another kind, missing reconstructions, or ones that don't belong to the images.
    """
    if kind not in VIEWS:
        raise ValueError(unknown("input", kind, VIEWS))
    if kind == "images":
        return ImageStore(image_paths)
    if reconstruction_paths is None:
        raise ValueError(f"input: found {kind!r} without reconstructions, allowed: images")
    return ResidualStore(image_paths, reconstruction_paths, unit=kind == "unit_residuals")


def _check_pair(images: ImageStore, reconstructions: ImageStore) -> None:
    if len(images) != len(reconstructions):
        raise ValueError(
            f"found reconstructions of {len(reconstructions)} objects, allowed: {len(images)}"
        )
    differ = np.flatnonzero(images.object_ids != reconstructions.object_ids)
    if differ.size:
        i = differ[0]
        raise ValueError(
            f"reconstruction {i}: found object {reconstructions.object_ids[i]!r}, "
            f"allowed: {images.object_ids[i]!r}"
        )
    if len(images) and (images.shape, images.dtype) != (
        reconstructions.shape,
        reconstructions.dtype,
    ):
        raise ValueError(
            f"found reconstructions of shape {reconstructions.shape} {reconstructions.dtype}, "
            f"allowed: {images.shape} {images.dtype}"
        )


def _to_unit_norm(residual: np.ndarray) -> np.ndarray:
    flat = residual.reshape(len(residual), residual[0].size if len(residual) else 0)
    flat = flat.astype(np.float32)
    norm = np.sqrt(np.einsum("ij,ij->i", flat, flat, dtype=np.float64))
    flat /= np.where(norm > 0, norm, 1)[:, None].astype(np.float32)
    return flat.reshape(residual.shape)
