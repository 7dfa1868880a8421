"""Codes of a convolutional autoencoder, of images or of what the WGAN leaves of them.

Storey-Fisher et al. 2020, section 4.1: the absolute residual between an image and its
reconstruction, brought down to 32 numbers; on the images themselves as the control.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hoag.models._shape import check_shape
from hoag.models.autoencoder import Options as ModelOptions
from hoag.options import option

if TYPE_CHECKING:
    from pathlib import Path

    from hoag.models._training import Store

INPUT = "images"
MODEL = "autoencoder"


@dataclass(frozen=True)
class Options(ModelOptions):
    """The network's options, and what it looks at."""

    input: str = option(
        "images",
        doc="What is encoded; unit_residuals are residuals scaled to unit norm.",
        choices=("images", "residuals", "unit_residuals"),
    )


def check(shape: tuple[int, int, int], options: Options, key: str) -> None:
    """Raise `ConfigError` unless the images' sides are multiples of 16."""
    check_shape(shape, "images")


def fit(
    store: "Store",
    options: Options,
    seed: int,
    *,
    checkpoint: "Path | None" = None,
    threads: int = 1,
    say: Callable[[str], None] | None = None,
) -> dict[str, np.ndarray]:
    """Train the autoencoder; the state holds its weights, its history and the inputs' scale.

    Parameters
    ----------
    store
        Images, residuals or unit residuals: len, ``shape`` (y, x, c), ``read``.
    options
        See `Options`.
    seed
        Of the weights and of the order of the images.
    checkpoint
        File that keeps the progress; None for a temporary one.
    threads
        Threads of the training; sums are grouped by them, so they belong to the result.
    say
        Called with a line on the progress now and then.
    """
    import tempfile
    from pathlib import Path

    from hoag.models._training import Schedule, train
    from hoag.models.autoencoder.training import AutoencoderTraining
    from hoag.seeds import generator

    sample = store.read(np.sort(generator(seed, "scale").permutation(len(store))[:1000]))
    unit = 255.0 if sample.dtype == np.uint8 else 1.0
    scale = float(np.sqrt(np.mean(sample.astype(np.float32) ** 2))) / unit or 1.0
    with tempfile.TemporaryDirectory() as folder:
        schedule = Schedule(
            iterations=options.iterations,
            checkpoint_every=options.checkpoint_every,
            checkpoint=checkpoint or Path(folder) / "progress.ckpt",
            threads=threads,
            seed=seed,
        )
        module = AutoencoderTraining(options, store.shape, scale, seed)
        keywords = {"say": say} if say else {}
        train(module, store, np.arange(len(store)), options.batch_size, schedule, **keywords)
    state = {k: v.detach().cpu().numpy() for k, v in module.network.state_dict().items()}
    history = np.array([[r["iteration"], r["loss"]] for r in module.history], np.float64)
    return state | {"scale": np.array(scale), "history": history.reshape(-1, 2)}


def transform(images: np.ndarray, options: Options, state: dict[str, np.ndarray]) -> np.ndarray:
    """Codes of ``images`` (n, y, x, c), float32 (n, n_components); on a GPU where there is one."""
    import torch

    from hoag.models._layers import as_tensor, best_device, freeze
    from hoag.models.autoencoder.networks import Autoencoder

    if not len(images):
        return np.empty((0, options.n_components), np.float32)
    network = Autoencoder(options.width, images.shape[1:], options.n_components)
    weights = {k: torch.as_tensor(v) for k, v in state.items() if k not in ("scale", "history")}
    network.load_state_dict(weights)
    device, scale = best_device(), float(state["scale"])
    freeze(network, device)
    with torch.inference_mode():
        parts = torch.as_tensor(images).split(128)
        codes = [network.encoder(as_tensor(p, device) / scale).cpu() for p in parts]
    return torch.cat(codes).numpy()


def names(options: Options, state: dict[str, np.ndarray]) -> list[str]:
    """code_00, code_01, ..."""
    return [f"code_{i:02d}" for i in range(options.n_components)]
