"""Measure the uncertainty of a setting's classifiers, and what each measure is worth."""

from typing import Any

import pandas as pd

from _job import Progress, job
from hoag import registry, tables
from hoag.uncertainty import judging


def main(
    paths_predictions: list[str],
    paths_trainings: list[str],
    path_objects: str,
    path_judged: str,
    path_classifiers: str,
    *,
    setting: str,
    measures: dict[str, dict[str, Any]],
    confident: list[str],
    n_passes: list[int],
    ensembles: bool,
    say: Progress,
) -> None:
    plugins = {
        name: registry.plugin("detectors", {"kind": m["kind"], **m["options"]}, "detectors")
        for name, m in measures.items()
    }
    facts = pd.concat([tables.read("trainings", p) for p in paths_trainings])
    networks = [n for path in paths_predictions for n in judging.networks(path, facts)]
    if ensembles:
        judging.add_ensembles(networks)
    objects, described = [], []
    for network in networks:
        objects.append(judging.measured(network, plugins, n_passes))
        described.append(judging.described(network, confident))
        say(f"{len(objects)} of {len(networks)} networks")
    whole = pd.concat(objects, ignore_index=True)
    tables.write("judged_objects", whole, path_objects)
    of_ensembles, in_sigmas = (
        [n for n, (m, _) in plugins.items() if getattr(m, trait, False)]
        for trait in ("NEEDS_MEMBERS", "IN_SIGMAS")
    )
    worth = judging.judged(whole, of_ensembles=of_ensembles, in_sigmas=in_sigmas)
    tables.write("judged", worth.assign(setting=setting), path_judged)
    rows = pd.DataFrame(described).merge(facts, on=["training", "fold"], validate="one_to_one")
    tables.write("classifiers", rows.assign(setting=setting), path_classifiers)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.predictions),
            list(snakemake.input.trainings),
            snakemake.output.objects,
            snakemake.output.judged,
            snakemake.output.classifiers,
            setting=snakemake.wildcards.setting,
            measures=snakemake.params.measures,
            confident=snakemake.params.confident,
            n_passes=snakemake.params.n_passes,
            ensembles=snakemake.params.ensembles,
            say=say,
        )
