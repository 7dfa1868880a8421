"""Profiles, light and sizes of drawn discs, against their formulae."""

import numpy as np
import pytest

from hoag.images.photometry import measure


def disc(radius, *, size=41, sky=0.0, level=1.0):
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    image = sky + level * (np.hypot(y, x) < radius)
    return np.repeat(image[..., None], 3, axis=2)


@pytest.mark.parametrize("sky", [0.0, 0.3])
def test_a_flat_disc_has_half_of_its_light_within_its_radius_over_root_two(sky):
    found = measure(np.stack([disc(8, sky=sky), disc(12, sky=sky)]))
    np.testing.assert_allclose(found.half_light_radius_px, np.array([8, 12]) / 2**0.5, rtol=0.04)
    lit = [(disc(radius)[..., 0] > 0).sum() for radius in (8, 12)]
    np.testing.assert_allclose(found.total, lit)
    np.testing.assert_allclose(found.profile[0, :7], 1)
    np.testing.assert_allclose(found.profile[0, 9:], 0, atol=1e-12)
    assert found.radius_px[:2].tolist() == [0.5, 1.5]


def test_a_gaussian_s_half_light_radius_is_known():
    y, x = np.mgrid[:60, :61] - np.array([29.5, 30]).reshape(2, 1, 1)
    image = np.exp(-(x**2 + y**2) / (2 * 5.0**2))[..., None]
    found = measure(image[None])
    assert found.half_light_radius_px[0] == pytest.approx(5 * np.sqrt(2 * np.log(2)), rel=0.04)
    expected = np.exp(-(found.radius_px**2) / 50)
    np.testing.assert_allclose(found.profile[0, :15], expected[:15], atol=0.02)


def test_channels_are_averaged_and_no_light_has_no_size():
    image = disc(8)
    image[..., 1:] = 0
    assert measure(image[None]).total[0] == pytest.approx(measure(disc(8)[None]).total[0] / 3)
    assert np.isnan(measure(disc(8, level=0.0)[None]).half_light_radius_px[0])
    assert np.isnan(measure(disc(8, level=-1.0)[None]).half_light_radius_px[0])
