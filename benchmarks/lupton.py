"""Lupton colour images per second and core: Hoag against astropy, side by side in one run.

    python benchmarks/lupton.py [--size 96] [--images 400] [--repeats 7] [--output FILE.csv]

Both run on one thread, on the same float32 images, in turn within each repeat, so that a busy
machine slows both. The bytes are compared first. The first call, which compiles, is timed apart.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _table import save, spread

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

Q, STRETCH, MINIMUM = 15.0, 0.5, 0.0


def draw(n: int, size: int) -> np.ndarray:
    """Discs in three bands with noise, (n, 3, size, size) float32."""
    rng = np.random.default_rng(0)
    y, x = np.indices((size, size)) - size / 2
    scale = rng.uniform(2, 10, (n, 1, 1, 1))
    peak = 10 ** rng.uniform(-1, 1.5, (n, 3, 1, 1))
    images = peak * np.exp(-np.hypot(y, x) / scale)
    return (images + rng.normal(0, 0.02, images.shape)).astype(np.float32)


def with_astropy(images: np.ndarray) -> np.ndarray:
    from astropy.visualization import make_lupton_rgb

    with np.errstate(invalid="ignore"):  # it divides 0 by 0 where a pixel is blank
        return np.stack(
            [make_lupton_rgb(*i, Q=Q, stretch=STRETCH, minimum=MINIMUM) for i in images]
        )


def with_hoag(images: np.ndarray) -> np.ndarray:
    from hoag.images.lupton import make_lupton_rgb

    return np.stack([make_lupton_rgb(*i, q=Q, stretch=STRETCH, minimum=MINIMUM) for i in images])


METHODS = {
    "astropy": with_astropy,
    "hoag": with_hoag,
}


def seconds(function: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> float:
    start = time.perf_counter()
    function(images)
    return time.perf_counter() - start


def measure(images: np.ndarray, repeats: int) -> list[dict]:
    """One row per method: images per second and the ratio to astropy, over the repeats."""
    times = {name: [] for name in METHODS}
    for _ in range(repeats):
        for name, function in METHODS.items():
            times[name].append(seconds(function, images))
    rows = []
    for name, taken in times.items():
        rates = [len(images) / t for t in taken]
        ratios = [a / t for a, t in zip(times["astropy"], taken, strict=True)]
        rows.append({"method": name, **spread("images_per_s", rates), **spread("ratio", ratios)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=96, help="side of an image in px")
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()

    images = draw(arguments.images, arguments.size)
    first = seconds(with_hoag, images[:1])
    if not (with_hoag(images) == with_astropy(images)).all():
        sys.exit("the bytes differ from astropy's")
    rows = measure(images, arguments.repeats)

    print(
        f"{arguments.images} float32 images of 3 x {arguments.size} x {arguments.size} px, "
        f"{arguments.repeats} repeats, one thread; same bytes. First call {first:.2f} s.\n"
    )
    print("| method | images/s: min | median | max | ratio: min | median | max |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        name, *numbers = row.values()
        cells = [f"{n:,.0f}" for n in numbers[:3]] + [f"{n:.1f}" for n in numbers[3:]]
        print(f"| {name} | {' | '.join(cells)} |")
    save(rows, arguments.output)


if __name__ == "__main__":
    main()
