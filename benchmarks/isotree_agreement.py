"""Hoag's extended isolation forest against isotree's, in distribution, on tables of ADBench.

    python benchmarks/isotree_agreement.py FOLDER OUTPUT.csv [--sets pima ionosphere annthyroid]

isotree has no wheels: `pip install isotree` needs a compiler. Forests of 100 trees of 256 objects
are fitted to all rows, ten seeds each, at the same number of coordinates a cut. For each set and
level: mean AUROC of both with the 95 % interval of the mean, and the mean rank correlation of the
scores between two seeds of Hoag's, between two of isotree's, and between one of each. Equal
distributions have equal correlations.
"""

import argparse
import sys
from itertools import combinations, product
from pathlib import Path

import numpy as np
from _table import save
from detectors import read, scored, sets
from scipy.stats import rankdata, t
from sklearn.metrics import roc_auc_score

TREES = {"n_trees": 100, "max_samples": 256}


def of_hoag(x: np.ndarray, level: int, seed: int) -> np.ndarray:
    return scored(x, "extended_isolation_forest", {**TREES, "extension_level": level}, seed)


def of_isotree(x: np.ndarray, level: int, seed: int) -> np.ndarray:
    """As near as isotree comes: its cuts lie between the projections of a node's objects, the
    paper's go through a point of the box around them, and may leave a side empty."""
    from isotree import IsolationForest

    forest = IsolationForest(
        ntrees=TREES["n_trees"],
        sample_size=min(TREES["max_samples"], len(x)),
        ndim=level + 1,
        standardize_data=False,
        missing_action="fail",
        nthreads=1,
        random_seed=1000 * (seed + 1),  # tree i takes this number plus i
    )
    return forest.fit(x).predict(x)


def correlation(pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Mean Spearman correlation of pairs of ranks."""
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairs]))


def compare(name: str, path: Path, level: int, seeds: int) -> dict:
    """One row: both forests on one set at one level."""
    x, odd = read(path)
    row = {"set": name, "columns": x.shape[1], "level": level, "seeds": seeds}
    ranks = {}
    for forest, function in (("hoag", of_hoag), ("isotree", of_isotree)):
        scores = [function(x, level, seed) for seed in range(seeds)]
        areas = np.array([roc_auc_score(odd, s) for s in scores])
        half = t.ppf(0.975, seeds - 1) * areas.std(ddof=1) / np.sqrt(seeds)
        row |= {f"{forest}_auroc": areas.mean(), f"{forest}_half_interval": half}
        ranks[forest] = [rankdata(s) for s in scores]
        row[f"{forest}_with_itself"] = correlation(list(combinations(ranks[forest], 2)))
    row["hoag_with_isotree"] = correlation(list(product(ranks["hoag"], ranks["isotree"])))
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with ADBench's npz files")
    parser.add_argument("output", type=Path, help="CSV file for the table")
    parser.add_argument("--sets", nargs="+", default=["pima", "ionosphere", "annthyroid"])
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    found = sets(arguments.folder)
    if missing := set(arguments.sets) - set(found):
        sys.exit(f"--sets: found {sorted(missing)}, allowed: {', '.join(sorted(found))}")
    rows = []
    for name in arguments.sets:
        full = read(found[name])[0].shape[1] - 1
        for level in (0, 1, full):
            rows.append(compare(name, found[name], level, arguments.seeds))
            print({k: round(v, 4) if isinstance(v, float) else v for k, v in rows[-1].items()})
            save(rows, arguments.output)


if __name__ == "__main__":
    main()
