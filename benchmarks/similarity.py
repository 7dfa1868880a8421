"""Neighbours of one object among many: libraries for approximate search beside an exact scan.

    python benchmarks/similarity.py [--rows 100000 1000000] [--output FILE.csv]

Objects are drawn twice: a mixture of 200 round Gaussians, and correlated vectors whose variances
fall as 1/i, as those of features of images do. Each method is built in a process of its own, asked
about 100 of the objects one at a time, and judged by its recall at 10 and by the time of the median
and of the slowest twentieth of the queries. Times are the processor's, which a busy machine hardly
changes. Of a method's settings the first that reaches a recall of .95 is shown, or else the last. A
library that isn't installed is left out:

    pip install faiss-cpu==1.15.1 usearch==2.26.6 pynndescent==0.7.0
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from _table import save

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

K = 10
N_QUERIES = 100
WANTED = 0.95
LIMIT_S = 1500  # of one method
DRAWN = ("mixture", "correlated")

Query = Callable[[np.ndarray], np.ndarray]  # (d,) -> rows of the K nearest


def draw(kind: str, n: int, d: int) -> np.ndarray:
    """Vectors (n, d) float32, the same on every call."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((n, d), dtype=np.float32)
    if kind == "mixture":
        centres = rng.standard_normal((200, d), dtype=np.float32)
        return x + centres[rng.integers(0, len(centres), n)]
    return x * (np.arange(1, d + 1) ** -0.5).astype(np.float32)


def scan(x: np.ndarray, _threads: int) -> Iterator[tuple[str, Query]]:
    squares = np.einsum("ij,ij->i", x, x)

    def query(v: np.ndarray) -> np.ndarray:
        return np.argpartition(squares - 2 * (x @ v), K)[:K]

    yield "", query


def faiss_ivf(x: np.ndarray, threads: int) -> Iterator[tuple[str, Query]]:
    import faiss

    faiss.omp_set_num_threads(threads)
    n_lists = round(len(x) ** 0.5)
    index = faiss.index_factory(x.shape[1], f"IVF{n_lists},Flat")
    index.cp.niter = 10
    index.train(x[: 40 * n_lists])
    index.add(x)
    for n_probe in (4, 8, 16, 32, 64, 128):
        index.nprobe = n_probe
        yield f"{n_lists} lists, {n_probe} visited", lambda v: index.search(v[None], K)[1][0]


def faiss_scalar(x: np.ndarray, threads: int) -> Iterator[tuple[str, Query]]:
    import faiss

    faiss.omp_set_num_threads(threads)
    index = faiss.index_factory(x.shape[1], "SQ8,RFlat")
    index.train(x[:100_000])
    index.add(x)
    for factor in (2, 4, 8):
        index.k_factor = factor
        yield f"{factor} times as many measured again", lambda v: index.search(v[None], K)[1][0]


def faiss_hnsw(x: np.ndarray, threads: int) -> Iterator[tuple[str, Query]]:
    import faiss

    faiss.omp_set_num_threads(threads)
    index = faiss.index_factory(x.shape[1], "HNSW32,Flat")
    index.hnsw.efConstruction = 80
    index.add(x)
    for width in (32, 64, 128, 256, 512):
        index.hnsw.efSearch = width
        yield f"width {width}", lambda v: index.search(v[None], K)[1][0]


def usearch_hnsw(x: np.ndarray, threads: int) -> Iterator[tuple[str, Query]]:
    from usearch.index import Index

    index = Index(ndim=x.shape[1], metric="l2sq", dtype="f32", connectivity=32, expansion_add=80)
    index.add(np.arange(len(x)), x, threads=threads)
    for width in (32, 64, 128, 256, 512):
        index.expansion_search = width
        yield f"width {width}", lambda v: index.search(v, K, threads=1).keys


def pynndescent(x: np.ndarray, threads: int) -> Iterator[tuple[str, Query]]:
    from pynndescent import NNDescent

    index = NNDescent(x, n_neighbors=30, random_state=1, n_jobs=threads)
    index.prepare()
    for epsilon in (0.1, 0.2, 0.3, 0.4):
        yield f"epsilon {epsilon}", lambda v, e=epsilon: index.query(v[None], K, e)[0][0]


def hoag(x: np.ndarray, threads: int) -> Iterator[tuple[str, Query]]:
    """What the workflow's searches do: `hoag.similarity`, ids and all."""
    import faiss

    from hoag.similarity import build_index, neighbours

    faiss.omp_set_num_threads(threads)
    index = build_index(np.arange(len(x)).astype(str), x, seed=1)
    yield "as it is", lambda v: neighbours(index, v, K).object_ids.astype(np.int64)


METHODS = {
    f.__name__: f
    for f in (hoag, scan, faiss_ivf, faiss_scalar, faiss_hnsw, usearch_hnsw, pynndescent)
}
LIBRARIES = {"faiss": "faiss", "usearch": "usearch", "pynndescent": "pynndescent"}


def memory_mib(which: str) -> float:
    """This process's memory: ``VmRSS`` now, ``VmHWM`` its peak since that was last reset."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[which].split()[0]) / 1024


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def measure(name: str, kind: str, n: int, d: int, threads: int) -> dict[str, object]:
    """Build one method and ask it: the first setting that is good enough, or the last."""
    x = draw(kind, n, d)
    asked = np.random.default_rng(2).choice(n, N_QUERIES, replace=False)
    truth = exact(x, asked)
    _, query = next(METHODS[name](x[:2000].copy(), threads))
    query(x[0])  # imports, and what is compiled at the first call
    before = memory_mib("VmRSS")
    forget_peak()
    started = time.process_time()
    settings = METHODS[name](x, threads)
    row: dict[str, object] = {}
    for setting, query in settings:
        if not row:
            built, peak = time.process_time() - started, memory_mib("VmHWM") - before
            query(x[0])  # what is allocated at the first call
        taken, found = [], 0
        for i, own in zip(asked, truth, strict=True):
            start = time.process_time()
            rows = query(x[i])
            taken.append(1e3 * (time.process_time() - start))
            found += len(np.intersect1d(rows, own))
        row = {
            "data": kind,
            "rows": n,
            "method": name,
            "setting": setting,
            "build_s": built,
            "query_ms_median": float(np.median(taken)),
            "query_ms_95": float(np.percentile(taken, 95)),
            "recall": found / truth.size,
            "peak_mib": peak,
        }
        if row["recall"] >= WANTED:
            break
    return row


def exact(x: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Rows of the K nearest of each object asked about, itself included, (n_queries, K)."""
    squares = np.einsum("ij,ij->i", x, x)
    nearest = np.empty((len(asked), K), np.int64)
    for start in range(0, len(asked), 20):
        some = slice(start, start + 20)
        near = squares - 2 * (x[asked[some]] @ x.T)
        nearest[some] = np.argpartition(near, K, axis=1)[:, :K]
    return nearest


def measured_apart(arguments: list[str]) -> dict[str, object] | None:
    """`measure` in a process of its own, whose peak of memory is then the method's."""
    command = [sys.executable, __file__, "--measure", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        print(f"{' '.join(arguments)}: not done after {LIMIT_S} s")
        return None
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1, help="for building")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    parser.add_argument("--measure", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        name, kind, *numbers = arguments.measure
        print(json.dumps(measure(name, kind, *map(int, numbers))))
        return

    there = [
        m
        for m in arguments.methods
        if importlib.util.find_spec(LIBRARIES.get(m.partition("_")[0], "numpy"))
    ]
    rows = []
    print("| vectors | rows | method | build s | query ms: median | 95 % | recall | MiB |")
    print("|---|---|---|---|---|---|---|---|")
    for n in arguments.rows:
        for kind in DRAWN:
            for name in there:
                sizes = (n, arguments.columns, arguments.threads)
                row = measured_apart([name, kind, *map(str, sizes)])
                if row:
                    rows.append(row)
                    method = f"{name} {row['setting']}".strip()
                    print(
                        f"| {kind} | {n:,} | {method} | {row['build_s']:.1f} "
                        f"| {row['query_ms_median']:.2f} | {row['query_ms_95']:.2f} "
                        f"| {row['recall']:.3f} | {row['peak_mib']:.0f} |",
                        flush=True,
                    )
    save(rows, arguments.output)


if __name__ == "__main__":
    main()
