"""Compare every detector's scores with the labels."""

from typing import Any

import pandas as pd

from _job import Progress, job
from hoag import tables
from hoag.metrics import Truth, curves, evaluate
from hoag.options import ConfigError, build


def main(
    paths_scores: list[str],
    paths_catalogues: list[str],
    path_metrics: str,
    path_curves: str,
    *,
    names: list[list[Any]],
    truth: dict[str, Any],
    seed: int,
    say: Progress,
) -> None:
    meaning = build(Truth, truth, "truth")
    columns = ["object_id", "label"]
    objects = pd.concat(tables.read("catalogue", p, columns) for p in paths_catalogues)
    labels = objects.set_index("object_id")["label"]
    known = sorted(set(labels.dropna()))
    if not set(meaning.normal) & set(known):
        raise ConfigError(
            f"truth.normal: found {', '.join(meaning.normal)}, which no object is labelled, "
            f"allowed: {', '.join(known[:20]) or 'nothing, since no object has a label'}"
        )
    for label in (*meaning.normal, *meaning.anomalies, *meaning.faults):
        if label not in known:
            say.always(f"truth: no object has the label {label!r}")
    metrics, drawn = [], []
    for path, (space, detector, of_seed) in zip(paths_scores, names, strict=True):
        scores = tables.read("scores", path).set_index("object_id")
        found = evaluate(scores["score"], scores["sigma"], labels, meaning, seed=seed)
        metrics.append(found.assign(features=space, detector=detector, seed=of_seed))
        if of_seed == names[0][2]:
            for group in meaning.groups():
                curve = curves(scores["score"], labels, meaning, group)
                drawn.append(curve.assign(features=space, detector=detector))
        say(f"{len(metrics)}/{len(names)} score tables")
    tables.write("metrics", pd.concat(metrics), path_metrics)
    tables.write("curve", pd.concat(drawn), path_curves)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.scores),
            list(snakemake.input.catalogues),
            snakemake.output.metrics,
            snakemake.output.curves,
            names=snakemake.params.names,
            truth=snakemake.params.truth,
            seed=snakemake.params.seed,
            say=say,
        )
