"""Random image reads per second: Hoag's store against h5py and a plain array on disk.

    python benchmarks/image_store.py [--images 20000] [--size 96] [--output FILE.csv]

All three read the same random batches of uint8 RGB images, in turn within each repeat. The files
were written just before, so they come from the page cache: this measures the reading code, not
the disk.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from _table import save, spread

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag.images.store import ImageStore, ShardWriter

SHARDS = 4
Reader = Callable[[np.ndarray], np.ndarray]


def write(folder: Path, n: int, size: int) -> tuple[list[Path], Path]:
    """The same random images as shards of the store and as one npy file."""
    rng = np.random.default_rng(0)
    flat = folder / "images.npy"
    shape = (n, size, size, 3)
    array = np.lib.format.open_memmap(flat, mode="w+", dtype=np.uint8, shape=shape)
    paths = []
    for part, rows in enumerate(np.array_split(np.arange(n), SHARDS)):
        paths.append(folder / f"shard-{part}.h5")
        with ShardWriter(paths[-1], {}) as shard:
            for i in rows:
                array[i] = rng.integers(0, 256, shape[1:], dtype=np.uint8)
                shard.append(str(i), array[i])
    array.flush()
    return paths, flat


def readers(paths: list[Path], flat: Path) -> dict[str, Reader]:
    store = ImageStore(paths)
    datasets = [h5py.File(p)["images"] for p in paths]
    starts = np.cumsum([0] + [len(d) for d in datasets])
    array = np.load(flat, mmap_mode="r")

    def with_h5py(indices: np.ndarray) -> np.ndarray:
        shards = np.searchsorted(starts, indices, side="right") - 1
        within = indices - starts[shards]
        pairs = zip(shards.tolist(), within.tolist(), strict=True)
        return np.stack([datasets[s][i] for s, i in pairs])

    return {
        "h5py, dataset[i]": with_h5py,
        "hoag ImageStore": store.read,
        "npy memmap": lambda indices: array[indices],
    }


def measure(
    methods: dict[str, Reader], n: int, *, batch: int, batches: int, repeats: int
) -> list[dict]:
    """One row per method: images per second and the ratio to h5py, over the repeats."""
    rng = np.random.default_rng(1)
    times = {name: [] for name in methods}
    for _ in range(repeats):
        requests = rng.integers(0, n, (batches, batch))
        for name, read in methods.items():
            start = time.perf_counter()
            for indices in requests:
                read(indices)
            times[name].append(time.perf_counter() - start)
    rows = []
    for name, taken in times.items():
        rates = [batch * batches / t for t in taken]
        ratios = [a / t for a, t in zip(next(iter(times.values())), taken, strict=True)]
        rows.append({"method": name, **spread("images_per_s", rates), **spread("ratio", ratios)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=96, help="side of an image in px")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=128, help="images per read")
    parser.add_argument("--batches", type=int, default=40, help="reads per repeat")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--folder", help="where the files are written, and removed again")
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        methods = readers(*write(Path(folder), arguments.images, arguments.size))
        indices = np.random.default_rng(2).integers(0, arguments.images, 500)
        found = [read(indices) for read in methods.values()]  # opens the files too
        if not all((f == found[0]).all() for f in found):
            sys.exit("the readers differ")
        rows = measure(
            methods,
            arguments.images,
            batch=arguments.batch,
            batches=arguments.batches,
            repeats=arguments.repeats,
        )

    side = arguments.size
    print(
        f"{arguments.images} uint8 images of {side} x {side} x 3, in {SHARDS} shards; "
        f"{arguments.repeats} repeats of {arguments.batches} reads of {arguments.batch}.\n"
    )
    print("| reader | images/s: min | median | max | ratio: min | median | max |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        name, *numbers = row.values()
        cells = [f"{n:,.0f}" for n in numbers[:3]] + [f"{n:.1f}" for n in numbers[3:]]
        print(f"| {name} | {' | '.join(cells)} |")
    save(rows, arguments.output)


if __name__ == "__main__":
    main()
