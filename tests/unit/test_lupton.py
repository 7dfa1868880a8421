"""Lupton colour images against astropy, which defines them."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy.visualization import make_lupton_rgb as oracle

from hoag.images.lupton import make_lupton_rgb

Q = (0.0, 1e-9, 0.01, 0.1, 1.0, 3.3, 8.0, 15.0, 100.0, 1e5, 1e10, 1e12)
STRETCH = (1e-30, 1e-6, 0.01, 0.1, 0.5, 5.0, 1e4, 1e30)
MINIMUM = (0.0, -0.1, 0.3, 1e-3, 1e6, [0.01, -0.02, 0.03])
EXTREMES = (np.inf, -np.inf, 0.0, -0.0, 1e38, -1e38, 3e38, 1e-45, -1e-45)


def astropy_rgb(bands, q, stretch, minimum):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it warns of overflow and inf / inf
        return oracle(*bands, Q=q, stretch=stretch, minimum=minimum)


def galaxy(rng, shape, dtype):
    """An exponential disc in three bands with noise; total flux over six decades."""
    y, x = np.indices(shape)
    radius = np.hypot(y - shape[0] / 2, x - shape[1] / 2)
    flux = 10 ** rng.uniform(-2, 4, (3, 1, 1)) * np.exp(-radius / rng.uniform(0.5, 9))
    return (flux + rng.normal(0, 10 ** rng.uniform(-3, 0), (3, *shape))).astype(dtype)


def any_bits(rng, shape, dtype):
    """Every exponent that float32 has, subnormal ones included, of both signs."""
    return (rng.choice([-1, 1], (3, *shape)) * 10 ** rng.uniform(-45, 38, (3, *shape))).astype(
        dtype
    )


def with_extremes(rng, shape, dtype):
    image = galaxy(rng, shape, dtype)
    image.flat[rng.integers(0, image.size, image.size // 4)] = rng.choice(EXTREMES)
    image[:, 0, 0] = 1  # astropy needs a finite pixel in each band
    return image


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("draw", [galaxy, any_bits, with_extremes])
def test_same_bytes_as_astropy_on_random_images(draw, dtype):
    rng = np.random.default_rng(20040116)
    for _ in range(600):
        q = float(rng.choice(Q)) if rng.random() < 0.7 else float(10 ** rng.uniform(-5, 5))
        stretch = float(rng.choice(STRETCH[2:6])) if rng.random() < 0.8 else rng.choice(STRETCH)
        minimum = MINIMUM[rng.integers(len(MINIMUM))]
        bands = draw(rng, tuple(rng.integers(1, 40, 2)), dtype)
        found = make_lupton_rgb(*bands, q=q, stretch=stretch, minimum=minimum)
        expected = astropy_rgb(bands, q, float(stretch), minimum)
        np.testing.assert_array_equal(found, expected, err_msg=f"{q=} {stretch=} {minimum=}")


@pytest.mark.parametrize("q", Q)
@pytest.mark.parametrize("stretch", STRETCH)
def test_same_bytes_for_every_q_stretch_and_minimum(q, stretch):
    rng = np.random.default_rng(7)
    for minimum in MINIMUM:
        bands = galaxy(rng, (24, 24), np.float32)
        found = make_lupton_rgb(*bands, q=q, stretch=stretch, minimum=minimum)
        np.testing.assert_array_equal(found, astropy_rgb(bands, q, stretch, minimum))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("q", [0.1, 8.0, 15.0])
def test_same_byte_at_every_step_of_the_grey_scale(dtype, q):
    # The neighbours, bit by bit, of the intensity at which each whole number begins, 255 included.
    levels = np.arange(1, 256) / 255
    at = np.sinh(levels * np.arcsinh(0.1 * q) / 0.1) / q * 0.5
    steps = [at.astype(dtype)]
    for direction in (-np.inf, np.inf):
        value = steps[0]
        for _ in range(40):
            value = np.nextafter(value, dtype(direction))
            steps.append(value)
    grey = np.array(steps)
    found = make_lupton_rgb(grey, grey, grey, q=q, stretch=0.5, minimum=0)
    np.testing.assert_array_equal(found, astropy_rgb([grey] * 3, q, 0.5, 0))
    assert (np.diff(np.sort(np.unique(found))) == 1).all() and found.max() == 255
    assert (found.min(axis=0) < found.max(axis=0)).any()  # the steps lie within the neighbours


def test_saturated_pixels_keep_their_colour():
    bands = np.array([2.0, 1.0, 0.5], np.float32)[:, None, None] * np.float32(1e5)
    found = make_lupton_rgb(*bands, q=15, stretch=0.5, minimum=0)
    assert found.tolist() == [[[255, 127, 63]]]


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.int64, ">f8"])
def test_other_types_are_computed_in_float64_as_astropy_does(dtype):
    bands = np.random.default_rng(3).integers(0, 100, (3, 9, 11)).astype(dtype)
    found = make_lupton_rgb(*bands, q=8, stretch=5, minimum=0.5)
    np.testing.assert_array_equal(found, astropy_rgb(bands, 8.0, 5.0, 0.5))


def test_layout_of_the_input_does_not_matter_and_it_is_left_alone():
    bands = galaxy(np.random.default_rng(5), (30, 20), np.float32)
    before = bands.copy()
    expected = make_lupton_rgb(*bands, q=15, stretch=0.5, minimum=0)
    strided = np.moveaxis(np.ascontiguousarray(np.moveaxis(bands, 0, -1)), -1, 0)
    for other in (np.asfortranarray(bands), strided):
        np.testing.assert_array_equal(
            make_lupton_rgb(*other, q=15, stretch=0.5, minimum=0), expected
        )
    np.testing.assert_array_equal(bands, before)


def test_nan_counts_as_zero_flux():
    rng = np.random.default_rng(11)
    images = np.stack([galaxy(rng, (16, 16), np.float32) for _ in range(4)])
    holes = rng.random(images.shape) < [[[[0.0]]], [[[0.02]]], [[[0.5]]], [[[1.0]]]]
    cleaned = np.where(holes, np.float32(0), images)
    images[holes] = np.nan
    for image, expected in zip(images, cleaned, strict=True):
        found = make_lupton_rgb(*image, q=15, stretch=0.5, minimum=[-0.1, 0.0, 0.2])
        np.testing.assert_array_equal(found, astropy_rgb(expected, 15.0, 0.5, [-0.1, 0.0, 0.2]))


def test_an_image_without_a_finite_pixel_is_black():
    bands = np.full((3, 4, 4), np.inf, np.float32)
    assert not make_lupton_rgb(*bands, q=15, stretch=0.5, minimum=0).any()


def test_threads_give_what_one_gives():
    rng = np.random.default_rng(13)
    images = np.stack([galaxy(rng, (20, 21), np.float32) for _ in range(40)])
    kwargs = {"q": 15, "stretch": 0.5, "minimum": 0}
    alone = [make_lupton_rgb(*image, **kwargs) for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda image: make_lupton_rgb(*image, **kwargs), images))
    np.testing.assert_array_equal(together, alone)
    assert alone[0].dtype == np.uint8 and alone[0].shape == (20, 21, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"q": -1}, "q: found -1.0, allowed: 0 or more"),
        ({"stretch": 0}, "stretch: found 0.0, allowed: above 0"),
        ({"stretch": np.nan}, "stretch: found nan"),
        ({"minimum": [0, 1]}, "minimum: found 2 values, allowed: 1 or 3"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(change, message):
    band = np.zeros((4, 4), np.float32)
    with pytest.raises(ValueError, match=message):
        make_lupton_rgb(band, band, band, **{"q": 15, "stretch": 0.5, "minimum": 0, **change})


def test_bands_must_match():
    band = np.zeros((4, 4), np.float32)
    for other in (band[:3], band.astype(float)):
        with pytest.raises(ValueError, match="allowed: one shape and type"):
            make_lupton_rgb(band, other, band, q=15, stretch=0.5, minimum=0)
