"""Read one batch of objects into the catalogue table; set faulty rows aside."""

from pathlib import Path
from typing import Any

from _job import Progress, job
from hoag import tables
from hoag.batches import assemble
from hoag.registry import plugin


def main(
    earlier: list[str],
    path_catalogue: str,
    path_rejects: str,
    path_cuts: str,
    *,
    survey: dict[str, Any],
    batch: dict[str, Any],
    strict: bool,
    seed: int,
    say: Progress,
) -> None:
    module, options = plugin("surveys", survey, "survey")
    before = {Path(p).stem: tables.read("catalogue", p) for p in earlier}
    made = assemble(module, options, batch, earlier=before, strict=strict, seed=seed)
    if "catalogue" in batch["keys"]:
        names = ", ".join(made.table.attrs["made_from"]) or "none"
        say.always(f"columns of identifier, position, label and split: {names}")
    for cut in made.cuts.itertuples():
        say.always(f"{cut.cut}: {cut.n_before} -> {cut.n_after} objects")
    if len(made.rejects):
        first = made.rejects.iloc[0]
        say.always(
            f"{len(made.rejects)} faulty row(s) set aside in {path_rejects}, "
            f"the first: row {first['row']}, id {first['object_id']!r}: {first['reason']}"
        )
    if made.n_merged:
        say.always(f"{made.n_merged} exact duplicate row(s) merged")
    labels = made.table["label"].value_counts()
    if len(labels):
        said = ", ".join(f"{n} {label}" for label, n in labels.head(12).items())
        more = f", {len(labels) - 12} further labels" if len(labels) > 12 else ""
        say.always(f"labels: {said}{more}, {int(made.table['label'].isna().sum())} without")
    if not len(made.table):
        said = ""
        if len(made.rejects):
            first = made.rejects.iloc[0]
            said = f"; the first of {len(made.rejects)} rejected rows: row {first['row']}, "
            said += f"id {first['object_id']!r}: {first['reason']}"
        raise ValueError(f"batch {batch['name']!r}: no object is left of the catalogue{said}")
    tables.write("catalogue", made.table, path_catalogue)
    tables.write("rejects", made.rejects, path_rejects)
    tables.write("cuts", made.cuts, path_cuts)


if __name__ == "__main__":
    with job(snakemake) as say:
        main(
            list(snakemake.input.get("earlier", [])),
            snakemake.output.catalogue,
            snakemake.output.rejects,
            snakemake.output.cuts,
            survey=snakemake.config["survey"],
            batch=snakemake.params.batch,
            strict=snakemake.params.strict,
            seed=snakemake.params.seed,
            say=say,
        )
