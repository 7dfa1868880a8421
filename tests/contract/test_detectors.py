"""What every detector of vectors or of predictions must do, whichever the registry finds.

Also what makes each of the plain ones what it is, against an independent computation.
"""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr
from threadpoolctl import threadpool_limits

from hoag import registry
from hoag.options import ConfigError
from hoag.predicted import UNKNOWN, Predicted, entropy, softmax

SMALL = {"column": {"column": "f0"}}  # kind -> options
DRAWS = {"max_fit": 100}  # for detectors that fit to a random sample
DATA = Path(__file__).parents[1] / "data"
HEAVY = ["torch", "sklearn", "scipy", "astropy", "galsim", "h5py", "PIL", "umap", "numba"]
KINDS = registry.names("detectors")
TAKEN = {kind: registry.load("detectors", kind).TAKES for kind in KINDS}
ON_VECTORS = [kind for kind in KINDS if TAKEN[kind] == "vectors"]
ON_PREDICTIONS = [kind for kind in KINDS if TAKEN[kind] == "predictions"]


def vectors(n=300, d=5, seed=5):
    """A cloud of points; the last one lies far out in every column."""
    x = np.random.default_rng(seed).normal(10, 1, (n, d))
    x[-1] = 30
    return x.astype(np.float32)


def fit(kind, x, seed=7, **changes):
    section = {"kind": kind, **SMALL.get(kind, {}), **changes}
    module, options = registry.plugin("detectors", section, f"detectors.{kind}")
    names = {"names": [f"f{i}" for i in range(x.shape[1])]}
    extra = names if getattr(module, "NEEDS_NAMES", False) else {}
    return module, options, module.fit(x, options, seed, **extra)


def fit_and_score(kind, x, rows=None, **changes):
    module, options, state = fit(kind, x, **changes)
    return module.score(x if rows is None else rows, options, state)


@pytest.mark.parametrize("kind", ON_VECTORS)
class TestContract:
    def test_the_outlier_scores_highest(self, kind):
        scores = fit_and_score(kind, vectors())
        assert scores.dtype == np.float64 and scores.shape == (300,)
        assert np.isfinite(scores).all() and scores.argmax() == 299

    def test_the_outlier_need_not_be_in_the_fit(self, kind):
        scores = fit_and_score(kind, vectors()[:-1], vectors())
        assert scores.argmax() == 299

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_incomplete_rows_score_nan_and_change_nothing(self, kind, bad):
        x = vectors()
        holed = np.insert(x, [0, 50], np.float32(20), axis=0)
        holed[[0, 51], 0] = bad
        scores = fit_and_score(kind, holed)
        assert np.isnan(scores[[0, 51]]).all()
        np.testing.assert_array_equal(np.delete(scores, [0, 51]), fit_and_score(kind, x))

    @pytest.mark.parametrize("threads", [1, 2])
    def test_scores_depend_on_the_seed_alone(self, kind, threads):
        x = vectors()
        module = registry.load("detectors", kind)
        changes = DRAWS if "max_fit" in module.Options.__dataclass_fields__ else {}
        expected = fit_and_score(kind, x, **changes)
        with threadpool_limits(threads):
            np.testing.assert_array_equal(fit_and_score(kind, x, **changes), expected)

    def test_scores_do_not_depend_on_the_batch(self, kind):
        x = vectors()
        module, options, state = fit(kind, x)
        whole = module.score(x, options, state)
        parts = [module.score(x[a:b], options, state) for a, b in ((0, 1), (1, 120), (120, 300))]
        np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-12)
        assert module.score(x[:0], options, state).shape == (0,)

    def test_state_survives_a_file_without_pickle(self, kind, tmp_path):
        x = vectors()
        module, options, state = fit(kind, x)
        assert all(np.asarray(v).dtype != object for v in state.values())
        np.savez(tmp_path / "state.npz", **state)
        with np.load(tmp_path / "state.npz", allow_pickle=False) as file:
            read = dict(file)
        again = module.score(x, options, read)
        np.testing.assert_array_equal(again, module.score(x, options, state))

    def test_equal_objects_score_alike(self, kind):
        x = np.repeat(vectors(), 2, axis=0)
        scores = fit_and_score(kind, x)
        np.testing.assert_array_equal(scores[::2], scores[1::2])

    def test_odd_samples_do_not_stop_it(self, kind):
        copies = vectors()
        copies[:200] = copies[0]
        for x in (np.ones((50, 3), np.float32), copies, np.repeat(vectors(), 3, axis=0)):
            assert np.isfinite(fit_and_score(kind, x)).all()
        for x in (vectors(1), vectors(2), np.full((4, 3), np.nan, np.float32)):
            assert not np.isinf(fit_and_score(kind, x)).any()

    def test_constant_columns_hide_nothing(self, kind):
        x = vectors()
        x[:, 1:] = 4
        scores = fit_and_score(kind, x)
        assert np.isfinite(scores).all() and scores.argmax() == 299

    def test_a_fit_to_one_object_finds_no_other_more_ordinary(self, kind):
        found = fit_and_score(kind, vectors(1), vectors(1) + np.float32([[0], [3], [30]]))
        assert found.shape == (3,) and not np.isinf(found).any()
        said = found[~np.isnan(found)]  # an object isn't its own neighbour
        assert (np.diff(said) >= 0).all()

    def test_scores_rise_outwards(self, kind):
        x = vectors()[:-1]
        near, out, far = fit_and_score(kind, x, np.float32([[10], [14], [30]]) * np.ones(5))
        assert near < out <= far + 1e-9

    def test_few_odd_ones_among_2000_are_found(self, kind):
        rng = np.random.default_rng(3)
        x = rng.normal(size=(2000, 4)).astype(np.float32)
        x[:8] += 8 * rng.choice([-1, 1], (8, 4))
        x[:8, 0] = 8  # what `column` sees
        scores = fit_and_score(kind, x)
        assert np.isfinite(scores).all() and set(np.argsort(scores)[-8:]) == set(range(8))


def predictions(n=300, seed=5):
    """A classifier that is sure of two kinds of object; the last one is unlike either.

    Its networks disagree, each of its passes is in doubt, and the passes differ.
    """
    rng = np.random.default_rng(seed)
    classes = np.arange(n) % 2
    side = (2 * classes - 1)[:, None]
    passes = np.stack([-side, side], axis=2)[None, :, 0] * rng.normal(4, 0.3, (20, n, 1))
    passes[:, -1] = np.where(np.arange(20)[:, None] % 2, [[1, 0]], [[0, 1]])
    members = softmax(np.stack([-side, side], axis=2) * rng.normal(4, 0.3, (n, 3, 1)))
    members[-1] = [[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]]
    latent = rng.normal(0, 0.3, (n, 4)) + 5 * side * [1, 0, 0, 0]
    latent[-1] = [0, 9, 0, 0]
    p = softmax(passes)
    logits = passes.mean(axis=0)
    found = Predicted(
        logits=logits,
        mean_logits=logits,
        p=p.mean(axis=0),
        expected_entropy=entropy(p).mean(axis=0),
        latent=latent,
        members=members,
    )
    classes[n // 2 :] = UNKNOWN
    return found, classes


def fit_to_predictions(kind, found, classes):
    module, options = registry.plugin("detectors", {"kind": kind}, f"detectors.{kind}")
    return module, options, module.fit(found, options, 7, classes=classes)


@pytest.mark.parametrize("kind", ON_PREDICTIONS)
class TestContractOfPredictions:
    def test_the_doubtful_object_scores_highest(self, kind):
        found, classes = predictions(2000)
        module, options, state = fit_to_predictions(kind, found, classes)
        scores = module.score(found, options, state)
        assert scores.shape == (2000,) and scores.dtype == np.float64
        assert np.isfinite(scores).all() and scores.argmax() == 1999

    def test_state_survives_a_file_without_pickle(self, kind, tmp_path):
        found, classes = predictions()
        module, options, state = fit_to_predictions(kind, found, classes)
        np.savez(tmp_path / "state.npz", **state)
        with np.load(tmp_path / "state.npz", allow_pickle=False) as file:
            read = dict(file)
        again = module.score(found, options, read)
        np.testing.assert_array_equal(again, module.score(found, options, state))

    def test_nothing_known_gives_no_infinity(self, kind):
        found, classes = predictions()
        module, options, state = fit_to_predictions(kind, found, np.full_like(classes, UNKNOWN))
        scores = module.score(found, options, state)
        assert scores.shape == (300,) and not np.isinf(scores).any()

    def test_equal_objects_score_alike(self, kind):
        found, classes = predictions()
        module, options, state = fit_to_predictions(kind, found, classes)
        scores = module.score(found.rows(np.repeat(np.arange(300), 2)), options, state)
        np.testing.assert_array_equal(scores[::2], scores[1::2])

    def test_threads_change_nothing(self, kind):
        found, classes = predictions()
        scores = []
        for threads in (1, 2):
            with threadpool_limits(threads):
                module, options, state = fit_to_predictions(kind, found, classes)
                scores.append(module.score(found, options, state))
        np.testing.assert_array_equal(*scores)

    def test_one_object_or_a_constant_layer_do_not_stop_it(self, kind):
        found, classes = predictions()
        one = found.rows([0])
        module, options, state = fit_to_predictions(kind, one, classes[:1])
        assert not np.isinf(module.score(one, options, state)).any()
        flat = dataclasses.replace(found, latent=np.ones_like(found.latent))
        module, options, state = fit_to_predictions(kind, flat, classes)
        assert np.isfinite(module.score(flat, options, state)).all()


def test_isolation_forest_is_the_library_s_with_its_sign_turned():
    from sklearn.ensemble import IsolationForest

    x = vectors()
    forest = IsolationForest(n_estimators=200, max_samples=256, random_state=7).fit(x)
    np.testing.assert_array_equal(fit_and_score("isolation_forest", x), -forest.score_samples(x))


def test_isolation_forest_of_one_object_scores_it():
    assert np.isfinite(fit_and_score("isolation_forest", vectors(1))).all()


@pytest.mark.parametrize("standardise", [False, True])
def test_neighbours_are_those_of_an_exhaustive_search(standardise):
    x = vectors() * np.float32([1, 10, 100, 1, 1]) + np.float32([0, 0, 0, 1000, 0])
    rows = np.vstack([x, vectors(40, seed=9)])
    scores = fit_and_score("k_nearest_neighbours", x, rows, k=4, standardise=standardise)
    scale = x.astype(float).std(axis=0) if standardise else 1.0
    distances = np.sort(cdist(rows / scale, x / scale), axis=1)
    expected = np.append(distances[:300, 1:5].mean(axis=1), distances[300:, :4].mean(axis=1))
    np.testing.assert_allclose(scores, expected, rtol=1e-5)


def test_one_zero_distance_is_dropped_and_no_more():
    x = np.float32([[0], [0], [0], [3], [10]])
    scores = fit_and_score("k_nearest_neighbours", x, k=2)
    np.testing.assert_allclose(scores, [0, 0, 0, 3, 8.5])
    assert np.isnan(fit_and_score("k_nearest_neighbours", x[:1])).all()
    np.testing.assert_allclose(fit_and_score("k_nearest_neighbours", x[3:], k=5), [7, 7])


@pytest.mark.parametrize("kind", ["isolation_forest", "k_nearest_neighbours"])
def test_the_fit_is_limited_to_a_random_sample(kind):
    x = vectors(400)
    samples = [fit(kind, x, seed, max_fit=50)[2]["sample"] for seed in (1, 1, 2)]
    assert samples[0].shape == (50, 5)
    np.testing.assert_array_equal(samples[0], samples[1])
    assert (samples[0] != samples[2]).any()
    assert {tuple(r) for r in samples[0]} <= {tuple(r) for r in x}


@pytest.mark.parametrize("kind", ["isolation_forest", "k_nearest_neighbours"])
def test_another_number_of_columns_is_refused(kind):
    with pytest.raises(ValueError, match="found 4 columns, allowed: the 5"):
        fit_and_score(kind, vectors(), vectors(d=4))


def test_column_takes_the_named_one_with_its_sign():
    x = vectors()
    np.testing.assert_array_equal(fit_and_score("column", x, column="f2", sign=-1), -x[:, 2])


def test_column_names_those_that_there_are():
    with pytest.raises(ConfigError, match="found 'f9', allowed: f0, f1"):
        fit("column", vectors(d=2), column="f9")


def test_plug_ins_import_light():
    modules = [registry.FAMILIES["detectors"] + "." + k for k in KINDS]
    code = f"import sys, importlib; [importlib.import_module(m) for m in {modules}]; " + (
        f"print(*sorted(set({HEAVY}) & set(sys.modules)))"
    )
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path}; {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


# --- extended isolation forest


def eif(x, rows=None, **options):
    return fit_and_score("extended_isolation_forest", x, rows, **options)


def test_a_forest_of_two_objects_is_the_formula_by_hand():
    """Every tree parts the two at once, or puts both into one leaf at the limit of 1."""
    x = np.array([[0.0, 0.0], [1.0, 2.0]], np.float32)
    c2 = 2 * (np.log(1) + 0.5772156649) - 2 * 1 / 2
    for seed in range(8):
        found = eif(x, seed=seed, n_trees=1, max_samples=2)
        parted, together = 2.0 ** (-1 / c2), 2.0 ** (-(1 + c2) / c2)
        assert any(np.isclose(found, value).all() for value in (parted, together)), found


def test_the_mean_path_of_a_search_is_the_published_one():
    """c(n) = 2 H(n - 1) - 2 (n - 1) / n with H(i) = ln(i) + Euler's number (eq. 2 of the paper)."""
    from hoag.detectors import _forest_loops as loops

    assert loops.expected_path(1) == 0
    assert loops.expected_path(2) == pytest.approx(0.1544313298)
    assert loops.expected_path(256) == pytest.approx(10.2447701)


def test_a_tree_of_four_points_on_a_line_is_one_of_those_by_hand():
    """Limit log2(4) = 2: a point is set apart at once (path 1), in the second step (2), or ends
    beside a neighbour (2 + c(2))."""
    x = np.array([[0.0], [1.0], [3.0], [7.0]], np.float32)
    c2, c4 = (2 * (np.log(k - 1) + 0.5772156649) - 2 * (k - 1) / k for k in (2, 4))
    one, two, pair = 1.0, 2.0, 2 + c2
    by_hand = {
        (one, two, pair, pair),  # 0 first, then 1 | 3 7
        (one, pair, pair, two),  # 0 first, then 1 3 | 7
        (two, two, two, two),  # 0 1 | 3 7 first
        (two, pair, pair, one),  # 7 first, then 0 | 1 3
        (pair, pair, two, one),  # 7 first, then 0 1 | 3
    }
    found = {}
    for seed in range(300):
        scores = eif(x, seed=seed, n_trees=1, max_samples=4)
        paths = tuple(np.round(-np.log2(scores) * c4, 9))
        found[paths] = found.get(paths, 0) + 1
    assert set(found) == {tuple(np.round(p, 9)) for p in by_hand}
    # a cut is uniform over the range of 7: it sets the point at 0 apart with chance 1/7, both pairs
    # apart with 2/7, and the point at 7 with 4/7
    share = {k: n / 300 for k, n in found.items()}
    assert share[two, two, two, two] == pytest.approx(2 / 7, abs=0.08)
    first_apart = sum(n for paths, n in share.items() if paths[0] == one)
    assert first_apart == pytest.approx(1 / 7, abs=0.07)


def test_extension_level_zero_is_the_standard_forest():
    """Same distribution of scores as scikit-learn's, whose c(2) is 1 instead of 0.154."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 4)).astype(np.float32)
    probes = np.concatenate([x[:300], rng.normal(0, 4, (100, 4))]).astype(np.float32)
    extended = eif(x, probes, extension_level=0, n_trees=400)
    standard = fit_and_score("isolation_forest", x, probes, n_trees=400)
    assert np.corrcoef(extended, standard)[0, 1] > 0.98


@pytest.mark.parametrize("level", [0, 1])
def test_isotree_s_forest_scores_alike(level):
    """Ranks agree with isotree's as well as with those of another seed.

    ``isotree.csv`` holds what isotree 0.6.1.post10 makes of the same draw, as
    ``IsolationForest(ntrees=300, sample_size=256, ndim=level + 1, standardize_data=False,
    missing_action="fail", nthreads=1, random_seed=1)``.
    """
    x = np.random.default_rng(3).normal(size=(500, 4)).astype(np.float32)
    ours, again = (eif(x, seed=s, extension_level=level, n_trees=300) for s in (1, 2))
    theirs = np.loadtxt(DATA / "isotree.csv", delimiter=",", skiprows=1)[:, level]
    assert spearmanr(ours, theirs)[0] > spearmanr(ours, again)[0] - 0.02


def test_no_ghosts_between_blobs():
    """Two blobs on a diagonal: the standard forest scores the empty corners too low (Fig. 2)."""
    rng = np.random.default_rng(1)
    centres = np.array([[0.0, 10.0], [10.0, 0.0]])
    x = (centres[np.arange(1000) % 2] + rng.normal(size=(1000, 2))).astype(np.float32)
    ghosts = np.array([[0.0, 0.0], [10.0, 10.0]], np.float32)
    far = np.array([[-5.0, -5.0], [15.0, 15.0]], np.float32)

    def gap(level):
        found = eif(x, np.concatenate([ghosts, far]), extension_level=level, n_trees=400)
        return found[2:].mean() - found[:2].mean()

    assert gap(0) > 2 * gap(1) and gap(0) > 0.1


@pytest.mark.parametrize("level", [0, 2, None])
def test_forests_are_the_same_on_any_number_of_threads(level):
    import numba

    x, before = vectors(), numba.get_num_threads()
    expected = eif(x, extension_level=level)
    try:
        numba.set_num_threads(1)
        np.testing.assert_array_equal(eif(x, extension_level=level), expected)
    finally:
        numba.set_num_threads(before)


def test_trees_do_not_depend_on_how_many_are_held_at_a_time(monkeypatch):
    module = registry.load("detectors", "extended_isolation_forest")
    expected = eif(vectors())
    monkeypatch.setattr(module, "_CUTS", 1)
    np.testing.assert_allclose(eif(vectors()), expected, rtol=1e-12)


def test_an_extension_level_beyond_the_columns_is_refused():
    with pytest.raises(ConfigError, match=r"extension_level: found 5, allowed: 0\.\.4"):
        eif(vectors(), extension_level=5)


# --- detectors that are fitted again before scoring


def test_local_outlier_factor_is_the_library_s_with_its_sign_turned():
    from sklearn.neighbors import LocalOutlierFactor

    x, rows = vectors(), vectors(40, seed=9)
    forest = LocalOutlierFactor(n_neighbors=20, novelty=True).fit(x.astype(float))
    found = fit_and_score("local_outlier_factor", x, rows, n_neighbours=20, standardise=False)
    np.testing.assert_allclose(found, -forest.score_samples(rows.astype(float)))


def test_a_local_outlier_factor_of_too_few_objects_is_said_in_the_log(caplog):
    module = registry.load("detectors", "local_outlier_factor")
    x = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32)
    for n, is_said in ((19, False), (20, True)):
        caplog.clear()
        module.fit(x, module.Options(n_neighbours=n), 1)
        assert ("found 20 complete rows, allowed" in caplog.text) == is_said


@pytest.mark.parametrize("kind", ["local_outlier_factor", "one_class_svm", "gaussian_mixture"])
def test_units_of_the_columns_don_t_matter_when_standardised(kind):
    x = vectors()
    other = x * np.float32([1, 100, 1e-3, 1, 7]) + np.float32([5, 0, 0, 0, 0])
    np.testing.assert_allclose(fit_and_score(kind, other), fit_and_score(kind, x), rtol=2e-3)


def test_a_large_fit_approximates_the_kernel():
    module = registry.load("detectors", "one_class_svm")
    x = vectors(400)
    exact = fit_and_score("one_class_svm", x)
    before, module.EXACT_UP_TO = module.EXACT_UP_TO, 300
    try:
        near = fit_and_score("one_class_svm", x, n_components=250)
    finally:
        module.EXACT_UP_TO = before
    assert near.argmax() == exact.argmax() == 399
    assert not np.array_equal(near, exact) and np.corrcoef(near, exact)[0, 1] > 0.7


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_a_few_odd_ones_get_no_gaussian_of_their_own(covariance):
    x = vectors(400)
    x[-3:] = 30 + np.arange(3)[:, None]
    found = fit_and_score("gaussian_mixture", x, covariance=covariance)
    assert set(np.argsort(found)[-3:]) == {397, 398, 399}


def test_gaussians_of_many_columns_are_kept():
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 20, (8, 60))
    x = (centres[np.arange(480) % 8] + rng.normal(size=(480, 60))).astype(np.float32)
    new = (centres[np.arange(80) % 8] + rng.normal(size=(80, 60))).astype(np.float32)
    far = rng.normal(0, 20, (80, 60)).astype(np.float32)
    found = fit_and_score("gaussian_mixture", x, np.concatenate([new, far]), covariance="diag")
    assert found[:80].max() < found[80:].min()
