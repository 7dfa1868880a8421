"""One batch of objects, from the user's catalogue and from what the survey itself lists."""

import dataclasses
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pandas as pd

from hoag import catalogue
from hoag.options import ConfigError, build
from hoag.surveys._types import draws, lists_objects

_OWN = ("object_id", "ra_deg", "dec_deg", "label", "split")


@dataclasses.dataclass(frozen=True)
class Assembled:
    """Tables ``catalogue``, ``rejects`` and ``cuts`` of a batch, and how many rows merged."""

    table: pd.DataFrame
    rejects: pd.DataFrame
    cuts: pd.DataFrame
    n_merged: int


def assemble(
    survey: ModuleType,
    options: Any,
    batch: Mapping[str, Any],
    *,
    earlier: Mapping[str, pd.DataFrame],
    strict: bool,
    seed: int,
) -> Assembled:
    """The objects of one batch.

    With a ``catalogue`` its rows are the objects; a survey that lists objects of its own (the
    simulated one, a folder of images) adds its columns to them: the simulated survey row by row,
    the others by object_id, where rows without an image are set aside. Without a catalogue the
    survey's own list is the batch. A survey without a list of its own needs a catalogue.

    Parameters
    ----------
    survey, options
        The survey's module and options.
    batch
        ``name``, ``keys`` (those of the workflow's own that are given) and ``options`` (the
        survey's), as plain values.
    earlier
        Catalogues of earlier batches by name: an object that is there already is not taken again.
    strict
        Stop at faulty rows.
    seed
        Of a simulated survey.

    Raises
    ------
    ConfigError
        See `catalogue.prepare`.
    """
    name, keys = batch["name"], batch["keys"]
    own = None
    if lists_objects(survey):
        own_options = build(survey.Batch, batch["options"], f"batches.{name}")
        own = survey.list_objects(own_options, options, seed=seed, name=name)
    if "catalogue" not in keys:
        selected, cuts = catalogue.select(own, keys.get("select", []))
        found = {"id_column": "object_id"}
    else:
        rows = catalogue.read(keys["catalogue"], id_column=keys.get("id_column"))
        selected, cuts = catalogue.select(rows, keys.get("select", []))
        found = {k: v for k, v in keys.items() if k not in ("catalogue", "select", "name")}
    made = catalogue.prepare(
        selected,
        **found,
        need_position=getattr(survey, "NEEDS_POSITION", False),
        earlier=earlier,
        strict=strict,
        base_name=name,
    )
    table, rejects = made.table, made.rejects
    if own is not None and "catalogue" in keys:
        join = _by_row if draws(survey) else _by_id
        n_before = len(rejects)
        table, rejects = join(made, own)
        if strict and len(rejects) > n_before:
            first = rejects.iloc[n_before]
            raise ConfigError(
                f"{name}: {len(rejects) - n_before} object(s) can't be used, the first: "
                f"{first['object_id']}: {first['reason']}"
            )
    table.attrs = made.table.attrs
    return Assembled(table, rejects, cuts, made.n_merged)


def _by_row(made: catalogue.Prepared, own: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give row k of the catalogue the k-th simulated object; ids and positions stay its own."""
    table = made.table
    own = own.iloc[: len(table)].drop(columns=["object_id", "ra_deg", "dec_deg"])
    kept = table.reset_index(drop=True).drop(columns=["label"])
    both = [c for c in kept.columns if c in own.columns and c not in _OWN]
    kept = kept.rename(columns={c: f"{c}_catalogue" for c in both})
    joined = pd.concat([kept, own.drop(columns="split", errors="ignore")], axis=1)
    return joined, made.rejects


def _by_id(made: catalogue.Prepared, own: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the catalogue's rows that the survey has an object for, and add its columns."""
    table = made.table
    has_object = table["object_id"].isin(own["object_id"])
    lost = pd.DataFrame(
        {
            "row": made.rows[~has_object],
            "object_id": table.loc[~has_object, "object_id"].to_numpy(),
            "reason": "no object of this id in the survey's source, whose first is "
            + repr(own["object_id"].iloc[0] if len(own) else None),
        }
    )
    both = [c for c in table.columns if c in own.columns and c not in _OWN]
    table = table.rename(columns={c: f"{c}_catalogue" for c in both})
    new = ["object_id", *(c for c in own.columns if c not in table.columns)]
    joined = table[has_object].merge(own[new], on="object_id", how="left")
    if "label" in own.columns:
        labels = own.set_index("object_id")["label"].reindex(joined["object_id"]).to_numpy()
        joined["label"] = joined["label"].fillna(pd.Series(labels, index=joined.index))
    return joined, pd.concat([made.rejects, lost], ignore_index=True)
