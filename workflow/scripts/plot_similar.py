"""Objects that were asked about, and those found like them."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from _job import job
from _pictures import Album, keep
from hoag import tables
from hoag.figures import similar as figures

N_LINES = 3  # of objects found for several together


def main(
    path_table: str,
    paths_catalogues: list[str],
    paths_images: list[str],
    output: Any,
    *,
    name: str,
    section: dict[str, Any],
) -> None:
    columns = ["object_id", "label"]
    objects = pd.concat(tables.read("catalogue", p, columns) for p in paths_catalogues)
    labels = objects.set_index("object_id")["label"]
    album = Album(paths_images)
    strips = []
    for heading, rows, most in _strips(tables.read("similar", path_table), section):
        shown = rows[rows["object_id"].isin(album.place.index)].head(most)
        shown = shown.assign(label=labels.reindex(shown["object_id"]).to_numpy())
        drawn, found = shown["rank"].notna().sum(), rows["rank"].notna().sum()
        if drawn < found:
            heading = f"{heading} ({drawn} of {found})"
        strips.append((heading, shown, album.images(shown["object_id"])))
    heading = f"{name}: {section['features']}, {section['distance']} distance"
    keep(*figures.draw(strips, heading), output)


def _strips(
    table: pd.DataFrame, section: dict[str, Any]
) -> Iterator[tuple[str, pd.DataFrame, int]]:
    """Name and objects of each strip, and how many of them at most are drawn."""
    if section["together"]:
        yield "more like these", _asked(section["objects"]), figures.ACROSS
        if section["unlike"]:
            yield "and not like these", _asked(section["unlike"]), figures.ACROSS
        yield "found; distance to the nearest example", table, N_LINES * figures.ACROSS
        return
    words = {"nearest": "nearest to", "farthest": "farthest from"}
    for query in section["objects"]:
        for end in ["nearest", "farthest"] if section["farthest"] else ["nearest"]:
            found = table[(table["query"] == query) & (table["end"] == end)]
            rows = pd.concat([_asked([query]), found])
            yield f"{words[end]} {query}", rows, figures.ACROSS


def _asked(object_ids: list[str]) -> pd.DataFrame:
    """Rows of objects that were asked about, which have neither rank nor distance."""
    blank = pd.Series(float("nan"), range(len(object_ids)))
    return pd.DataFrame({"object_id": object_ids, "rank": blank, "distance": blank})


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.table,
            list(snakemake.input.catalogues),
            list(snakemake.input.images),
            snakemake.output,
            name=snakemake.wildcards.search,
            section=snakemake.params.section,
        )
