"""Moments, spectra, wavelets, histograms and morphology against independent answers."""

import numpy as np
import pytest

from hoag.features import flux_histogram, hu_moments, morphology, power_spectrum, wavelets
from hoag.options import ConfigError


class Store:
    def __init__(self, images):
        self.shape = images.shape[1:]


def run(module, images, **options):
    """Columns by name, each (n,)."""
    options = module.Options(**options)
    state = module.fit(Store(images), options, 5)
    columns = module.transform(images, options, state).T
    return dict(zip(module.names(options, state), columns, strict=True))


def noise(n=6, shape=(16, 20, 3), seed=1):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def rows(found):
    return np.column_stack(list(found.values()))


# --- Hu moments


def test_hu_moments_are_those_of_scikit_image():
    from skimage.measure import moments_central, moments_hu, moments_normalized

    images = noise()
    found = run(hu_moments, images, log=False)
    for n, c in np.ndindex(6, 3):
        plane = images[n, :, :, c].T / 255.0  # x first
        expected = moments_hu(moments_normalized(moments_central(plane)))
        own = [found[f"hu_{i}_c{c}"][n] for i in range(1, 8)]
        np.testing.assert_allclose(own, expected, rtol=2e-5, atol=1e-18)


def test_hu_moments_stay_when_a_shape_is_moved_turned_or_enlarged():
    y, x = np.mgrid[:40, :40] - 20.0
    shape = np.where((x > -9) & (x < 6) & (y > -4) & (y < 0.6 * x + 7), 200, 0).astype(np.uint8)
    others = [np.roll(shape, (5, -7), (0, 1)), np.rot90(shape), np.kron(shape, np.ones((2, 2)))]
    expected = rows(run(hu_moments, shape[None, ..., None], log=False))[0]
    for other in others:
        found = rows(run(hu_moments, np.uint8(other)[None, ..., None], log=False))[0]
        np.testing.assert_allclose(found[:4], expected[:4], rtol=0.03)
    mirrored = rows(run(hu_moments, shape[:, ::-1][None, ..., None], log=False))[0]
    np.testing.assert_allclose(mirrored[:6], expected[:6], rtol=1e-4)
    assert mirrored[6] == pytest.approx(-expected[6], rel=1e-4)


def test_logarithms_keep_the_sign():
    images = noise()
    plain, logs = rows(run(hu_moments, images, log=False)), rows(run(hu_moments, images))
    np.testing.assert_array_equal(np.sign(plain), np.sign(logs))
    large = np.abs(plain) > 1e-8
    np.testing.assert_allclose(np.abs(logs[large]), np.log10(np.abs(plain[large])) + 12, atol=1e-3)


def test_an_image_without_light_has_no_moments():
    images = noise(3).astype(np.float32)
    images[1, :, :, 2] = 0
    images[2, 0, 0, 0] = np.nan
    found = rows(run(hu_moments, images))
    assert np.isnan(found).all(axis=1).tolist() == [False, True, True]
    reasons = hu_moments.reasons(images, hu_moments.Options(), {})
    assert [bool(r) for r in reasons] == [False, True, True]


# --- power spectrum


def wave(waves_x, waves_y, side=32, amplitude=0.3):
    y, x = np.mgrid[:side, :side] / side
    return 0.5 + amplitude * np.cos(2 * np.pi * (waves_x * x + waves_y * y))


@pytest.mark.parametrize(("waves", "ring"), [((5, 0), 5), ((0, 9), 9), ((3, 4), 5), ((3, 5), 6)])
def test_a_plane_wave_has_its_power_in_one_ring(waves, ring):
    found = run(power_spectrum, wave(*waves)[None, ..., None], log=False)
    power = np.array([found[f"power_{i}_c0"][0] for i in range(1, 17)])
    assert power[ring - 1] == pytest.approx(0.3**2 / 2, rel=1e-6)
    assert np.delete(power, ring - 1).max() < 1e-12


def test_fewer_rings_are_wider():
    found = run(power_spectrum, wave(5, 0)[None, ..., None], log=False, n_bins=4)
    assert found["power_2_c0"][0] == pytest.approx(0.045, rel=1e-6)  # waves above 4 and up to 8


def test_all_waves_together_are_the_variance():
    smooth = sum(wave(a, b, amplitude=0.02 * a) for a, b in ((1, 0), (2, 3), (7, 7), (0, 16)))
    found = run(power_spectrum, smooth[None, ..., None], log=False)
    assert rows(found).sum() == pytest.approx(smooth.var(), rel=1e-6)


def test_power_stays_when_an_image_is_moved_or_turned():
    images = noise(2, (24, 24, 1))
    expected = rows(run(power_spectrum, images))
    for other in (np.roll(images, (3, 8), (1, 2)), np.rot90(images, axes=(1, 2))):
        np.testing.assert_allclose(rows(run(power_spectrum, other)), expected, rtol=1e-5)


def test_rings_that_no_wave_fills_are_refused():
    with pytest.raises(
        ConfigError, match=r"n_bins: found 13, allowed for images of 24 px: 1\.\.12"
    ):
        power_spectrum.check((24, 30, 1), power_spectrum.Options(n_bins=13), "features.power")


# --- wavelets


def test_stripes_are_structure_of_one_scale_and_direction():
    stripes = np.tile([0.0, 1.0], (32, 16))[None, ..., None]  # columns alternate
    found = run(wavelets, stripes, wavelet="haar", log=False)
    assert found["vertical_1_c0"][0] == pytest.approx(0.25)  # (1 / 2)^2 around the mean
    assert sum(v[0] for k, v in found.items() if k != "vertical_1_c0") < 1e-12
    turned = run(wavelets, stripes.transpose(0, 2, 1, 3), wavelet="haar", log=False)
    assert turned["horizontal_1_c0"][0] == pytest.approx(0.25)
    checks = np.indices((32, 32)).sum(axis=0)[None, ..., None] % 2.0
    assert run(wavelets, checks, wavelet="haar", log=False)["diagonal_1_c0"][0] == pytest.approx(
        0.25
    )


@pytest.mark.parametrize("wavelet", ["haar", "sym2", "db4", "coif1"])
def test_energies_add_up_to_the_mean_square(wavelet):
    images = noise(3, (32, 32, 2))
    unit = images / 255.0
    unit -= unit.mean(axis=(1, 2), keepdims=True)
    found = rows(run(wavelets, unit, wavelet=wavelet, n_levels=5, log=False))
    # at the coarsest of 32 = 2^5 px only the mean is left, and that is 0, for the Haar wavelet
    total = (unit**2).mean(axis=(1, 2)).sum(axis=1)
    left = 1 - found.sum(axis=1) / total
    assert (np.abs(left) < (1e-6 if wavelet == "haar" else 0.02)).all()


def test_energies_stay_when_an_image_is_moved():
    images = noise(2, (32, 32, 1))
    moved = np.roll(images, (5, 3), (1, 2))
    np.testing.assert_allclose(rows(run(wavelets, moved)), rows(run(wavelets, images)), rtol=1e-5)


def test_any_size_is_taken_and_too_small_a_one_refused():
    assert np.isfinite(rows(run(wavelets, noise(2, (21, 30, 1))))).all()
    with pytest.raises(
        ConfigError, match=r"n_levels: found 5, allowed for images of 21 px: 1\.\.4"
    ):
        wavelets.check((21, 30, 1), wavelets.Options(n_levels=5), "features.wavelets")


# --- histogram


@pytest.mark.parametrize("n_bins", [2, 25])
def test_histograms_are_those_of_numpy(n_bins):
    images = noise()
    found = rows(run(flux_histogram, images, n_bins=n_bins)).reshape(6, 3, n_bins)
    plain = rows(run(flux_histogram, images, n_bins=n_bins, stretch=False)).reshape(6, 3, n_bins)
    for n, c in np.ndindex(6, 3):
        plane = images[n, :, :, c].astype(int)  # whole numbers: an edge is an edge
        for own, low, high in ((found, plane.min(), plane.max()), (plain, 0, 255)):
            expected, _ = np.histogram(plane, bins=n_bins, range=(low, high), density=True)
            np.testing.assert_allclose(own[n, c], expected * (high - low), rtol=1e-6)


def test_a_channel_of_one_colour_lies_in_the_first_bin_and_nan_has_no_histogram():
    images = noise(2).astype(np.float32)
    images[0, :, :, 1] = 7
    images[1, 3, 3, 2] = np.nan
    found = rows(run(flux_histogram, images, n_bins=4)).reshape(2, 3, 4)
    assert found[0, 1].tolist() == [4, 0, 0, 0]
    assert np.isnan(found[1, 2]).all() and np.isfinite(found[1, :2]).all()


# --- morphology


def disc(scale_px=6.0, *, ratio=1.0, blob=0.0, seed=4):
    """Exponential disc with noise, linear in flux, uint8 (96, 96, 1)."""
    y, x = np.mgrid[:96, :96] - 47.5
    light = 0.7 * np.exp(-np.hypot(x, y / ratio) / scale_px)
    light += blob * np.exp(-((x - 9) ** 2 + (y - 4) ** 2) / 8)
    light += 0.05 + np.random.default_rng(seed).normal(0, 0.006, light.shape)
    return np.rint(255 * np.clip(light, 0, 1)).astype(np.uint8)[..., None]


def test_an_exponential_disc_is_one():
    found = run(morphology, np.stack([disc(), disc(blob=0.5)]))
    plain, lopsided = ({k: float(v[i]) for k, v in found.items()} for i in (0, 1))
    assert plain["sersic_n"] == pytest.approx(1, abs=0.1)
    assert plain["sersic_half_light_px"] == pytest.approx(1.678 * 6, rel=0.05)
    assert plain["sersic_ellipticity"] < 0.1
    # Bershady, Jangren & Conselice 2000, AJ 119, 2645: 2.7 for an exponential disc
    assert plain["concentration"] == pytest.approx(2.7, abs=0.2)
    assert abs(plain["asymmetry"]) < 0.05 < lopsided["asymmetry"]
    assert lopsided["m20"] > plain["m20"]
    assert 0.4 < plain["gini"] < 0.55


def test_an_image_without_an_object_has_no_morphology():
    rng = np.random.default_rng(2)
    away = np.full((96, 96, 1), 20, np.uint8)
    away[2:9, 2:9] = 200
    one = np.zeros((96, 96, 1), np.uint8)
    one[48, 48] = 255
    images = np.stack([np.zeros((96, 96, 1), np.uint8), np.full((96, 96, 1), 255, np.uint8), away])
    assert np.isnan(rows(run(morphology, images))).all()
    _, reasons = morphology.explained(images, morphology.Options(), {})
    assert reasons == ["no object in the central third of the image"] * 3
    noisy = rng.integers(90, 110, (1, 96, 96, 1), dtype=np.uint8)
    for image in (one[None], noisy):
        values = rows(run(morphology, image))[0]
        _, (reason,) = morphology.explained(image, morphology.Options(), {})
        assert bool(reason) == np.isnan(values).any()
