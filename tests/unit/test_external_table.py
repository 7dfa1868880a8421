"""Features and scores from elsewhere, found by identifier."""

import numpy as np
import pandas as pd
import pytest

from hoag.features import table
from hoag.options import ConfigError, build


@pytest.fixture
def write(tmp_path):
    """Write a table of scores; options that name it."""

    def written(name="scores.csv", **options):
        rows = {"id": ["c", "a", "x"], "score": [3.0, 1.0, 9.0], "n": [30, 10, 90], "why": "odd"}
        frame = pd.DataFrame(rows | options.pop("rows", {}))
        path = tmp_path / name
        frame.to_csv(path, index=False) if path.suffix == ".csv" else frame.to_parquet(path)
        return build(table.Options, {"path": str(path), **options}, "features.other")

    return written


def objects(*ids):
    return pd.DataFrame({"object_id": list(ids), "score": 7.0})


def test_columns_are_found_by_identifier_and_what_is_missing_is_nan(write):
    options, catalogue = write(), objects("a", "b", "c")
    state = table.fit(catalogue, options, 1)
    assert table.names(options, state) == ["score", "n"]
    x = table.transform(catalogue, options, state)
    np.testing.assert_array_equal(x, [[1, 10], [np.nan, np.nan], [3, 30]])
    assert table.transform(objects("x"), options, state).tolist() == [[9, 90]], "a later night"


def test_whole_numbers_are_identifiers_too(write):
    options = write("scores.parquet", rows={"id": [2, 1, 10]})
    state = table.fit(objects("1", "2"), options, 1)
    np.testing.assert_array_equal(
        table.transform(objects("1", "2"), options, state), [[1, 10], [3, 30]]
    )


def test_a_place_on_the_sky_is_no_feature_unless_it_is_asked_for(write):
    rows = {"ra": [1.0, 2.0, 3.0], "dec": [4.0, 5.0, 6.0]}
    options = write(rows=rows)
    assert table.names(options, table.fit(objects("a", "b"), options, 1)) == ["score", "n"]
    options = write(rows=rows, columns=["dec"])
    assert table.names(options, table.fit(objects("a", "b"), options, 1)) == ["dec"]


def test_a_flag_stays_a_number_where_objects_are_missing(write):
    options = write("scores.parquet", rows={"flag": [True, False, True]}, columns=["flag"])
    state = table.fit(objects("a", "c"), options, 1)
    x = table.transform(objects("c", "a", "b"), options, state)
    np.testing.assert_array_equal(x, [[1], [0], [np.nan]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"id_column": "name"}, "id_column"),
        ({"rows": {"id": ["a", "a", "x"]}}, "found 'a' twice"),
        ({"rows": {"id": ["a", None, None]}}, "found 2 rows without a value in id"),
        (
            {"rows": {"id": ["u", "v", "w"]}},
            "none of the objects among ids such as 'u', allowed: ids such as 'a'",
        ),
        ({"columns": ["why"]}, "'why' holds no numbers"),
        ({"columns": ["scores"]}, "did you mean 'score'"),
    ],
)
def test_faults_are_named(write, options, message):
    with pytest.raises(ConfigError, match=message):
        table.fit(objects("a", "b"), write(**options), 1)
