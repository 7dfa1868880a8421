"""Put all trainings of all settings together, and ask what makes a measure work."""

import pandas as pd

from _job import job
from hoag import tables
from hoag.uncertainty import comparing


def main(
    paths_judged: list[str],
    paths_classifiers: list[str],
    outputs: dict[str, str],
    *,
    measure: str,
    ranges: dict[str, list[str]],
    seed: int,
) -> None:
    judged = [tables.read("judged", p) for p in paths_judged]
    classifiers = [tables.read("classifiers", p) for p in paths_classifiers]
    whole = pd.concat(judged, ignore_index=True)
    tables.write("uncertainty", comparing.summarised(whole, seed=seed), outputs["uncertainty"])
    pairs = comparing.paired(whole, measure, seed=seed)
    tables.write("uncertainty_pairs", pairs, outputs["pairs"])
    swept = [
        comparing.explained(j, c, measure, ranges[j["setting"].iloc[0]], seed=seed)
        for j, c in zip(judged, classifiers, strict=True)
        if ranges[j["setting"].iloc[0]]
    ]
    nothing = pd.DataFrame(columns=list(tables.SCHEMAS["explained"].columns))
    found = pd.concat(swept, ignore_index=True) if swept else nothing
    tables.write("explained", found, outputs["explained"])
    rows = pd.concat(classifiers, ignore_index=True)
    tables.write("classifiers", rows, outputs["classifiers"])
    networks = comparing.summarised_networks(rows, seed=seed)
    tables.write("networks", networks, outputs["networks"])


if __name__ == "__main__":
    with job(snakemake):
        main(
            list(snakemake.input.judged),
            list(snakemake.input.classifiers),
            dict(snakemake.output.items()),
            measure=snakemake.params.measure,
            ranges=snakemake.params.ranges,
            seed=snakemake.params.seed,
        )
