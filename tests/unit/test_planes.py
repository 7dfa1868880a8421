"""What a plane keeps: against scikit-learn, by hand, and for placed rows apart."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from hoag import planes
from hoag.planes import judge, neighbourhoods_kept


def draw(n, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    return x, x[:, :2] + noise * rng.normal(size=(n, 2))


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_the_mean_is_scikit_learns(k, metric, monkeypatch):
    monkeypatch.setattr(planes, "_BLOCK", 64)  # several blocks
    x, xy = draw(150)
    kept = neighbourhoods_kept(x, xy, k, metric=metric)
    assert kept[0].mean() == pytest.approx(trustworthiness(x, xy, n_neighbors=k, metric=metric))
    if metric == "euclidean":
        assert kept[1].mean() == pytest.approx(trustworthiness(xy, x, n_neighbors=k))


def test_one_row_by_hand():
    x = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    xy = np.array([[0.0, 0], [9, 0], [8, 0], [7, 0], [1, 0]])
    trust, continuity = neighbourhoods_kept(x, xy, 2)
    # (0): neighbours in the plane are 4 (rank 4 in the space) and 3 (rank 3); in the space 1 and 2,
    # of ranks 4 and 3 in the plane
    assert trust[0] == continuity[0] == pytest.approx(1 - 2 / (2 * (10 - 6 - 1)) * (2 + 1))


def test_a_faithful_plane_keeps_all_and_chance_half():
    _, xy = draw(400)
    assert np.all(np.array(neighbourhoods_kept(3 * xy, xy, 15)) == 1)
    mixed = np.random.default_rng(1).permutation(xy)
    assert np.mean(neighbourhoods_kept(xy, mixed, 5)) == pytest.approx(0.5, abs=0.03)


def test_too_many_neighbours_are_refused():
    x, xy = draw(30)
    with pytest.raises(ValueError, match="found 15 neighbours of 30 rows"):
        neighbourhoods_kept(x, xy, 15)


def test_placed_rows_are_judged_apart():
    x, xy = draw(300, noise=0.05)
    fitted = np.arange(300) < 200
    xy[~fitted] = np.random.default_rng(2).normal(size=(100, 2))  # placed anywhere
    found = judge(x, xy, fitted, seed=1).set_index(["objects", "n_neighbours"])
    assert set(found["n_sample"]) == {300}
    for k in planes.NEIGHBOURS:
        trust, continuity = neighbourhoods_kept(x, xy, k)
        own, others = found.loc[("fitted", k)], found.loc[("placed", k)]
        assert (own["n_objects"], others["n_objects"]) == (200, 100)
        assert own["trustworthiness"] == pytest.approx(trust[:200].mean())
        assert others["continuity"] == pytest.approx(continuity[200:].mean())
        assert others["trustworthiness_high"] < own["trustworthiness_low"]


def test_samples_depend_on_the_seed_and_the_fitted_not_on_the_placed(monkeypatch):
    monkeypatch.setattr(planes, "MAX_OBJECTS", 150)
    seen = []

    def record(x, *_, **__):
        seen.append(x)
        return np.ones((2, len(x)))

    x, xy = draw(400)
    monkeypatch.setattr(planes, "neighbourhoods_kept", record)
    for n in (400, 330):
        found = judge(x[:n], xy[:n], np.arange(n) < 300, seed=5)
    np.testing.assert_array_equal(seen[0][:150], seen[-1][:150])
    assert len(seen[0]) == 250 and len(seen[-1]) == 180
    assert found.groupby("objects")["n_objects"].first().to_dict() == {"fitted": 150, "placed": 30}


def test_holes_are_left_out_and_few_rows_say_nothing():
    x, xy = draw(60)
    x[0], xy[1] = np.nan, np.nan
    found = judge(x, xy, np.ones(60, bool), seed=1).set_index("n_neighbours")
    assert (found["n_sample"] == 58).all() and set(found["objects"]) == {"fitted"}
    assert found["trustworthiness"].notna().to_dict() == {5: True, 15: True, 50: False}
    assert judge(x[:1], xy[:1], np.ones(1, bool), seed=1)["trustworthiness"].isna().all()
