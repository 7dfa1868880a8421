"""What every embedding must do, whichever the registry finds."""

import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from hoag import registry
from hoag.options import build

SMALL = {"som": {"columns": 8, "rows": 6}, "tsne": {"iterations": 250}}
HEAVY = [
    "torch",
    "sklearn",
    "scipy",
    "astropy",
    "galsim",
    "h5py",
    "PIL",
    "umap",
    "numba",
    "openTSNE",
]
KINDS = registry.names("embeddings")
N = 120


def two_clouds(seed=4):
    """Points that alternate between two clouds far apart, (120, 6)."""
    x = np.random.default_rng(seed).normal(size=(N, 6)).astype(np.float32)
    x[1::2] += 8
    return x


@pytest.fixture(params=KINDS)
def embed(request):
    section = {"kind": request.param, **SMALL.get(request.param, {})}

    def call(x, rows, seed=7, **changes):
        module, options = registry.plugin("embeddings", section | changes, "embeddings.test")
        return module.embed(x, np.asarray(rows), options, seed)

    return call


def nearest_other(xy, among):
    distance = np.hypot(*(xy[:, None] - xy[None, among]).transpose(2, 0, 1))
    distance[among, np.arange(len(among))] = np.inf
    return among[distance.argmin(axis=1)]


def test_clouds_stay_apart_and_further_points_find_theirs(embed):
    rows = np.arange(80)
    xy = embed(two_clouds(), rows)
    assert xy.shape == (N, 2) and xy.dtype == np.float64 and np.isfinite(xy).all()
    assert (nearest_other(xy, rows) % 2 == np.arange(N) % 2).mean() > 0.97


@pytest.mark.parametrize("threads", [1, 2])
def test_the_seed_fixes_the_plane(embed, threads):
    x, rows = two_clouds(), np.arange(80)
    with threadpool_limits(threads):
        xy = embed(x, rows)
    np.testing.assert_array_equal(xy, embed(x, rows))
    np.testing.assert_array_equal(xy, embed(x, rows[::-1]))


def test_groups_far_apart_have_the_same_plane_again(embed):
    """Each is a graph of its own, in which all are neighbours: its eigenvectors are not unique."""
    near = np.random.default_rng(2).normal(size=(6, 15, 6))
    x = (100 * np.eye(6)[:, None] + near).reshape(90, 6).astype(np.float32)
    np.testing.assert_array_equal(embed(x, np.arange(90)), embed(x, np.arange(90)))


@pytest.fixture
def among_approximate_neighbours(monkeypatch):
    """t-SNE looks for neighbours as it does where there are thousands."""
    from hoag.embeddings import tsne

    monkeypatch.setattr(tsne, "EXACT_BELOW", 50)


@pytest.mark.usefixtures("among_approximate_neighbours")
def test_no_place_depends_on_what_else_is_placed_among_many(embed):
    test_no_place_depends_on_what_else_is_placed(embed)


def test_no_place_depends_on_what_else_is_placed(embed):
    rng, rows = np.random.default_rng(4), np.arange(80)
    # crowded at the centre, sparse outside: edges there are light beside those of the centre
    x = (rng.normal(size=(N, 6)) * rng.gamma(1, size=(N, 1))).astype(np.float32)
    x[100] = x[3]  # a copy of a fitted object has the heaviest weight that there can be
    all_at_once = embed(x, rows)
    one_more = np.stack([embed(x[[*rows, i]], rows)[-1] for i in (80, 100, 119)])
    np.testing.assert_array_equal(one_more, all_at_once[[80, 100, 119]])
    np.testing.assert_array_equal(embed(x[rows], rows), all_at_once[rows])
    order = np.random.default_rng(1).permutation(np.arange(80, N))
    shuffled = embed(x[[*rows, *order]], rows)
    np.testing.assert_array_equal(shuffled[80:], all_at_once[order])
    shards = [embed(x[[*rows, *part]], rows)[80:] for part in np.array_split(order, 5)]
    np.testing.assert_array_equal(np.concatenate(shards), all_at_once[order])


@pytest.mark.parametrize(("tree_below", "method"), [(10_000, "bh"), (50, "fft")])
def test_tsne_places_by_the_method_of_its_fit(monkeypatch, tree_below, method):
    """By itself openTSNE takes another one for more rows, which moves all of them."""
    import openTSNE

    from hoag.embeddings import tsne

    asked = []
    monkeypatch.setattr(tsne, "TREE_BELOW", tree_below)
    original = openTSNE.TSNE.__init__
    monkeypatch.setattr(
        openTSNE.TSNE, "__init__", lambda self, **kw: asked.append(kw) or original(self, **kw)
    )
    options = build(tsne.Options, {"iterations": 10}, "x")
    assert np.isfinite(tsne.embed(two_clouds(), np.arange(80), options, 1)).all()
    assert [kw["negative_gradient_method"] for kw in asked] == [method]


def test_a_copy_of_a_fitted_object_lies_beside_it(embed):
    x, rows = two_clouds(), np.arange(80)
    x[80:100] = x[:20]
    xy = embed(x, rows)
    apart = np.hypot(*(xy[80:100] - xy[:20]).T)
    assert np.median(apart) < 0.1 * np.median(np.hypot(*(xy[rows] - xy[rows[::-1]]).T))


def test_incomplete_rows_have_no_place_and_change_nothing(embed):
    x = two_clouds()
    holed = np.insert(x, [0, 100], np.nan, axis=0)
    xy = embed(holed, np.arange(81))
    assert np.isnan(xy[[0, 101]]).all()
    np.testing.assert_array_equal(np.delete(xy, [0, 101], axis=0), embed(x, np.arange(80)))
    assert np.isnan(embed(holed, [0, 101])).all()
    assert embed(x[:0], []).shape == (0, 2)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 15, 16, 17])
def test_few_points_are_placed_too(embed, n):
    xy = embed(two_clouds()[: n + 3], np.arange(n))
    assert xy.shape == (n + 3, 2) and np.isfinite(xy).all()


def test_points_that_coincide_are_placed_too(embed):
    assert np.isfinite(embed(np.ones((40, 3), np.float32), np.arange(30))).all()
    assert np.isfinite(embed(np.ones((5, 1), np.float32), np.arange(3))).all()


def test_standardised_columns_have_no_units(embed):
    x, rows = two_clouds(), np.arange(80)
    rescaled = x * np.float32([2, 1, 64, 1, 0.5, 1])
    xy = embed(x, rows, standardise=True)
    np.testing.assert_allclose(embed(rescaled, rows, standardise=True), xy, atol=1e-6)
    assert not np.allclose(embed(rescaled, rows), embed(x, rows), atol=1e-6)


def test_plug_ins_import_light():
    modules = [registry.FAMILIES["embeddings"] + "." + k for k in KINDS]
    code = f"import sys, importlib; [importlib.import_module(m) for m in {modules}]; " + (
        f"print(*sorted(set({HEAVY}) & set(sys.modules)))"
    )
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path}; {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
