"""Images a second through the autoencoder: a job's training and codes against the bare network.

    python benchmarks/autoencoders.py [--iterations 20] [--repeats 3] [--output FILE.csv]

Training "in a job" reads images from an HDF5 shard, adds noise, keeps a history and checkpoints,
in Lightning's loop; "bare" is the same network, loss and Adam on one batch that lies ready. Start
and end of a training are left out: a long one is compared with a short one. One thread,
processor time, in turn within each repeat, so that a busy machine slows all.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _table import save, spread
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag.features import autoencoder
from hoag.images.store import ImageStore, ShardWriter
from hoag.models._layers import as_tensor
from hoag.models.autoencoder.networks import Autoencoder
from hoag.options import build

SIZES = (64, 96)  # px
N_IMAGES = 600
SHORT = 5  # iterations of the training that stands for start and end


def options(iterations: int) -> autoencoder.Options:
    return build(autoencoder.Options, {"iterations": iterations}, "features.codes")


def bare_training(size: int, iterations: int) -> Callable[[], None]:
    own = options(iterations)
    network = Autoencoder(own.width, (size, size, 3), own.n_components, 1)
    optimizer = torch.optim.Adam(network.parameters(), own.learning_rate)
    x = torch.rand(own.batch_size, 3, size, size)

    def train() -> None:
        for _ in range(iterations):
            optimizer.zero_grad()
            functional.mse_loss(network(x), x).backward()
            optimizer.step()

    return train


def bare_codes(network: Autoencoder, images: np.ndarray) -> None:
    with torch.inference_mode():
        for part in torch.as_tensor(images).split(128):
            network.encoder(as_tensor(part))


def seconds(function: Callable[..., object], *arguments: object) -> float:
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def measure(size: int, iterations: int, repeats: int, folder: Path) -> list[dict]:
    """One row per method: images a second."""
    rng = np.random.default_rng(0)
    path = folder / f"{size}.h5"
    with ShardWriter(path, {"kind": "rendered_image", "bands": ["r", "g", "b"]}) as shard:
        for i in range(N_IMAGES):
            shard.append(str(i), rng.integers(0, 256, (size, size, 3), dtype=np.uint8))
    store = ImageStore([path])
    images = store.read(np.arange(N_IMAGES))
    state = autoencoder.fit(store, options(SHORT), 1)
    network = Autoencoder(options(1).width, (size, size, 3), options(1).n_components, 1)
    train = bare_training(size, iterations)
    trained = iterations * options(1).batch_size

    def in_a_job() -> float:
        long = seconds(autoencoder.fit, store, options(SHORT + iterations), 1)
        return long - seconds(autoencoder.fit, store, options(SHORT), 1)

    methods: dict[str, Callable[[], float]] = {
        "training, bare": lambda: trained / seconds(train),
        "training, in a job": lambda: trained / in_a_job(),
        "codes, bare": lambda: N_IMAGES / seconds(bare_codes, network, images),
        "codes, in a job": lambda: (
            N_IMAGES / seconds(autoencoder.transform, images, options(1), state)
        ),
    }
    rates: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(repeats):
        for name, rate in methods.items():
            rates[name].append(rate())
    return [
        {"size_px": size, "method": name, **spread("images_per_s", values)}
        for name, values in rates.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()

    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            rows += measure(size, arguments.iterations, arguments.repeats, Path(folder))
    print("| px | method | images/s: min | median | max |")
    print("|---|---|---|---|---|")
    for row in rows:
        size, name, *numbers = row.values()
        print(f"| {size} | {name} | {' | '.join(f'{n:,.0f}' for n in numbers)} |")
    save(rows, arguments.output)


if __name__ == "__main__":
    main()
