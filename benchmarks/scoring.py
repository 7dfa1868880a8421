"""Images scored per second by the WGAN: against a loop over images, and against the bare networks.

    python benchmarks/scoring.py [--images 256] [--repeats 5] [--device cpu] [--output FILE.csv]

Every method takes ten steps an image, in turn within each repeat, so that a busy machine slows
all. "Bare" is what no method can avoid: ten times generator and critic forwards and the gradient
back to the latent vectors, of the same networks on the same batches, without optimiser, score or
bookkeeping; "score" does two passes more (the first features and the last loss) and the encoder's.
"""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _table import save, spread

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag.detectors.wgan import Options, score
from hoag.models import wgan
from hoag.models._layers import freeze
from hoag.models.encoder.networks import Encoder
from hoag.models.wgan.networks import Critic, Generator
from hoag.models.wgan.trained import Networks

SIZES = ((48, 8), (64, 16), (96, 16))  # px, width
STEPS = Options().steps
BATCH = Options().batch_size


def build(
    size: int, width: int, device: str, layout: torch.memory_format | None = None
) -> Networks:
    """Networks with their first weights: how fast they are doesn't depend on the values.

    In another memory layout than scoring's own where one is given.
    """
    options, shape = wgan.Options(width=width), (size, size, 3)
    networks = Networks(
        Generator(options, shape, 1),
        Critic(options, shape, 2),
        Encoder(width, shape, options.n_latent, 3),
    )
    for network in (networks.generator, networks.critic, networks.encoder):
        freeze(network, device)
        if layout is not None:
            network.to(memory_format=layout)
    return networks


def in_batches(images: np.ndarray, networks: Networks) -> None:
    score(images, Options(), networks, 0)


def one_by_one(images: np.ndarray, networks: Networks) -> None:
    for image in images:
        score(image[None], Options(batch_size=1), networks, 0)


def bare(images: np.ndarray, networks: Networks) -> None:
    device = networks.generator.project.weight.device
    for _ in range(len(images) // BATCH):
        z = torch.zeros(BATCH, networks.generator.n_latent, device=device, requires_grad=True)
        for _ in range(STEPS):
            made = networks.generator(z)
            loss = made.square().sum() + networks.critic.features(made).square().sum()
            torch.autograd.grad(loss, z)


def seconds(function: Callable[[], None]) -> float:
    start = time.perf_counter()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(size: int, width: int, images: int, repeats: int, device: str) -> list[dict]:
    """One row per method: images per second and the ratio to the bare networks'."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (images, size, size, 3), dtype=np.uint8)
    few = pixels[: max(4, images // 32)]
    networks = build(size, width, device)
    usual = build(size, width, device, torch.contiguous_format)
    methods = {  # name -> what to call, how many images it takes
        "bare": (partial(bare, pixels, networks), images),
        "bare, channels first": (partial(bare, pixels, usual), images),
        "score": (partial(in_batches, pixels, networks), images),
        "score one by one": (partial(one_by_one, few, networks), len(few)),
    }
    rates = {name: [] for name in methods}
    for function, _ in methods.values():
        seconds(function)  # the first call plans the kernels
    for _ in range(repeats):
        for name, (function, n) in methods.items():
            rates[name].append(n / seconds(function))
    about = {"size_px": size, "width": width}
    return [
        {
            **about,
            "method": name,
            **spread("images_per_s", values),
            **spread("of_bare", [v / b for v, b in zip(values, rates["bare"], strict=True)]),
        }
        for name, values in rates.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=256, help=f"a multiple of {BATCH}")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()
    if arguments.images % BATCH or not arguments.images:
        parser.error(f"--images: found {arguments.images}, allowed: multiples of {BATCH}")

    torch.set_num_threads(arguments.threads)
    rows = []
    for size, width in SIZES:
        rows += measure(size, width, arguments.images, arguments.repeats, arguments.device)

    print(
        f"{arguments.images} images, {STEPS} steps each, {arguments.repeats} repeats, "
        f"on {arguments.device} ({arguments.threads} threads).\n"
    )
    print("| px | width | method | images/s: min | median | max | of bare: min | median | max |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        size, width, name, *numbers = row.values()
        cells = [f"{n:,.1f}" for n in numbers[:3]] + [f"{n:.0%}" for n in numbers[3:]]
        print(f"| {size} | {width} | {name} | {' | '.join(cells)} |")
    save(rows, arguments.output)


if __name__ == "__main__":
    main()
