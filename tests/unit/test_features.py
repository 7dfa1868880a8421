"""Feature extractors against independent computations, and the spiral measure on drawn galaxies."""

import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hoag.features import (
    _measure,
    columns,
    image_statistics,
    pixels,
    principal_components,
    residual_norm,
    spiral_arms,
)
from hoag.features._images import box_average
from hoag.options import ConfigError, build


class Store:
    def __init__(self, images):
        self.images, self.shape = images, images.shape[1:]

    def __len__(self):
        return len(self.images)

    def read(self, indices):
        return self.images[np.asarray(indices, dtype=int)]


def noise(n=30, shape=(12, 12, 3), seed=1):
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)


def run(module, images, **options):
    options = module.Options(**options)
    state = module.fit(Store(images), options, 5)
    return module.transform(images, options, state), module.names(options, state)


# --- pixels


def test_pixels_come_in_the_order_of_their_names():
    images = noise()
    x, names = run(pixels, images)
    np.testing.assert_array_equal(
        x[:, names.index("y3_x7_c1")], images[:, 3, 7, 1] / np.float32(255)
    )


def test_float_images_keep_their_scale():
    images = np.random.default_rng(1).normal(size=(4, 5, 5, 1)).astype(np.float32)
    np.testing.assert_array_equal(run(pixels, images)[0], images.reshape(4, -1))


def test_boxes_that_divide_the_image_are_block_means():
    images = noise()
    x, names = run(pixels, images, size_px=4)
    blocks = images.reshape(30, 4, 3, 4, 3, 3).mean(axis=(2, 4)) / 255
    np.testing.assert_allclose(x, blocks.reshape(30, -1), rtol=1e-5)
    assert len(names) == 48


def test_boxes_share_the_pixels_that_they_cut():
    ramp = np.arange(5.0)[None, :, None, None] * np.ones((1, 1, 5, 1))
    # two boxes of 2.5 px: (0 + 1 + 2 / 2) / 2.5 and (2 / 2 + 3 + 4) / 2.5
    np.testing.assert_allclose(box_average(ramp, 2)[0, :, 0, 0], [0.8, 3.2])
    assert box_average(ramp, 9).shape == ramp.shape


# --- principal components


@pytest.mark.parametrize("exact_up_to", [500, 0])
def test_components_are_those_of_a_full_decomposition(monkeypatch, exact_up_to):
    monkeypatch.setattr(principal_components, "EXACT_UP_TO", exact_up_to)
    shades = np.linspace(0, 1, 12)
    patterns = np.stack([np.add.outer(shades, shades), np.subtract.outer(shades, shades)])
    weights = np.random.default_rng(2).uniform(0, 1, (60, 2)) * [60, 20]
    images = np.rint(100 + np.einsum("nk,kyx->nyx", weights, patterns)).astype(np.uint8)[..., None]
    x, names = run(principal_components, images, n_components=2)
    flat = images.reshape(60, -1) / 255
    u, s, _ = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(x), np.abs(u[:, :2] * s[:2]), atol=1e-4)
    assert names == ["pc_1", "pc_2"]


def test_no_more_components_than_images_or_pixels():
    assert run(principal_components, noise(5))[0].shape == (5, 5)
    assert run(principal_components, noise(30, (2, 2, 1)))[0].shape == (30, 4)
    assert np.isfinite(run(principal_components, noise(1))[0]).all()
    with pytest.raises(ValueError, match="found no image"):
        run(principal_components, noise(0))


def test_the_fit_is_limited_to_a_random_sample():
    images = noise(40)
    options = principal_components.Options(n_components=3, max_fit=10)
    means = [principal_components.fit(Store(images), options, s)["mean"] for s in (1, 1, 2)]
    np.testing.assert_array_equal(means[0], means[1])
    assert (means[0] != means[2]).any()


# --- one-number baselines


def test_statistics_of_an_image():
    images = noise()
    x, names = run(image_statistics, images)
    assert names == ["total_flux", "variance", "flux_c0", "flux_c1", "flux_c2", "colour"]
    unit = images / 255.0
    expected = [unit.sum((1, 2, 3)), unit.var((1, 2, 3)), *unit.sum((1, 2)).T]
    expected.append(2.5 * np.log10(expected[2] / expected[4]))
    np.testing.assert_allclose(x, np.column_stack(expected), rtol=1e-6)


def test_the_colour_of_dark_and_of_grey_images():
    dark = np.zeros((2, 4, 4, 3), np.uint8)
    dark[1, 0, 0, 0] = 5  # ten times the floor
    x, names = run(image_statistics, dark)
    np.testing.assert_allclose(x[:, names.index("colour")], [0.0, 2.5], atol=1e-6)
    x, names = run(image_statistics, dark[..., :1])
    assert names == ["total_flux", "variance", "flux_c0"] and x.shape == (2, 3)


def test_several_processes_measure_as_one_does():
    """The same numbers and reasons, in the order of the objects."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-24:24, -24:24]
    images = rng.integers(0, 4, (10, 48, 48, 1)).astype(np.uint8)
    for i in (0, 3, 4, 8):  # the others have no object
        images[i, ..., 0] += (180 * np.exp(-np.hypot(x, y) / (3 + i / 4))).astype(np.uint8)
    parts = [(images[start : start + 3], {}) for start in range(0, 10, 3)]
    found = [list(_measure.measure_all({"kind": "morphology"}, {}, parts, n)) for n in (1, 2)]
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one[0], two[0])
        assert one[1] == two[1] and len(one[1]) == np.isnan(one[0]).any(axis=1).sum()
    assert sum(len(reasons) for _, reasons in found[0]) >= 6


def test_an_unexplained_gap_is_named_by_its_columns():
    values = np.array([[1, np.nan, 2, 3, 4], [np.nan] * 5])
    assert _measure.missing(values, list("abcde")) == ["no number in b", "no number in 5 of 5"]


def test_norm_of_a_residual():
    images = noise()
    x, _ = run(residual_norm, images)
    expected = np.linalg.norm(images.reshape(30, -1) / 255.0, axis=1)
    np.testing.assert_allclose(x[:, 0], expected, rtol=1e-6)
    assert residual_norm.Options().input == "residuals"


# --- columns of the catalogue


def catalogue():
    return pd.DataFrame(
        {
            "object_id": ["a", "b", "c"],
            "ra_deg": [1.0, 2.0, 3.0],
            "dec_deg": [1.0, 2.0, 3.0],
            "mag": [20.5, np.inf, 1e300],
            "n_obs": pd.array([3, None, 5], dtype="Int64"),
            "primary": [True, False, True],
            "nothing": [np.nan, np.nan, np.nan],
            "survey": ["x", "y", "z"],
        }
    )


def test_every_numeric_column_with_a_value_is_taken():
    options = columns.Options()
    state = columns.fit(catalogue(), options, 1)
    assert columns.names(options, state) == ["mag", "n_obs", "primary"]
    x = columns.transform(catalogue(), options, state)
    np.testing.assert_array_equal(
        x, np.float32([[20.5, 3, 1], [np.nan, np.nan, 0], [np.nan, 5, 1]])
    )


def test_what_an_object_is_called_and_where_it_stands_is_no_feature():
    table = catalogue().assign(objID=[1, 2, 3], RA_h=[0.1, 0.2, 0.3], is_odd=[True, False, True])
    table.attrs["made_from"] = ["RA_h", "is_odd", "objID"]
    chosen = columns.fit(table, columns.Options(), 1)["columns"].tolist()
    assert chosen == ["mag", "n_obs", "primary"]
    named = columns.Options(columns=("RA_h", "ra_deg"))
    assert columns.fit(table, named, 1)["columns"].tolist() == ["RA_h", "ra_deg"]


def test_later_batches_give_the_columns_of_the_fit():
    options = columns.Options(columns=("n_obs", "mag"))
    state = columns.fit(catalogue(), options, 1)
    later = catalogue()[["survey", "mag", "n_obs"]].assign(
        n_obs=pd.array([None] * 3, dtype="object")
    )
    x = columns.transform(later, options, state)
    assert np.isnan(x[:, 0]).all() and x[0, 1] == 20.5
    with pytest.raises(ConfigError, match="columns: found 'mag', allowed: n_obs"):
        columns.transform(catalogue()[["n_obs"]], options, state)


@pytest.mark.parametrize("name", ["survey", "absent"])
def test_a_column_without_numbers_is_named(name):
    with pytest.raises(ConfigError, match=f"found '{name}', allowed: dec_deg, mag, n_obs"):
        columns.fit(catalogue(), columns.Options(columns=(name,)), 1)


def test_a_catalogue_without_numbers_has_no_features():
    with pytest.raises(
        ConfigError, match="found object_id, ra_deg, dec_deg, allowed: at least one"
    ):
        columns.fit(catalogue()[["object_id", "ra_deg", "dec_deg"]], columns.Options(), 1)


# --- spiral arms


def galaxy(rng, *, arms=0, pitch_deg=20.0, contrast=0.7, axis_ratio=1.0, bar=0.0, sky=0.01):
    """A disc with a bulge, 64 px, any direction; with logarithmic arms or a straight bar."""
    y, x = np.mgrid[:64, :64] - 31.5 + rng.uniform(-1, 1, (2, 1, 1))
    angle = rng.uniform(0, np.pi)
    u = x * np.cos(angle) + y * np.sin(angle)
    v = (y * np.cos(angle) - x * np.sin(angle)) / axis_ratio
    r, length = np.hypot(u, v) + 1e-6, rng.uniform(5, 8)
    light = np.exp(-r / length)
    if arms:
        phase = arms * (np.arctan2(v, u) - np.log(r / length) / np.tan(np.radians(pitch_deg)))
        light *= 1 + contrast * np.cos(phase) * np.clip(r / length, 0, 1)
    light += 0.8 * np.exp(-((r / 2.5) ** 2)) + bar * np.exp(-((u / 9) ** 4) - (v / 2) ** 2)
    grey = 0.8 * light / light.max() + 0.05 + rng.normal(0, sky, (64, 64))
    return np.rint(255 * np.clip(grey, 0, 1)).astype(np.uint8)[..., None].repeat(3, axis=2)


def arm_columns(n=25, **kind):
    rng = np.random.default_rng(8)
    images = np.stack([galaxy(rng, **kind) for _ in range(n)])
    x, names = run(spiral_arms, images)
    return pd.DataFrame(x, columns=names)


ARMS = {
    "two arms": {"arms": 2},
    "weak arms": {"arms": 2, "contrast": 0.3},
    "tightly wound": {"arms": 2, "pitch_deg": 12.0},
    "open": {"arms": 2, "pitch_deg": 35.0},
    "inclined": {"arms": 2, "axis_ratio": 0.5},
    "four arms": {"arms": 4},
}
NO_ARMS = {
    "disc": {},
    "inclined": {"axis_ratio": 0.5},
    "edge-on": {"axis_ratio": 0.2},
    "barred": {"bar": 0.4},
    "noisy": {"sky": 0.03},
}


@pytest.fixture(scope="module")
def highest_without_arms():
    return max(arm_columns(**kind)["arm_strength"].quantile(0.9) for kind in NO_ARMS.values())


@pytest.mark.parametrize("kind", ARMS)
def test_arms_score_above_every_galaxy_without(kind, highest_without_arms):
    assert arm_columns(**ARMS[kind])["arm_strength"].quantile(0.1) > 1.2 * highest_without_arms


def test_each_mode_answers_to_its_number_of_arms():
    for m in (2, 3, 4):
        modes = arm_columns(arms=m)[[f"mode_{k}" for k in (1, 2, 3, 4)]].median()
        assert modes.idxmax() == f"mode_{m}"


def test_a_bar_is_no_arm():
    barred, spiral = arm_columns(bar=0.4).median(), arm_columns(arms=2, pitch_deg=15.0).median()
    assert barred["bar_strength"] > 1.5 * barred["arm_strength"]
    assert spiral["arm_strength"] > 1.5 * spiral["bar_strength"]


def test_pitch_and_ellipse_are_those_drawn():
    wound = arm_columns(arms=2, pitch_deg=15.0)
    assert abs(wound["pitch_deg"].median() - 15) < 3
    assert abs(arm_columns(axis_ratio=0.5)["axis_ratio"].median() - 0.5) < 0.07


def test_a_neighbour_is_not_the_galaxy():
    rng = np.random.default_rng(8)
    image = galaxy(rng, sky=0.0)
    alone = run(spiral_arms, image[None])[0][0]
    image[2:8, 2:8] = 255
    crowded = run(spiral_arms, image[None])[0][0]
    np.testing.assert_allclose(crowded[7:], alone[7:], rtol=0.02)


def test_an_image_without_an_object_is_nan():
    assert np.isnan(run(spiral_arms, np.full((2, 64, 64, 3), 90, np.uint8))[0]).all()


def test_rings_must_be_in_order():
    with pytest.raises(ConfigError, match=r"inner: found 3\.0, allowed: below outer, 2\.6"):
        build(spiral_arms.Options, {"inner": 3}, "features.arms")


@pytest.mark.real_data
@pytest.mark.skipif("HOAG_DATA" not in os.environ, reason="HOAG_DATA is unset")
def test_arms_tell_odd_discs_from_other_galaxies():
    from PIL import Image
    from sklearn.metrics import roc_auc_score

    folder = Path(os.environ["HOAG_DATA"]) / "gz_odd_vs_other"
    labels = pd.read_csv(folder / "labels.csv", index_col="galaxy_id")["is_odd_spiral"]
    images, odd = [], []
    with tarfile.open(folder / "gz_odd_vs_other_1400_originals_424.tar.xz") as archive:
        for member in archive:
            if member.name.endswith(".jpg"):
                picture = Image.open(io.BytesIO(archive.extractfile(member).read()))
                small = picture.crop((106, 106, 318, 318)).resize(
                    (64, 64), Image.Resampling.LANCZOS
                )
                images.append(np.asarray(small))
                odd.append(labels[int(Path(member.name).stem)])
    x, names = run(spiral_arms, np.stack(images))
    assert np.isfinite(x).all()
    assert abs(roc_auc_score(odd, x[:, names.index("arm_strength")]) - 0.80) < 0.02
