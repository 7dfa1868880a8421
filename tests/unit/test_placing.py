"""How further objects are placed by their neighbours, and how a self-organising map is bent."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from hoag.embeddings import som
from hoag.embeddings._weighted import weighted

METRICS = {"manhattan": "cityblock"}  # scipy's names, where they differ


def test_two_neighbours_by_hand():
    fitted, xy = np.array([[0.0], [3.0], [50.0]]), np.array([[0.0, 0], [1, 2], [90, 90]])
    place = weighted(fitted, xy, 2, "euclidean")
    # at 1 from the first and 2 from the second: weights 1 and 1/4
    np.testing.assert_allclose(place(np.array([[1.0], [3.0]])), [[0.2, 0.4], [1, 2]])


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "canberra"])
def test_weights_are_inverse_squares_of_scipys_distances(metric):
    rng = np.random.default_rng(1)
    fitted, xy, rows = rng.normal(size=(60, 4)), rng.normal(size=(60, 2)), rng.normal(size=(9, 4))
    distances = cdist(rows, fitted, METRICS.get(metric, metric))
    weights = np.where(np.argsort(np.argsort(distances)) < 5, distances**-2.0, 0.0)
    expected = weights @ xy / weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(weighted(fitted, xy, 5, metric)(rows), expected)


@pytest.mark.parametrize("metric", ["cosine", "correlation"])
def test_angles_forget_the_length(metric):
    rng = np.random.default_rng(1)
    fitted, xy, rows = rng.normal(size=(60, 4)), rng.normal(size=(60, 2)), rng.normal(size=(9, 4))
    place = weighted(fitted, xy, 1, metric)
    nearest = cdist(rows, fitted, metric).argmin(axis=1)
    np.testing.assert_allclose(place(rows), xy[nearest])
    np.testing.assert_allclose(place(7 * rows), xy[nearest])
    assert np.isfinite(place(np.zeros((1, 4)))).all()


def test_one_pass_is_the_batch_rule():
    rng = np.random.default_rng(2)
    x, units = rng.normal(size=(50, 3)), rng.normal(size=(4, 5, 3))
    place = np.stack(np.unravel_index(np.arange(20), (4, 5)), axis=1)
    best = cdist(x, units.reshape(20, 3)).argmin(axis=1)
    weights = np.exp(-0.5 * cdist(place, place[best], "sqeuclidean") / 1.3**2)
    expected = (weights @ x / weights.sum(axis=1, keepdims=True)).reshape(4, 5, 3)
    np.testing.assert_allclose(som._bent(x, units, 1.3), expected)


def test_a_flat_sheet_is_laid_out_as_it_is():
    """Points of a rectangle in five dimensions come to lie as in the rectangle."""
    rng = np.random.default_rng(3)
    sheet = rng.uniform(-1, 1, (2000, 2)) * [3, 2]
    x = sheet @ np.linalg.qr(rng.normal(size=(5, 2)))[0].T
    options = som.Options(columns=12, rows=8)
    xy = som.embed(x, np.arange(1500), options, seed=1)
    assert (xy > -0.5).all() and (xy < [11.5, 7.5]).all()
    for axis in (0, 1):
        together = np.corrcoef(sheet[:, axis], xy[:, axis])[0, 1]
        assert abs(together) > 0.98


def test_the_place_in_the_square_is_a_step_along_the_lattice():
    first, second = np.meshgrid(np.arange(4.0), 10 * np.arange(3.0), indexing="ij")
    units = np.stack([first, second, np.ones_like(first)], axis=2)
    x = np.array([[2.0, 10, 1], [2.2, 10, 9], [1.0, 11, 1], [99, 10, 1]])
    xy = som._positions(x, units, som._directions(units))
    half = np.tanh(2 * np.array([0.2, 0.1])) / 2
    wanted = [[2, 1], [2 + half[0], 1], [1, 1 + half[1]], [3.5, 1]]
    np.testing.assert_allclose(xy, wanted, atol=1e-5)
    assert xy[3, 0] < 3.5, "not in the next unit"
