"""Average precision against scikit-learn's, its chance level by simulation, and known answers."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from hoag import retrieval, tables
from hoag.retrieval import average_precision, chance, from_one_example
from hoag.similarity import build_index


def test_average_precision_is_scikit_learn_s():
    rng = np.random.default_rng(1)
    for n_wanted in (1, 4, 30):
        places = rng.choice(30, n_wanted, replace=False) + 1
        wanted = np.isin(np.arange(1, 31), places)
        expected = average_precision_score(wanted, -np.arange(30))
        assert average_precision(places[None])[0] == pytest.approx(expected)


@pytest.mark.parametrize(("n_wanted", "n_objects"), [(1, 1), (1, 10), (3, 10), (10, 10), (9, 200)])
def test_chance_is_the_mean_of_random_orders(n_wanted, n_objects):
    rng = np.random.default_rng(2)
    orders = rng.permuted(np.tile(np.arange(1, n_objects + 1), (20_000, 1)), axis=1)
    drawn = average_precision(orders[:, :n_wanted])
    error = drawn.std() / np.sqrt(len(drawn))
    assert abs(drawn.mean() - chance(n_wanted, n_objects)) < 4 * error + 1e-9


def islands(n=40, seed=3):
    """Two labels apart from each other, one all over the place, a single object, one unlabelled."""
    rng = np.random.default_rng(seed)
    codes = rng.normal(0, 1, (3 * n + 2, 4))
    codes[:n] += 50
    codes[n : 2 * n] -= 50
    codes[2 * n :] *= 60
    labels = np.repeat(["near", "far", "anywhere", "single", None], [n, n, n, 1, 1]).astype(object)
    return codes, labels


def test_labels_that_lie_together_are_found(tmp_path):
    codes, labels = islands()
    codes[0, 0] = np.nan
    found = from_one_example(codes, labels, seed=1)
    table = found.assign(features="codes", distance="euclidean", seed=1)
    tables.write("retrieval", table, tmp_path / "retrieval.csv")
    found = found.set_index("label")
    assert found.index.tolist() == ["anywhere", "far", "near"]
    assert found.loc["near", "n_objects"] == 39 and found.loc["far", "n_objects"] == 40
    assert found.loc["near", "mean_precision"] > 0.9 > found.loc["near", "chance_high"]
    anywhere = found.loc["anywhere"]
    assert anywhere["low"] <= anywhere["mean_precision"] <= anywhere["high"]
    assert anywhere["mean_precision"] < 0.6


def test_a_label_without_meaning_is_at_chance():
    codes = np.random.default_rng(4).normal(size=(300, 5))
    labels = np.random.default_rng(5).choice(["a", "b"], 300).astype(object)
    found = from_one_example(codes, labels, distance="cosine", seed=1)
    np.testing.assert_allclose(found["mean_precision"], found["chance"], atol=0.02)
    assert (found["mean_precision"] < found["chance_high"]).all()


def test_equal_distances_are_in_random_order():
    labels = np.repeat(["a", "b"], 100).astype(object)
    found = from_one_example(np.ones((200, 3)), labels, seed=1)
    np.testing.assert_allclose(found["mean_precision"], found["chance"], atol=0.06)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_every_ranking_is_that_of_all_distances(distance, monkeypatch):
    monkeypatch.setattr(retrieval, "BLOCK", 7)
    x = np.random.default_rng(6).normal(size=(50, 4)).astype(np.float32)
    index = build_index([str(i) for i in range(50)], x, distance=distance, seed=1)
    expected = rankdata(cdist(x.astype(float), x.astype(float), distance), axis=1) - 1
    np.testing.assert_array_equal(retrieval._all_ranks(index), expected)


def test_an_object_comes_before_its_copies():
    x = np.float32([[0, 1], [0, 1], [3, 1]])
    index = build_index(["a", "b", "c"], x, seed=1)
    np.testing.assert_array_equal(retrieval._all_ranks(index)[:2], [[0, 1, 2], [1, 0, 2]])


def test_large_sets_are_cut():
    codes, labels = islands()
    found = from_one_example(codes, labels, seed=1, max_objects=60, max_queries=5)
    assert found["n_objects"].sum() <= 60 and (found["mean_precision"] > 0).all()
