"""Seconds and memory of the plane: UMAP of many vectors, and placing more among them.

    python benchmarks/planes.py [--rows 100000] [--columns 32] [--output FILE.csv]

Vectors of a mixture of 200 Gaussians. Each method in a process of its own, one thread: processor
time of fitting all rows and placing a tenth more, and the peak memory beside what importing and the
vectors take.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from _table import save

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag import registry

KINDS = ("umap", "tsne", "som")


def vectors(rows: int, columns: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 3, (200, columns))
    near = rng.normal(size=(rows, columns))
    return (centres[rng.integers(0, 200, rows)] + near).astype(np.float32)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(kind: str, rows: int, columns: int) -> None:
    """Print seconds and MiB of one method, in a process of its own."""
    module, options = registry.plugin("embeddings", {"kind": kind}, "embeddings.plane")
    module.embed(vectors(200, columns), np.arange(150), options, 1)  # imports and compiles
    x = vectors(rows + rows // 10, columns)
    before, start = peak_mib(), time.process_time()
    module.embed(x, np.arange(rows), options, 1)
    print(time.process_time() - start, peak_mib() - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=32)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["umap"])
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sizes = arguments.rows, arguments.columns
    if arguments.measure:
        measure(arguments.measure, *sizes)
        return
    rows = []
    print("| method | seconds | memory, MiB |")
    print("|---|---|---|")
    for kind in arguments.kinds:
        command = [sys.executable, __file__, "--measure", kind]
        command += ["--rows", str(sizes[0]), "--columns", str(sizes[1])]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        taken, memory = map(float, done.stdout.split()[-2:])
        print(f"| {kind} | {taken:,.0f} | {memory:,.0f} |", flush=True)
        rows.append({"kind": kind, "seconds": taken, "memory_mib": memory})
    save(rows, arguments.output)


if __name__ == "__main__":
    main()
