"""Does local entropy flag radio galaxies for what they are, or for how their images were made?

    python benchmarks/prepared_otherwise.py RUN FITS [--config config/mirabest.yaml]
        [--settings published overtrained] [--trainings 2] [--output FILE.csv]

RUN is the folder of a run of the configuration, for its images and catalogue. FITS holds original
images of FIRST, 300 px a side, under MiraBest's names. Each is prepared as published (pixels below
3 standard deviations of the background at 0, the rest scaled to 0..255) and in other ways, then
cut and transformed as the configuration says. The networks are those of the run, trained again:
they learn from published images alone.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from _table import save

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag import tables
from hoag.detectors import local_entropy
from hoag.features import classifier
from hoag.images.chain import build_chain
from hoag.images.store import ImageStore
from hoag.options import build
from hoag.predicted import UNKNOWN
from hoag.seeds import sequence
from hoag.splits import TRAINING, class_numbers
from hoag.uncertainty.judging import SIGMAS

SIDE = 150  # px of a published image
HYBRID = "3"  # first digit of a label

Preparation = Callable[[np.ndarray, float], np.ndarray]
PREPARATIONS: dict[str, Preparation] = {  # image and its background's standard deviation, Jy/beam
    "as published": lambda image, sigma: np.where(image < 3 * sigma, 0, image),
    "clipped at 5 sigma": lambda image, sigma: np.where(image < 5 * sigma, 0, image),
    "clipped at 1 sigma": lambda image, sigma: np.where(image < sigma, 0, image),
    "not clipped": lambda image, _: image - image.min(),
    "square root": lambda image, sigma: np.sqrt(np.where(image < 3 * sigma, 0, image)),
}


def prepared(folder: Path, transforms: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Preparation -> images (n, y, x, 1) uint8; and ``label`` (n,), from the files' names."""
    from astropy.io import fits
    from astropy.stats import sigma_clipped_stats

    chain = build_chain(transforms, kind="rendered_image", shape=(SIDE, SIDE), bands=("radio",))
    found: dict[str, list[Any]] = {name: [] for name in (*PREPARATIONS, "label")}
    for path in sorted(folder.glob("*.fits*")):
        whole = fits.getdata(path).astype(float)
        sigma = sigma_clipped_stats(whole, sigma=3)[2]
        margin = (len(whole) - SIDE) // 2
        centre = whole[margin : margin + SIDE, margin : margin + SIDE]
        for name, prepare in PREPARATIONS.items():
            image = prepare(centre, sigma)
            byte = np.rint(255 * image / image.max()).astype(np.uint8)
            found[name].append(chain(byte[..., None])[0])
        found["label"].append(path.name.split("_")[0])
    return {name: np.stack(values) for name, values in found.items()}


def sigmas(
    images: np.ndarray, plugin: Any, state: Any, learned: Any, classes: np.ndarray
) -> np.ndarray:
    """Local entropy of images, in standard deviations of the neighbours among ``learned``."""
    said = classifier.predict(np.concatenate([learned, images]), plugin, state)
    measure = local_entropy.Options()
    known = np.append(classes, np.full(len(images), UNKNOWN))
    fitted = local_entropy.fit(said, measure, 0, classes=known)
    return local_entropy.score(said, measure, fitted)[len(learned) :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("fits", type=Path)
    parser.add_argument("--config", type=Path, default=Path("config/mirabest.yaml"))
    parser.add_argument("--settings", nargs="+", default=["published", "overtrained"])
    parser.add_argument("--trainings", type=int, default=2)
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()

    config = yaml.safe_load(arguments.config.read_text())
    common = {k: v for k, v in config["features"]["classifier"].items() if k != "kind"}
    store = ImageStore(sorted(arguments.run.glob("images/*/*.h5")))
    paths = [p for p in arguments.run.glob("catalogue/*.parquet") if "rejects" not in p.name]
    catalogue = pd.concat([tables.read("catalogue", p) for p in paths]).set_index("object_id")
    labels, splits = (
        catalogue.loc[store.object_ids, ["label", "split"]].fillna("").to_numpy(dtype=object).T
    )
    others = prepared(arguments.fits, config["images"])
    hybrid = np.char.startswith(others["label"], HYBRID)
    images = store.read(np.arange(len(store)))
    rows = []
    for setting in arguments.settings:
        own = common | config["uncertainty"]["settings"][setting].get("options", {})
        plugin = build(classifier.Options, own, "features.classifier")
        for number in range(arguments.trainings):
            seed = sequence(config.get("seeds", [1])[0], "classifier", number)
            state = classifier.fit(store, plugin, seed, labels=labels, splits=splits)
            role = classifier.role_of(labels, splits, plugin, seed)
            learned = role == TRAINING
            classes = class_numbers(labels, plugin.classes)[learned]
            for name in PREPARATIONS:
                found = sigmas(others[name], plugin, state, images[learned], classes)
                beyond = found > SIGMAS
                row = {"setting": setting, "training": number, "preparation": name}
                row |= {"hybrids": f"{beyond[hybrid].sum()} of {hybrid.sum()}"}
                row |= {"others": f"{beyond[~hybrid].sum()} of {(~hybrid).sum()}"}
                rows.append(row | {"median": round(float(np.median(found)), 2)})
                print(*rows[-1].values(), sep="\t", flush=True)
    save(rows, arguments.output)


if __name__ == "__main__":
    main()
