"""A map of a feature space, coloured by the columns that the configuration names."""

from typing import Any

import pandas as pd

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import embedding as figures
from hoag.options import unknown


def main(
    path_embedding: str,
    path_quality: str,
    paths_columns: list[list[str]],
    output: Any,
    *,
    title: str,
    colours: list[dict[str, str]],
) -> None:
    values = pd.DataFrame(
        {c["name"]: _column(c, paths) for c, paths in zip(colours, paths_columns, strict=True)}
    )
    embedding = tables.read("embedding", path_embedding)
    note = figures.stated(tables.read("embedding_quality", path_quality))
    keep(*figures.draw_columns(embedding, values, title, note), output)


def _column(colour: dict[str, str], paths: list[str]) -> pd.Series:
    """One column by object_id."""
    schema = "catalogue"
    if colour["features"]:
        schema = "scores" if colour["detector"] else "features"
    found = pd.concat(tables.read(schema, p) for p in paths).set_index("object_id")
    if colour["column"] not in found:
        raise ValueError(unknown(f"colour_by, {schema}", colour["column"], found.columns))
    return found[colour["column"]]


if __name__ == "__main__":
    with job(snakemake):
        colours = snakemake.params.colours
        main(
            snakemake.input.embedding,
            snakemake.input.quality,
            [list(snakemake.input[f"column_{i}"]) for i in range(len(colours))],
            snakemake.output,
            title=snakemake.params.title,
            colours=colours,
        )
