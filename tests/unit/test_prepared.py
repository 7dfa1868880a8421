"""Feature spaces made of others, against scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from hoag.features import prepared
from hoag.options import ConfigError, build


def table(n=50, missing=0, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)) @ rng.normal(size=(4, 4)) * [1, 10, 100, 0.1] + [0, 5, -300, 2]
    x.ravel()[rng.choice(x.size, missing, replace=False)] = np.nan
    frame = pd.DataFrame(x.astype(np.float32), columns=["a", "b", "c", "d"])
    return frame.assign(object_id=[f"{i}" for i in range(n)])


def run(frame, later=None, **options):
    options = prepared.Options(of=("some",), **options)
    state = prepared.fit(frame, options, 1)
    x = prepared.transform(frame if later is None else later, options, state)
    assert x.dtype == np.float32 and x.shape[1] == len(prepared.names(options, state))
    return x, prepared.names(options, state)


def values(frame):
    return frame[["a", "b", "c", "d"]].to_numpy(np.float64)


def test_scaling_is_that_of_scikit_learn():
    frame, later = table(missing=9), table(seed=2)
    scaler = StandardScaler().fit(values(frame))
    x, names = run(frame)
    np.testing.assert_allclose(x, scaler.transform(values(frame)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        run(frame, later)[0], scaler.transform(values(later)), rtol=1e-4, atol=1e-5
    )
    assert names == ["a", "b", "c", "d"] and np.isnan(x).sum() == 9


def test_missing_values_are_medians_and_flagged():
    frame = table(missing=9)
    x, names = run(frame, impute=True, scale=False)
    expected = SimpleImputer(strategy="median").fit_transform(values(frame))
    np.testing.assert_allclose(x[:, :4], expected, rtol=1e-5)
    assert names[4] == "missing"
    np.testing.assert_array_equal(x[:, 4], np.isnan(values(frame)).any(axis=1))


def test_a_column_that_is_called_missing_is_refused_beside_the_flag():
    frame = table(missing=9).rename(columns={"b": "missing"})
    assert prepared.fit(frame, prepared.Options(of=("x",)), 1)
    with pytest.raises(ValueError, match="found a column 'missing', allowed with impute: other"):
        prepared.fit(frame, prepared.Options(of=("x",), impute=True), 1)


def test_components_are_those_of_scikit_learn():
    frame = table(missing=3)
    complete = values(frame)[~np.isnan(values(frame)).any(axis=1)]
    scaler = StandardScaler().fit(values(frame))
    pca = PCA(2, svd_solver="full").fit(scaler.transform(complete))
    x, names = run(frame, n_components=2)
    known = ~np.isnan(x).any(axis=1)
    assert names == ["pc_1", "pc_2"] and known.sum() == len(complete)
    np.testing.assert_allclose(x[known], pca.transform(scaler.transform(complete)), atol=1e-3)


def test_as_many_components_as_explain_the_share():
    frame = table()
    ratios = PCA().fit(StandardScaler().fit_transform(values(frame))).explained_variance_ratio_
    share = float(ratios[:2].sum()) - 1e-6
    assert len(run(frame, explained=share)[1]) == 2
    assert len(run(frame, explained=share + 2e-6)[1]) == 3


def test_filled_in_rows_have_components_too():
    x, names = run(table(missing=20), impute=True, n_components=3)
    assert names == ["pc_1", "pc_2", "pc_3", "missing"] and np.isfinite(x).all()
    assert set(x[:, 3]) == {0, 1}


def test_a_column_without_values_or_spread_stays_harmless():
    frame = table().assign(a=np.float32(0.1), b=np.float32(np.nan))
    x, _ = run(frame)
    assert (x[:, 0] == 0).all() and np.isnan(x[:, 1]).all()
    x, _ = run(frame, impute=True, n_components=2)
    assert np.isfinite(x).all()
    assert not x[:, -1].any(), "nobody lacks what there is of nobody"
    with pytest.raises(ValueError, match="found 0 complete rows, allowed: 2 or more"):
        run(frame, n_components=2)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"of": []}, "of: found no name"),
        ({"of": ["a"], "n_components": 2, "explained": 0.9}, "explained: found 0.9, allowed: null"),
    ],
)
def test_options_that_contradict_each_other(section, message):
    with pytest.raises(ConfigError, match=message):
        build(prepared.Options, section, "features.ready")
