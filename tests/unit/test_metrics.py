import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, matthews_corrcoef, roc_auc_score

from hoag import metrics, tables
from hoag.metrics import METRICS, Truth, curves, evaluate
from hoag.options import ConfigError, build

TRUTH = Truth(normal=("plain", "star"), anomalies=("ring", "merger"), faults=("trail",))
LABELS = ["plain", "star", "ring", "merger", "trail", "unsure", None]


def objects(n=700, seed=0, decimals=1):
    """Scores with ties, sigma and labels of ``n`` objects."""
    rng = np.random.default_rng(seed)
    index = pd.Index([f"o{i:05d}" for i in range(n)], name="object_id")
    labels = pd.Series(rng.choice(LABELS, n, p=[0.5, 0.2, 0.08, 0.05, 0.07, 0.05, 0.05]), index)
    shift = labels.map({"ring": 1.5, "merger": 0.5, "trail": 4.0}).fillna(0.0)
    scores = (pd.Series(rng.normal(size=n), index) + shift).round(decimals)
    return scores, (scores - scores.mean()) / scores.std(), labels


def values(table, group, column="value"):
    return table[table["group"] == group].set_index("metric")[column]


def brute_mcc(scores, positive):
    n = int(positive.sum())
    threshold = sorted(scores, reverse=True)[n]
    return matthews_corrcoef(positive, scores > threshold)


def mean_precision_over_orders(scores, positive, k, rng, n_orders=4000):
    """Precision at k with ties broken at random, many times."""
    found = []
    for _ in range(n_orders):
        order = np.lexsort((rng.random(len(scores)), -scores))[:k]
        found.append(positive[order].mean())
    return np.mean(found)


@pytest.mark.parametrize(
    ("group", "members"),
    [("anomalies", ["ring", "merger"]), ("faults", ["trail"]), ("merger", ["merger"])],
)
def test_values_agree_with_scikit_learn(group, members):
    scores, sigma, labels = objects()
    table = evaluate(scores, sigma, labels, TRUTH, seed=1, n_bootstrap=20)
    used = labels.isin(["plain", "star", *members])
    x, y, s = scores[used].to_numpy(), labels[used].isin(members).to_numpy(), sigma[used]
    out = values(table, group)
    assert out["auroc"] == pytest.approx(roc_auc_score(y, x), abs=1e-12)
    assert out["average_precision"] == pytest.approx(average_precision_score(y, x), abs=1e-12)
    assert out["mcc"] == pytest.approx(brute_mcc(x, y), abs=1e-12)
    assert out["recall_at_3_sigma"] == pytest.approx((s[y] > 3).mean())
    assert out["false_alarms_at_3_sigma"] == pytest.approx((s[~y] > 3).mean())
    for k in (10, 50):
        expected = mean_precision_over_orders(x, y, k, np.random.default_rng(0))
        assert out[f"precision_at_{k}"] == pytest.approx(expected, abs=0.01)
    tenth = -(-len(y) // 10)
    precision = mean_precision_over_orders(x, y, tenth, np.random.default_rng(0))
    recall = precision * tenth / y.sum()
    assert out["recall_at_10_percent"] == pytest.approx(recall, abs=0.01)
    assert (values(table, group, "n_positive") == y.sum()).all()
    assert (values(table, group, "n_negative") == (~y).sum()).all()


def test_bootstrap_rows_agree_with_scikit_learn_on_repeated_objects():
    rng = np.random.default_rng(3)
    scores, positive = rng.normal(size=200).round(1), np.arange(200) < 40
    sample = metrics._Sample(scores, scores, positive)
    blocks = metrics._bootstrap(sample, np.random.default_rng(9), 30)
    for p, n in blocks:
        assert (p.sum(axis=1) == 40).all() and (n.sum(axis=1) == 160).all()
        for row_p, row_n, found in zip(p, n, sample.measure(p, n), strict=True):
            times = np.concatenate([row_p, row_n]).astype(int)
            x, y = np.repeat(scores, times), np.repeat(positive, times)
            found = dict(zip(METRICS, found, strict=True))
            assert found["auroc"] == pytest.approx(roc_auc_score(y, x))
            assert found["average_precision"] == pytest.approx(average_precision_score(y, x))
            assert found["mcc"] == pytest.approx(brute_mcc(x, y))
            assert found["recall_at_3_sigma"] == pytest.approx((x[y] > 3).mean())
            expected = mean_precision_over_orders(x, y, 20, rng, n_orders=300) * 20 / 40
            assert found["recall_at_10_percent"] == pytest.approx(expected, abs=0.02)


def test_memory_blocks_change_no_measure(monkeypatch):
    scores, sigma, labels = objects(decimals=6)
    truth = Truth(normal=("plain",), anomalies=("ring",), anomaly_fraction=0.05, n_draws=7)
    whole = evaluate(scores, sigma, labels, truth, seed=1)
    monkeypatch.setattr(metrics, "_BLOCK", 1000)
    pd.testing.assert_frame_equal(evaluate(scores, sigma, labels, truth, seed=1), whole)


def hand(scores, labels, **kwargs):
    index = [f"o{i}" for i in range(len(scores))]
    scores = pd.Series(scores, index, dtype=float)
    return evaluate(scores, scores, pd.Series(labels, index), seed=0, n_bootstrap=5, **kwargs)


def test_mcc_by_hand_where_ties_flag_too_few():
    truth = Truth(normal=("n",), anomalies=("a",))
    # three positives; the 4th highest score is 2, so only the 4 lies above it: tp 1, fp 0, fn 2,
    # tn 3; mcc = (1 * 3 - 0) / sqrt(1 * 3 * 3 * 5)
    table = hand([4, 2, 2, 2, 1, 0], ["a", "a", "a", "n", "n", "n"], truth=truth)
    assert values(table, "a")["mcc"] == pytest.approx(3 / np.sqrt(45))
    # all equal: nothing is flagged
    assert values(hand([1, 1, 1], ["a", "n", "n"], truth=truth), "a")["mcc"] == 0
    perfect = values(hand([3, 1, 1], ["a", "n", "n"], truth=truth), "a")
    assert perfect["mcc"] == perfect["auroc"] == perfect["average_precision"] == 1
    assert np.isnan(perfect["precision_at_10"])  # three objects have no tenth place


def test_sigma_has_its_own_threshold():
    truth = Truth(normal=("n",), anomalies=("a",))
    table = hand([3.0, 3.1, np.inf, 5, 1], ["a", "a", "a", "n", "n"], truth=truth)
    assert values(table, "a")["recall_at_3_sigma"] == pytest.approx(2 / 3)  # 3 is not above 3
    assert values(table, "a")["false_alarms_at_3_sigma"] == 0.5


def test_groups_stay_apart():
    scores, sigma, labels = objects()
    before = evaluate(scores, sigma, labels, TRUTH, seed=1)
    assert list(before["group"].unique()) == ["anomalies", "faults", "ring", "merger", "trail"]
    assert list(before["metric"][: len(METRICS)]) == list(METRICS)
    changed = scores.mask(~labels.isin(["plain", "star", "ring", "merger"]), 99.0)
    after = evaluate(changed, sigma, labels, TRUTH, seed=1)
    for group in ("anomalies", "ring", "merger"):
        pd.testing.assert_series_equal(values(after, group), values(before, group))
        pd.testing.assert_series_equal(values(after, group, "low"), values(before, group, "low"))
    assert values(after, "trail")["auroc"] == 1


def test_missing_scores_drop_out_and_show():
    scores, sigma, labels = objects()
    rings = labels.index[labels == "ring"]
    holes = scores.copy()
    holes[rings[:5]] = np.nan
    with_nan = evaluate(holes, sigma, labels, TRUTH, seed=1)
    without = evaluate(scores.drop(rings[:5]), sigma, labels, TRUTH, seed=1)
    pd.testing.assert_frame_equal(with_nan, without)
    assert (values(with_nan, "ring", "n_positive") == len(rings) - 5).all()


def test_a_label_without_objects_is_shown_as_such():
    scores, sigma, labels = objects(50)
    truth = Truth(normal=("plain",), anomalies=("lens",))
    table = evaluate(scores, sigma, labels, truth, seed=1)
    assert (table["n_positive"] == 0).all() and (table["n_negative"] > 0).all()
    assert table[["value", "low", "high"]].isna().all().all()
    nothing = evaluate(scores * np.nan, sigma, labels, TRUTH, seed=1)
    assert (nothing["n_negative"] == 0).all() and nothing["value"].isna().all()


def test_order_of_rows_changes_nothing():
    for fraction in (None, 0.02):
        truth = Truth(normal=("plain",), anomalies=("ring",), anomaly_fraction=fraction)
        scores, sigma, labels = objects()
        straight = evaluate(scores, sigma, labels, truth, seed=1)
        mixed = labels.sample(frac=1, random_state=0)
        again = evaluate(scores.sample(frac=1, random_state=1), sigma, mixed, truth, seed=1)
        pd.testing.assert_frame_equal(again, straight)
        other = evaluate(scores, sigma, labels, truth, seed=2)
        assert not other["low"].equals(straight["low"])


def test_bootstrap_interval_covers_the_truth():
    """Unit-shifted Gaussians have AUROC Phi(1 / sqrt 2) = .7602."""
    rng, covered = np.random.default_rng(0), 0
    labels = pd.Series(["a"] * 60 + ["n"] * 200)
    truth = Truth(normal=("n",), anomalies=("a",))
    for trial in range(100):
        scores = pd.Series(rng.normal(size=260)) + (labels == "a")
        table = evaluate(scores, scores, labels, truth, seed=trial, n_bootstrap=200)
        auroc = table.set_index(["group", "metric"]).loc[("a", "auroc")]
        covered += auroc["low"] <= 0.7602 <= auroc["high"]
    assert 88 <= covered <= 99


def drawn(fraction, n_draws=300, seed=1, scores=None):
    rng = np.random.default_rng(0)
    labels = pd.Series(["a"] * 100 + ["n"] * 490, index=[f"o{i:03d}" for i in range(590)])
    if scores is None:
        scores = pd.Series(rng.normal(size=590), labels.index) + 1.5 * (labels == "a")
    truth = Truth(normal=("n",), anomalies=("a",), anomaly_fraction=fraction, n_draws=n_draws)
    return evaluate(scores, scores, labels, truth, seed=seed), scores, labels


def test_draws_make_the_fraction():
    table, scores, labels = drawn(0.02, n_draws=2000)
    assert (table["n_positive"] == 10).all() and (table["n_negative"] == 490).all()
    out, low, high = (values(table, "a", c) for c in ("value", "low", "high"))
    y, x = (labels == "a").to_numpy(), scores.to_numpy()
    # AUROC doesn't depend on prevalence, so the draws centre on the value of all members
    assert out["auroc"] == pytest.approx(roc_auc_score(y, x), abs=0.01)
    # an oracle that draws by itself
    rng, brute = np.random.default_rng(77), []
    for _ in range(1500):
        kept = np.r_[rng.choice(100, 10, replace=False), 100:590]
        brute.append(average_precision_score(y[kept], x[kept]))
    assert out["average_precision"] == pytest.approx(np.mean(brute), abs=0.015)
    assert low["average_precision"] == pytest.approx(np.percentile(brute, 2.5), abs=0.02)
    assert high["average_precision"] == pytest.approx(np.percentile(brute, 97.5), abs=0.05)
    assert low["false_alarms_at_3_sigma"] == high["false_alarms_at_3_sigma"]


def test_every_detector_meets_the_same_draws():
    """A score that counts the members by name shows which ones were drawn."""
    _, _, labels = drawn(0.02)
    rng = np.random.default_rng(5)
    flagged = pd.Series(rng.random(590) < 0.5, labels.index)
    both = []
    for offset in (0.0, 7.0):  # sigma marks the same objects, the scores rank differently
        scores = pd.Series(rng.normal(size=590), labels.index) + offset
        truth = Truth(normal=("n",), anomalies=("a",), anomaly_fraction=0.02, n_draws=25)
        both.append(evaluate(scores, flagged * 9.0, labels, truth, seed=1))
    recall = [values(t, "a", c)["recall_at_3_sigma"] for t in both for c in ("value", "low")]
    assert recall[:2] == recall[2:]
    assert values(both[0], "a")["auroc"] != values(both[1], "a")["auroc"]


def test_draws_lose_their_missing_scores():
    _, scores, labels = drawn(0.02)
    scores[labels.index[:50]] = np.nan  # half of the members
    table, _, _ = drawn(0.02, scores=scores)
    assert table["n_positive"].isin([4, 5, 6]).all()
    assert np.isfinite(values(table, "a")[["auroc", "mcc"]]).all()


def test_a_small_group_is_taken_whole():
    table, scores, labels = drawn(0.5)
    assert (table["n_positive"] == 100).all()
    y = (labels == "a").to_numpy()
    assert values(table, "a")["auroc"] == pytest.approx(roc_auc_score(y, scores))
    assert values(table, "a", "low")["auroc"] < values(table, "a", "high")["auroc"]


def test_table_fits_the_schema(tmp_path):
    table = evaluate(*objects(), TRUTH, seed=1)
    tables.write(
        "metrics", table.assign(features="codes", detector="forest", seed=1), tmp_path / "m.parquet"
    )


def test_evaluate_refuses():
    scores, sigma, labels = objects(50)
    with pytest.raises(ValueError, match=r"scores.*'o00000'.*more than once"):
        evaluate(pd.concat([scores, scores.head(1)]), sigma, labels, TRUTH, seed=1)
    with pytest.raises(ValueError, match="no object in common"):
        evaluate(scores.reset_index(drop=True), sigma, labels, TRUTH, seed=1)


def test_truth_is_checked():
    section = {"normal": ["plain"], "anomalies": ["ring"], "anomaly_fraction": 0.02}
    truth = build(Truth, section, "truth")
    assert truth == Truth(("plain",), ("ring",), (), 0.02, 100)
    for change, message in [
        ({"normal": ["ring"]}, "truth: found 'ring' more than once"),
        ({"anomalies": []}, "truth: found normal.*allowed: a label in normal and in one"),
        ({"anomalies": ["faults"]}, "'faults', a name kept"),
        ({"anomaly_fraction": 2}, "truth.anomaly_fraction: found 2.0"),
        ({"normal": "plain"}, "truth.normal: found 'plain', allowed: a list"),
        ({"nromal": []}, "did you mean 'normal'"),
    ]:
        with pytest.raises(ConfigError, match=message):
            build(Truth, section | change, "truth")


def trapezium(x, y):
    return float(np.trapezoid(y, x))


def test_curves_hold_their_areas():
    scores, sigma, labels = objects(20_000, decimals=6)
    table = curves(scores, labels, TRUTH, "anomalies")
    value = values(evaluate(scores, sigma, labels, TRUTH, seed=1, n_bootstrap=2), "anomalies")
    roc, pr = (table[table["curve"] == c] for c in ("roc", "precision_recall"))
    assert len(roc) == len(pr) == 300
    assert trapezium(roc["x"], roc["y"]) == pytest.approx(value["auroc"], abs=2e-3)
    assert -trapezium(pr["x"], pr["y"]) == pytest.approx(value["average_precision"], abs=1e-2)
    assert (roc["x"].iloc[0], roc["x"].iloc[-1]) == (0, 1)
    assert (table["group"] == "anomalies").all()


def test_curves_of_draws_have_their_prevalence():
    _, scores, labels = drawn(0.02)
    scores.iloc[3], scores.iloc[4] = np.inf, np.nan
    truth = Truth(normal=("n",), anomalies=("a",), anomaly_fraction=0.02)
    table = curves(scores, labels, truth, "a")
    pr = table[table["curve"] == "precision_recall"]
    assert pr["y"][pr["x"] == 1].min() == pytest.approx(0.02, abs=1e-3)
    whole = curves(scores, labels, Truth(normal=("n",), anomalies=("a",)), "a")
    roc = [t[t["curve"] == "roc"].reset_index(drop=True) for t in (table, whole)]
    pd.testing.assert_frame_equal(*roc)


def test_curves_without_objects():
    scores, _, labels = objects(50)
    truth = Truth(normal=("plain",), anomalies=("lens",))
    table = curves(scores, labels, truth, "lens")
    assert len(table) == 0 and list(table.columns) == ["group", "curve", "x", "y"]
    with pytest.raises(ConfigError, match="found 'ring', allowed: anomalies, lens"):
        curves(scores, labels, truth, "ring")


def test_labels_in_turn_stand_against_all_others_that_are_named():
    rng = np.random.default_rng(3)
    names = np.array(["n", "a", "b", "unsure"], dtype=object)
    labels = pd.Series(rng.choice(names, 200), [f"o{i}" for i in range(200)])
    scores = pd.Series(rng.normal(size=200) + (labels == "b"), labels.index)
    truth = Truth(normal=("n",), anomalies=("a", "b"), in_turn=True)
    table = evaluate(scores, scores, labels, truth, seed=1, n_bootstrap=20)
    for group in ("a", "b"):
        used = labels != "unsure"
        expected = roc_auc_score(labels[used] == group, scores[used])
        assert values(table, group)["auroc"] == pytest.approx(expected)
        curve = curves(scores, labels, truth, group)
        assert curve.loc[curve["curve"] == "roc", "x"].max() == 1
    pooled = evaluate(
        scores, scores, labels, Truth(normal=("n",), anomalies=("a", "b")), seed=1, n_bootstrap=20
    )
    assert values(table, "anomalies").equals(values(pooled, "anomalies"))
    assert not values(table, "b").equals(values(pooled, "b"))
