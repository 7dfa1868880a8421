"""NeighbourScore's blend per second: Hoag against a loop over objects, side by side in one run.

    python benchmarks/neighbour_score.py [--objects 10000] [--columns 30] [--answers 200]
                                         [--repeats 3] [--output FILE.csv]

The loop takes each object by itself: its distance to the nearest answered one by numpy, then the
formula with `math`; "tree" asks scipy's k-d tree for one object after the other, as Astronomaly
does. All are given the same anomaly scores and predicted interests, and run on one thread, in turn
within each repeat, so that a busy machine slows all. The numbers are compared first. What the
forests take, which is the same whoever blends, is told apart.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from _table import save, spread
from scipy.spatial import cKDTree
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag.active.contract import Answers
from hoag.active.learners import neighbour_score

ALPHA = 1.0
Given = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # objects, answered, a, u


def draw(n: int, n_columns: int, n_answers: int) -> Given:
    """Standardised vectors, some of them answered, with anomaly scores and predicted interests."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, n_columns)).astype(np.float32)
    return x, x[:n_answers], rng.uniform(0, 5, n), rng.uniform(0.1, 5, n)


def formula(anomaly: float, interest: float, distance: float) -> float:
    near = math.expm1(min(ALPHA * distance, 50.0))
    return anomaly * math.tanh(near + math.atanh(0.1 + 0.85 * interest / 5))


def looped(
    x: np.ndarray, nearest: Callable[[np.ndarray], float], a: np.ndarray, u: np.ndarray
) -> np.ndarray:
    distances = [nearest(row) for row in x]
    mean = sum(distances) / len(distances)
    rows = zip(a.tolist(), u.tolist(), distances, strict=True)
    return np.array([formula(anomaly, interest, d / mean) for anomaly, interest, d in rows])


def with_a_loop(given: Given) -> np.ndarray:
    x, answered, a, u = given
    return looped(x, lambda row: float(np.sqrt(((answered - row) ** 2).sum(axis=1)).min()), a, u)


def with_a_tree(given: Given) -> np.ndarray:
    x, answered, a, u = given
    tree = cKDTree(answered)
    return looped(x, lambda row: float(tree.query(row)[0]), a, u)


def with_hoag(given: Given) -> np.ndarray:
    x, answered, a, u = given
    distance = neighbour_score._distance(x, {"answered": answered})
    return neighbour_score.blended(a, u, distance / distance.mean(), ALPHA)


METHODS = {"loop": with_a_loop, "tree": with_a_tree, "hoag": with_hoag}


def seconds(function: Callable[[Given], np.ndarray], given: Given) -> float:
    start = time.perf_counter()
    function(given)
    return time.perf_counter() - start


def whole_step(x: np.ndarray, n_answers: int) -> float:
    """Seconds to learn and to score everybody, both forests included."""
    classes = np.where(np.arange(n_answers) % 20 == 0, "odd", "other").astype(object)
    interest = np.where(classes == "odd", 5.0, 0.0)
    answers = Answers(np.arange(n_answers), classes, interest)
    start = time.perf_counter()
    state = neighbour_score.learn(x, answers, neighbour_score.Options(), seed=1)
    neighbour_score.predict(x, neighbour_score.Options(), state)
    return time.perf_counter() - start


def measure(given: Given, repeats: int) -> list[dict]:
    """One row per method: objects per second and the ratio to the loop, over the repeats."""
    times = {name: [] for name in METHODS}
    for _ in range(repeats):
        for name, function in METHODS.items():
            times[name].append(seconds(function, given))
    rows = []
    for name, taken in times.items():
        rates = [len(given[0]) / t for t in taken]
        ratios = [a / t for a, t in zip(times["loop"], taken, strict=True)]
        rows.append({"method": name, **spread("objects_per_s", rates), **spread("ratio", ratios)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()

    given = draw(arguments.objects, arguments.columns, arguments.answers)
    reference = with_a_loop(given)
    for name, function in METHODS.items():
        # next to an answer single precision moves a distance of 0 a little
        if not np.allclose(function(given), reference, rtol=1e-3, atol=1e-3):
            sys.exit(f"{name} has other numbers than the loop")
    with threadpool_limits(1):
        rows = measure(given, arguments.repeats)
        step = whole_step(given[0], arguments.answers)

    print(
        f"{arguments.objects} objects of {arguments.columns} columns, {arguments.answers} answers, "
        f"{arguments.repeats} repeats, one thread. A whole step, forests included: {step:.2f} s.\n"
    )
    print("| method | objects/s: min | median | max | ratio: min | median | max |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        name, *numbers = row.values()
        cells = [f"{n:,.0f}" for n in numbers[:3]] + [f"{n:.1f}" for n in numbers[3:]]
        print(f"| {name} | {' | '.join(cells)} |")
    save(rows, arguments.output)


if __name__ == "__main__":
    main()
