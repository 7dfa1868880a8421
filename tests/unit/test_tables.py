"""Tables between stages: their schemas, what survives a round trip, and writing as one act."""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hoag import files, tables
from hoag.tables import SCHEMAS, Schema, TableError

WORKFLOW = Path(__file__).parents[2] / "workflow"
SUFFIXES = pytest.mark.parametrize("suffix", [".parquet", ".csv"])
VALUES = {
    tables.TEXT: ["a", "b, with 'quotes' and \"more\"", "ä\nβ"],
    tables.WHOLE: [2**60 + 1, 0, -3],
    tables.REAL: [0.1, -np.inf, 1e300],
    tables.SINGLE: np.array([0.1, -2.5, 3e38], dtype=np.float32),
    pa.bool_(): [True, False, True],
}


def drawn(name: str) -> pd.DataFrame:
    return pd.DataFrame({c: VALUES[t] for c, t in SCHEMAS[name].columns.items()})


def cuts(**changes) -> pd.DataFrame:
    return pd.DataFrame({"cut": ["i < 20"], "n_before": [5], "n_after": [3]}).assign(**changes)


# ------------------------------------------------------------------------------------ round trips


@SUFFIXES
@pytest.mark.parametrize("name", [n for n in SCHEMAS if SCHEMAS[n].columns])
def test_every_schema_survives_a_round_trip(tmp_path, name, suffix):
    path = tmp_path / f"table{suffix}"
    frame = drawn(name)
    tables.write(name, frame, path)
    pd.testing.assert_frame_equal(tables.read(name, path), frame)


@SUFFIXES
def test_nulls_of_every_type_survive(tmp_path, suffix):
    path = tmp_path / f"table{suffix}"
    frame = drawn("checks")[:2]
    gaps = [c for c in frame if c not in SCHEMAS["checks"].required]
    frame = frame.astype(object)
    frame.loc[1, gaps] = None
    tables.write("checks", frame, path)
    again = tables.read("checks", path)
    assert again.isna().to_numpy().tolist() == frame.isna().to_numpy().tolist()
    assert again["value"].dtype == np.float64 and again["passed"].dtype == np.bool_
    assert isinstance(again["meaning"].dtype, pd.StringDtype)


def test_an_empty_table_keeps_its_types(tmp_path):
    for suffix in (".parquet", ".csv"):
        tables.write("cuts", cuts()[:0], tmp_path / f"none{suffix}")
        again = tables.read("cuts", tmp_path / f"none{suffix}")
        assert len(again) == 0 and again["n_before"].dtype == np.int64


def test_columns_come_in_the_schemas_order_and_can_be_chosen(tmp_path):
    frame = drawn("catalogue").assign(mag=[1.0, 2.0, 3.0])
    tables.write("catalogue", frame[frame.columns[::-1]], tmp_path / "c.parquet")
    assert list(tables.read("catalogue", tmp_path / "c.parquet")) == list(frame)
    some = tables.read("catalogue", tmp_path / "c.parquet", ["mag", "object_id"])
    pd.testing.assert_frame_equal(some, frame[["mag", "object_id"]])


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "uint64"])
def test_the_users_whole_numbers_with_gaps_stay_whole(tmp_path, kind):
    largest = np.iinfo(kind).max
    own = pd.array([largest, None, 1], dtype=kind.replace("i", "I", 1).replace("uI", "UI"))
    frame = drawn("catalogue").assign(own=own, full=np.array([1, 2, largest], dtype=kind))
    tables.write("catalogue", frame, tmp_path / "c.parquet")
    again = tables.read("catalogue", tmp_path / "c.parquet")
    assert again["own"].dtype == own.dtype and again["own"][0] == largest
    assert again["own"].isna().tolist() == [False, True, False]
    assert again["full"].dtype == np.dtype(kind)  # numpy's own type where there is no gap


def test_the_users_truth_values_with_gaps_stay_truth_values(tmp_path):
    frame = drawn("catalogue").assign(
        own=pd.array([True, None, False], dtype="boolean"), mag=[1.0, np.nan, 3.0]
    )
    tables.write("catalogue", frame, tmp_path / "c.parquet")
    again = tables.read("catalogue", tmp_path / "c.parquet")
    assert again["own"].dtype == "boolean" and again["mag"].dtype == np.float64
    tables.write("catalogue", again, tmp_path / "d.parquet")
    assert (tmp_path / "c.parquet").read_bytes() == (tmp_path / "d.parquet").read_bytes()


# ---------------------------------------------------------------------------------------- schemas


@SUFFIXES
@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (cuts().drop(columns="n_after"), "table 'cuts' lacks the column.* n_after$"),
        (cuts(more=1), "table 'cuts': found column 'more', allowed: cut, n_before, n_after$"),
        (cuts(n_before=["five"]), "column 'n_before': found .*, allowed: int64"),
        (cuts(n_before=[2.5]), "column 'n_before': found float64, allowed: int64"),
        (cuts(cut=[3]), "column 'cut': found int64, allowed: string"),
        (cuts(cut=[None]), "column 'cut' holds nulls$"),
    ],
)
def test_a_table_against_its_schema_is_not_written(tmp_path, frame, message, suffix):
    path = tmp_path / f"cuts{suffix}"
    with pytest.raises(TableError, match=message) as caught:
        tables.write("cuts", frame, path)
    assert str(caught.value).startswith(str(path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"cut": ["a"], "n_before": [1]}, "lacks the column.* n_after$"),
        ({"cut": ["a"], "n_before": [1], "n_after": [1], "more": [1]}, "found column 'more'"),
        ({"cut": ["a"], "n_before": [1.0], "n_after": [1]}, "found double, allowed: int64"),
        ({"cut": [None, "a"], "n_before": [1, 1], "n_after": [1, 1]}, "'cut' holds nulls"),
    ],
)
def test_a_foreign_file_is_checked_on_reading(tmp_path, columns, message):
    pq.write_table(pa.table(columns), tmp_path / "cuts.parquet")
    with pytest.raises(TableError, match=message):
        tables.read("cuts", tmp_path / "cuts.parquet")


def test_further_columns_take_the_schemas_type(tmp_path):
    path = tmp_path / "features.parquet"
    tables.write("features", pd.DataFrame({"object_id": ["a"], "size": [0.1]}), path)
    assert tables.read("features", path)["size"].dtype == np.float32
    pq.write_table(pa.table({"object_id": ["a"], "size": ["large"]}), path)
    with pytest.raises(TableError, match="column 'size': found string, allowed: float"):
        tables.read("features", path)


def test_real_numbers_that_look_whole_in_csv_stay_real(tmp_path):
    path = tmp_path / "history.csv"
    frame = pd.DataFrame({"iteration": [1, 2], "loss": [3.0, 4.0]})
    tables.write("history", frame, path)
    pd.testing.assert_frame_equal(tables.read("history", path), frame)
    assert tables.read("history", path, ["loss"])["loss"].dtype == np.float64


def test_every_required_column_is_one_of_the_schema():
    for name, schema in SCHEMAS.items():
        assert isinstance(schema, Schema)
        assert set(schema.required) <= set(schema.columns), name


def test_every_schema_is_used_and_every_use_has_a_schema():
    uses = re.compile(r"tables\.(?:read|write)\(\s*\"(\w+)\"")
    found = {name for p in WORKFLOW.rglob("*.py") for name in uses.findall(p.read_text())}
    assert found == set(SCHEMAS)


# ------------------------------------------------------------------------------------------ files


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "out.txt"
    with files.atomic(path) as private:
        private.write_text("whole")
        assert not path.exists()
        assert private.parent == path.parent and private.suffix == path.suffix
        assert str(os.getpid()) in private.name and private.name.startswith(".")
    assert path.read_text() == "whole"
    with pytest.raises(UnicodeEncodeError), files.atomic(path) as private:
        private.write_text("half, then \ud800", encoding="utf-8")
    assert path.read_text() == "whole"
    assert [p.name for p in path.parent.iterdir()] == ["out.txt"]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), files.atomic(tmp_path / "out.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_table(tmp_path, monkeypatch):
    path = tmp_path / "cuts.parquet"
    tables.write("cuts", cuts(), path)

    def broken(_table, where, **_options):
        Path(where).write_bytes(b"half of a table")
        raise OSError("no space left")

    monkeypatch.setattr(tables.pq, "write_table", broken)
    with pytest.raises(OSError, match="no space left"):
        tables.write("cuts", cuts(n_before=9), path)
    assert tables.read("cuts", path)["n_before"].tolist() == [5]
    assert [p.name for p in tmp_path.iterdir()] == ["cuts.parquet"]
