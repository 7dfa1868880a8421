"""Isolation forests: fit and score per second, Hoag's extended one, scikit-learn's, isotree's.

    python benchmarks/forests.py [--rows 10000 100000] [--columns 10 100] [--output FILE.csv]

100 trees of 256 objects, one thread, in turn within each repeat, so that a busy machine slows all;
processor time is counted. A first call on a few rows, which compiles, is left out. isotree joins in
where it is installed (it has no wheels: `pip install isotree` needs a compiler).
"""

import argparse
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from _table import save, spread
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag.detectors import extended_isolation_forest

N_TREES, N_SAMPLES = 100, 256


def with_hoag(x: np.ndarray, level: int) -> np.ndarray:
    options = extended_isolation_forest.Options(
        n_trees=N_TREES, max_samples=N_SAMPLES, extension_level=level
    )
    state = extended_isolation_forest.fit(x, options, 0)
    return extended_isolation_forest.score(x, options, state)


def with_scikit_learn(x: np.ndarray) -> np.ndarray:
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(n_estimators=N_TREES, max_samples=N_SAMPLES, random_state=0)
    return -forest.fit(x).score_samples(x)


def with_isotree(x: np.ndarray, level: int) -> np.ndarray:
    """The settings under which isotree's forest is nearest to the extended one."""
    from isotree import IsolationForest

    forest = IsolationForest(
        ntrees=N_TREES,
        sample_size=N_SAMPLES,
        ndim=level + 1,
        standardize_data=False,
        missing_action="fail",
        nthreads=1,
        random_seed=0,
    )
    return forest.fit(x).predict(x)


def methods(n_columns: int) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """What is compared on a table of so many columns."""
    levels = {"level 0": 0, "level 1": 1, "fully extended": n_columns - 1}
    out = {"scikit-learn": with_scikit_learn}
    for name, level in levels.items():
        out[f"hoag, {name}"] = lambda x, level=level: with_hoag(x, level)
        if find_spec("isotree"):
            out[f"isotree, {name}"] = lambda x, level=level: with_isotree(x, level)
    return out


def seconds(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> float:
    start = time.process_time()
    function(x)
    return time.process_time() - start


def measure(n_rows: int, n_columns: int, repeats: int) -> list[dict]:
    """One row per method: seconds of the processor, and the ratio to scikit-learn's."""
    x = np.random.default_rng(0).normal(size=(n_rows, n_columns)).astype(np.float32)
    compared = methods(n_columns)
    for function in compared.values():
        function(x[:300])
    times = {name: [] for name in compared}
    for _ in range(repeats):
        for name, function in compared.items():
            times[name].append(seconds(function, x))
    about = {"rows": n_rows, "columns": n_columns}
    return [
        {
            **about,
            "method": name,
            **spread("cpu_s", taken),
            **spread(
                "of_scikit_learn",
                [t / s for t, s in zip(taken, times["scikit-learn"], strict=True)],
            ),
        }
        for name, taken in times.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--columns", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()

    import numba

    numba.set_num_threads(1)
    rows = []
    with threadpool_limits(1):
        for n_rows in arguments.rows:
            for n_columns in arguments.columns:
                rows += measure(n_rows, n_columns, arguments.repeats)
                save(rows, arguments.output)

    print(f"Fit and score, {N_TREES} trees, one thread, {arguments.repeats} repeats.\n")
    print(
        "| rows | columns | method | s: min | median | max | of scikit-learn: min | median | max |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        n_rows, n_columns, name, *numbers = row.values()
        cells = [f"{n:.2f}" for n in numbers]
        print(f"| {n_rows:,} | {n_columns} | {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
