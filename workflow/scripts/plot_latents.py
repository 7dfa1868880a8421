"""The evolving latent space of one experiment, round by round."""

from typing import Any

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import latents


def main(path_map: str, output: Any, *, title: str) -> None:
    keep(*latents.draw(tables.read("latent_map", path_map), title), output)


if __name__ == "__main__":
    with job(snakemake):
        main(snakemake.input.map, snakemake.output, title=snakemake.wildcards.experiment)
