"""Neighbours against scikit-learn's, planted duplicates and faults, more like a few examples."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_distances, euclidean_distances

from hoag import registry
from hoag.detectors import k_nearest_neighbours
from hoag.images.chain import build_chain
from hoag.retrieval import from_one_example
from hoag.similarity import build_index, more_like, neighbours
from hoag.surveys import simulated


def draw(n=300, d=8, seed=4):
    """Vectors in columns of very different sizes, and their ids."""
    rng = np.random.default_rng(seed)
    x = rng.normal(2, 1, (n, d)) * 10.0 ** rng.uniform(-1, 1, d)
    return [f"object-{i:04d}" for i in range(n)], x.astype(np.float32)


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_neighbours_are_scikit_learn_s(distance, standardise):
    ids, x = draw()
    index = build_index(ids, x, distance=distance, standardise=standardise, seed=1)
    scaled = x.astype(float) / (x.astype(float).std(axis=0) if standardise else 1)
    measure = {"euclidean": euclidean_distances, "cosine": cosine_distances}[distance]
    apart = measure(scaled)[7]
    order = np.delete(np.argsort(apart), np.flatnonzero(np.argsort(apart) == 7))
    for farthest, expected in ((False, order[:20]), (True, order[::-1][:20])):
        found = neighbours(index, ids[7], 20, farthest=farthest)
        assert found.object_ids.tolist() == [ids[i] for i in expected]
        np.testing.assert_allclose(found.distances, apart[expected], rtol=1e-4)


def test_standardised_distances_are_the_detector_s():
    ids, x = draw()
    options = k_nearest_neighbours.Options(k=5, standardise=True)
    state = k_nearest_neighbours.fit(x, options, seed=1)
    mean = k_nearest_neighbours.score(x[:3], options, state)
    index = build_index(ids, x, standardise=True, seed=1)
    ours = [neighbours(index, i, 5).distances.mean() for i in ids[:3]]
    np.testing.assert_allclose(ours, mean, rtol=1e-5)


@pytest.mark.parametrize("exact_rows", [100_000, 100])
def test_planted_duplicates_are_first(exact_rows):
    ids, x = draw(n=5000, d=20)
    rng = np.random.default_rng(5)
    planted = x[:50] + (1e-3 * x.std(axis=0) * rng.normal(size=(50, 20))).astype(np.float32)
    planted[:5] = x[:5]  # and exact ones, which must not be taken for the query itself
    index = build_index(
        [*ids, *(f"copy-{i:04d}" for i in range(50))],
        np.concatenate([x, planted]),
        exact_rows=exact_rows,
        seed=1,
    )
    first = [neighbours(index, name, 1).object_ids[0] for name in ids[:50]]
    assert first == [f"copy-{i:04d}" for i in range(50)]
    assert neighbours(index, ids[0], 1).distances[0] == 0


def correlated(n, d=30, seed=6):
    x = np.random.default_rng(seed).normal(size=(n, d)) / np.sqrt(np.arange(1, d + 1))
    return x.astype(np.float32)


def test_approximate_neighbours_are_nearly_all_of_them():
    x = correlated(20_000)
    ids = np.arange(len(x)).astype(str)
    exact, quick = (build_index(ids, x, exact_rows=n, seed=1) for n in (len(x), 10))
    assert exact.lists is None and quick.lists is not None
    shared = [
        len(set(neighbours(exact, i, 10).object_ids) & set(neighbours(quick, i, 10).object_ids))
        for i in ids[:100]
    ]
    assert np.mean(shared) / 10 >= 0.95
    for i in ids[:3]:
        far = [neighbours(index, i, 10, farthest=True).object_ids for index in (exact, quick)]
        np.testing.assert_array_equal(*far)
        found = neighbours(quick, i, 10)
        truth = np.linalg.norm(x[found.object_ids.astype(int)].astype(float) - x[int(i)], axis=1)
        np.testing.assert_allclose(found.distances, truth)
    everything = neighbours(quick, "0", len(x))  # more than the visited lists hold
    assert len(everything.object_ids) == len(x) - 1


def test_an_index_is_made_again_from_its_seed():
    import faiss

    x = correlated(5000)
    ids = np.arange(len(x)).astype(str)
    before = faiss.omp_get_max_threads()
    found = []
    for threads in (1, 1, 3):
        faiss.omp_set_num_threads(threads)
        index = build_index(ids, x, exact_rows=10, seed=1)
        found.append(np.concatenate([neighbours(index, i, 50).object_ids for i in ids[:100]]))
    faiss.omp_set_num_threads(before)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_any_vector_can_be_asked_about():
    ids, x = draw()
    index = build_index(ids, x, standardise=True, seed=1)
    found = neighbours(index, x[3], 2)
    assert found.object_ids[0] == ids[3] and found.distances[0] == 0
    with pytest.raises(ValueError, match=r"found a vector \(5,\), allowed: \(8,\)"):
        neighbours(index, x[3, :5], 2)
    with pytest.raises(ValueError, match="with a NaN"):
        neighbours(index, np.full(8, np.nan), 2)


def test_incomplete_objects_are_left_out():
    ids, x = draw(n=6)
    x[1, 3], x[2] = np.nan, 0
    flat = build_index(ids, x, seed=1)
    assert set(neighbours(flat, ids[0], 9).object_ids) == {ids[i] for i in (2, 3, 4, 5)}
    around = build_index(ids, x, distance="cosine", seed=1)
    assert set(neighbours(around, ids[0], 9).object_ids) == {ids[i] for i in (3, 4, 5)}
    with pytest.raises(ValueError, match=r"found object 'object-0001', allowed: any of the 5 obj"):
        neighbours(flat, ids[1], 3)
    alone = build_index(ids[:1], x[:1], seed=1)
    assert len(neighbours(alone, ids[0], 3).object_ids) == 0


def test_what_cannot_be_is_refused():
    ids, x = draw(n=4)
    with pytest.raises(ValueError, match="distance: found 'cosin', allowed: cosine, euclidean"):
        build_index(ids, x, distance="cosin", seed=1)
    with pytest.raises(ValueError, match="found 1 different ids, allowed: one for each of 4"):
        build_index(["a"] * 4, x, seed=1)
    index = build_index(ids, x, seed=1)
    with pytest.raises(ValueError, match="1 of them counter-examples too"):
        more_like(index, ids[:2], 1, unlike=ids[1:3])
    with pytest.raises(ValueError, match="found 0 examples"):
        more_like(index, [], 1)


def on_a_line(**places):
    x = np.array(list(places.values()), np.float32)[:, None]
    return build_index(list(places), x, seed=1)


def test_examples_propose_their_nearest_in_turn():
    """A dense place doesn't drown a sparse one, as it would if the nearest of all came first."""
    index = on_a_line(A=0, a=1, b=2, c=3, B=100, d=110, e=125, f=150)
    found = more_like(index, ["A", "B"], 4)
    assert found.object_ids.tolist() == ["a", "d", "b", "e"]
    np.testing.assert_array_equal(found.distances, [1, 10, 2, 25])


def test_counter_examples_push_back_what_is_near_to_them():
    # ranks 1, 2, 3 of a, b, c; times 1 + d+/d-: 1 + 1/1, 2 (1 + 2/4), 3 (1 + 3/5)
    index = on_a_line(A=0, a=1, b=-2, c=-3, X=2)
    found = more_like(index, ["A"], 3, unlike=["X"])
    assert found.object_ids.tolist() == ["a", "b", "c"]
    # at the counter-example's very place: last
    index = on_a_line(A=0, a=2, b=-3, c=-4, X=2)
    assert more_like(index, ["A"], 3, unlike=["X"]).object_ids.tolist() == ["b", "c", "a"]
    # 1 (1 + 2/.5) = 5 against 2 (1 + 3/5.5) = 3.1 and 3 (1 + 4/6.5) = 4.8
    index = on_a_line(A=0, a=2, b=-3, c=-4, X=2.5)
    assert more_like(index, ["A"], 3, unlike=["X"]).object_ids.tolist() == ["b", "c", "a"]


def test_more_like_one_example_are_its_neighbours():
    ids, x = draw()
    index = build_index(ids, x, seed=1)
    np.testing.assert_array_equal(
        more_like(index, ids[:1], 30).object_ids, neighbours(index, ids[0], 30).object_ids
    )


class Drawn:
    """A store of images in memory."""

    def __init__(self, images):
        self.images, self.shape = images, images.shape[1:]

    def __len__(self):
        return len(self.images)

    def read(self, rows):
        return self.images[rows]

    def slices(self, size):
        return (self.images[i : i + size] for i in range(0, len(self), size))


def test_planted_faults_are_grouped():
    """Errors like this one: a fault that spoils a whole band finds others of its kind."""
    fractions = {f"{kind}_fraction": 0.0 for kind in simulated.KINDS}
    fractions |= {f"{fault}_fraction": 0.05 for fault in simulated.FAULTS}
    options, batch = simulated.Options(size_px=32, **fractions), simulated.Batch(400)
    targets = simulated.list_objects(batch, options, seed=2, name="first")
    cutouts = simulated.fetch(targets, batch, options, seed=2, name="first")
    chain = build_chain(
        [{"kind": "lupton", "red": "i", "green": "r", "blue": "g"}],
        kind=simulated.object_kind(options),
        shape=simulated.image_shape(options),
        bands=simulated.bands(options),
    )
    images = np.stack([chain(c.pixels)[0] for c in cutouts])
    section = {"kind": "principal_components", "n_components": 32}
    module, chosen = registry.plugin("features", section, "features")
    codes = module.transform(images, chosen, module.fit(Drawn(images), chosen, 1))
    found = from_one_example(codes, targets["label"].to_numpy(), distance="cosine", seed=1)
    found = found.set_index("label")
    for fault in ("saturated_band", "missing_band"):
        assert found.loc[fault, "mean_precision"] > 1.5 * found.loc[fault, "chance_high"]
