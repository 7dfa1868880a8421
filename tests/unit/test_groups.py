"""Groups in the plane, their typical members and their table."""

import numpy as np
import pandas as pd
import pytest

from hoag import tables
from hoag.groups import _nearest_group, find_groups, summarise, typical_members


def islands(sizes=(100, 300, 200), seed=6):
    """Round islands in a row, with a few points far from all of them at the end."""
    rng = np.random.default_rng(seed)
    points = [rng.normal((8 * i, 0), 0.5, (n, 2)) for i, n in enumerate(sizes)]
    lonely = np.stack([np.linspace(-40, 40, 9), np.full(9, 30.0)], axis=1)
    truth = np.repeat([*range(len(sizes)), -1], [*sizes, 9])
    return np.vstack([*points, lonely]), truth


@pytest.mark.parametrize("max_fit", [10_000, 250])
def test_groups_are_found_and_numbered_by_size(max_fit):
    xy, truth = islands()
    group = find_groups(xy, min_size=40, max_fit=max_fit, seed=1)
    assert group.dtype == np.int64
    expected = np.array([2, 0, 1, -1])[truth]  # the islands have 100, 300 and 200 points
    assert (group == expected)[truth >= 0].mean() > 0.95
    assert (group[truth == -1] == -1).all()


def test_the_seed_fixes_the_groups():
    xy, _ = islands()
    first, again = (find_groups(xy, min_size=40, max_fit=250, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_a_further_point_joins_only_the_group_that_it_stands_in():
    xy, truth = islands()
    further = np.array([[0.3, 0.2], [8.0, -0.4], [4.0, 4.0], [0.0, 29.9], [16.0, 3.0]])
    np.testing.assert_array_equal(_nearest_group(further, xy, truth), [0, 1, -1, -1, -1])


def test_a_row_without_a_place_has_no_group():
    xy, _ = islands()
    holed = np.insert(xy, 5, np.nan, axis=0)
    group = find_groups(holed, min_size=40, seed=1)
    assert group[5] == -1
    np.testing.assert_array_equal(np.delete(group, 5), find_groups(xy, min_size=40, seed=1))


def test_points_that_coincide_make_groups():
    group = find_groups(np.repeat([[0.0, 0.0], [1.0, 1.0]], [20, 30], axis=0), min_size=5, seed=1)
    np.testing.assert_array_equal(group, np.repeat([1, 0], [20, 30]))
    same = find_groups(np.ones((50, 2)), min_size=5, seed=1)
    assert len(set(same)) == 1


@pytest.mark.parametrize("n", [0, 1, 4])
def test_too_few_points_make_no_group(n):
    np.testing.assert_array_equal(find_groups(np.zeros((n, 2)), min_size=5, seed=1), [-1] * n)


def test_a_group_of_one_is_refused():
    with pytest.raises(ValueError, match="min_size: found 1, allowed: 2 or more"):
        find_groups(np.zeros((9, 2)), min_size=1, seed=1)


def test_typical_members_stand_around_the_medoid():
    xy = np.array([[0.0, 0], [1, 0], [2.2, 0], [30, 0], [5, 5], [5, 6], [90, 90]])
    group = np.array([0, 0, 0, 0, 1, 1, -1])
    np.testing.assert_array_equal(typical_members(xy, group, 3), [1, 0, 2, 4, 5])
    assert typical_members(xy, np.full(7, -1), 3).shape == (0,)


def test_a_large_group_s_medoid_is_near_the_middle():
    xy = np.random.default_rng(3).normal(size=(5000, 2))
    rows = typical_members(xy, np.zeros(5000, int), 4)
    assert np.hypot(*xy[rows].T).max() < 0.2


def test_the_table_of_groups(tmp_path):
    xy = np.array([[0.0, 0], [1, 0], [2.2, 0], [5, 5], [5, 6], [90, 90]])
    group = np.array([0, 0, 0, 1, 1, -1])
    sigma = np.array([1.0, np.nan, 4.0, 2.0, 3.0, 9.0])
    labels = ["ring", "merger", "ring", None, np.nan, "trail"]
    frame = summarise(list("abcdef"), group, sigma, labels, xy, 2)
    tables.write("groups", frame, tmp_path / "groups.parquet")
    read = tables.read("groups", tmp_path / "groups.parquet")
    assert read["group"].tolist() == [0, 1, -1]
    assert read["n_objects"].tolist() == [3, 2, 1]
    np.testing.assert_array_equal(read["median_sigma"], [2.5, 2.5, 9.0])
    assert read["commonest_label"].fillna("-").tolist() == ["ring", "-", "trail"]
    np.testing.assert_allclose(read["share_of_commonest"], [2 / 3, np.nan, 1])
    assert read["typical_members"].tolist() == ['["b", "a"]', '["d", "e"]', "[]"]


def test_equally_common_labels_and_none_at_all(tmp_path):
    group, xy, ids = np.zeros(4, int), np.zeros((4, 2)), pd.Series(list("abcd"))
    frame = summarise(ids, group, np.ones(4), pd.Series(["z", "y", "y", "z"]), xy, 2)
    assert frame["commonest_label"][0] == "y" and frame["share_of_commonest"][0] == 0.5
    assert summarise(ids, group, np.full(4, np.nan), None, xy, 2)["commonest_label"][0] is None
    empty = summarise([], np.empty(0, int), np.empty(0), None, np.empty((0, 2)), 2)
    tables.write("groups", empty, tmp_path / "groups.parquet")
    assert len(tables.read("groups", tmp_path / "groups.parquet")) == 0
