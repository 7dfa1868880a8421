import numpy as np
import pandas as pd
import pytest
from scipy.stats import combine_pvalues, percentileofscore, rankdata, zscore

from hoag import tables
from hoag.options import ConfigError
from hoag.scores import aggregate, merge, rank


def raw(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "object_id": [f"o{i:04d}" for i in range(n)],
            "batch": ["first"] * (n - 20) + ["night"] * 20,
            "score": rng.normal(5, 2, n).round(1),  # rounding makes ties
            "s_gen": rng.random(n),
        }
    )


def test_sigma_and_percentile_agree_with_scipy():
    table = raw()
    out = merge(table, ["first"])
    reference = table.loc[table["batch"] == "first", "score"].to_numpy()
    own = (out["batch"] == "first").to_numpy()
    np.testing.assert_allclose(out["sigma"][own], zscore(reference), atol=1e-12)
    expected = percentileofscore(reference, table["score"], kind="mean")
    np.testing.assert_allclose(out["percentile"], expected, atol=1e-12)
    assert list(out.columns) == ["object_id", "batch", "score", "sigma", "percentile", "s_gen"]
    pd.testing.assert_series_equal(out["s_gen"], table["s_gen"])


def test_a_later_night_leaves_the_reference_alone():
    table = raw()
    alone = merge(table[table["batch"] == "first"], ["first"])
    table.loc[table["batch"] == "night", "score"] += 100
    both = merge(table, ["first"])
    pd.testing.assert_frame_equal(both.iloc[: len(alone)], alone)
    assert (both["percentile"].iloc[len(alone) :] == 100).all()


def test_order_of_rows_changes_no_bit():
    table = raw(2000)
    shuffled = merge(table.sample(frac=1, random_state=1), ["first", "night"])
    straight = merge(table, ["first", "night"])
    shuffled = shuffled.sort_values("object_id", ignore_index=True)
    pd.testing.assert_frame_equal(shuffled, straight, check_exact=True)


def test_missing_and_infinite_scores():
    table = raw()
    table.loc[3, "score"], table.loc[4, "score"] = np.nan, np.inf
    out = merge(table, ["first"])
    assert out.loc[3, ["score", "sigma", "percentile"]].isna().all()
    assert (out["sigma"][4], out["percentile"][4]) == (np.inf, 100)
    others = merge(table.drop([3, 4]), ["first"])
    pd.testing.assert_series_equal(
        out["sigma"].drop([3, 4]).reset_index(drop=True), others["sigma"]
    )


@pytest.mark.parametrize("value", [2.7, np.nan])
def test_no_spread_no_sigma(value):
    out = merge(raw().assign(score=value), ["first"])
    assert out["sigma"].isna().all()
    assert out["percentile"].equals(pd.Series([50.0 if value == value else np.nan] * len(out)))


def test_merge_refuses():
    with pytest.raises(ValueError, match=r"nope.*allowed: first, night"):
        merge(raw(), ["nope"])
    with pytest.raises(ValueError, match="'o0000'"):
        merge(pd.concat([raw(), raw().head(1)]), ["first"])


def several(n=3):
    return [merge(raw(seed=seed), ["first", "night"]) for seed in range(n)]


def test_the_mean_of_percentiles_orders_as_borda_s_count(tmp_path):
    members = several()
    out = aggregate(members, "mean")
    assert list(out["object_id"]) == list(raw()["object_id"])
    counts = sum(rankdata(m["score"]) for m in members)  # a tie shares its ranks
    np.testing.assert_allclose(rankdata(out["score"].round(9)), rankdata(counts.round(9)))
    tables.write("scores", merge(out, ["first"]), tmp_path / "scores.parquet")


def test_an_aggregate_by_hand():
    def member(score):
        objects = {"object_id": list("abcd"), "batch": "first"}
        return merge(pd.DataFrame(objects | {"score": score}), ["first"])

    members = [member([1.0, 2, 3, 4]), member([-9.0, 5, 5, -10])]
    assert list(aggregate(members, "mean")["score"]) == [25, 56.25, 68.75, 50]
    assert list(aggregate(members, "max")["score"]) == [37.5, 75, 75, 87.5]
    tails = np.array([[7, 5, 3, 1], [5, 2, 2, 7]]) / 8
    fisher = combine_pvalues(tails, method="fisher", axis=0).statistic / 4
    np.testing.assert_allclose(aggregate(members, "fisher")["score"], fisher)


def test_later_objects_beyond_all_others_are_the_highest_and_finite():
    def member(scores):
        objects = {"object_id": list("abcde"), "batch": ["first"] * 3 + ["night"] * 2}
        return merge(pd.DataFrame(objects | {"score": scores}), ["first"])

    found = aggregate([member([1.0, 2, 3, 9, 8]), member([1.0, 2, 3, 9, 2])], "fisher")
    expected = [-np.log(1 / 12), -(np.log(1 / 12) + np.log(1 / 2)) / 2]
    np.testing.assert_allclose(found["score"][3:], expected)
    assert found["score"][:3].max() < found["score"][3]


@pytest.mark.parametrize("how", ["mean", "max", "fisher"])
def test_an_aggregate_follows_the_object_not_the_row(how):
    members = several()
    shuffled = [m.sample(frac=1, random_state=i) for i, m in enumerate(members)]
    pd.testing.assert_frame_equal(
        aggregate(shuffled, how), aggregate(members, how), check_exact=True
    )


@pytest.mark.parametrize("how", ["mean", "max", "fisher"])
def test_an_object_that_one_detector_lacks_is_not_ranked(how):
    whole = aggregate(several(), how).set_index("object_id")["score"]
    first, second, third = several()
    second.loc[3, ["score", "percentile"]] = np.nan
    found = aggregate([first, second, third.drop(index=9)], how).set_index("object_id")["score"]
    assert list(found.index[found.isna()]) == ["o0003", "o0009"]
    pd.testing.assert_series_equal(found.dropna(), whole.drop(["o0003", "o0009"]))


def catalogue(n=60):
    table = raw(n)[["object_id", "batch"]]
    label = ["ring" if i % 7 == 0 else None for i in range(n)]
    return table.assign(ra_deg=10.0, dec_deg=np.nan, label=label, split=None, mag=20.0)


def manifest(n=60):
    ids = raw(n)["object_id"]
    return pd.DataFrame({"object_id": ids, "status": "ok", "reason": None}).drop(index=[1])


def test_ranked_table(tmp_path):
    main = raw().drop(index=[1, 2])  # one was never fetched, one has no score
    main.loc[5, "score"] = np.nan
    main.loc[[7, 30], "score"] = 50.0  # a tie at the top
    main = merge(main.sample(frac=1, random_state=0), ["first"])
    second = merge(raw(seed=1).drop(columns="s_gen"), ["first"])
    out = rank({"wgan": main, "forest": second}, catalogue(), manifest(), "wgan")
    assert list(out["object_id"][:2]) == ["o0007", "o0030"]
    assert list(out["object_id"][-3:]) == ["o0001", "o0002", "o0005"]
    assert list(out["rank"][:57]) == list(range(1, 58)) and out["rank"][57:].isna().all()
    assert out["wgan_score"][:57].is_monotonic_decreasing
    assert out.set_index("object_id")["status"]["o0001"] == "not_fetched"
    assert list(out.columns)[-7:] == [
        *(f"wgan_{c}" for c in ("score", "sigma", "percentile", "s_gen")),
        *(f"forest_{c}" for c in ("score", "sigma", "percentile")),
    ]
    by_id = out.set_index("object_id")
    expected = second.set_index("object_id")["sigma"]
    pd.testing.assert_series_equal(by_id["forest_sigma"].sort_index(), expected, check_names=False)
    expected = main.set_index("object_id")["s_gen"].reindex(by_id.index)
    pd.testing.assert_series_equal(by_id["wgan_s_gen"], expected, check_names=False)
    for suffix in ("parquet", "csv"):
        path = tmp_path / f"ranked.{suffix}"
        tables.write("ranked", out, path)
        assert list(tables.read("ranked", path)["object_id"]) == list(out["object_id"])


def test_one_id_in_two_batches():
    twice = pd.DataFrame({"object_id": ["a", "a"], "batch": ["first", "night"]})
    scored = merge(twice.assign(score=[1.0, 2.0]), ["first", "night"])
    objects = twice.assign(ra_deg=1.0, dec_deg=1.0, label=None)
    out = rank({"d": scored}, objects, twice.assign(status=["ok", "invalid"]), "d")
    assert list(out["batch"]) == ["night", "first"]
    assert list(out["status"]) == ["invalid", "ok"]


def test_rank_without_manifest_or_scores():
    nothing = merge(raw().assign(score=np.nan), ["first"])
    out = rank({"d": nothing}, catalogue(), None, "d")
    assert out["rank"].isna().all() and (out["status"] == "ok").all()
    assert list(out["object_id"]) == list(raw()["object_id"])


def test_rank_refuses():
    scored = merge(raw(), ["first"])
    with pytest.raises(ConfigError, match="found 'forst', allowed: forest"):
        rank({"forest": scored}, catalogue(), None, "forst")
    with pytest.raises(ValueError, match="'o0059' is not in the catalogue"):
        rank({"d": scored}, catalogue().iloc[:-1], None, "d")
    with pytest.raises(ValueError, match=r"manifest.*'o0000'.*more than once"):
        rank({"d": scored}, catalogue(), pd.concat([manifest(), manifest()]), "d")
