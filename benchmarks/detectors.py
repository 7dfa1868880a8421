"""Detectors on the tables of ADBench (Han et al. 2022): forests beside published means, and all.

    python benchmarks/detectors.py FOLDER OUTPUT [--trials 10] [--only forests|all]

FOLDER holds ADBench's npz files (X, y); OUTPUT is a folder. A set whose rows stand in OUTPUT
already is not measured again. Smaller sets come first.

``forests.csv``, of the sets that have published means: isolation forest and extended isolation
forest at level 0 and fully extended, 100 trees of 256 objects, each trial fitted to all rows and
scoring them, columns as they are. ``low`` and ``high`` are the 95 % interval of the mean (Student's
t). The published numbers are means of ten trials too, so an equal forest's lie inside
1.41 times that interval, ``inside`` says, in 95 % of the cases.

``detectors.csv``: every detector of vectors with its default options, on every set, columns divided
by their standard deviations, one seed; and the aggregates of their ranks. ``ranks.png``: mean ranks
and Nemenyi's critical difference (Demsar 2006, J. Mach. Learn. Res. 7, 1).
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag import registry
from hoag.figures import _style
from hoag.scores import aggregate, merge

MOST_ROWS = 50_000  # in the comparison of all detectors
FORESTS = {  # published name -> (kind, options)
    "isolation forest": ("isolation_forest", {}),
    "extended, level 0": ("extended_isolation_forest", {"extension_level": 0}),
    "extended, full": ("extended_isolation_forest", {"extension_level": None}),
}
# Means of ten trials in the README of linkedin/isolation-forest: AUROC and AUPRC, in FORESTS' order
PUBLISHED = {
    "annthyroid": ((0.813, 0.312), (0.822, 0.314), (0.651, 0.183)),
    "arrhythmia": ((0.806, 0.494), (0.796, 0.462), (0.803, 0.490)),
    "breastw": ((0.986, 0.968), (0.987, 0.970), (0.984, 0.959)),
    "cardio": ((0.928, 0.565), (0.918, 0.546), (0.931, 0.547)),
    "cover": ((0.882, 0.051), (0.872, 0.049), (0.662, 0.013)),
    "http": ((0.9997, 0.93), (0.994, 0.379), (0.994, 0.371)),
    "ionosphere": ((0.844, 0.801), (0.856, 0.808), (0.906, 0.876)),
    "mammography": ((0.865, 0.218), (0.868, 0.229), (0.864, 0.184)),
    "mulcross": ((0.991, 0.852), (0.960, 0.538), (0.941, 0.45)),
    "pima": ((0.668, 0.490), (0.675, 0.514), (0.640, 0.493)),
    "satellite": ((0.717, 0.672), (0.700, 0.664), (0.740, 0.711)),
    "shuttle": ((0.997, 0.974), (0.9975, 0.981), (0.993, 0.818)),
    "smtp": ((0.910, 0.0045), (0.897, 0.0041), (0.857, 0.014)),
}
UNNAMED = ("column",)  # needs a column's name, which these tables don't have


def sets(folder: Path) -> dict[str, Path]:
    """Name of each set, in small letters and without its number -> file, small files first."""
    files = sorted(folder.rglob("*.npz"), key=lambda path: path.stat().st_size)
    return {path.stem.partition("_")[2].lower(): path for path in files}


def read(path: Path, *, most_rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Float32 (n, d) and bool (n,); of more rows than ``most_rows`` a seeded draw."""
    with np.load(path) as file:
        x, odd = file["X"].astype(np.float32), file["y"].astype(bool).ravel()
    if most_rows and len(x) > most_rows:
        rows = np.sort(np.random.default_rng(0).choice(len(x), most_rows, replace=False))
        x, odd = x[rows], odd[rows]
    return x, odd


def judged(odd: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        "auroc": roc_auc_score(odd, scores),
        "auprc": average_precision_score(odd, scores),
    }


def scored(x: np.ndarray, kind: str, options: dict, seed: int) -> np.ndarray:
    module, built = registry.plugin("detectors", {"kind": kind, **options}, kind)
    return module.score(x, built, module.fit(x, built, seed))


def forest_rows(name: str, path: Path, trials: int) -> list[dict]:
    """One row for each forest and measure of one set."""
    from scipy.stats import t

    x, odd = read(path)
    rows = []
    for (forest, (kind, options)), published in zip(FORESTS.items(), PUBLISHED[name], strict=True):
        options = {**options, "n_trees": 100, "max_samples": 256, "max_fit": len(x)}
        found = pd.DataFrame(
            [judged(odd, scored(x, kind, options, seed)) for seed in range(trials)]
        )
        for measure, theirs in zip(found, published, strict=True):
            mean, error = found[measure].mean(), found[measure].std() / np.sqrt(trials)
            half = t.ppf(0.975, trials - 1) * error
            rows.append(
                {
                    "set": name,
                    "rows": len(x),
                    "columns": x.shape[1],
                    "forest": forest,
                    "measure": measure,
                    "trials": trials,
                    "mean": mean,
                    "low": mean - half,
                    "high": mean + half,
                    "spread": found[measure].std(),
                    "published": theirs,
                    "inside": abs(theirs - mean) <= np.sqrt(2) * half,
                }
            )
    return rows


def detector_rows(name: str, path: Path) -> list[dict]:
    """One row for each detector of one set, the aggregates of their ranks last."""
    x, odd = read(path, most_rows=MOST_ROWS)
    spread = x.std(axis=0, dtype=np.float64)
    x = (x / np.where(spread > 0, spread, 1)).astype(np.float32)
    about = {"set": name, "rows": len(x), "columns": x.shape[1], "odd": int(odd.sum())}
    objects = pd.DataFrame({"object_id": np.arange(len(x)).astype(str), "batch": "all"})
    rows, tables = [], []
    for kind in registry.names("detectors"):
        if registry.load("detectors", kind).TAKES != "vectors" or kind in UNNAMED:
            continue
        start = time.process_time()
        scores = scored(x, kind, {}, 1)
        taken = time.process_time() - start
        rows.append({**about, "detector": kind, **judged(odd, scores), "cpu_s": taken})
        tables.append(merge(objects.assign(score=scores), ["all"]))
    for how in ("fisher", "mean", "max"):
        combined = aggregate(tables, how).set_index("object_id")["score"]
        scores = combined.loc[objects["object_id"]].to_numpy()
        rows.append({**about, "detector": f"{how} of ranks", **judged(odd, scores), "cpu_s": None})
    return rows


def critical_difference(n_detectors: int, n_sets: int, level: float = 0.05) -> float:
    """Smallest difference of mean ranks that Nemenyi's test calls one (Demsar's eq. in 3.2.2)."""
    from scipy.stats import studentized_range

    q = studentized_range.ppf(1 - level, n_detectors, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_detectors * (n_detectors + 1) / (6 * n_sets)))


def cliques(ranks: pd.Series, difference: float) -> list[tuple[float, float]]:
    """Longest stretches of sorted mean ranks that lie within the difference."""
    ends = [(r, ranks[ranks <= r + difference].max()) for r in ranks]
    return [e for i, e in enumerate(ends) if e[1] > e[0] and (i == 0 or e[1] > ends[i - 1][1])]


@_style.styled
def draw(table: pd.DataFrame, measure: str) -> tuple["_style.Figure", pd.DataFrame]:
    """Mean ranks (1 is best) with bars that join what the critical difference can't part."""
    from scipy.stats import friedmanchisquare

    wide = table.pivot(index="set", columns="detector", values=measure)
    ranks = wide.rank(axis=1, ascending=False).mean().sort_values()
    difference = critical_difference(len(ranks), len(wide))
    p = friedmanchisquare(*(wide[c] for c in wide)).pvalue
    figure = _style.new_figure(1.6 + 0.34 * len(ranks), layout="constrained")
    axes = figure.subplots()
    for row, rank in enumerate(ranks):
        axes.plot(rank, row, "o", color=_style.COLOURS[0], ms=7)
        axes.annotate(f"{rank:.2f}", (rank, row), (7, 0), textcoords="offset points", va="center")
    for i, (low, high) in enumerate(cliques(ranks, difference)):
        rows = np.flatnonzero((ranks >= low) & (ranks <= high))
        axes.plot([high + 0.5 + 0.12 * i] * 2, [rows[0], rows[-1]], color=_style.GREY, lw=4)
    axes.set_yticks(range(len(ranks)), [_style.words(n) for n in ranks.index])
    axes.set(ylim=(len(ranks) - 0.5, -0.5), xlabel="mean rank (1 is best)")
    axes.grid(axis="x")
    axes.set_title(
        f"{measure.upper()}, {len(wide)} sets; Friedman p = {p:.1g}; "
        f"critical difference {difference:.2f} (bars: not told apart)"
    )
    numbers = ranks.rename("mean_rank").reset_index()
    return figure, numbers.assign(mean=wide.mean()[ranks.index].to_numpy())


def grown(path: Path, rows_of: dict, progress: str) -> pd.DataFrame:
    """The table at ``path`` with the rows of those sets that it lacks, saved set by set."""
    table = pd.read_csv(path) if path.is_file() else pd.DataFrame({"set": []})
    for name, measure in rows_of.items():
        if name not in set(table["set"]):
            table = pd.concat(
                [table, pd.DataFrame(measure())] if len(table) else [pd.DataFrame(measure())]
            )
            table.to_csv(path, index=False)
            print(f"{progress}: {name}", flush=True)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with ADBench's npz files")
    parser.add_argument("output", type=Path, help="folder for tables and figure")
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--only", choices=("forests", "all"))
    arguments = parser.parse_args()
    found = sets(arguments.folder)
    if not found:
        parser.error(f"{arguments.folder}: found no npz file, allowed: a folder with some")
    arguments.output.mkdir(parents=True, exist_ok=True)

    if arguments.only != "all":
        print(f"published, but not in the folder: {', '.join(sorted(set(PUBLISHED) - set(found)))}")
        common = {n: p for n, p in found.items() if n in PUBLISHED}
        jobs = {n: lambda n=n, p=p: forest_rows(n, p, arguments.trials) for n, p in common.items()}
        table = grown(arguments.output / "forests.csv", jobs, "forests")
        print(f"inside: {table['inside'].sum()} of {len(table)} published means")
    if arguments.only != "forests":
        jobs = {n: lambda n=n, p=p: detector_rows(n, p) for n, p in found.items()}
        table = grown(arguments.output / "detectors.csv", jobs, "detectors")
        figure, numbers = draw(table, "auroc")
        _style.save(figure, arguments.output / "ranks.png", arguments.output / "ranks.pdf")
        numbers.to_csv(arguments.output / "ranks.csv", index=False)
        print(numbers.to_string(index=False))


if __name__ == "__main__":
    main()
