"""Isolation forests that are grown again."""

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from hoag import forests


@pytest.fixture
def sample():
    return np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)


def test_the_score_is_scikit_learn_s(sample):
    wanted = -IsolationForest(random_state=7).fit(sample).score_samples(sample)
    np.testing.assert_array_equal(forests.anomaly_score(sample, sample, 7 + 2**32), wanted)
    how = {"n_estimators": 30, "max_samples": 40, "bootstrap": True, "random_state": 7}
    few = IsolationForest(**how).fit(sample[:40])
    found = forests.anomaly_score(sample, sample[:40], 7, n_trees=30, bootstrap=True)
    np.testing.assert_array_equal(found, -few.score_samples(sample))
    assert forests.anomaly_score(sample[:0], sample, 7).shape == (0,)


def test_a_forest_that_is_asked_again_is_not_grown_again(sample, monkeypatch):
    grown = []
    fit = IsolationForest.fit
    monkeypatch.setattr(
        IsolationForest, "fit", lambda self, x: grown.append(len(x)) or fit(self, x)
    )
    monkeypatch.setattr(forests, "_last", {})
    first = forests.anomaly_score(sample, sample, 7)
    np.testing.assert_array_equal(forests.anomaly_score(sample, sample.copy(), 7), first)
    assert grown == [300]
    changed = sample.copy()
    changed[5, 2] = 9
    for x, seed, how in ((sample, 8, {}), (sample, 7, {"n_trees": 9}), (changed, 7, {})):
        assert (forests.anomaly_score(sample, x, seed, **how) != first).any()
    np.testing.assert_array_equal(forests.anomaly_score(sample, sample, 7), first)
    assert len(grown) == 5 and len(forests._last) == 1
