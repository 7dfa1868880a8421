"""Which rule finds more objects like five examples? Rules of combining them, on a finished run.

    python benchmarks/spreading.py RUN SPACE[:cosine] ... [--draws 60] [--output FILE.csv]

RUN is a folder results/<run> whose catalogue has labels. Of each label with seven objects or more,
five are drawn and all others ranked by each rule; the average precision at which the label's others
are found is averaged over draws, then over labels (but the commonest: almost any order finds it).
With counter-examples the five wrong objects that a search by `nearest` lists first are known too.

- rank: `hoag.similarity.more_like`: best rank in any example's list, divided by the relevance score
  of Giacinto & Roli (2004) where there are counter-examples
- nearest: distance to the nearest example
- mean: mean distance to the examples
- mean_rank: mean rank in the examples' lists
- rocchio: distance to 1.25 times the examples' mean minus .25 times the counter-examples' (to the
  examples' mean without any; Rocchio 1971)
- relevance: d+ / (d+ + d-), which needs counter-examples (Giacinto & Roli 2004)
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from _table import save

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag import tables
from hoag.retrieval import average_precision
from hoag.similarity import Index, build_index, more_like

N_EXAMPLES = 5


def ranks(distances: np.ndarray) -> np.ndarray:
    """Rank of each object (row) in each list (column)."""
    return distances.argsort(axis=0).argsort(axis=0)


def rank(index: Index, good: np.ndarray, bad: np.ndarray, _all: np.ndarray) -> np.ndarray:
    examples, others = index.object_ids[good].tolist(), index.object_ids[bad].tolist()
    found = more_like(index, examples, len(index.object_ids), unlike=others).object_ids
    out = np.full(len(index.object_ids), np.inf)
    out[[index.places[i] for i in found]] = np.arange(len(found))
    return out


def nearest(_index: Index, good: np.ndarray, _bad: np.ndarray, all_: np.ndarray) -> np.ndarray:
    return all_[:, good].min(axis=1)


def mean(_index: Index, good: np.ndarray, _bad: np.ndarray, all_: np.ndarray) -> np.ndarray:
    return all_[:, good].mean(axis=1)


def mean_rank(_index: Index, good: np.ndarray, _bad: np.ndarray, all_: np.ndarray) -> np.ndarray:
    return ranks(all_[:, good]).mean(axis=1)


def rocchio(index: Index, good: np.ndarray, bad: np.ndarray, _all: np.ndarray) -> np.ndarray:
    centre = index.vectors[good].mean(axis=0)
    if len(bad):
        centre = 1.25 * centre - 0.25 * index.vectors[bad].mean(axis=0)
    return np.square(index.vectors - centre).sum(axis=1)


def relevance(_index: Index, good: np.ndarray, bad: np.ndarray, all_: np.ndarray) -> np.ndarray:
    to_good = all_[:, good].min(axis=1)
    return to_good / np.maximum(to_good + all_[:, bad].min(axis=1), 1e-12)


RULES: tuple[Callable[..., np.ndarray], ...] = (rank, nearest, mean, mean_rank, rocchio, relevance)


def precisions(
    index: Index, label: np.ndarray, draws: int, *, counter: bool
) -> Iterator[tuple[str, str, float]]:
    """(rule, label, average precision) of every draw."""
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(1)
    distances = cdist(index.vectors, index.vectors)
    for name in sorted(set(label)):
        members = np.flatnonzero(label == name)
        if len(members) < N_EXAMPLES + 2:
            continue
        for _ in range(draws):
            good = rng.choice(members, N_EXAMPLES, replace=False)
            bad = np.empty(0, np.int64)
            if counter:
                order = distances[:, good].min(axis=1).argsort()
                bad = order[label[order] != name][:N_EXAMPLES]
            judged = np.isin(np.arange(len(label)), [*good, *bad])
            for rule in RULES:
                if rule is relevance and not counter:
                    continue
                value = rule(index, good, bad, distances)[~judged]
                places = np.empty(len(value), np.int64)
                places[value.argsort(kind="stable")] = np.arange(1, len(value) + 1)
                wanted = places[label[~judged] == name]
                yield rule.__name__, name, average_precision(wanted[None])[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("spaces", nargs="+")
    parser.add_argument("--draws", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1, help="of the run's features")
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()

    catalogues = [
        tables.read("catalogue", p, ["object_id", "label"])
        for p in arguments.run.glob("catalogue/*.parquet")
        if p.suffixes == [".parquet"]
    ]
    labels = pd.concat(catalogues).set_index("object_id")["label"].dropna()
    commonest = labels.value_counts().index[0]
    rows = []
    print("| space | counter-examples | " + " | ".join(r.__name__ for r in RULES) + " |")
    print("|---" * (2 + len(RULES)) + "|")
    for space in arguments.spaces:
        name, _, distance = space.partition(":")
        found = sorted(arguments.run.glob(f"features/{name}/seed-{arguments.seed}/*/*.parquet"))
        paths = [p for p in found if p.suffixes == [".parquet"]]  # without those of failures
        features = pd.concat(tables.read("features", p) for p in paths).set_index("object_id")
        features = features[features.index.isin(labels.index)]
        index = build_index(
            features.index, features.to_numpy(), distance=distance or "euclidean", seed=1
        )
        label = labels[index.object_ids].to_numpy(dtype=object)
        for counter in (False, True):
            found = pd.DataFrame(
                precisions(index, label, arguments.draws, counter=counter),
                columns=["rule", "label", "value"],
            )
            by_label = found.groupby(["rule", "label"])["value"].mean().unstack()
            means = by_label.drop(columns=commonest).mean(axis=1)
            rows += [
                {"space": space, "counter": counter, "rule": r, "label": c, "value": v}
                for (r, c), v in by_label.stack().items()
            ]
            cells = (f"{means[r.__name__]:.3f}" if r.__name__ in means else "" for r in RULES)
            print(f"| {space} | {'yes' if counter else 'no'} | {' | '.join(cells)} |", flush=True)
    save(rows, arguments.output)


if __name__ == "__main__":
    main()
