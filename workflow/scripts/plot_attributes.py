"""Images and catalogue columns from one another: samples, changed objects, predictions."""

from typing import Any

import numpy as np
import pandas as pd

from _job import job
from _networks import Known, read_known
from _pictures import keep
from hoag.figures import codes
from hoag.models._trained import to_bytes

N_SAMPLES, N_CHANGED = 8, 8
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)  # quantiles of a column that are drawn


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
    steps = np.nanquantile(known.extra["columns"], SHARES, axis=0).T
    levels = dict(zip(columns, steps.tolist(), strict=True))
    keep(*codes.draw_rows(samples(known, levels, seed), f"Samples of {name}"), output)
    panels = changes(known, levels)
    keep(*codes.draw_rows(panels, f"Objects of {name} with one column changed"), output, "changed")
    keep(*codes.draw_predictions(*predictions(known, columns)), output, "predicted")


def samples(
    known: Known, levels: dict[str, list[float]], seed: int
) -> dict[str, dict[str, np.ndarray]]:
    """Samples where one column is given, a row for each value; the draws are the same in all."""
    network, panels = known.network, {}
    for column, values in levels.items():
        drawn = {v: network.sample(N_SAMPLES, seed, {column: v}) for v in values}
        says = codes.numbered(values)
        panels[f"{column} given"] = {says[v]: pictures(network, z) for v, z in drawn.items()}
    return panels


def pictures(network: Any, codes_of_them: np.ndarray) -> np.ndarray:
    """uint8 images of codes."""
    return to_bytes(network.decode(codes_of_them))


def changes(known: Known, levels: dict[str, list[float]]) -> dict[str, dict[str, np.ndarray]]:
    """Objects with all columns, as expected from these alone, and with one of them changed."""
    network, columns = known.network, known.extra["columns"]
    rows = np.flatnonzero(np.isfinite(columns).all(axis=1))[:N_CHANGED]
    images, own = known.images[rows], columns[rows]
    expected = pictures(network, network.encode(None, own))
    panels = {"from the columns alone": {"original": images, "expected": expected}}
    for column, values in levels.items():
        shown, says = (
            {"reconstruction": to_bytes(network.reconstruct(images, own))},
            codes.numbered(values),
        )
        for value in (values[0], values[-1]):
            changed = network.change(images, own, column, value)
            shown[says[value]] = pictures(network, changed)
        panels[f"{column} changed"] = shown
    return panels


def predictions(known: Known, names: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Columns of the catalogue, and as read from the images alone."""
    columns, network = known.extra["columns"].astype(np.float64), known.network
    codes_of_images = network.encode(known.images, np.full_like(columns, np.nan))
    index = pd.Index(known.object_ids, name="object_id")
    frames = columns, network.decode_columns(codes_of_images)
    return tuple(pd.DataFrame(values, index, names) for values in frames)


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
