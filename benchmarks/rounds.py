"""Seconds for a trial of active learning, against its rounds and its pool, and beside coniferest.

    python benchmarks/rounds.py [--repeats 3] [--output FILE.csv]

Trials are AHUNT's on MNIST (Table 1: 28 px, 1,400 known, 376 more in each of 30 rounds, three
epochs a round) with drawn images: a step's time does not depend on what they show. One core.
coniferest's own loop asks one question after another of an active-anomaly-discovery forest; so does
the same forest here.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from _table import save, spread
from coniferest.aadforest import AADForest
from coniferest.label import Label
from coniferest.session import Session
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag.active.protocol import Protocol
from hoag.active.rounds import Plugin, run_trial
from hoag.active.strategies import most_anomalous
from hoag.environment import prepare_jobs
from hoag.options import build
from hoag.registry import load

COUNTS = {"a": 170, "b": 200, "odd": 6}
N_VECTORS, N_COLUMNS, N_QUESTIONS = 2000, 32, 20


def main(repeats: int, output: Path | None) -> None:
    rows = []
    with threadpool_limits(1):
        for batch_size in (256, 32):
            rows.append(timed(f"MNIST, batches of {batch_size}", repeats, batch_size=batch_size))
        for n_rounds in (5, 10, 20):
            rows.append(timed(f"{n_rounds} rounds", repeats, n_rounds=n_rounds))
        for times in (2, 4):
            rows.append(timed(f"a pool {times} times as large", repeats, times=times, n_rounds=10))
        for n_trials in (2, 4):
            rows.append(timed(f"{n_trials} trials", repeats, n_rounds=10, n_trials=n_trials))
        rows += beside_coniferest(repeats)
    save(rows, output)


def timed(
    name: str,
    repeats: int,
    *,
    batch_size: int = 256,
    n_rounds: int = 30,
    times: int = 1,
    n_trials: int = 1,
) -> dict[str, Any]:
    """Seconds of whole trials, objects drawn beforehand."""
    counts = {label: n * times for label, n in COUNTS.items()}
    section = {"start": {"a": 500, "b": 900}, "arrivals": [{"counts": counts}]}
    protocol = build(Protocol, section | {"n_rounds": n_rounds, "n_questions": 5}, "protocol")
    learner = plugin("learners", "ahunt", batch_size=batch_size)
    x, y = images(protocol)
    values = []
    for _ in range(repeats):
        started = time.perf_counter()
        for trial in range(n_trials):
            run_trial(x, y, protocol, learner, Plugin(most_anomalous, None), seed=1, trial=trial)
        values.append(time.perf_counter() - started)
    return told(name, values)


def images(protocol: Protocol) -> tuple[np.ndarray, np.ndarray]:
    """More drawn images of each label than a trial needs; labels differ in brightness."""
    rng = np.random.default_rng(0)
    totals = protocol.totals()
    y = np.repeat(list(totals), [2 * n + 2000 for n in totals.values()]).astype(object)
    base = np.array([{"a": 60, "b": 120, "odd": 180}[label] for label in y])
    x = rng.integers(0, 70, (len(y), 28, 28, 1)) + base[:, None, None, None]
    return x.astype(np.uint8), y


def beside_coniferest(repeats: int) -> list[dict[str, Any]]:
    """The same forest in coniferest's session and in a trial, one question a round."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N_VECTORS, N_COLUMNS))
    odd = np.arange(N_VECTORS) % 50 == 0
    x[odd] += 2
    own, theirs = [], []
    section = {
        "start": {"plain": 1},
        "arrivals": [
            {"counts": {"plain": int((~odd).sum()) - 1, "odd": int(odd.sum())}},
            {"from_round": 2, "counts": {}},
        ],
        "n_rounds": N_QUESTIONS,
        "n_questions": 1,
        "min_held_out": 0,
    }
    protocol = build(Protocol, section, "protocol")
    y = np.where(odd, "odd", "plain").astype(object)
    learner = plugin("learners", "aad")
    for _ in range(repeats):
        started = time.perf_counter()
        strategy = Plugin(most_anomalous, None)
        run_trial(x.astype(np.float32), y, protocol, learner, strategy, seed=1, trial=0)
        own.append(time.perf_counter() - started)
        theirs.append(session(x.astype(np.float32), odd))
    return [
        told(f"active anomaly discovery, {N_QUESTIONS} questions", own),
        told("the same in coniferest's session", theirs),
    ]


def session(x: np.ndarray, odd: np.ndarray) -> float:
    asked = 0

    def answer(metadata: Any, _: np.ndarray, running: Session) -> Label:
        nonlocal asked
        asked += 1
        if asked == N_QUESTIONS:
            running.terminate()
        return Label.ANOMALY if odd[metadata] else Label.REGULAR

    started = time.perf_counter()
    model = AADForest(n_trees=100, n_subsamples=256, n_jobs=1, random_seed=1)
    Session(x, np.arange(len(x)), answer, model=model).run()
    return time.perf_counter() - started


def plugin(family: str, kind: str, **options: Any) -> Plugin:
    module = load(family, kind)
    return Plugin(module, build(module.Options, options, kind))


def told(name: str, values: list[float]) -> dict[str, Any]:
    row = {"what": name, **spread("seconds", values)}
    print(f"{name}: {row['seconds_median']:.1f} s [{min(values):.1f}, {max(values):.1f}]")
    return row


if __name__ == "__main__":
    if "MALLOC_MMAP_THRESHOLD_" not in os.environ:  # it counts when a process begins
        prepare_jobs()
        os.execv(sys.executable, [sys.executable, *sys.argv])
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    main(arguments.repeats, arguments.output)
