"""Which planted oddities are found among drawn spectra, by which features and detectors.

    python benchmarks/spectra.py [--spectra 1000] [--planted 15] [--seed 1] [--output FILE.csv]

Galaxies at rest, from 3,650 to 7,000 angstrom: passive ones with absorption lines and a break at
4000 angstrom, star-forming ones with emission lines, and all between them, with noise. Planted are
single lines where no line belongs, breaks, and galaxies whose redshift is wrong, each from faint to
glaring. Nothing is fitted to the labels.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from _table import save

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag import registry
from hoag.metrics import Truth, evaluate
from hoag.traces.store import TraceStore, TraceWriter

WAVELENGTH = 10 ** np.arange(np.log10(3650), np.log10(7000), 2e-4)
ABSORPTION = {3933.7: 6.0, 3968.5: 6.0, 4305: 5.0, 5175: 8.0, 5270: 3.0, 5335: 3.0, 5893: 4.0}
EMISSION = {3728: 20.0, 4862.7: 8.0, 4960.3: 5.0, 5008.2: 15.0, 6564.6: 30.0, 6718: 6.0, 6732: 5.0}
BINS = {"low_angstrom": 3800, "high_angstrom": 6900, "n_bins": 700, "n_components": 10}
ODD = ("line", "break", "redshift")
COMPONENTS = {"components": {"kind": "spectral_components", **BINS}}
SPACES = COMPONENTS | {"indices": {"kind": "line_indices"}}
DETECTORS = {
    ("components", "missed_chi2"): {"kind": "column", "column": "missed_chi2"},
    ("components", "forest"): {"kind": "isolation_forest"},
    ("components", "neighbours"): {"kind": "k_nearest_neighbours"},
    ("indices", "forest"): {"kind": "isolation_forest"},
    ("indices", "neighbours"): {"kind": "k_nearest_neighbours"},
}


def lines(wave: np.ndarray, widths: dict[float, float], sigma: float) -> np.ndarray:
    """Lines of given equivalent widths (angstrom) over a continuum of 1."""
    return sum(
        width * np.exp(-0.5 * ((wave - centre) / sigma) ** 2) / sigma / np.sqrt(2 * np.pi)
        for centre, width in widths.items()
    )


def galaxy(wave: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One noiseless galaxy of unit brightness; ``age`` goes from star-forming to passive."""
    age, slope = rng.beta(0.7, 0.7), rng.normal(0, 0.3)
    flux = (wave / 5000) ** (slope + 1.5 * (age - 0.5))
    flux = flux * (1 - 0.45 * age / (1 + np.exp((wave - 4000) / 15)))
    scatter = rng.lognormal(0, 0.3, 2)
    absorbed = age * scatter[0] * lines(wave, ABSORPTION, 4.0)
    emitted = (1 - age) ** 2 * scatter[1] * lines(wave, EMISSION, 3.0)
    return flux * (1 - absorbed + emitted)


def draw(n: int, n_planted: int, seed: int) -> tuple[list[dict[str, np.ndarray]], pd.Series]:
    """Spectra, and their labels by object id."""
    rng = np.random.default_rng(seed)
    labels = ["ordinary"] * n + [kind for kind in ODD for _ in range(n_planted)]
    spectra = []
    for label in labels:
        strength = rng.uniform(0.2, 1)
        shift = rng.choice([-1, 1]) * 0.08 * strength if label == "redshift" else 0.0
        flux = galaxy(WAVELENGTH / (1 + shift), rng)
        where = rng.uniform(4400, 6400)
        if label == "line":
            flux = flux * (1 + lines(WAVELENGTH, {where: 25 * strength}, 3.0))
        if label == "break":
            flux = flux * np.where(where > WAVELENGTH, 1, 1 - 0.6 * strength)
        error = np.full(len(flux), np.median(flux) / rng.uniform(10, 30))
        seen, bright = flux + error * rng.normal(size=len(flux)), rng.lognormal(0, 1)
        columns = {"wavelength_angstrom": WAVELENGTH, "flux": bright * seen}
        spectra.append(columns | {"ivar": (bright * error) ** -2})
    ids = [f"galaxy-{i:05}" for i in range(len(labels))]
    return spectra, pd.Series(labels, ids, name="label")


def features(store: TraceStore, section: dict, seed: int) -> tuple[np.ndarray, list[str]]:
    """Vectors of all spectra, and the columns' names."""
    module, options = registry.plugin("features", section, "features")
    state = module.fit(store, options, seed)
    parts = [module.transform(some, options, state) for some in store.slices(512)]
    return np.concatenate(parts), module.names(options, state)


def scores(x: np.ndarray, names: list[str], section: dict, seed: int) -> np.ndarray:
    """Scores of all spectra."""
    module, options = registry.plugin("detectors", section, "detectors")
    known = {"names": names} if getattr(module, "NEEDS_NAMES", False) else {}
    return module.score(x, options, module.fit(x, options, seed, **known))


def measure(n: int, n_planted: int, seed: int) -> list[dict]:
    """One row for each detector and kind of oddity."""
    spectra, labels = draw(n, n_planted, seed)
    truth = Truth(normal=("ordinary",), anomalies=ODD)
    n_odd = int((labels != "ordinary").sum())
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spectra.h5"
        with TraceWriter(path, {"kind": "spectrum", "bands": []}) as writer:
            for object_id, spectrum in zip(labels.index, spectra, strict=True):
                writer.append(object_id, spectrum)
        found = {name: features(TraceStore([path]), s, seed) for name, s in SPACES.items()}
    for (space, name), section in DETECTORS.items():
        own = pd.Series(scores(*found[space], section, seed), labels.index)
        sigma = (own - own.mean()) / own.std()
        table = evaluate(own, sigma, labels, truth, seed=seed)
        auroc = table[table["metric"] == "auroc"].set_index("group")
        first = labels[own.sort_values(ascending=False).index[:n_odd]]
        for kind in ("anomalies", *ODD):
            members = labels.isin(ODD if kind == "anomalies" else (kind,)).sum()
            hits = first.isin(ODD if kind == "anomalies" else (kind,)).sum()
            value = auroc.loc[kind, ["value", "low", "high"]].to_dict()
            counts = {"scored": int(own.notna().sum()), "recall": hits / members}
            rows.append({"features": space, "detector": name, "kind": kind, **counts, **value})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spectra", type=int, default=1000, help="ordinary ones")
    parser.add_argument("--planted", type=int, default=15, help="of each kind of oddity")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()
    rows = measure(arguments.spectra, arguments.planted, arguments.seed)
    n = 3 * arguments.planted
    print(f"{arguments.spectra} ordinary spectra and {n} odd ones; recall among the first {n}.\n")
    print("| features | detector | oddity | recall | AUROC [95 %] |\n|---|---|---|---|---|")
    for row in rows:
        interval = f"{row['value']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
        name = f"| {row['features']} | {row['detector']} | {row['kind']}"
        print(f"{name} | {row['recall']:.2f} | {interval} |")
    save(rows, arguments.output)


if __name__ == "__main__":
    main()
