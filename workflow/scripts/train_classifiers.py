"""Train a block of classifiers that differ by seeds, folds or options, and keep what they say."""

import time
from typing import Any

import numpy as np
import pandas as pd

from _job import Progress, job
from hoag import tables
from hoag.features import classifier
from hoag.images.store import ImageStore
from hoag.options import build
from hoag.predicted import softmax
from hoag.seeds import sequence
from hoag.splits import TEST, VALIDATION, class_numbers
from hoag.uncertainty.scaling import temperature


def main(
    paths_images: list[str],
    paths_catalogue: list[str],
    path_predictions: str,
    path_trainings: str,
    *,
    options: dict[str, Any],
    trainings: dict[int, dict[str, Any]],
    seed: int,
    say: Progress,
) -> None:
    store = ImageStore(paths_images)
    catalogue = pd.concat([tables.read("catalogue", p) for p in paths_catalogue])
    known = catalogue.set_index("object_id").loc[store.object_ids, ["label", "split"]]
    labels, splits = known.fillna("").to_numpy(dtype=object).T
    images = store.read(np.arange(len(store)))
    common = {**options, "n_members": 1, "calibrate": False}
    folds = range(common["n_folds"]) if common["split"] == "folds" else [0]
    numbers = class_numbers(labels, common["classes"])
    if not ((numbers < 0) & (labels != "")).any():
        raise ValueError("found no object whose label belongs to no class, allowed: 1 or more")
    predictions, facts = [], []
    started, n_all = time.monotonic(), len(trainings) * len(folds)
    for number, drawn in trainings.items():
        own_seed = sequence(seed, "classifier", number)
        plugins = [
            build(classifier.Options, {**common, **drawn, "fold": f}, "options") for f in folds
        ]
        roles = [classifier.role_of(labels, splits, p, own_seed, seed) for p in plugins]
        if not all((role == TEST).any() for role in roles):
            raise ValueError("found no object of the classes for the test, allowed: 1 or more")
        for fold, plugin, role in zip(folds, plugins, roles, strict=True):
            state = classifier.fit(
                store, plugin, own_seed, labels=labels, splits=splits, test_seed=seed
            )
            logits, passes, latent = classifier.draws(images, plugin, state)
            validated = role == VALIDATION
            p = softmax(logits[0][validated])[np.arange(validated.sum()), numbers[validated]]
            facts.append(
                {
                    "training": number,
                    "fold": fold,
                    "n_iterations": int(state["history"][-1, 0]),
                    "validation_loss": float(-np.log(np.maximum(p, 1e-300)).mean()),
                    "temperature": temperature(passes[:, validated], numbers[validated]),
                    **{k: float(v) for k, v in drawn.items()},
                }
            )
            head = {
                "training": number,
                "fold": fold,
                "object_id": store.object_ids,
                "label": labels,
                "role": role,
                "class": numbers,
            }
            names = list(plugin.classes)
            predictions.append(pd.DataFrame(head | _columns(logits[0], passes, latent, names)))
            left = (time.monotonic() - started) / len(facts) * (n_all - len(facts))
            say(f"training {number}, fold {fold}, {left:.0f} s left")
    tables.write("predictions", pd.concat(predictions, ignore_index=True), path_predictions)
    tables.write("trainings", pd.DataFrame(facts), path_trainings)


def _columns(
    logits: np.ndarray, passes: np.ndarray, latent: np.ndarray, names: list[str]
) -> dict[str, np.ndarray]:
    """Single-precision columns logit_FRI, pass_000_FRI, latent_00, ..."""
    found = {f"logit_{name}": logits[:, i] for i, name in enumerate(names)}
    for t, one in enumerate(passes):
        found |= {f"pass_{t:03d}_{name}": one[:, i] for i, name in enumerate(names)}
    found |= {f"latent_{i:02d}": column for i, column in enumerate(latent.T)}
    return {k: v.astype(np.float32) for k, v in found.items()}


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.images),
            list(snakemake.input.catalogues),
            snakemake.output.predictions,
            snakemake.output.trainings,
            options=snakemake.params.options,
            trainings=dict(snakemake.params.trainings),
            seed=snakemake.params.seed,
            say=say,
        )
