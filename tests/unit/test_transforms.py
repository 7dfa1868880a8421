"""The numbers of each transform against an independent answer, and the chain that joins them."""

import numpy as np
import pytest
from astropy.visualization import (
    AsinhStretch,
    LogStretch,
    MinMaxInterval,
    ZScaleInterval,
    make_lupton_rgb,
)
from PIL import Image
from scipy.signal.windows import gaussian

from hoag import registry
from hoag.images.chain import build_chain
from hoag.options import ConfigError

GRI = ("g", "r", "i")


def apply(section, image, bands=GRI):
    module, options = registry.plugin("transforms", section, "images[0]")
    return module.apply(image, bands, options)


def noise(shape=(32, 32, 3), seed=0):
    return np.random.default_rng(seed).normal(1, 2, shape).astype(np.float32)


def disc(centre, radius):
    y, x = np.indices((81, 81))
    return np.hypot(y - centre[0], x - centre[1]) <= radius


def sky(seed):
    """Noise of 1e-3 in three bands; sources of flux 1 on few of its pixels get clipped."""
    return np.random.default_rng(seed).normal(0, 1e-3, (81, 81, 3)).astype(np.float32)


def rendered(sections, *, shape=(24, 24), bands=("r", "g", "b")):
    return build_chain(sections, kind="rendered_image", shape=shape, bands=bands)


def flux(sections, *, shape=(24, 24), bands=GRI, key="images"):
    return build_chain(sections, kind="flux_image", shape=shape, bands=bands, key=key)


# Brightness


@pytest.mark.parametrize(
    ("section", "stretch"),
    [
        ({"kind": "min_max"}, lambda x: x),
        ({"kind": "asinh", "a": 0.05}, AsinhStretch(0.05)),
        ({"kind": "log", "a": 200}, None),
    ],
)
def test_curves_are_those_of_astropy(section, stretch):
    image = noise()
    unit = MinMaxInterval()(image.astype(float))
    # astropy's LogStretch divides by log(a), which leaves 1 at a little above 1; ours by log(1 + a)
    expected = stretch(unit) if stretch else np.log(200 * unit + 1) / np.log(201)
    np.testing.assert_allclose(apply(section, image), expected, atol=2e-6)
    if stretch is None:
        np.testing.assert_allclose(expected, LogStretch(200)(unit), atol=2e-3)


def test_zscale_limits_are_those_of_astropy():
    image = noise((40, 50, 1))
    expected = ZScaleInterval(contrast=0.1, n_samples=500)(image.astype(float))
    found = apply({"kind": "zscale", "contrast": 0.1, "n_samples": 500}, image)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_zscale_samples_all_channels():
    # 32 x 32 x 3 values and 1000 samples: every third value, which must not be one channel.
    image = noise() + np.array([0, 100, 200], np.float32)
    found = apply({"kind": "zscale"}, image).mean(axis=(0, 1))
    assert found[0] < 0.2 and 0.4 < found[1] < 0.6 and found[2] > 0.8


def test_zscale_of_a_mostly_blank_image_keeps_its_galaxy():
    galaxy = disc((40, 40), 4)
    image = np.zeros((81, 81, 1), np.float32)
    image[galaxy] = np.linspace(1, 2, galaxy.sum())[:, None]
    assert apply({"kind": "zscale"}, image).max() == 1


@pytest.mark.parametrize("kind", ["min_max", "zscale", "asinh", "log"])
def test_limits_are_shared_by_the_channels_unless_asked_otherwise(kind):
    image = noise() * np.array([1, 10, 100], np.float32)
    each = apply({"kind": kind, "per_channel": True}, image)
    for c in range(3):
        alone = apply({"kind": kind}, image[..., c : c + 1])
        np.testing.assert_array_equal(each[..., c : c + 1], alone)
    shared = apply({"kind": kind}, image)
    assert shared[..., 0].std() < each[..., 0].std()


@pytest.mark.parametrize("kind", ["min_max", "asinh", "log"])
def test_fixed_limits_map_to_zero_and_one_and_clip(kind):
    image = np.array([[[-5.0]], [[-1.0]], [[1.0]], [[3.0]], [[9.0]]], np.float32)
    found = apply({"kind": kind, "minimum": -1, "maximum": 3}, image).ravel()
    # asinh's last bit depends on the processor
    np.testing.assert_allclose(found[[0, 1, 3, 4]], [0, 0, 1, 1], rtol=0, atol=1.2e-7)
    assert 0 < found[2] < 1


@pytest.mark.parametrize("kind", ["min_max", "asinh", "log"])
@pytest.mark.parametrize(("limit", "value"), [({"maximum": 5}, 1), ({"minimum": 20}, 0)])
def test_an_image_beyond_its_one_limit_is_white_or_dark(kind, limit, value):
    image = np.array([[[7.0]], [[9.0]]], np.float32)
    found = apply({"kind": kind, **limit}, image).ravel()
    np.testing.assert_allclose(found, value, atol=1.2e-7)  # the last bit of asinh


def test_nan_is_dark_and_has_no_say_in_the_limits():
    image = np.array([[[1.0], [2.0], [3.0], [np.nan], [np.inf], [-np.inf]]], np.float32)
    assert apply({"kind": "min_max"}, image).ravel().tolist() == [0, 0.5, 1, 0, 1, 0]


@pytest.mark.parametrize("kind", ["min_max", "asinh", "log"])
def test_limits_the_wrong_way_round_are_refused(kind):
    section = {"kind": kind, "minimum": 2, "maximum": 2}
    with pytest.raises(ConfigError, match=r"images\[0\]: maximum: found 2.0, allowed: above"):
        registry.plugin("transforms", section, "images[0]")


# Geometry


@pytest.mark.parametrize(("side", "first"), [(10, 3), (11, 3), (12, 4), (4, 0)])
def test_centre_crop_begins_at_half_the_excess(side, first):
    image = np.arange(side * side, dtype=np.float32).reshape(side, side, 1)
    found = apply({"kind": "centre_crop", "size_px": 4}, image)
    np.testing.assert_array_equal(found, image[first : first + 4, first : first + 4])


def test_centre_crop_refuses_an_image_that_is_too_small():
    with pytest.raises(ValueError, match=r"found an image of \(8, 9\) px, allowed: at least 12"):
        apply({"kind": "centre_crop", "size_px": 12}, np.zeros((8, 9, 3), np.float32))
    with pytest.raises(ConfigError, match=r"images\[0\]\.size_px: found 12, allowed: 1\.\.8 px"):
        rendered([{"kind": "centre_crop", "size_px": 12}], shape=(8, 9))


@pytest.mark.parametrize("method", ["box", "bilinear", "bicubic", "lanczos"])
def test_resize_smooths_where_it_shrinks(method):
    checks = (np.indices((48, 48)).sum(axis=0) % 2).astype(np.float32)[..., None]
    found = apply({"kind": "resize", "size_px": 12, "method": method}, checks)
    np.testing.assert_allclose(found[2:-2, 2:-2], 0.5, atol=0.03)


def test_resize_keeps_surface_brightness():
    image = np.repeat(noise((12, 12, 3)), 4, axis=0).repeat(4, axis=1)
    found = apply({"kind": "resize", "size_px": 12, "method": "box"}, image)
    np.testing.assert_allclose(found, noise((12, 12, 3)), rtol=1e-5, atol=1e-6)


def test_resize_of_bytes_is_that_of_pillow():
    image = np.random.default_rng(4).integers(0, 256, (30, 30, 3)).astype(np.uint8)
    expected = np.asarray(Image.fromarray(image).resize((13, 13), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(apply({"kind": "resize", "size_px": 13}, image), expected)


# Channels, windows and colours


def test_power_is_that_of_the_scaled_image():
    image = noise()
    unit = MinMaxInterval()(image.astype(float))
    np.testing.assert_allclose(apply({"kind": "power"}, image), np.sqrt(unit), atol=1e-6)
    cubed = apply({"kind": "power", "exponent": 3, "minimum": 0, "maximum": 2}, image)
    np.testing.assert_allclose(cubed, np.clip(image / 2, 0, 1) ** 3, atol=1e-6)


def test_grey_is_a_weighted_mean_of_the_channels():
    image = noise()
    found = apply({"kind": "grey"}, image)
    np.testing.assert_allclose(found, image.mean(axis=2, keepdims=True), rtol=1e-5)
    found = apply({"kind": "grey", "weights": [1, 0, 3]}, image)
    np.testing.assert_allclose(found[..., 0], (image[..., 0] + 3 * image[..., 2]) / 4, atol=1e-6)


def test_grey_of_bytes_is_the_brightness_of_pillow():
    image = np.random.default_rng(4).integers(0, 256, (30, 30, 3)).astype(np.uint8)
    found = apply({"kind": "grey", "weights": [0.299, 0.587, 0.114]}, image, ("r", "g", "b"))
    expected = np.asarray(Image.fromarray(image).convert("L"))
    assert found.dtype == np.uint8 and found.shape == (30, 30, 1)
    assert np.abs(found[..., 0].astype(int) - expected).max() <= 1


def test_grey_leaves_out_a_channel_without_weight():
    image = noise()
    image[3, 4, 1] = np.nan
    assert np.isfinite(apply({"kind": "grey", "weights": [1, 0, 1]}, image)).all()
    assert np.isnan(apply({"kind": "grey"}, image)).sum() == 1


def test_bands_come_out_in_the_order_asked_for():
    image = noise()
    found = apply({"kind": "select_bands", "bands": ["i", "g"]}, image)
    np.testing.assert_array_equal(found, image[..., [2, 0]])
    chain = flux([{"kind": "select_bands", "bands": ["i", "r", "g"]}, {"kind": "lupton"}])
    assert chain.steps[1].bands == ("i", "r", "g")


def test_one_of_many_bands_can_be_taken():
    bands = ("u", "g", "r", "i", "z")
    chain = flux([{"kind": "select_bands", "bands": ["r"]}, {"kind": "min_max"}], bands=bands)
    image = np.random.default_rng(1).random((5, 24, 24)).astype(np.float32)
    expected = apply({"kind": "min_max"}, image[2][..., None])
    np.testing.assert_array_equal(chain(image)[0], np.rint(255 * expected).astype(np.uint8))


@pytest.mark.parametrize("side", [24, 25])
def test_the_window_is_a_gaussian_around_the_centre(side):
    image = np.ones((side, 31, 2), np.float32)
    found = apply({"kind": "gaussian_window", "sigma": 0.5}, image)
    y, x = (gaussian(n, std=(n - 1) / 4) for n in (side, 31))
    np.testing.assert_allclose(found, np.outer(y, x)[..., None].repeat(2, axis=2), rtol=1e-5)


def test_legacy_colours_of_one_pixel_by_hand():
    # z, r, g = 0.3, 0.2, 0.1: b = 0.69, 0.71, 0.63; I = 0.676667; asinh(20 I) / sqrt(20) = 0.737828
    image = np.array([[[0.1, 0.2, 0.3], [-1.0, -1.0, -1.0], [0.0, 90.0, 0.0]]], np.float32)
    found = apply({"kind": "legacy_colours"}, image, ("g", "r", "z"))
    np.testing.assert_allclose(found[0, 0], [0.752366, 0.774174, 0.686943], atol=1e-6)
    assert found[0, 1].tolist() == [0, 0, 0]
    assert found[0, 2, 1] == 1 and 0 < found[0, 2, 0] < 0.01


# Sigma clip


def test_sigma_clip_keeps_the_central_source_alone():
    image, source = sky(0), disc((40, 40), 5)
    image[source] += 1
    image[disc((10, 66), 6)] += 3  # a brighter neighbour
    found = apply({"kind": "sigma_clip", "threshold_sigma": 6}, image)
    np.testing.assert_array_equal(found, image * source[..., None])


def test_sigma_clip_at_the_default_threshold_drops_the_neighbour():
    image, source, neighbour = sky(1), disc((40, 40), 5), disc((10, 66), 6)
    image[source | neighbour] += 1
    found = apply({"kind": "sigma_clip"}, image)
    np.testing.assert_array_equal(found[source], image[source])
    assert not found[neighbour].any()


def test_sigma_clip_keeps_a_ring_with_its_core_and_gap():
    image = sky(2)
    image[disc((40, 40), 12) & ~disc((40, 40), 9)] += 1
    image[disc((40, 40), 3)] += 1
    found = apply({"kind": "sigma_clip", "threshold_sigma": 6}, image)
    np.testing.assert_array_equal(found, image * disc((40, 40), 12)[..., None])


def test_sigma_clip_leaves_an_image_without_a_central_source_whole():
    image = sky(3)
    image[disc((12, 12), 6)] += 1
    for empty in (image, np.full_like(image, np.nan)):
        found = apply({"kind": "sigma_clip", "threshold_sigma": 6}, empty)
        np.testing.assert_array_equal(found, empty)


def test_sigma_clip_looks_at_the_channel_it_is_told():
    image, small, large = sky(4), disc((40, 40), 5), disc((40, 40), 9)
    image[large, 0] += 1
    image[small, 2] += 1
    for channel, source in [(0, large), (2, small)]:
        found = apply({"kind": "sigma_clip", "channel": channel, "threshold_sigma": 6}, image)
        np.testing.assert_array_equal(found, image * source[..., None])
    with pytest.raises(ConfigError, match=r"images\[0\]\.channel: found 3, allowed: 0\.\.2"):
        rendered([{"kind": "sigma_clip", "channel": 3}])


@pytest.mark.parametrize("side", [20, 21])
def test_sigma_clip_threshold_is_median_plus_deviations(side):
    # More zeros than twos: median 0, deviation near 1, and nothing beyond 3 deviations to clip.
    image = np.random.default_rng(5).choice([0.0, 2.0], (side, side, 1), p=[0.6, 0.4])
    image[8:10, 8:12] = 2.5
    image[10, 10] = 2.5
    level = 2.5 / image.std()
    below = apply({"kind": "sigma_clip", "threshold_sigma": level * 0.999}, image)
    above = apply({"kind": "sigma_clip", "threshold_sigma": level * 1.001}, image)
    np.testing.assert_array_equal(below, np.where(image == 2.5, image, 0))
    np.testing.assert_array_equal(above, image)  # nothing is bright, so all is kept


# Chain


def test_the_default_lupton_is_that_of_the_hsc_images():
    image = np.moveaxis(noise() / 5, -1, 0)
    found, n_nan = flux([{"kind": "lupton"}], shape=(32, 32))(image)
    expected = make_lupton_rgb(image[2], image[1], image[0], Q=15, stretch=0.5, minimum=0)
    np.testing.assert_array_equal(found, expected)
    assert n_nan == 0


def test_a_chain_crops_stretches_and_rounds():
    chain = flux(
        [{"kind": "centre_crop", "size_px": 8}, {"kind": "min_max", "minimum": 0, "maximum": 1}]
    )
    image = np.zeros((3, 24, 24), np.float32)
    image[0], image[1], image[2] = 0.5, 0.0019, 0.0020  # 127.5 -> 128, 0.48 -> 0, 0.51 -> 1
    found, _ = chain(image)
    assert chain.shape == (8, 8, 3) and [step.kind for step in chain.steps] == [
        "centre_crop",
        "min_max",
    ]
    assert found[0, 0].tolist() == [128, 0, 1] and found.flags.c_contiguous


def test_an_empty_chain_hands_rendered_images_on():
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 3)).astype(np.uint8)
    found, n_nan = rendered([])(image)
    np.testing.assert_array_equal(found, image)
    assert n_nan == 0 and rendered([]).steps == ()


def test_a_resize_that_overshoots_at_the_end_is_clipped():
    sections = [
        {"kind": "min_max", "minimum": 0, "maximum": 1},
        {"kind": "resize", "size_px": 30, "method": "lanczos"},
    ]
    image = np.zeros((1, 24, 24), np.float32)
    image[:, 12:] = 1
    found, _ = flux(sections, bands=("i",))(image)
    assert found.shape == (30, 30, 1)
    assert (found[:10] == 0).all() and (found[-10:] == 255).all()


def test_nan_values_are_counted_where_they_matter():
    image = np.ones((3, 24, 24), np.float32)
    image[1, 0, :] = np.nan  # cropped away
    image[0, 12, 10:13] = np.nan
    image[2, 12, 12] = np.nan
    crop, lupton = {"kind": "centre_crop", "size_px": 12}, {"kind": "lupton"}
    assert flux([crop, lupton])(image)[1] == 4
    assert flux([lupton, crop])(image)[1] == 28


def test_the_size_may_be_unknown_until_a_transform_fixes_it():
    chain = rendered([{"kind": "resize", "size_px": 16}], shape=None)
    assert chain.shape == (16, 16, 3)
    assert chain(np.zeros((50, 40, 3), np.uint8))[0].shape == (16, 16, 3)


def test_images_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"shape \(24, 23, 3\), allowed: \(24, 24, 3\)"):
        rendered([])(np.zeros((24, 23, 3), np.uint8))
    with pytest.raises(ValueError, match=r"\(24, 24, 3\), allowed: 3 bands \(g, r, i\) on the fir"):
        flux([{"kind": "lupton"}])(np.zeros((24, 24, 3), np.float32))


@pytest.mark.parametrize(
    ("kind", "sections", "shape", "bands", "message"),
    [
        (
            "rendered_image",
            [{"kind": "lupton"}],
            (8, 8),
            GRI,
            (
                "images.transforms[0].kind: found 'lupton', which does not take whole numbers "
                "0..255, allowed here: asinh, centre_crop"
            ),
        ),
        (
            "flux_image",
            [{"kind": "asinh"}, {"kind": "lupton"}],
            (8, 8),
            GRI,
            "images.transforms[1].kind: found 'lupton', which does not take values in [0, 1]",
        ),
        (
            "flux_image",
            [{"kind": "luptn"}],
            (8, 8),
            GRI,
            "images.transforms[0].kind: found 'luptn', allowed: asinh",
        ),
        (
            "flux_image",
            [{"kind": "lupton"}],
            (8, 8),
            ("g", "r", "z"),
            "images.transforms[0].red: found 'i', allowed: g, r, z",
        ),
        (
            "flux_image",
            [{"kind": "lupton", "stretch": 0}],
            (8, 8),
            GRI,
            "images.transforms[0]: stretch: found 0.0, allowed: above 0",
        ),
        (
            "flux_image",
            [{"kind": "lupton", "minimum": [0, 1]}],
            (8, 8),
            GRI,
            "images.transforms[0].minimum: found [0, 1], allowed: a number or a list of 3 values",
        ),
        (
            "flux_image",
            [{"kind": "lupton", "minimum": "low"}],
            (8, 8),
            GRI,
            "images.transforms[0].minimum: found 'low', allowed: a number or a list",
        ),
        (
            "flux_image",
            [{"kind": "centre_crop", "size_px": 4}],
            (8, 8),
            GRI,
            (
                "images.transforms: found a chain that ends in linear flux, allowed: one that "
                "holds one of asinh, legacy_colours, log, lupton"
            ),
        ),
        (
            "rendered_image",
            [],
            None,
            GRI,
            (
                "images.transforms: found images whose size is not known before reading, allowed: "
                "a chain that holds centre_crop or resize"
            ),
        ),
        (
            "flux_image",
            [{"kind": "asinh"}],
            (8, 8),
            ("g", "r", "i", "z"),
            "images.transforms: found 4 channels at the end, allowed: 1 or 3",
        ),
        (
            "features",
            [],
            (8, 8),
            GRI,
            "images.transforms: found objects of kind features, allowed: flux_image, rendered",
        ),
        (
            "rendered_image",
            [{"kind": "resize"}],
            (8, 8),
            GRI,
            "images.transforms[0].size_px: required, found nothing",
        ),
    ],
)
def test_a_chain_that_cannot_work_is_refused_in_one_line(kind, sections, shape, bands, message):
    with pytest.raises(ConfigError) as error:
        build_chain(sections, kind=kind, shape=shape, bands=bands, key="images.transforms")
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_three_minima_reach_lupton():
    image = np.moveaxis(noise() / 5, -1, 0)
    found, _ = flux([{"kind": "lupton", "minimum": [0.1, 0, -0.1]}], shape=(32, 32))(image)
    expected = make_lupton_rgb(
        image[2], image[1], image[0], Q=15, stretch=0.5, minimum=[0.1, 0, -0.1]
    )
    np.testing.assert_array_equal(found, expected)


def test_a_circle_is_what_a_mask_leaves():
    module, options = registry.plugin(
        "transforms", {"kind": "circular_mask", "margin_px": 2}, "images[0]"
    )
    image = np.full((21, 21, 1), 7, np.uint8)
    found = module.apply(image, ("g",), options)[..., 0]
    y, x = np.indices((21, 21)) - 10
    np.testing.assert_array_equal(found == 7, np.hypot(y, x) <= 8.5)
    np.testing.assert_array_equal(found, np.rot90(found))
    for size in (21, 30):
        module, options = registry.plugin(
            "transforms", {"kind": "circular_mask", "margin_px": size}, "images[0]"
        )
        assert module.apply(image, ("g",), options).sum() == 7, "the middle pixel"
        with pytest.raises(ConfigError, match=r"margin_px: found .*, allowed: below 10.5 px"):
            module.output_shape(image.shape, options)
