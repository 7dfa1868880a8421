"""Seconds and memory of what works on vectors: detectors and maps, at 100,000 rows.

    python benchmarks/vectors.py [--rows 100000] [--columns 100] [--kinds umap isolation_forest ...]
                                 [--output FILE.csv]

Vectors of a mixture of 200 Gaussians. Each method with its default options in a process of its own,
one thread: processor time of fitting all rows and then scoring them (a detector) or placing a tenth
more (a map), and the peak memory beside what importing and the vectors take.
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

UNNAMED = ("column",)  # needs a column's name, which these vectors don't have


def kinds() -> dict[str, str]:
    """Kind -> family, of all that work on vectors."""
    detectors = {
        kind: "detectors"
        for kind in registry.names("detectors")
        if registry.load("detectors", kind).TAKES == "vectors" and kind not in UNNAMED
    }
    return detectors | dict.fromkeys(registry.names("embeddings"), "embeddings")


def vectors(rows: int, columns: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 3, (200, columns)).astype(np.float32)
    x = rng.standard_normal((rows, columns), dtype=np.float32)
    x += centres[rng.integers(0, 200, rows)]
    return x


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(family: str, kind: str, x: np.ndarray, n_fit: int) -> None:
    module, options = registry.plugin(family, {"kind": kind}, kind)
    if family == "embeddings":
        module.embed(x, np.arange(n_fit), options, 1)
    else:
        module.score(x[:n_fit], options, module.fit(x[:n_fit], options, 1))


def measure(family: str, kind: str, rows: int, columns: int) -> None:
    """Print seconds and MiB of one method, in a process of its own."""
    run(family, kind, vectors(200, columns), 150)  # imports and compiles
    x = vectors(rows + rows // 10, columns)
    before, start = peak_mib(), time.process_time()
    run(family, kind, x, rows)
    print(time.process_time() - start, peak_mib() - before)


def main() -> None:
    known = kinds()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--kinds", nargs="+", choices=known, default=list(known))
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    sizes = arguments.rows, arguments.columns
    if arguments.measure:
        measure(known[arguments.measure], arguments.measure, *sizes)
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
