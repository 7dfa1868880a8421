"""Ellipses against drawn ones, hand-made images, and what OpenCV makes of a galaxy."""

import numpy as np
import pytest

from hoag.features import ellipse
from hoag.options import ConfigError, build


def measure(*images, **options):
    """Columns by name, each (n,), of single-channel images (y, x)."""
    options = ellipse.Options(**options)
    images = np.stack(images)[..., None]
    return dict(
        zip(ellipse.names(options, {}), ellipse.transform(images, options, {}).T, strict=True)
    )


def reasons(*images, **options):
    return ellipse.reasons(np.stack(images)[..., None], ellipse.Options(**options), {})


def grid(side, centre=None):
    y0, x0 = centre or ((side - 1) / 2, (side - 1) / 2)
    y, x = np.mgrid[:side, :side].astype(float)
    return y - y0, x - x0


def inside(side, axis_ratio, angle_deg, semi_major, centre=None):
    """Filled ellipse; the angle is that of the major axis, from x towards y."""
    y, x = grid(side, centre)
    a = np.radians(angle_deg)
    u, v = x * np.cos(a) + y * np.sin(a), (y * np.cos(a) - x * np.sin(a)) / axis_ratio
    return np.hypot(u, v) <= semi_major


def nested(angle_deg, *, inner_deg=0, side=101, ratios=(0.5, 0.7), centres=(None, None)):
    """A bright ellipse, along x by default, in a faint one at an angle, in a fainter disc."""
    image = np.where(inside(side, 1, 0, 45), 1.0, 0.0)
    image[inside(side, ratios[1], angle_deg, 36, centres[1])] = 2
    image[inside(side, ratios[0], inner_deg, 15, centres[0])] = 3
    return image


# what the cut at each percentile leaves of `nested`: all above 1, all above 2
LEVELS = {"percentiles": (90, 0)}


def galaxy(angle_deg=0.0, side=64, centre=None):
    """A spiral galaxy without noise, float."""
    y, x = grid(side, centre)
    a = np.radians(angle_deg)
    u, v = x * np.cos(a) + y * np.sin(a), (y * np.cos(a) - x * np.sin(a)) / 0.6
    r = np.hypot(u, v)
    light = np.exp(-r / 7) * (1 + 0.4 * np.cos(2 * np.arctan2(v, u) - r / 3))
    return np.clip(light - 0.03, 0, None)


# --- mended


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.8])
def test_a_drawn_ellipse_gives_its_aspect(ratio):
    found = measure(nested(0, ratios=(ratio, ratio)), **LEVELS)
    assert found["aspect_90"][0] == pytest.approx(1 / ratio, rel=0.05)
    assert found["aspect_0"][0] == pytest.approx(1 / ratio, rel=0.02)
    assert found["residual_90"][0] < 0.04 and found["residual_0"][0] < 0.02
    assert found["major_0"][0] == pytest.approx(36 / 15, rel=0.02)


@pytest.mark.parametrize(("angle_deg", "acute"), [(0, 0), (30, 30), (80, 80), (120, 60), (175, 5)])
@pytest.mark.parametrize("inner_deg", [0, 70])
def test_the_angle_between_isophotes_is_acute(angle_deg, acute, inner_deg):
    found = measure(nested(inner_deg + angle_deg, inner_deg=inner_deg), **LEVELS)
    assert found["theta_0"][0] == pytest.approx(acute, abs=1)


def test_an_offset_is_in_mean_semi_axes():
    image = nested(0, centres=((50, 56), None))
    found = measure(image, **LEVELS)
    assert found["offset_0"][0] == pytest.approx(6 / (36 * np.sqrt(0.7)), rel=0.02)


def test_a_shape_that_is_no_ellipse_has_a_residual():
    y, x = grid(101)
    cross = ((np.abs(y) <= 5) & (np.abs(x) <= 30)) | ((np.abs(x) <= 5) & (np.abs(y) <= 30))
    image = np.where(inside(101, 1, 0, 45), 1.0, 0.0) + cross
    assert measure(image, percentiles=(80, 0))["residual_0"][0] > 0.5


def test_moving_and_turning_change_nothing():
    image = galaxy()
    moved = np.zeros_like(image)
    moved[4:, :-3] = image[:-4, 3:]
    faint = image[[0, 1, 2, 3]].max(), image[:, :3].max()
    assert max(faint) == 0  # nothing is lost at the edges
    expected = measure(image)
    for other in (moved, np.rot90(image), image[::-1], image[:, ::-1]):
        found = measure(np.ascontiguousarray(other))
        for name in expected:
            np.testing.assert_allclose(found[name], expected[name], atol=2e-3, err_msg=name)


def test_any_angle_gives_about_the_same():
    expected, found = measure(galaxy()), measure(galaxy(33.0))
    for name in expected:
        limit = 12 if name.startswith("theta") else 0.15
        assert abs(found[name] - expected[name]) < limit, name


def test_a_brighter_or_larger_image_gives_the_same():
    image = galaxy()
    expected, brighter = measure(image), measure(7 * image)
    larger = measure(np.kron(image, np.ones((3, 3))))
    for name in expected:
        np.testing.assert_allclose(brighter[name], expected[name], rtol=1e-6)
        limit = 3 if name.startswith("theta") else 0.1
        assert abs(larger[name] - expected[name]) < limit, name


def test_the_contour_nearest_to_the_centre_is_taken():
    image = nested(40)
    crowded = image.copy()
    crowded[2:9, 2:9] = 3
    alone, found = measure(image, **LEVELS), measure(crowded, **LEVELS)
    for name in alone:
        np.testing.assert_allclose(found[name], alone[name], atol=1e-6)


def test_a_hole_belongs_to_what_surrounds_it():
    image = nested(40)
    ring = image.copy()
    ring[48:53, 45:56] = 0
    ring[50, 50] = 3  # and so does what lies in the hole
    few = {"percentiles": (80, 0)}  # the hole takes pixels from the percentiles
    alone, found = measure(image, **few), measure(ring, **few)
    np.testing.assert_allclose(found["aspect_80"], alone["aspect_80"])
    np.testing.assert_allclose(found["residual_80"], alone["residual_80"])


def test_one_channel_or_the_mean_of_all():
    image = np.stack([nested(0), nested(60), nested(0)], axis=2)[None]
    names = ellipse.names(ellipse.Options(**LEVELS), {})
    for channel, angle in ((0, 0), (1, 60), (None, None)):
        options = ellipse.Options(channel=channel, **LEVELS)
        found = ellipse.transform(image, options, {})[0, names.index("theta_0")]
        expected = measure(image[0].mean(axis=2) if angle is None else nested(angle), **LEVELS)
        assert found == pytest.approx(expected["theta_0"][0], abs=1e-4)


def test_bytes_and_fractions_give_the_same():
    image = np.rint(255 * galaxy() / galaxy().max()).astype(np.uint8)
    whole, fractions = measure(image), measure(image / 255)
    for name in whole:
        np.testing.assert_allclose(whole[name], fractions[name], rtol=1e-6)


def test_levels_are_those_of_numpy():
    rng = np.random.default_rng(3)
    flat = np.clip(rng.normal(0.2, 1, (5, 200)), 0, None)
    flat[3, 1:], flat[3, 0] = 0, 1.5
    flat[4] = 0
    percentiles = (100.0, 97.3, 50.0, 12.5, 0.0)
    found, lit = ellipse._thresholds(flat, percentiles)
    assert lit.tolist() == [True] * 4 + [False]
    for own, row in zip(found[:4], flat, strict=False):
        np.testing.assert_array_equal(own, np.percentile(row[row > 0], percentiles))


# --- published


def hand_made():
    """A hexagon (3) in an octagon (2), and a faint pixel (1).

    The hexagon's corners lie at (+-0.5, +-1) and (+-1.5, 0) from (4.5, 4): the ellipse through them
    has the semi-axes 1.5 and sqrt(9 / 8). Drawn by OpenCV, around (4, 4) with half axes of 1 px, it
    is a diamond of 5 px, and lacks 3 of the hexagon's 8. The octagon's corners lie at (+-1, +-2)
    and (+-2, +-1) from (4, 4): a circle, drawn as a diamond of 13 px, which lacks 8 of 21.
    """
    image = np.zeros((9, 9))
    image[0, 0] = 1
    image[2:7, 3:6] = image[3:6, 2:7] = 2
    image[3:6, 4:6] = image[4, 3:7] = 3
    return image


def test_the_published_measures_by_hand():
    found = measure(hand_made(), variant="published", percentiles=(50, 0))
    expected = {
        "residual_50": 3 / 81,
        "residual_0": 8 / 81,
        "offset_50": 0,
        "offset_0": 0.5,
        "aspect_50": 1,
        "aspect_0": 1 / np.sqrt(2),
        "theta_50": 0,
        "maj_50": 1,
        "maj_0": 1 / np.sqrt(2),
    }
    for name, value in expected.items():
        assert found[name][0] == pytest.approx(value, rel=1e-6), name


def test_the_published_measures_are_those_of_opencv():
    """findContours, moments, fitEllipse, drawContours and ellipse of OpenCV 5.0.0, at 90 to 0 %."""
    y, x = np.mgrid[:48, :48] - np.array([[[22.0]], [[25.0]]])
    u, v = 0.8 * x + 0.6 * y, (0.8 * y - 0.6 * x) / 0.6
    r = np.hypot(u, v)
    light = np.exp(-r / 7) * (1 + 0.4 * np.cos(2 * np.arctan2(v, u) - r / 3))
    image = np.rint(255 * np.clip(light - 0.05, 0, 1)).astype(np.uint8)
    found = measure(image, variant="published", percentiles=(90, 70, 50, 0))
    residual = [0.0099826, 0.0125868, 0.0243056, 0.0295139]
    aspect = np.array([1.5818144, 1.41679, 1.9410959, 2.2236128])
    theta = np.array([163.5059967, 100.6491394, 112.1694946, 130.2429657])
    for i, level in enumerate((90, 70, 50, 0)):
        assert found[f"residual_{level}"][0] == pytest.approx(residual[i], abs=1e-7)
        assert found[f"offset_{level}"][0] == pytest.approx(0, abs=1e-4)
        assert found[f"aspect_{level}"][0] == pytest.approx(aspect[i] / aspect[0], rel=1e-6)
        assert found[f"theta_{level}"][0] == pytest.approx(theta[0] - theta[i], rel=1e-5)


def test_the_published_faults():
    # residual, x, y, aspect, angle
    levels = np.array([[0, 5, 5, 2.0, 10], [0, 0, 9, 3.0, 140], [0, 8, 9, 4.0, 150]])
    _, offset, aspect, theta, maj = ellipse._published(levels).reshape(5, 3)
    assert offset.tolist() == [0, 0, 5]  # a centre at 0 counts as no offset
    assert theta.tolist() == [0, 40, 50]  # not 50 and 40
    assert maj.tolist() == aspect.tolist() == [1, 1.5, 2]  # the axis is the aspect again


def test_fitted_ellipses_are_those_drawn():
    from hoag.features._isophotes import fit_ellipse

    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    u, v = 9 * np.cos(turn), 4 * np.sin(turn)
    a = np.radians(25)
    points = np.column_stack(
        [30 + u * np.cos(a) - v * np.sin(a), 20 + u * np.sin(a) + v * np.cos(a)]
    )
    # the first axis is the minor one
    expected = [30, 20, 8, 18, 115]
    np.testing.assert_allclose(fit_ellipse(points, 12), expected, rtol=1e-5)


# --- failures


def one_pixel():
    image = np.zeros((32, 32))
    image[16, 16] = 1
    return image


@pytest.mark.parametrize("variant", ["mended", "published"])
@pytest.mark.parametrize(
    "image",
    [np.zeros((32, 32)), np.ones((32, 32)), np.full((32, 32), np.nan), one_pixel()],
    ids=["blank", "saturated", "NaN", "one pixel"],
)
def test_an_image_without_isophotes_is_nan_and_has_a_reason(image, variant):
    assert all(np.isnan(v[0]) for v in measure(image, variant=variant).values())
    assert reasons(image, variant=variant) == ["no pixel is brighter than the innermost isophote"]


def test_a_rectangle_has_too_few_corners_for_the_published_fit_alone():
    image = np.where(inside(32, 1, 0, 14), 1.0, 0.0)
    image[12:18, 10:21] = 2
    few = {"percentiles": (80, 0)}
    assert reasons(image, variant="published", **few) == ["an isophote has fewer than five corners"]
    assert reasons(image, **few) == [""]
    found = measure(image, **few)
    assert found["aspect_0"][0] == pytest.approx(11 / 6, rel=1e-5)


def test_pixels_that_are_no_numbers_are_no_light():
    image = galaxy()
    holed = image.copy()
    holed[0, :] = np.nan
    expected, found = measure(image), measure(holed)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


def test_an_object_far_from_the_centre_is_measured_too():
    found = measure(galaxy(side=96, centre=(30, 62)))
    expected = measure(galaxy(side=96, centre=(48, 48)))
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], atol=2e-3, err_msg=name)


def test_a_failure_leaves_its_neighbours_alone():
    found = measure(galaxy(), np.zeros((64, 64)), galaxy(33.0))
    assert [np.isnan(v).tolist() for v in found.values()] == [[False, True, False]] * len(found)
    assert [bool(r) for r in reasons(galaxy(), np.zeros((64, 64)))] == [False, True]


# --- options


@pytest.mark.parametrize("percentiles", [[50], [0, 90], [90, 90, 0]])
def test_percentiles_must_fall(percentiles):
    with pytest.raises(ConfigError, match="allowed: two or more, falling"):
        build(ellipse.Options, {"percentiles": percentiles}, "features.ellipse")


def test_a_channel_that_is_not_there_is_refused():
    ellipse.check((9, 9, 3), ellipse.Options(channel=2), "features.e")
    with pytest.raises(ConfigError, match=r"features\.e\.channel: found 3, allowed: 0\.\.2"):
        ellipse.check((9, 9, 3), ellipse.Options(channel=3), "features.e")
