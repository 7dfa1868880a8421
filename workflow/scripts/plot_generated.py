"""What a variational autoencoder draws: samples of its prior, and walks along its codes."""

from typing import Any

import numpy as np

from _job import job
from _networks import read_known
from _pictures import keep
from hoag.figures import codes, training
from hoag.models._trained import to_bytes

N_SAMPLES, N_CODES = 32, 8
STEPS = np.array([-3, -2, -1, 0, 1, 2, 3])  # prior standard deviations


def main(
    path_fit: str,
    paths_images: list[str],
    paths_catalogue: list[str],
    output: Any,
    *,
    plugin: dict[str, Any],
    columns: list[str],
    name: str,
    seed: int,
) -> None:
    known = read_known(
        path_fit, paths_images, paths_catalogue, plugin=plugin, columns=columns, seed=seed
    )
    network = known.network
    made = to_bytes(network.decode(network.sample(N_SAMPLES, seed)))
    keep(*training.draw_samples(made, known.images[:N_SAMPLES]), output)
    used = network.encode(known.images, **known.extra).std(axis=0)
    rows = {}
    for code in np.argsort(-used, kind="stable")[:N_CODES].tolist():
        walk = np.zeros((len(STEPS), len(used)), np.float32)
        walk[:, code] = STEPS
        rows[f"mean_{code:02d}"] = to_bytes(network.decode(walk))
    panels = {"from the prior's mean, one code changed at a time": rows}
    heading, titles = (
        f"Walks along the codes of {name}",
        [f"{step:+d} σ" if step else "0" for step in STEPS],
    )
    keep(*codes.draw_rows(panels, heading, titles=titles), output, "traversals")


if __name__ == "__main__":
    with job(snakemake):
        main(
            snakemake.input.fit,
            list(snakemake.input.images),
            list(snakemake.input.catalogues),
            snakemake.output,
            plugin=snakemake.params.plugin,
            columns=snakemake.params.columns,
            name=snakemake.wildcards.features,
            seed=snakemake.params.seed,
        )
