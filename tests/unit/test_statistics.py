import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial.distance import cdist, pdist

from hoag import statistics, tables
from hoag.statistics import (
    density_coverage,
    diversity,
    nearest_neighbour_purity,
    neighbour_prediction,
    spearman,
)


def test_spearman():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=50).round(1), rng.normal(size=50)
    b[3] = np.nan
    kept = ~np.isnan(b)
    expected = np.corrcoef(stats.rankdata(a[kept]), stats.rankdata(b[kept]))[0, 1]
    assert spearman(a, b) == pytest.approx(expected)
    assert np.isnan(spearman(np.ones(5), np.arange(5)))
    assert np.isnan(spearman([1.0], [2.0]))


def brute_prediction(codes, scores, k):
    ranks = stats.rankdata(scores)
    predicted = []
    for i, code in enumerate(codes):
        distance = ((codes - code) ** 2).sum(axis=1)
        distance[i] = np.inf
        predicted.append(ranks[np.argsort(distance)[:k]].mean())
    return stats.spearmanr(predicted, ranks).statistic


def predict(codes, scores, **keywords):
    """The row of one space."""
    return neighbour_prediction({"codes": codes}, scores, **({"seed": 1} | keywords)).iloc[0]


def test_neighbour_prediction_agrees_with_loops():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(150, 3))
    scores = np.exp(codes[:, 0] + rng.normal(size=150))
    found = predict(codes, scores, n_neighbours=4)
    assert found["spearman"] == pytest.approx(brute_prediction(codes, scores, 4))
    assert found["low"] < found["spearman"] < found["high"] and found["n_objects"] == 150
    # only the order of the scores counts
    assert predict(codes, np.log(scores), n_neighbours=4).equals(found)


def test_neighbour_prediction_at_its_extremes():
    rng = np.random.default_rng(0)
    line = rng.random(500)
    assert predict(line[:, None], line)["spearman"] > 0.99
    noise = predict(rng.normal(size=(500, 5)), line)
    assert noise["low"] < 0 < noise["high"]
    assert np.isnan(predict(line[:, None], np.ones(500))["spearman"])
    few = predict(line[:5, None], line[:5])
    assert np.isnan(few["spearman"]) and few["n_objects"] == 5
    assert predict(line[:0, None], line[:0])["n_objects"] == 0


def test_neighbour_prediction_leaves_out_and_subsamples():
    rng = np.random.default_rng(0)
    codes, scores = rng.normal(size=(300, 2)), rng.normal(size=300)
    scores += codes[:, 0]
    codes[0, 0], scores[1] = np.nan, np.nan
    found = predict(codes, scores)
    assert found.equals(predict(codes[2:], scores[2:])) and found["n_objects"] == 298
    part = predict(codes, scores, max_objects=100)
    assert part["n_objects"] == 100
    assert part.equals(predict(codes, scores, max_objects=100))
    assert not part.equals(predict(codes, scores, max_objects=100, seed=2))


def test_spaces_are_compared_on_the_same_objects():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=400)
    spaces = {
        "good": (scores + 0.1 * rng.normal(size=400))[:, None],
        "alike": (scores + 0.1 * rng.normal(size=400))[:, None],
        "poor": (scores + 2.0 * rng.normal(size=400))[:, None],
    }
    spaces["poor"][:7] = np.nan
    table = neighbour_prediction(spaces, scores, seed=1).set_index("features")
    assert (table["n_objects"] == 393).all()
    assert (table.loc["good", "difference":] == 0).all()
    assert table.loc["poor", "difference"] == pytest.approx(
        table.loc["good", "spearman"] - table.loc["poor", "spearman"]
    )
    assert table.loc["poor", "difference_low"] > 0.2
    assert table.loc["alike", "difference_low"] < 0 < table.loc["alike", "difference_high"]
    # paired: narrower than two intervals side by side
    width = (table["difference_high"] - table["difference_low"])["poor"]
    apart = (table["high"] - table["low"])[["good", "poor"]]
    assert width < apart.sum()


def test_purity_by_hand():
    # on a line, one neighbour each: 0-1, 1-0, 2.1-1, 10-11, 11-10, 12.1-11
    codes = np.array([[0.0], [1], [2.1], [10], [11], [12.1], [5]])
    labels = np.array(["a", "a", "b", "b", "b", "a", None], dtype=object)
    table = nearest_neighbour_purity(codes, labels, seed=0, n_neighbours=1).set_index("label")
    # a: both of the first pair, not the 12.1; b: the second pair, not the 2.1
    assert table["purity"].to_dict() == pytest.approx({"a": 2 / 3, "b": 2 / 3})
    assert table["n_objects"].to_dict() == {"a": 3, "b": 3}
    # any neighbour of an a is one of the five others, two of which are a
    assert table["chance"].to_numpy() == pytest.approx(2 / 5, abs=0.06)


def test_purity_agrees_with_loops():
    rng = np.random.default_rng(0)
    labels = rng.choice(["x", "y", "z"], 90, p=[0.6, 0.3, 0.1])
    codes = rng.normal(size=(90, 4)) * [1, 10, 100, 0]  # scale must not matter; one is constant
    codes[labels == "y", 0] += 3
    table = nearest_neighbour_purity(codes, labels, seed=1).set_index("label")
    scaled = codes[:, :3] / codes[:, :3].std(axis=0)
    order = np.argsort(cdist(scaled, scaled) + np.diag(np.full(90, np.inf)), axis=1)[:, :5]
    share = np.array([(labels[order[i]] == labels[i]).mean() for i in range(90)])
    for label, row in table.iterrows():
        own = share[labels == label]
        n = len(own)
        assert row["purity"] == pytest.approx(own.mean())
        assert row["low"] <= row["purity"] <= row["high"]
        assert row["high"] - row["low"] == pytest.approx(
            2 * 1.96 * own.std() / np.sqrt(n), rel=0.25, abs=0.02
        )
        assert row["chance"] == pytest.approx((n - 1) / 89, abs=0.02)
    assert table.loc["y", "p_value"] == pytest.approx(1 / 501)
    assert table.loc["y", "purity"] > table.loc["y", "chance_high"]


def test_purity_p_values_are_fair():
    """Labels without meaning: p is uniform, so about a tenth lies below 0.1."""
    rng, p = np.random.default_rng(0), []
    for seed in range(120):
        labels = np.repeat(["u", "v"], [40, 20])
        table = nearest_neighbour_purity(
            rng.normal(size=(60, 2)), labels, seed=seed, n_bootstrap=2, n_permutations=99
        )
        p.append(table["p_value"][1])
    assert 3 <= (np.array(p) <= 0.1).sum() <= 22
    assert min(p) >= 0.01


def test_purity_edges(tmp_path):
    rng = np.random.default_rng(0)
    codes, labels = rng.normal(size=(20, 2)), pd.Series(["a"] * 19 + ["lonely"])
    table = nearest_neighbour_purity(codes, labels, seed=0, n_permutations=20)
    lonely = table[table["label"] == "lonely"].iloc[0]
    assert (lonely["purity"], lonely["p_value"]) == (0, 1)
    tables.write("purity", table.assign(features="codes", seed=0), tmp_path / "p.parquet")
    with pytest.raises(ValueError, match="found 5 labelled objects, allowed: more than 5"):
        nearest_neighbour_purity(codes[:5], labels[:5], seed=0)
    same = nearest_neighbour_purity(np.zeros((20, 2)), labels, seed=0, n_permutations=20)
    assert same["n_objects"].sum() == 20


def brute_density_coverage(real, fake, k):
    radii = [np.sort(np.linalg.norm(real - x, axis=1))[k] for x in real]
    inside = np.array(
        [[np.linalg.norm(y - x) <= r for y in fake] for x, r in zip(real, radii, strict=True)]
    )
    return inside.sum() / (k * len(fake)), inside.any(axis=1).mean()


@pytest.mark.parametrize("k", [1, 5])
def test_density_and_coverage_agree_with_loops(k, monkeypatch):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(60, 3)) + 50, 0.7 * rng.normal(size=(40, 3)) + 50
    expected = brute_density_coverage(real, fake, k)
    assert density_coverage(real, fake, k=k) == pytest.approx(expected)
    monkeypatch.setattr(statistics, "_BLOCK", 500)  # several blocks
    assert density_coverage(real, fake, k=k) == pytest.approx(expected)


def test_density_and_coverage_of_equal_distributions():
    """Both have known expectations where real and generated samples are alike."""
    rng = np.random.default_rng(0)
    found = [density_coverage(*rng.normal(size=(2, 80, 8)), k=3) for _ in range(60)]
    density, coverage = np.mean(found, axis=0)
    i = np.arange(1, 4)
    assert coverage == pytest.approx(1 - np.prod((80 - i) / (160 - i)), abs=0.02)
    assert density == pytest.approx(1, abs=0.06)


def test_collapse_shows():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(500, 10)) + 1000
    good, collapsed = rng.normal(size=(500, 10)) + 1000, real[:1] + 1e-3 * rng.random((500, 10))
    assert density_coverage(real, good)[1] > 0.9
    assert density_coverage(real, collapsed)[1] < 0.1
    assert diversity(collapsed, seed=0) < 1e-2 < diversity(good, seed=0)
    assert diversity(np.repeat(real[:1], 50, axis=0), seed=0) == pytest.approx(0, abs=1e-9)
    assert density_coverage(real, real + 1e6) == (0, 0)
    with pytest.raises(ValueError, match="found 5 real and 500 generated"):
        density_coverage(real[:5], good)


def test_diversity_agrees_with_scipy(monkeypatch):
    x = np.random.default_rng(0).normal(size=(60, 3, 4, 2)).astype(np.float32)
    flat = x.reshape(60, -1).astype(float)
    assert diversity(x, seed=0) == pytest.approx(pdist(flat).mean())
    monkeypatch.setattr(statistics, "_BLOCK", 500)
    assert diversity(x, seed=0) == pytest.approx(pdist(flat).mean())
    part = diversity(x, seed=0, max_objects=30)
    assert part == pytest.approx(pdist(flat).mean(), rel=0.1) and part != diversity(x, seed=0)
    assert np.isnan(diversity(x[:1], seed=0))
