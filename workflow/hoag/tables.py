"""The tables that stages hand to one another, with a schema checked on writing and on reading.

Every table has its columns' types here. ``object_id`` is text from the first table on: join on
it, never on row order.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from hoag.files import atomic

TEXT, WHOLE, REAL, SINGLE = pa.string(), pa.int64(), pa.float64(), pa.float32()


@dataclass(frozen=True)
class Schema:
    """Columns of one table.

    Attributes
    ----------
    columns
        Name -> Arrow type, in order. All must be present.
    required
        Columns that may hold no null.
    extra
        Type that further columns must have; "any" for any, None where none is allowed.
    """

    columns: Mapping[str, pa.DataType]
    required: tuple[str, ...] = ()
    extra: pa.DataType | str | None = None

    def type_of(self, column: str) -> pa.DataType | None:
        """The type that a column must have, None where any will do."""
        other = self.extra if isinstance(self.extra, pa.DataType) else None
        return self.columns.get(column, other)


def _measures(part: str) -> dict[str, pa.DataType]:
    """Columns of what a ranking is worth."""
    names = ("mcc", "auroc", "average_precision", "rank_weighted")
    return {f"{part}_n_positive": WHOLE} | {f"{part}_{name}": REAL for name in names}


_OVER_TRAININGS = {
    "n_trainings": WHOLE,
    "median": REAL,
    "low": REAL,  # 16 and 84 %
    "high": REAL,
    "mean": REAL,
    "mean_low": REAL,  # 95 %
    "mean_high": REAL,
}

SCHEMAS = {
    # a catalogue keeps the user's own columns untouched beside these
    "catalogue": Schema(
        {"object_id": TEXT, "ra_deg": REAL, "dec_deg": REAL, "label": TEXT, "split": TEXT},
        required=("object_id",),
        extra="any",
    ),
    "rejects": Schema({"row": WHOLE, "object_id": TEXT, "reason": TEXT}, ("row", "reason")),
    "cuts": Schema({"cut": TEXT, "n_before": WHOLE, "n_after": WHOLE}, ("cut",)),
    "manifest": Schema(
        {
            "object_id": TEXT,
            "status": TEXT,  # ok, outside, no_data, invalid, timeout, http_404, ...
            "reason": TEXT,
            "attempts": WHOLE,
            "url": TEXT,  # never with a secret in it
            "n_bytes": WHOLE,
            "sha256": TEXT,  # of the pixels
            "fetched_at": TEXT,  # ISO 8601, UTC
        },
        required=("object_id", "status", "attempts"),
    ),
    "features": Schema({"object_id": TEXT}, ("object_id",), extra=SINGLE),
    # objects that lack a feature, which is NaN
    "failures": Schema({"object_id": TEXT, "reason": TEXT}, ("object_id", "reason")),
    "raw_scores": Schema({"object_id": TEXT, "score": REAL}, ("object_id",), extra=REAL),
    "scores": Schema(
        {"object_id": TEXT, "batch": TEXT, "score": REAL, "sigma": REAL, "percentile": REAL},
        ("object_id", "batch"),
        extra=REAL,
    ),
    "embedding": Schema(
        {
            "object_id": TEXT,
            "x": REAL,
            "y": REAL,
            "fitted": pa.bool_(),  # or placed afterwards
            "group": WHOLE,
            "typical": pa.bool_(),
        },
        ("object_id", "fitted", "group"),
    ),
    "embedding_quality": Schema(
        {
            "objects": TEXT,  # fitted or placed
            "n_objects": WHOLE,
            "n_sample": WHOLE,  # among which neighbours are looked for
            "n_neighbours": WHOLE,
            "trustworthiness": REAL,
            "trustworthiness_low": REAL,  # 95 % interval: bootstrap over objects
            "trustworthiness_high": REAL,
            "continuity": REAL,
            "continuity_low": REAL,
            "continuity_high": REAL,
        },
        ("objects", "n_objects", "n_sample", "n_neighbours"),
    ),
    "ranked": Schema(
        {"rank": WHOLE, "object_id": TEXT, "batch": TEXT, "status": TEXT, "label": TEXT},
        ("object_id", "batch", "status"),
        extra="any",
    ),
    # what classifiers say: logit_*, pass_<number>_*, latent_*
    "predictions": Schema(
        {
            "training": WHOLE,
            "fold": WHOLE,
            "object_id": TEXT,
            "label": TEXT,
            "role": TEXT,  # training, validation, test; outside: of none of the classes
            "class": WHOLE,  # -1 outside
        },
        ("training", "fold", "object_id", "role", "class"),
        extra=SINGLE,
    ),
    # one row a network; further columns are the options that a sweep draws
    "trainings": Schema(
        {
            "training": WHOLE,
            "fold": WHOLE,
            "n_iterations": WHOLE,
            "validation_loss": REAL,
            "temperature": REAL,
        },
        ("training", "fold"),
        extra=REAL,
    ),
    # one row an object, a network, a number of passes, with or without the temperature
    "judged_objects": Schema(
        {
            "training": WHOLE,
            "fold": WHOLE,
            "object_id": TEXT,
            "label": TEXT,
            "role": TEXT,
            "class": WHOLE,
            "n_passes": WHOLE,
            "scaled": pa.bool_(),
            "wrong": pa.bool_(),
            "entropy": REAL,
            "confidence": REAL,
        },
        ("training", "fold", "object_id", "role", "class", "n_passes", "scaled"),
        extra=REAL,
    ),
    "judged": Schema(
        {
            "setting": TEXT,
            "training": WHOLE,
            "n_passes": WHOLE,
            "scaled": pa.bool_(),
            "measure": TEXT,
            "auroc": REAL,
            "flagged": REAL,  # outliers above all others of the test
            "false_flags": REAL,  # others that finding all outliers would flag
            "flagged_all": REAL,  # the same two among all objects of the classes
            "false_flags_all": REAL,
            "n_outliers": REAL,
            "n_others": REAL,
            "false_rate_limit": REAL,  # 95 %, binomial
            "n_undefined": REAL,  # scores that are NaN, and count as least anomalous
            "beyond_outliers": REAL,  # above 3; NaN for measures that count no sigmas
            "beyond_test": REAL,
            "beyond_learned": REAL,  # of what was learned from
            "beyond_all": REAL,
            "n_floored": REAL,  # objects whose neighbours' spread was replaced by the least one
        },
        ("setting", "training", "n_passes", "scaled", "measure"),
    ),
    "classifiers": Schema(
        {
            "setting": TEXT,
            "training": WHOLE,
            "fold": WHOLE,
            "accuracy_test": REAL,
            "accuracy_test_confident": REAL,
            "accuracy_all": REAL,
            "calibration_error": REAL,
            "calibration_error_scaled": REAL,
            "high_outliers": REAL,
            "high_wrong": REAL,
            "high_right": REAL,
            "n_iterations": WHOLE,
            "validation_loss": REAL,
            "temperature": REAL,
        },
        ("setting", "training", "fold"),
        extra=REAL,
    ),
    "uncertainty": Schema(
        {
            "setting": TEXT,
            "n_passes": WHOLE,
            "scaled": pa.bool_(),
            "measure": TEXT,
            "quantity": TEXT,
            **_OVER_TRAININGS,
        },
        ("setting", "measure", "quantity"),
    ),
    "networks": Schema(
        {
            "setting": TEXT,
            "quantity": TEXT,  # a column of `classifiers`
            **_OVER_TRAININGS,
        },
        ("setting", "quantity"),
    ),
    "uncertainty_pairs": Schema(
        {
            "setting": TEXT,
            "measure": TEXT,
            "reference": TEXT,
            "quantity": TEXT,
            "n_trainings": WHOLE,
            "difference": REAL,
            "low": REAL,
            "high": REAL,
        },
        ("setting", "measure", "reference", "quantity"),
    ),
    "explained": Schema(
        {
            "setting": TEXT,
            "measure": TEXT,
            "outcome": TEXT,
            "predictor": TEXT,
            "is_option": pa.bool_(),
            "n_trainings": WHOLE,
            "correlation": REAL,  # partial, of ranks
            "low": REAL,
            "high": REAL,
            "importance": REAL,  # of permutation, in a forest
            "importance_spread": REAL,
            "forest_r2": REAL,  # cross-validated
        },
        ("setting", "measure", "outcome", "predictor"),
    ),
    "history": Schema({"iteration": WHOLE}, ("iteration",), extra=REAL),
    "checks": Schema(
        {
            "model": TEXT,
            "seed": WHOLE,
            "check": TEXT,
            "value": REAL,
            "reference": REAL,  # the same measure, real images against real images
            "limit": REAL,
            "passed": pa.bool_(),
            "meaning": TEXT,
        },
        ("model", "seed", "check", "passed"),
    ),
    "metrics": Schema(
        {
            "features": TEXT,
            "detector": TEXT,
            "seed": WHOLE,
            "group": TEXT,  # "anomalies", "faults", or one label
            "n_positive": WHOLE,
            "n_negative": WHOLE,
            "metric": TEXT,
            "value": REAL,
            "low": REAL,  # 95 % interval: bootstrap over objects, or spread over draws
            "high": REAL,
        },
        ("features", "detector", "seed", "group", "metric"),
    ),
    "trials": Schema(  # one row for each trial, round and class of anomalies
        {
            "trial": WHOLE,
            "objects": TEXT,  # digest of those drawn and of when they arrive
            "round": WHOLE,
            "class": TEXT,
            "n_asked": WHOLE,  # by now
            "n_found": WHOLE,  # of the class among them
            "n_aimed": WHOLE,  # questions of this round on behalf of the class
            "n_hit": WHOLE,  # of the class among those
            "true_candidates": REAL,  # share of the class among this round's questions
            **_measures("pool"),
            **_measures("held_out"),
            "unlabelled_n_positive": WHOLE,
            "unlabelled_auroc": REAL,
            "unlabelled_average_precision": REAL,
        },
        ("trial", "objects", "round", "class", "n_asked", "n_found"),
    ),
    "answers": Schema(  # what people say of objects: a class, an interest from 0 to 5, or both
        {"object_id": TEXT, "class": TEXT, "interest": REAL}, ("object_id",)
    ),
    "latents": Schema(  # a learner's latent space in some rounds of one trial
        {"round": WHOLE, "object_id": TEXT, "class": TEXT, "asked": pa.bool_()},
        ("round", "object_id", "class", "asked"),
        extra=SINGLE,
    ),
    "latent_map": Schema(  # each round has a plane of its own
        {
            "round": WHOLE,
            "object_id": TEXT,
            "class": TEXT,
            "asked": pa.bool_(),
            "x": REAL,
            "y": REAL,
        },
        ("round", "object_id", "class", "asked"),
    ),
    "rounds": Schema(  # over the trials of an experiment
        {
            "experiment": TEXT,
            "class": TEXT,
            "round": WHOLE,
            "quantity": TEXT,
            "n_trials": WHOLE,
            "mean": REAL,
            "mean_low": REAL,  # 95 % interval of the mean: bootstrap over trials
            "mean_high": REAL,
            "median": REAL,
            "low": REAL,  # 68 % of the trials
            "high": REAL,
        },
        ("experiment", "class", "round", "quantity"),
    ),
    "comparisons": Schema(  # last round, trial by trial, of two experiments
        {
            "experiment": TEXT,
            "reference": TEXT,
            "class": TEXT,
            "quantity": TEXT,
            "n_trials": WHOLE,  # in both
            "difference": REAL,
            "low": REAL,  # 95 % interval: bootstrap over trials
            "high": REAL,
        },
        ("experiment", "reference", "class", "quantity", "n_trials"),
    ),
    "viewed": Schema(  # anomalies found against objects viewed, over the trials of an experiment
        {
            "experiment": TEXT,
            "class": TEXT,
            "n_viewed": WHOLE,
            "quantity": TEXT,  # n_found; area: below the curve so far, over n_viewed
            "n_trials": WHOLE,
            "mean": REAL,
            "mean_low": REAL,  # 95 % interval of the mean: bootstrap over trials
            "mean_high": REAL,
            "median": REAL,
            "low": REAL,  # 68 % of the trials
            "high": REAL,
        },
        ("experiment", "class", "n_viewed", "quantity", "n_trials"),
    ),
    "viewed_pairs": Schema(  # every experiment minus the first one, trial by trial
        {
            "experiment": TEXT,
            "reference": TEXT,
            "class": TEXT,
            "n_viewed": WHOLE,
            "quantity": TEXT,
            "n_trials": WHOLE,  # in both
            "difference": REAL,
            "low": REAL,  # 95 % interval: bootstrap over trials
            "high": REAL,
        },
        ("experiment", "reference", "class", "n_viewed", "quantity", "n_trials"),
    ),
    "published": Schema(
        {"dataset": TEXT, "experiment": TEXT, "quantity": TEXT, "value": REAL},
        ("dataset", "experiment", "quantity", "value"),
        extra="any",
    ),
    "collected": Schema(  # last round of the experiments of several data sets
        {
            "dataset": TEXT,
            "experiment": TEXT,
            "class": TEXT,
            "quantity": TEXT,
            "n_trials": WHOLE,  # 0: not run
            "mean": REAL,
            "low": REAL,  # 95 % interval of the mean: bootstrap over trials
            "high": REAL,
            "published": REAL,
            "difference": REAL,  # the mean minus what is published
        },
        ("dataset", "experiment", "quantity", "n_trials"),
    ),
    "neighbour_prediction": Schema(
        {
            "features": TEXT,
            "detector": TEXT,
            "seed": WHOLE,
            "n_objects": WHOLE,
            "spearman": REAL,
            "low": REAL,
            "high": REAL,
            "difference": REAL,  # the first space's minus this one's
            "difference_low": REAL,
            "difference_high": REAL,
        },
        ("features", "detector", "seed"),
    ),
    "study": Schema(
        {"study": TEXT, "setting": TEXT, "seed": WHOLE, "quantity": TEXT, "value": REAL},
        ("study", "setting", "quantity"),
    ),
    "groups": Schema(
        {
            "group": WHOLE,
            "n_objects": WHOLE,
            "median_sigma": REAL,
            "commonest_label": TEXT,
            "share_of_commonest": REAL,
            "typical_members": TEXT,  # object ids, as a JSON list
        },
        ("group", "n_objects"),
    ),
    "purity": Schema(
        {
            "features": TEXT,
            "seed": WHOLE,
            "label": TEXT,
            "n_objects": WHOLE,
            "purity": REAL,
            "low": REAL,
            "high": REAL,
            "chance": REAL,
            "chance_high": REAL,
            "p_value": REAL,
        },
        ("features", "seed", "label"),
    ),
    "similar": Schema(  # neighbours of one object, or of several together
        {
            "query": TEXT,  # the object, or the name of the search
            "end": TEXT,  # nearest, farthest
            "rank": WHOLE,
            "object_id": TEXT,
            "distance": REAL,
        },
        ("query", "end", "rank", "object_id", "distance"),
    ),
    "retrieval": Schema(
        {
            "features": TEXT,
            "distance": TEXT,
            "seed": WHOLE,
            "label": TEXT,
            "n_objects": WHOLE,
            "mean_precision": REAL,  # over the label's objects, each the one example
            "low": REAL,
            "high": REAL,
            "chance": REAL,
            "chance_high": REAL,
        },
        ("features", "distance", "seed", "label"),
    ),
    "curve": Schema(
        {"features": TEXT, "detector": TEXT, "group": TEXT, "curve": TEXT, "x": REAL, "y": REAL},
        ("detector", "group", "curve"),
    ),
    "figure": Schema({}, extra="any"),  # the numbers of a picture that has no table of its own
}


_ATTRIBUTES = b"hoag"  # key in a Parquet file's metadata


class TableError(ValueError):
    """A table that does not match its schema."""


def write(name: str, frame: pd.DataFrame, path: str | Path) -> None:
    """Check ``frame`` against the schema ``name`` and write it, as Parquet or CSV by its suffix.

    Parquet keeps ``frame.attrs`` too (plain values); CSV does not.

    Raises
    ------
    TableError
        Naming the column that is missing, unknown, of another type, or null where it must not be.
    """
    table = _conform(name, frame, str(path))
    with atomic(path) as private:
        if Path(path).suffix == ".csv":
            pa.csv.write_csv(table, private, pa.csv.WriteOptions(quoting_style="needed"))
        else:
            attributes = {_ATTRIBUTES: json.dumps(frame.attrs)} if frame.attrs else None
            pq.write_table(table.replace_schema_metadata(attributes), private, compression="zstd")


def read(name: str, path: str | Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a table and check it against its schema.

    Parameters
    ----------
    name
        Key of `SCHEMAS`.
    path
        A ``.parquet`` or ``.csv`` file written by `write`.
    columns
        Read these columns only (the check is then limited to them).

    Returns
    -------
    DataFrame, its columns as `to_frame` makes them, with the ``attrs`` that it was written with.

    Raises
    ------
    TableError
        As `write`, of what stands in the file.
    """
    schema = SCHEMAS[name]
    if Path(path).suffix == ".csv":
        with pa.csv.open_csv(path) as file:
            types = {c: schema.type_of(c) for c in file.schema.names}
        options = pa.csv.ConvertOptions(
            column_types={c: t for c, t in types.items() if t is not None},
            include_columns=columns,
            strings_can_be_null=True,
        )
        table = pa.csv.read_csv(path, convert_options=options)
    else:
        table = pq.read_table(path, columns=columns)
    if columns is not None:
        kept = {k: v for k, v in schema.columns.items() if k in columns}
        schema = Schema(kept, tuple(r for r in schema.required if r in columns), schema.extra)
    _check(schema, table, name, str(path))
    frame = to_frame(table)
    frame.attrs = json.loads((table.schema.metadata or {}).get(_ATTRIBUTES, "{}"))
    return frame


def to_frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as pandas holds it.

    Columns of whole numbers or truth values with nulls get pandas' nullable types, so that no
    64-bit number passes through a float and no truth value becomes an object; all others have
    numpy's types, and text pandas' own.
    """
    frame = table.to_pandas(ignore_metadata=True)
    for name, column in zip(table.column_names, table.columns, strict=True):
        if column.null_count and column.type in _NULLABLE:
            frame[name] = column.to_pandas(types_mapper=_NULLABLE.get)
    return frame


_NULLABLE = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}


def _conform(name: str, frame: pd.DataFrame, path: str) -> pa.Table:
    schema = SCHEMAS[name]
    missing = [c for c in schema.columns if c not in frame.columns]
    if missing:
        raise TableError(f"{path}: table {name!r} lacks the column(s) {', '.join(missing)}")
    order = list(schema.columns) + [c for c in frame.columns if c not in schema.columns]
    arrays = []
    for column in order:
        wanted = schema.type_of(column)
        try:
            arrays.append(pa.Array.from_pandas(frame[column], type=wanted))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise TableError(
                f"{path}: table {name!r}, column {column!r}: found {frame[column].dtype}, "
                f"allowed: {wanted} ({error})"
            ) from None
    table = pa.table(arrays, names=order)
    _check(schema, table, name, path)
    return table


_LARGE = {TEXT: pa.large_string()}


def _check(schema: Schema, table: pa.Table, name: str, path: str) -> None:
    for column in schema.columns:
        if column not in table.column_names:
            raise TableError(f"{path}: table {name!r} lacks the column(s) {column}")
    for column, found in zip(table.column_names, table.schema.types, strict=True):
        if column not in schema.columns and schema.extra is None:
            raise TableError(
                f"{path}: table {name!r}: found column {column!r}, "
                f"allowed: {', '.join(schema.columns)}"
            )
        wanted = schema.type_of(column)
        if wanted is not None and found not in (wanted, _LARGE.get(wanted)):
            raise TableError(
                f"{path}: table {name!r}, column {column!r}: found {found}, allowed: {wanted}"
            )
    for column in schema.required:
        if table.column(column).null_count:
            raise TableError(f"{path}: table {name!r}, column {column!r} holds nulls")
