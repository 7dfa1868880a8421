"""What the feature spaces that are trained networks of images share."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.seeds import generator

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from hoag.models._training import Module, Store

N_SCALE = 1000  # images whose root mean square is the unit of the inputs
_WEIGHTS = "network/"


def input_scale(store: "Store", seed: int) -> float:
    """Root mean square of at most 1,000 images of a store, white being one; 1 if all are black."""
    sample = store.read(np.sort(generator(seed, "scale").permutation(len(store))[:N_SCALE]))
    unit = 255.0 if sample.dtype == np.uint8 else 1.0
    return float(np.sqrt(np.mean(sample.astype(np.float32) ** 2))) / unit or 1.0


def train_network(
    module: "Module",
    store: "Store",
    seed: int,
    *,
    checkpoint: "Path | None",
    threads: int,
    say: Callable[[str], None] | None,
) -> dict[str, np.ndarray]:
    """Train a LightningModule that has a ``network``, ``options``, ``scale`` and a history.

    Parameters
    ----------
    module
        As made; its options say how long and in which batches.
    store
        What it is trained on.
    seed
        Of the order of the images.
    checkpoint
        File that keeps the progress; None for a temporary one.
    threads
        Threads of the training; sums are grouped by them, so they belong to the result.
    say
        Called with a line on the progress now and then.

    Returns
    -------
    dict
        Weights as ``network/{name}``, ``scale``, ``history`` (n, k) and ``history_names`` (k,).

    Raises
    ------
    ValueError
        If the training diverged.
    """
    import tempfile
    from pathlib import Path

    from hoag.models._training import Schedule, train

    options = module.options
    with tempfile.TemporaryDirectory() as folder:
        schedule = Schedule(
            iterations=options.iterations,
            checkpoint_every=options.checkpoint_every,
            checkpoint=checkpoint or Path(folder) / "progress.ckpt",
            threads=threads,
            seed=seed,
        )
        keywords = {"say": say} if say else {}
        train(module, store, np.arange(len(store)), options.batch_size, schedule, **keywords)
    weights = {n: v.detach().cpu().numpy() for n, v in module.network.state_dict().items()}
    if not all(np.isfinite(value).all() for value in weights.values()):
        raise ValueError("the training diverged: found weights that aren't finite")
    return {
        **{_WEIGHTS + name: value for name, value in weights.items()},
        "scale": np.array(module.scale),
        "history": np.array([list(row.values()) for row in module.history], np.float64),
        "history_names": np.array(list(module.history[0])),
    }


def with_weights(network: "torch.nn.Module", state: Mapping[str, np.ndarray]) -> Any:
    """The network with the weights of a state.

    Raises
    ------
    ValueError
        If the state is of a network of other options or images.
    """
    import torch

    own = {k.removeprefix(_WEIGHTS): v for k, v in state.items() if k.startswith(_WEIGHTS)}
    wanted = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    for name in sorted({*own, *wanted}):
        found = own[name].shape if name in own else None
        if found != wanted.get(name):
            raise ValueError(
                f"weights of {name}: found shape {found}, allowed with these options and images: "
                f"{wanted.get(name)}"
            )
    network.load_state_dict({k: torch.as_tensor(v) for k, v in own.items()})
    return network
