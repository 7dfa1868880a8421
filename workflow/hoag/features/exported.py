"""What a network of your own sees: Zoobot's, one of timm's, or any other that PyTorch can export.

The network was written to a file by ``torch.export`` where its own libraries are installed; here
PyTorch alone is needed. Its outputs, averaged over the image where they are maps, are cut down to
their principal components in the survey's own images.
"""

import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.features._seen import fit_components, on_components, scaled
from hoag.options import ConfigError, option

INPUT = "images"
# What this PyTorch writes, and what earlier ones wrote.
_PROGRAM = re.compile(r"(^|/)(models/.*|serialized_exported_program)\.json$")


@dataclass(frozen=True)
class Options:
    """The network's file, and how much of what it sees is kept."""

    path: str = option(
        doc="File of `torch.export.save`. The network takes one batch of images, float32 in 0..1 "
        "(n, 1 or 3, y, x), and gives (n, d) or (n, d, y, x); images are scaled to the size, and "
        "handed over in batches, of the example that it was exported with. Such a file can run "
        "code: use none that you don't trust.",
        unit="path",
    )
    n_components: int = option(
        512, doc="Principal components kept, if there are as many.", minimum=1
    )
    max_fit: int = option(
        5000, doc="Fit the components on at most this many images, drawn at random.", minimum=2
    )


def check(shape: tuple[int, int, int], options: Options, key: str) -> None:
    """Raise `ConfigError` for a file that no export wrote."""
    if not os.path.exists(options.path):
        raise ConfigError(f"{key}.path: found no file {options.path!r}")
    names = []
    if zipfile.is_zipfile(options.path):
        with zipfile.ZipFile(options.path) as archive:
            names = archive.namelist()
    if not any(_PROGRAM.search(name) for name in names):  # weights alone are such an archive too
        raise ConfigError(
            f"{key}.path: found {options.path!r}, allowed: a file that torch.export.save wrote"
        )


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Find the components; as `hoag.features._seen.fit_components`."""
    network = _Network(options.path)
    network.check_alone(store.shape)
    return fit_components(
        store, network.see, network.shape[0], options.n_components, options.max_fit, seed
    )


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """What the network sees of (n, y, x, c) images, projected on the components: (n, k) float32."""
    network = _Network(options.path)
    return on_components(images, network.see, network.shape[0], state)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """``seen_1``, ``seen_2``, ... in order of decreasing variance."""
    return [f"seen_{i + 1}" for i in range(len(state["components"]))]


class _Network:
    """An exported network, for batches of ``shape`` (n, c, y, x)."""

    def __init__(self, path: str):
        import torch

        try:
            program = torch.export.load(path)
        except RuntimeError as error:
            why = " ".join(str(error).split())
            raise ConfigError(
                f"{path}: found what PyTorch {torch.__version__} can't load ({why}), allowed: an "
                "export of this version or one not much older"
            ) from None
        inputs, keywords = program.example_inputs or ((), {})
        found = [_described(i) for i in (*inputs, *keywords.values())]
        is_one = len(inputs) == 1 and not keywords and isinstance(inputs[0], torch.Tensor)
        self.path, self.shape = path, tuple(inputs[0].shape) if is_one else ()
        is_image = len(self.shape) == 4 and self.shape[1] in (1, 3)
        if not (is_image and inputs[0].dtype == torch.float32):
            raise ConfigError(
                f"{path}: found a network that takes {', '.join(found) or 'nothing'}, allowed: one "
                "batch of images, float32 (n, 1 or 3, y, x), not by keyword"
            )
        self.module = program.module()

    def see(self, images: np.ndarray) -> np.ndarray:
        """Vectors (n, d) float64 of no more images than a batch has."""
        import torch

        with torch.inference_mode():
            seen = self.module(scaled(images, self.shape))
        if isinstance(seen, torch.Tensor) and seen.ndim == 4:
            seen = seen.mean(dim=(2, 3))
        if not isinstance(seen, torch.Tensor) or seen.ndim != 2 or len(seen) != self.shape[0]:
            raise ConfigError(
                f"{self.path}: found a network that gives {_described(seen)}, allowed: (n, d) or "
                f"(n, d, y, x), n being {self.shape[0]}"
            )
        return seen[: len(images)].double().numpy()

    def check_alone(self, shape: tuple[int, int, int]) -> None:
        """Raise `ConfigError` if what is seen of an image (y, x, c) depends on those beside it."""
        n = min(self.shape[0], 3)
        images = np.random.default_rng(0).integers(0, 256, (n, *shape), dtype=np.uint8)
        together, alone = self.see(images), np.concatenate([self.see(i[None]) for i in images])
        size = np.abs(together).max()
        if not np.allclose(alone, together, rtol=0, atol=1e-3 * size):
            raise ConfigError(
                f"{self.path}: found a network that sees an image differently beside others, "
                "allowed: one that was exported after .eval()"
            )


def _described(value: Any) -> str:
    """Shape and type of a tensor; of anything else its type."""
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"{tuple(shape)} {value.dtype}"
