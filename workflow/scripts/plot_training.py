"""Training curves of every network."""

from typing import Any

import numpy as np
import pandas as pd

from _job import job
from _pictures import keep
from hoag import tables
from hoag.figures import training

MEANINGS = {
    "critic_distance": "critic's distance between real and generated images",
    "gradient_penalty": "gradient penalty",
    "generator_loss": "generator's loss",
    "loss": "loss",
    "error": "mean squared error of the reconstruction",
    "divergence": "divergence of the codes from their prior (nat)",
    "validation_loss": "loss in validation",
    "validation_accuracy": "accuracy in validation",
    "s_gen": "pixel part of the score",
    "s_disc": "critic's part of the score",
}


def main(
    histories: dict[str, str],
    fits: dict[str, str],
    output: Any,
) -> None:
    curves = {name: tables.read("history", path) for name, path in histories.items()}
    for name, path in fits.items():
        with np.load(path, allow_pickle=False) as state:
            rows = pd.DataFrame(state["history"], columns=state["history_names"])
        curves[name] = rows.astype({"iteration": "int64"})
    keep(*training.draw_history(curves, MEANINGS), output)


if __name__ == "__main__":
    with job(snakemake):
        main(
            dict(zip(("wgan", "encoder"), snakemake.input.histories, strict=False)),
            dict(zip(snakemake.params.trained, snakemake.input.fits, strict=True)),
            snakemake.output,
        )
