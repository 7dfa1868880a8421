"""Seconds for one iteration of the WGAN's training, and what could make it shorter.

    python benchmarks/training.py [--iterations 2] [--repeats 7] [--device cpu] [--output FILE.csv]

One iteration is five critic steps and one generator step of 32 images each. The variants run in
turn within each repeat, so that a busy machine slows all: the plain steps, the same inside
Lightning's loop as in a job, with the networks' memory laid out channels last, and with the fused
Adam.
"""

import argparse
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _table import save, spread

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag.models._training import Schedule, train
from hoag.models.wgan import Options
from hoag.models.wgan.training import WassersteinGAN

SIZES = ((48, 8), (64, 16), (96, 16))  # px, width
N_IMAGES = 320


class Noise:
    """A store of random images."""

    def __init__(self, size: int) -> None:
        rng = np.random.default_rng(0)
        self.images = rng.integers(0, 256, (N_IMAGES, size, size, 3), dtype=np.uint8)
        self.shape = self.images.shape[1:]

    def __len__(self) -> int:
        return N_IMAGES

    def read(self, indices: np.ndarray) -> np.ndarray:
        return self.images[indices]


class Plain(WassersteinGAN):
    """The module without Lightning's trainer around it."""

    def prepare(self, device: str, layout: torch.memory_format, *, fused: bool) -> "Plain":
        self.to(device).to(memory_format=layout)
        rate, betas = self.options.learning_rate, (self.options.beta1, self.options.beta2)
        self.own = [
            torch.optim.Adam(n.parameters(), rate, betas, fused=fused or None)
            for n in (self.generator, self.critic)
        ]
        return self

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return self.own

    def manual_backward(self, loss: torch.Tensor) -> None:
        loss.backward()


def plainly(module: Plain, store: Noise, numbers: Iterable[int], n: int) -> None:
    """Run ``n`` iterations."""
    for _ in range(n):
        images = torch.as_tensor(store.read(np.arange(module.options.batch_size * 5)))
        module.training_step((next(numbers), images), 0)


def in_a_job(options: Options, store: Noise, threads: int, n: int) -> float:
    """Seconds for ``n`` iterations after the first of a training, as jobs run it."""
    times = []
    module = WassersteinGAN(options, store.shape, 1)
    step = module.training_step

    def timed(batch: tuple, batch_idx: int) -> None:
        synchronise()
        times.append(time.perf_counter())
        step(batch, batch_idx)

    module.training_step = timed
    n_images = options.batch_size * options.critic_steps
    with tempfile.TemporaryDirectory() as folder:
        # one more iteration than counted at either end: its start is the last one's end
        schedule = Schedule(n + 2, n + 2, Path(folder) / "last.ckpt", threads, seed=1)
        train(module, store, np.arange(len(store)), n_images, schedule)
    return times[n + 1] - times[1]


def synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds(function: Callable[[], float | None]) -> float:
    """What ``function`` says it took, or else what it did."""
    synchronise()
    start = time.perf_counter()
    own = function()
    synchronise()
    return time.perf_counter() - start if own is None else own


def measure(
    size: int, width: int, iterations: int, repeats: int, device: str, threads: int
) -> list[dict]:
    """One row per variant: seconds an iteration and the plain one's time divided by it."""
    store, options = Noise(size), Options(width=width)

    def variant(layout: torch.memory_format, *, fused: bool) -> Callable[[], None]:
        module = Plain(options, store.shape, 1).prepare(device, layout, fused=fused)
        return partial(plainly, module, store, iter(range(10**9)), iterations)

    first, last = torch.contiguous_format, torch.channels_last
    variants = {
        "plain": variant(first, fused=False),
        "in Lightning's loop": partial(in_a_job, options, store, threads, iterations),
        "channels last": variant(last, fused=False),
        "fused Adam": variant(first, fused=True),
        "channels last, fused Adam": variant(last, fused=True),
    }
    times = {name: [] for name in variants}
    for function in variants.values():
        function()  # the first call plans the kernels
    for _ in range(repeats):
        for name, function in variants.items():
            times[name].append(seconds(function) / iterations)
    about = {"size_px": size, "width": width}
    return [
        {
            **about,
            "variant": name,
            **spread("seconds", taken),
            **spread("speed", [p / t for p, t in zip(times["plain"], taken, strict=True)]),
        }
        for name, taken in times.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=2, help="iterations a timing")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()

    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    torch.set_num_threads(arguments.threads)
    counts = (arguments.iterations, arguments.repeats)
    rows = []
    for size, width in SIZES:
        rows += measure(size, width, *counts, arguments.device, arguments.threads)

    print(
        f"{arguments.iterations} iterations a timing, {arguments.repeats} repeats, "
        f"on {arguments.device} ({arguments.threads} threads).\n"
    )
    print("| px | width | variant | s: min | median | max | speed: min | median | max |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        size, width, name, *numbers = row.values()
        cells = [f"{n:.3f}" for n in numbers[:3]] + [f"{n:.2f}" for n in numbers[3:]]
        print(f"| {size} | {width} | {name} | {' | '.join(cells)} |")
    save(rows, arguments.output)


if __name__ == "__main__":
    main()
