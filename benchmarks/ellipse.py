"""Ellipse features per second and core: Hoag against a loop over objects, side by side in one run.

    python benchmarks/ellipse.py [--size 64] [--images 10000] [--repeats 3] [--output FILE.csv]

The loop takes each image and each level by itself, with the functions that scipy and numpy have
for it: `numpy.percentile`, `scipy.ndimage.label`, `center_of_mass`, `binary_fill_holes`, and
moments over the area's pixels. Both run on one thread, on the same uint8 images, in turn within
each repeat, so that a busy machine slows both. The numbers are compared first. The first call,
which compiles where nothing is kept from an earlier run, is timed apart.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _table import save, spread
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag.features import ellipse

OPTIONS = ellipse.Options()
EIGHT = np.ones((3, 3), bool)


def draw(n: int, size: int) -> np.ndarray:
    """Discs of any size and direction on a dark sky, (n, size, size, 1) uint8."""
    rng = np.random.default_rng(0)
    out = np.empty((n, size, size, 1), np.uint8)
    y, x = np.indices((size, size)) - (size - 1) / 2
    for i in range(n):
        angle, ratio, scale = rng.uniform(0, np.pi), rng.uniform(0.3, 1), rng.uniform(3, 8)
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        light = np.exp(-np.hypot(u, v / ratio) / scale) + rng.normal(0, 0.01, (size, size))
        out[i, :, :, 0] = np.rint(255 * np.clip(light - 0.03, 0, 1))
    return out


def of_level(image: np.ndarray, percentile: float, centre: np.ndarray) -> tuple[float, ...]:
    """Residual, centre, axes and angle of one isophote of one image."""
    bright = image > np.percentile(image[image > 0], percentile)
    groups, n = ndimage.label(ndimage.binary_fill_holes(bright), EIGHT)
    centres = np.array(ndimage.center_of_mass(np.ones(image.shape), groups, range(1, n + 1)))
    region = groups == 1 + np.hypot(*(centres - centre).T).argmin()
    y, x = (axis.astype(float) for axis in np.nonzero(region))
    y0, x0 = y.mean(), x.mean()
    xx, yy = ((x - x0) ** 2).mean() + 1 / 12, ((y - y0) ** 2).mean() + 1 / 12
    xy = ((x - x0) * (y - y0)).mean()
    mean, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    major, minor = 4 * np.sqrt(mean + half), 4 * np.sqrt(max(mean - half, 1 / 12))
    tilt = np.arctan2(2 * xy, xx - yy) / 2
    rows, columns = np.indices(image.shape)
    dy, dx = rows - y0, columns - x0
    along = (dx * np.cos(tilt) + dy * np.sin(tilt)) * 2 / major
    across = (dy * np.cos(tilt) - dx * np.sin(tilt)) * 2 / minor
    return (region != (along**2 + across**2 <= 1)).sum() / len(x), x0, y0, major, minor, tilt


def with_a_loop(images: np.ndarray) -> np.ndarray:
    out = []
    for image in images[..., 0] / 255:
        centre, levels = (np.array(image.shape) - 1) / 2, []
        for percentile in OPTIONS.percentiles:
            levels.append(of_level(image, percentile, centre))
            centre = np.array([levels[0][2], levels[0][1]])
        residual, x, y, major, minor, tilt = np.array(levels).T
        offset = np.hypot(x - x[0], y - y[0]) / (np.sqrt(major * minor) / 2)
        turned = np.degrees(np.abs(tilt - tilt[0])) % 180
        acute = np.minimum(turned, 180 - turned)
        parts = residual, major / minor, offset[1:], acute[1:], major[1:] / major[0]
        out.append(np.concatenate(parts))
    return np.array(out, np.float32)


def with_hoag(images: np.ndarray) -> np.ndarray:
    return ellipse.transform(images, OPTIONS, {})


METHODS = {"loop": with_a_loop, "hoag": with_hoag}


def seconds(function: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> float:
    start = time.perf_counter()
    function(images)
    return time.perf_counter() - start


def agreement(images: np.ndarray) -> float:
    """Share of the images with the same numbers; which of two equal distances is the nearer, and
    whether a pixel lies on an ellipse, may hang on the last bit."""
    same = np.isclose(with_hoag(images), with_a_loop(images), rtol=1e-3, atol=1e-3)
    return float(same.all(axis=1).mean())


def measure(images: np.ndarray, repeats: int) -> list[dict]:
    """One row per method: images per second and the ratio to the loop, over the repeats."""
    times = {name: [] for name in METHODS}
    for _ in range(repeats):
        for name, function in METHODS.items():
            times[name].append(seconds(function, images))
    rows = []
    for name, taken in times.items():
        rates = [len(images) / t for t in taken]
        ratios = [a / t for a, t in zip(times["loop"], taken, strict=True)]
        rows.append({"method": name, **spread("images_per_s", rates), **spread("ratio", ratios)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64, help="side of an image in px")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()

    images = draw(arguments.images, arguments.size)
    first = seconds(with_hoag, images[:1])
    same = agreement(images[:200])
    if same < 0.98:
        sys.exit(f"only {100 * same:.0f} % of the images have the loop's numbers")
    rows = measure(images, arguments.repeats)

    print(
        f"{arguments.images} uint8 images of {arguments.size} px, {len(OPTIONS.percentiles)} "
        f"levels, {arguments.repeats} repeats, one thread; the same numbers in {100 * same:.1f} % "
        f"of 200 images. First call {first:.2f} s.\n"
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
