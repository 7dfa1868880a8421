"""Check a trained Wasserstein GAN for the failures that this kind of network is known for."""

import json
from pathlib import Path

from _job import Progress, job
from hoag import tables
from hoag.images.store import ImageStore
from hoag.models.wgan import Options
from hoag.models.wgan.checks import Trained, check
from hoag.models.wgan.networks import load_wgan
from hoag.options import build


def main(
    paths_images: list[str],
    path_weights: str,
    path_description: str,
    path_history: str,
    path_checks: str,
    *,
    limits: dict[str, float],
    seed: int,
    say: Progress,
) -> None:
    store = ImageStore(paths_images)
    generator, critic = load_wgan(path_weights, path_description)
    options = build(Options, json.loads(Path(path_description).read_text())["options"], "options")
    history = tables.read("history", path_history).to_dict("records")
    trained = Trained(generator, critic, options, seed, history)
    checks = check(trained, store, store.object_ids, **limits)
    for row in checks[~checks["passed"]].itertuples():
        say.always(f"CHECK FAILED: {row.check} = {row.value:.3g}: {row.meaning}")
    tables.write("checks", checks, path_checks)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.images),
            snakemake.input.weights,
            snakemake.input.description,
            snakemake.input.history,
            snakemake.output.checks,
            limits=snakemake.params.limits,
            seed=snakemake.params.seed,
            say=say,
        )
