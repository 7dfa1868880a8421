"""Survey ``table``: objects that are rows of numbers, without pixels.

The table's own columns enter at the features stage, so that this survey has no ``fetch``.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hoag.options import ConfigError, option
from hoag.surveys._containers import as_text
from hoag.surveys._types import FEATURES

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
ACKNOWLEDGEMENT = (
    "The feature table was supplied by the user; please acknowledge its source in the words "
    "that it asks for."
)
_NOT_FEATURES = ("object_id", "ra_deg", "dec_deg", "label", "split")


@dataclass(frozen=True)
class Options:
    """Which of the table's columns are features."""

    columns: tuple[str, ...] = option(
        (),
        doc="Feature columns, all numeric; empty: every numeric column that is not id, position, "
        "label or split.",
    )


@dataclass(frozen=True)
class Batch:
    """One table, and what its columns are called."""

    source: str = option(doc="The table: CSV, FITS, ECSV, VOTable or Parquet.", unit="path")
    id_column: str | None = option(
        None, doc="Column of object ids; null: object_id if there is one, else row numbers from 0."
    )
    label_column: str | None = option(
        None, doc="Column of labels; null: label if there is one, else no labels."
    )
    ra_column: str | None = option(
        None, doc="Column of ICRS right ascension; null: ra_deg if there is one.", unit="deg"
    )
    dec_column: str | None = option(
        None, doc="Column of ICRS declination; null: dec_deg if there is one.", unit="deg"
    )
    id_prefix: str = option("", doc="Text put before every object id.")


def object_kind(options: Options) -> str:
    """Always `FEATURES`."""
    return FEATURES


def bands(options: Options) -> tuple[str, ...]:
    """No bands: there are no pixels."""
    return ()


def image_shape(options: Options) -> tuple[int, int] | None:
    """None: there are no pixels."""
    return None


def attributes(options: Options) -> dict[str, Any]:
    """Nothing holds for all rows."""
    return {}


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """The table's rows: object_id and label as text, positions (deg), all other columns as read.

    Raises
    ------
    ConfigError
        For a table that is missing, unreadable or empty, for a column that it lacks, and for
        features that are not numeric.

    Notes
    -----
    Missing values stay NaN. ``seed`` is not used.
    """
    frame = _read(batch, name)
    feature_columns(frame, options, key=f"batches.{name}.source")
    return frame


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Number of rows that `list_objects` gives.

    Raises
    ------
    ConfigError
        As `list_objects`.
    """
    return len(list_objects(batch, options, seed=0, name=name))


def feature_columns(frame: "pd.DataFrame", options: Options, *, key: str = "columns") -> list[str]:
    """Names of the feature columns among those of a catalogue, in the order wanted.

    Parameters
    ----------
    frame
        Rows of `list_objects`.
    key
        Where the table was named, for messages.
    """
    numeric = [c for c in frame.columns if c not in _NOT_FEATURES and _is_numeric(frame[c])]
    for column in options.columns:
        if column not in numeric:
            found = "a column of text" if column in frame.columns else "no such column"
            raise ConfigError(
                f"{key}: column {column!r}: found {found}, allowed: {', '.join(numeric)}"
            )
    if not numeric:
        raise ConfigError(f"{key}: found no numeric column, allowed: at least one feature")
    return list(options.columns) or numeric


def _is_numeric(column: "pd.Series") -> bool:
    from pandas.api.types import is_bool_dtype, is_complex_dtype, is_numeric_dtype

    return is_numeric_dtype(column) and not (is_bool_dtype(column) or is_complex_dtype(column))


def _read(batch: Batch, name: str) -> "pd.DataFrame":
    import pandas as pd

    from hoag import catalogue

    frame = catalogue.read(batch.source, id_column=batch.id_column).reset_index(drop=True)
    if frame.empty:
        raise ConfigError(f"batches.{name}.source: found no row in {batch.source!r}, allowed: >= 1")
    frame = frame.rename(columns=_renaming(batch, list(frame.columns), name))
    ids = frame["object_id"] if "object_id" in frame else pd.RangeIndex(len(frame))
    ids = [None if i is None else batch.id_prefix + i for i in as_text(ids.tolist())]
    frame["object_id"] = pd.Series(ids, dtype="str")
    if "label" in frame:
        frame["label"] = pd.Series(as_text(frame["label"].tolist()), dtype="str")
    return frame[["object_id", *(c for c in frame.columns if c != "object_id")]]


def _renaming(batch: Batch, present: list[str], name: str) -> dict[str, str]:
    """The user's names of id, label and position -> this package's."""
    given = {
        "id_column": "object_id",
        "label_column": "label",
        "ra_column": "ra_deg",
        "dec_column": "dec_deg",
    }
    names = {}
    for key, own in given.items():
        column = getattr(batch, key)
        if column is None or column == own:
            continue
        if column not in present or own in present:
            found = f"also a column {own!r}" if own in present else "no such column"
            raise ConfigError(
                f"batches.{name}.{key}: {column!r}: found {found}, "
                f"allowed: one of {', '.join(map(str, present))}"
            )
        names[column] = own
    return names
