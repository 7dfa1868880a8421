"""Survey ``table``: rows of numbers, without pixels."""

import numpy as np
import pandas as pd
import pytest

from hoag.options import ConfigError, build
from hoag.surveys import table
from hoag.surveys._types import FEATURES

FRAME = pd.DataFrame(
    {
        "name": ["1234567890123456789", "b", "c"],
        "class": ["x", None, "y"],
        "alpha": [10.0, 20.0, 30.0],
        "delta": [-1.0, 0.0, 1.0],
        "mag": [20.5, np.nan, 21.0],
        "n_pixels": [3, 4, 5],
        "field": ["A", "B", "A"],
    }
)
NAMES = {
    "id_column": "name",
    "label_column": "class",
    "ra_column": "alpha",
    "dec_column": "delta",
}


def listed(tmp_path, frame=FRAME, options=None, **batch):
    source = str(tmp_path / "t.csv")
    frame.to_csv(source, index=False)
    options = build(table.Options, options or {}, "survey")
    batch = build(table.Batch, {"source": source, **batch}, "batches.b")
    found = table.list_objects(batch, options, seed=0, name="b")
    assert table.count(batch, options, name="b") == len(found)
    return found, options


def test_rows_keep_their_columns_under_the_standard_names(tmp_path):
    frame, options = listed(tmp_path, id_prefix="p", **NAMES)
    assert list(frame["object_id"]) == ["p1234567890123456789", "pb", "pc"]
    assert list(frame["ra_deg"]) == [10, 20, 30] and list(frame["dec_deg"]) == [-1, 0, 1]
    assert [None if pd.isna(v) else v for v in frame["label"]] == ["x", None, "y"]
    assert list(frame["field"]) == ["A", "B", "A"] and np.isnan(frame["mag"][1])
    assert table.feature_columns(frame, options) == ["mag", "n_pixels"]
    assert table.object_kind(options) == FEATURES and not hasattr(table, "fetch")


def test_ids_are_row_numbers_where_there_is_no_such_column(tmp_path):
    frame, _ = listed(tmp_path, FRAME[["mag", "n_pixels"]])
    assert list(frame["object_id"]) == ["0", "1", "2"]


def test_named_columns_are_the_features_in_the_order_named(tmp_path):
    frame, options = listed(tmp_path, options={"columns": ["n_pixels", "delta"]})
    assert table.feature_columns(frame, options) == ["n_pixels", "delta"]


@pytest.mark.parametrize(
    ("options", "batch", "expected"),
    [
        ({"columns": ["nope"]}, {}, "no such column"),
        ({"columns": ["field"]}, {}, "text"),
        ({}, {"id_column": "nope"}, "name, class"),
    ],
)
def test_faults_stop_in_one_line(options, batch, expected, tmp_path):
    with pytest.raises(ConfigError, match=expected) as error:
        listed(tmp_path, options=options, **batch)
    assert str(error.value).startswith("batches.b.") and "\n" not in str(error.value)


def test_tables_without_numbers_or_rows_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="numeric"):
        listed(tmp_path, FRAME[["name", "field"]])
    with pytest.raises(ConfigError):
        listed(tmp_path, FRAME.iloc[:0])


def test_missing_table_is_refused(tmp_path):
    batch = table.Batch(source=str(tmp_path / "none.csv"))
    with pytest.raises(ConfigError, match=r"none\.csv"):
        table.count(batch, table.Options(), name="b")
