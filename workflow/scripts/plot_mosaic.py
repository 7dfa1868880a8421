"""A map in pictures: the object nearest to the centre of each cell of a grid over the plane."""

from typing import Any

from _job import job
from _pictures import Album, keep
from hoag import tables
from hoag.figures import mosaic as figures
from hoag.figures.embedding import stated


def main(
    path_embedding: str,
    path_quality: str,
    paths_images: list[str],
    output: Any,
    *,
    title: str,
    lattice: tuple[int, int] | None,
) -> None:
    album = Album(paths_images)
    embedding = tables.read("embedding", path_embedding)
    pictured = embedding[embedding["object_id"].isin(album.place.index)]
    chosen = figures.choose(pictured, lattice=lattice)
    note = stated(tables.read("embedding_quality", path_quality))
    keep(*figures.draw(chosen, album.images(chosen["object_id"]), title, note), output)


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.embedding,
            snakemake.input.quality,
            list(snakemake.input.images),
            snakemake.output,
            title=snakemake.params.title,
            lattice=snakemake.params.lattice,
        )
