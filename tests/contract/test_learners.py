"""What every learner and every strategy must do, whichever the registry finds."""

import dataclasses
import functools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from hoag import registry
from hoag.active.contract import RESERVE, Answers, Predictions

SMALL = {
    "ahunt": {"epochs": 20, "batch_size": 16, "dropout": 0.1, "n_passes": 3},
    "static": {"epochs": 20, "batch_size": 16, "dropout": 0.1, "n_passes": 3},
    "neighbour_score": {"n_trees": 20},
    "aad": {"n_trees": 20},
    "detector": {"detector": {"kind": "isolation_forest", "n_trees": 20}},
    "pine_forest": {"n_trees": 20, "n_spare_trees": 20},
    "iforest_latent_dynamic": {"epochs": 2},
    "iforest_latent_static": {"epochs": 2},
}
HEAVY = ["torch", "sklearn", "scipy", "coniferest", "h5py", "PIL", "numba"]
LEARNERS = registry.names("learners")
STRATEGIES = registry.names("strategies")
CASES = [(k, t) for k in LEARNERS for t in registry.load("learners", k).TAKES]
N, N_KNOWN = 90, 40


def objects(takes, n=N, seed=2):
    """Two known classes and, last in every ten, a third one far from both; and their classes."""
    rng = np.random.default_rng(seed)
    classes = np.array(["a", "b"] * 5 * (n // 10), dtype=object)[:n]
    classes[9::10] = "odd"
    place = {"a": 0, "b": 1, "odd": 2}
    rows = np.array([place[c] for c in classes])
    if takes == "vectors":
        centres = np.array([[4.0, 0, 0, 0], [0, 4.0, 0, 0], [-5.0, -5.0, 6.0, 0]])
        return (centres[rows] + rng.normal(0, 0.5, (n, 4))).astype(np.float32), classes
    images = rng.integers(0, 30, (n, 12, 12, 1))
    for i, r in enumerate(rows):
        images[i, 4 * r : 4 * r + 4] += 200
    return images.astype(np.uint8), classes


def answers_of(classes, index):
    interest = np.where(classes[index] == "odd", 5.0, 0.0)
    return Answers(np.asarray(index), classes[index], interest)


def built(family, kind):
    section = {"kind": kind, **(SMALL.get(kind, {}) if family == "learners" else {})}
    return registry.plugin(family, section, kind)


@functools.cache
def taught(kind, takes, rounds=2):
    """State and predictions after some rounds; a few odd ones are answered in the second."""
    module, options = built("learners", kind)
    x, classes = objects(takes)
    state = None
    for r in range(rounds):
        index = np.flatnonzero(np.arange(N) < N_KNOWN)
        index = index[classes[index] != "odd"] if r == 0 else index
        state = module.learn(x, answers_of(classes, index), options, seed=r, previous=state)
    return module, options, x, classes, state


@pytest.mark.parametrize(("kind", "takes"), CASES)
class TestLearners:
    def test_predictions_are_finite_and_as_promised(self, kind, takes):
        module, options, x, _, state = taught(kind, takes)
        found = module.predict(x, options, state)
        value = found.of("odd")
        assert value.shape == (N,) and value.dtype == np.float64 and np.isfinite(value).all()
        assert ("classes" in module.GIVES) == bool(found.classes)
        assert ("latent" in module.GIVES) == (found.latent is not None)
        if found.classes:
            assert RESERVE in found.classes and found.logits.shape == (N, len(found.classes))
        if "passes" in module.GIVES:
            assert found.passes.shape == (3, N, len(found.classes))

    def test_the_state_is_plain_arrays(self, kind, takes, tmp_path):
        module, options, x, _, state = taught(kind, takes)
        np.savez(tmp_path / "state.npz", **state)
        with np.load(tmp_path / "state.npz", allow_pickle=False) as file:
            again = dict(file)
        first, second = (module.predict(x, options, s).of("odd") for s in (state, again))
        np.testing.assert_array_equal(first, second)

    def test_each_object_is_predicted_by_itself(self, kind, takes):
        module, options, x, _, state = taught(kind, takes)
        whole = module.predict(x, options, state).of("odd")
        part = module.predict(x[60:71], options, state).of("odd")
        np.testing.assert_allclose(part, whole[60:71], rtol=1e-4, atol=1e-4)
        assert len(module.predict(x[:0], options, state).of("odd")) == 0

    @pytest.mark.parametrize("threads", [1, 2])
    def test_the_seed_decides(self, kind, takes, threads):
        first = taught(kind, takes)
        with threadpool_limits(threads):
            second = taught.__wrapped__(kind, takes)
        for name, value in first[-1].items():
            np.testing.assert_array_equal(second[-1][name], value, err_msg=name)

    def test_learning_does_not_change_what_it_is_given(self, kind, takes):
        module, options, x, classes, state = taught(kind, takes)
        before = {k: v.copy() for k, v in state.items()}
        pixels, known = x.copy(), answers_of(classes, np.arange(N_KNOWN))
        module.learn(x, known, options, seed=3, previous=state)
        np.testing.assert_array_equal(x, pixels)
        assert all(np.array_equal(state[k], v) for k, v in before.items())


@pytest.mark.parametrize("family", ["learners", "strategies"])
def test_imports_are_light(family):
    names = ", ".join(f"{registry.FAMILIES[family]}.{kind}" for kind in registry.names(family))
    code = f"import sys, {names}; print([m for m in {HEAVY!r} if m in sys.modules])"
    path = Path(__file__).parents[2] / "workflow"
    command, env = [sys.executable, "-c", code], {"PYTHONPATH": str(path)}
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    assert done.stdout.strip() == "[]", done.stderr


LEARN = [c for c in CASES if not c[0].startswith(("iforest", "static", "detector"))]


@pytest.mark.parametrize(("kind", "takes"), LEARN)
def test_answers_bring_more_of_their_kind_to_the_top(kind, takes):
    module, options, x, classes, state = taught(kind, takes, rounds=3)
    value = module.predict(x, options, state).of("odd")[N_KNOWN:]
    is_odd = classes[N_KNOWN:] == "odd"
    assert np.median(value[is_odd]) > np.percentile(value[~is_odd], 90)


def predictions(n=60, seed=1):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 3))
    passes = rng.dirichlet([1, 1, 1], (4, n)).astype(np.float32)
    return Predictions(("a", RESERVE, "odd"), logits, latent=rng.normal(size=(n, 5)), passes=passes)


@pytest.mark.parametrize("kind", STRATEGIES)
class TestStrategies:
    def select(self, kind, found, n, candidates, seed=0):
        module, options = built("strategies", kind)
        rng = np.random.default_rng(seed)
        return module.select(found, "odd", n, candidates, options, rng)

    def test_asks_n_different_candidates(self, kind):
        candidates = np.arange(60) % 3 == 0
        chosen = self.select(kind, predictions(), 7, candidates)
        assert len(set(chosen.tolist())) == 7 and candidates[chosen].all()

    def test_asks_all_where_there_are_fewer(self, kind):
        candidates = np.arange(60) < 4
        assert sorted(self.select(kind, predictions(), 9, candidates)) == [0, 1, 2, 3]
        assert len(self.select(kind, predictions(), 9, ~np.ones(60, bool))) == 0
        assert len(self.select(kind, predictions(), 0, candidates)) == 0

    def test_the_generator_decides(self, kind):
        candidates = np.ones(60, bool)
        first, second = (self.select(kind, predictions(), 5, candidates) for _ in range(2))
        np.testing.assert_array_equal(first, second)

    def test_needs_no_more_than_it_says(self, kind):
        module, _ = built("strategies", kind)
        whole, given = predictions(), set(module.NEEDS)
        less = dataclasses.replace(
            whole,
            latent=whole.latent if "latent" in given else None,
            passes=whole.passes if "passes" in given else None,
        )
        if not given & {"classes", "passes", "latent"}:
            less = Predictions(score=whole.of("odd"))
        assert len(self.select(kind, less, 5, np.ones(60, bool))) == 5
