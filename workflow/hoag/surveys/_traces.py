"""What the surveys of light curves and of spectra share: a batch's keys and its objects."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hoag.options import option
from hoag.surveys._sources import labels_of, named, read_labels

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Batch:
    """One source of measurements, with its labels."""

    source: str = option(
        doc="One long table of all objects' rows, or a folder or archive with a file for each.",
        unit="path",
    )
    pattern: str = option(
        "*", doc="Glob that a file's name, or its path inside a folder or archive, must match."
    )
    id_prefix: str = option("", doc="Text put before every object id.")
    labels: str | None = option(None, doc="A table of labels, or null.", unit="path")
    labels_id_column: str = option("object_id", doc="Its column of ids, without the prefix.")
    labels_id_prefix: str = option(
        "", doc="Text that the ids of the table of labels lack in front, without id_prefix."
    )
    labels_column: str = option("label", doc="Its column of labels.")
    labels_names: dict[str, str | None] = option(  # noqa: RUF009 (no call, the fields' own helper)
        {},
        doc="Names of its values (null: no label); empty: the values themselves are the labels.",
    )


def list_members(members: Mapping[str, str], batch: Batch, name: str) -> "pd.DataFrame":
    """The catalogue of a batch whose objects are ``members``: own id -> where they lie."""
    import pandas as pd

    found: list[str | None] = [None] * len(members)
    if batch.labels is not None:
        with named(f"batches.{name}.labels"):
            columns = batch.labels_id_column, batch.labels_column
            labels = read_labels(batch.labels, *columns, batch.labels_names)
            labels = {f"{batch.labels_id_prefix}{i}": label for i, label in labels.items()}
            found = labels_of([(i,) for i in members], labels)
    return pd.DataFrame(
        {
            "object_id": [batch.id_prefix + i for i in members],
            "label": pd.Series(found, dtype="str"),
            "source": pd.Series([batch.source] * len(members), dtype="str"),
            "member": pd.Series(list(members.values()), dtype="str"),
        }
    )
