"""Scoring all of MiraBest by Monte Carlo dropout: vectorised passes against a loop of whole passes.

    python benchmarks/uncertainty.py [--size-px 150] [--passes 100] [--output FILE.csv]

1,256 images, the default network, dropout before its last layer and before the last two. "Loop"
asks the whole network once for each pass, as is usually done; "draws" is what the feature space
calls; "score" adds local entropy, neighbours included. Processor time, in turn within each repeat,
so that a busy machine slows all.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from _table import save, spread

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag.detectors import local_entropy
from hoag.features import classifier
from hoag.models._layers import as_tensor
from hoag.models.classifier.networks import Classifier
from hoag.options import build

N_IMAGES = 1256
CLASSES = {"FRI": ["1"], "FRII": ["2"]}


def options(n_passes: int, layers: int) -> classifier.Options:
    own = {"classes": CLASSES, "n_passes": n_passes, "dropout_layers": layers}
    return build(classifier.Options, own, "features.classifier")


def state_of(plugin: classifier.Options, shape: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """A network with its first weights: how fast it is doesn't depend on the values."""
    weights = Classifier(plugin, shape, 2, 0).state_dict()
    return {f"0/{k}": v.numpy() for k, v in weights.items()} | {
        "mean": np.array(0.5),
        "deviation": np.array(0.3),
        "passes_seed": np.array(1),
        "temperatures": np.ones(1),
    }


def loop(images: np.ndarray, plugin: classifier.Options, state: dict[str, np.ndarray]) -> None:
    network = classifier.load(images.shape[1:], plugin, state, 0).train()
    with torch.inference_mode():
        x = (as_tensor(images) - 0.5) / 0.3
        for _ in range(plugin.n_passes):
            for part in x.split(128):
                network(part).softmax(1)


def score(images: np.ndarray, plugin: classifier.Options, state: dict[str, np.ndarray]) -> None:
    predicted = classifier.predict(images, plugin, state)
    learned = np.where(np.arange(len(images)) % 5, np.argmax(predicted.p, 1), -1)
    measure = local_entropy.Options()
    fitted = local_entropy.fit(predicted, measure, 0, classes=learned)
    local_entropy.score(predicted, measure, fitted)


def seconds(function: Callable[..., object], *arguments: object) -> float:
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size-px", type=int, default=150)
    parser.add_argument("--passes", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    size = arguments.size_px
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (N_IMAGES, size, size, 1), dtype=np.uint8)
    methods = {"loop": loop, "draws": classifier.draws, "score": score}
    rows = []
    for layers in (1, 2):
        plugin = options(arguments.passes, layers)
        state = state_of(plugin, images.shape[1:])
        taken = {name: [] for name in methods}
        for _ in range(arguments.repeats):
            for name, function in methods.items():
                taken[name].append(seconds(function, images, plugin, state))
        rows += [
            {"dropout_layers": layers, "method": name, **spread("seconds", values)}
            for name, values in taken.items()
        ]

    print(
        f"{N_IMAGES} images of {size} px, {arguments.passes} passes, {arguments.repeats} repeats "
        f"({arguments.threads} threads).\n"
    )
    print("| layers with dropout | method | seconds: min | median | max |")
    print("|---|---|---|---|---|")
    for row in rows:
        layers, name, *numbers = row.values()
        print(f"| {layers} | {name} | {' | '.join(f'{n:,.2f}' for n in numbers)} |")
    save(rows, arguments.output)


if __name__ == "__main__":
    main()
