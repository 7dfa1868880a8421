"""The simulated survey: repeatable objects, honest fluxes, and oddities that fade to nothing."""

import galsim
import numpy as np
import pandas as pd
import pytest
from astropy.visualization import make_lupton_rgb
from sklearn.metrics import roc_auc_score

from hoag import registry, tables
from hoag.options import ConfigError, build
from hoag.surveys import _galaxies, simulated
from hoag.surveys._types import Cutout

NONE = {f"{label}_fraction": 0.0 for label in simulated.KINDS + simulated.FAULTS}
QUIET = {**NONE, "neighbours_per_arcmin2": 0.0, "depth_mag": (36.0,) * 3, "psf_scatter": 0.0}
SEED = 20


def catalogue(n_objects: int, name: str = "night", seed: int = SEED, **options) -> pd.DataFrame:
    chosen = simulated.Options(**options)
    return simulated.list_objects(simulated.Batch(n_objects), chosen, seed=seed, name=name)


def draw(targets: pd.DataFrame, name: str = "night", seed: int = SEED, **options) -> np.ndarray:
    batch, chosen = simulated.Batch(max(len(targets), 1)), simulated.Options(**options)
    answers = list(simulated.fetch(targets, batch, chosen, seed=seed, name=name))
    assert [a.object_id for a in answers] == list(targets.object_id)
    assert all(isinstance(a, Cutout) for a in answers)
    return np.stack([a.pixels for a in answers])


def only(label: str, **options) -> dict:
    return {**NONE, f"{label}_fraction": 1.0, **options}


# --- the same object, whatever the run looks like


def test_rows_do_not_depend_on_the_number_of_objects():
    long = catalogue(2500)
    pd.testing.assert_frame_equal(long.head(1100), catalogue(1100))
    assert long.object_id.is_unique
    assert long.object_id[12] == "sim-night-0000012"


def test_pixels_do_not_depend_on_shard_or_order():
    rows = catalogue(24)
    together = draw(rows)
    np.testing.assert_array_equal(draw(rows[::-1])[::-1], together)
    np.testing.assert_array_equal(draw(rows.iloc[[7]])[0], together[7])


def test_pixels_survive_a_table_on_disk(tmp_path):
    rows = catalogue(60, dead_columns_fraction=0.3)
    tables.write("catalogue", rows.assign(split=None), tmp_path / "c.parquet")
    np.testing.assert_array_equal(
        draw(tables.read("catalogue", tmp_path / "c.parquet")), draw(rows)
    )


def test_seed_and_batch_name_give_other_objects():
    rows = catalogue(20)
    assert not np.isclose(rows.i_mag, catalogue(20, name="later").i_mag).any()
    assert not np.isclose(rows.i_mag, catalogue(20, seed=SEED + 1).i_mag).any()
    assert not np.isclose(draw(rows.head(1)), draw(rows.head(1), seed=SEED + 1)).all()


@pytest.mark.parametrize("size_px", [48, 64, 96])
def test_a_cutout_is_float32_of_the_promised_shape(size_px):
    rows = catalogue(3)
    images = draw(rows, size_px=size_px)
    options = simulated.Options(size_px=size_px)
    shape = (len(simulated.bands(options)), *simulated.image_shape(options))
    assert images.dtype == np.float32
    assert images.shape == (3, *shape) == (3, 3, size_px, size_px)
    assert np.isfinite(images).all()


def test_ids_and_positions_may_come_from_a_catalogue():
    rows = catalogue(3)
    renamed = rows.assign(object_id=["a", "b", "c"], ra_deg=1.0)
    options = simulated.Options()
    answers = list(simulated.fetch(renamed, simulated.Batch(3), options, seed=SEED, name="night"))
    assert [a.object_id for a in answers] == ["a", "b", "c"]
    assert np.array_equal(np.stack([a.pixels for a in answers]), draw(rows))


def test_options_are_checked():
    with pytest.raises(ConfigError, match=r"survey: i_min: found 21.0, allowed: less than i_max"):
        registry.plugin("surveys", {"kind": "simulated", "i_min": 21.0}, "survey")
    with pytest.raises(ConfigError, match=r"fractions that sum to 1.3"):
        build(simulated.Options, {"ring_fraction": 0.8, "merger_fraction": 0.465}, "survey")
    with pytest.raises(ConfigError, match=r"batches.a.n_objects: found 0, allowed: 1"):
        build(simulated.Batch, {"n_objects": 0}, "batches.a")


# --- the catalogue


def test_labels_come_in_the_stated_fractions():
    n, options = 60_000, simulated.Options()
    rows = catalogue(n)
    share = rows.label.value_counts() / n
    for label, fraction in options.fractions.items():
        assert share[label] == pytest.approx(fraction, abs=4 * np.sqrt(fraction / n))
    normal = share["star"] + share["galaxy"]
    assert share["star"] / normal == pytest.approx(options.star_fraction, abs=0.01)
    planted = rows.label.isin(simulated.KINDS + simulated.FAULTS)
    assert rows.difficulty[planted].between(0, 1).all()
    assert rows.difficulty[~planted].isna().all()
    assert rows.fault_band[rows.label == "missing_band"].isin(["r", "i"]).all()
    assert rows.fault_band[~rows.label.isin(simulated.FAULTS)].isna().all()


def test_oddities_are_as_bright_as_ordinary_objects():
    rows = catalogue(20_000)
    assert rows.i_mag.between(20.0, 20.5).all()
    normal = rows.i_mag[rows.difficulty.isna()]
    for label in simulated.KINDS:
        odd = rows.i_mag[rows.label == label]
        assert odd.mean() == pytest.approx(normal.mean(), abs=5 * 0.145 / np.sqrt(len(odd)))


def test_types_differ_in_colour_and_size():
    rows = catalogue(20_000, **NONE)
    middle = rows.groupby("type")[["g_r", "half_light_radius_arcsec"]].median()
    assert middle.g_r["elliptical"] > middle.g_r["spiral"] + 0.4
    assert (
        middle.half_light_radius_arcsec["spiral"]
        > 1.5 * middle.half_light_radius_arcsec["elliptical"]
    )
    assert (rows.half_light_radius_arcsec[rows.type == "star"] == 0).all()
    assert rows.axis_ratio.between(_galaxies.EDGE_ON, 1).all()


# --- light


def test_the_canvas_agrees_with_galsim():
    canvas = _galaxies.Canvas(64, 0.168)
    place = _galaxies.Place(0.3, -0.4, 0.6, 0.7)
    flux = np.array([1.0, 2.0, 3.0])
    parts = [(_galaxies._disc(canvas, 0.9, place), flux)]
    seeing = galsim.Kolmogorov(fwhm=0.7)
    found = canvas.stamp(parts, [canvas.profile(seeing)] * 3)
    disc = galsim.Exponential(half_light_radius=0.9 * np.sqrt(0.6))
    disc = disc.shear(q=0.6, beta=0.7 * galsim.radians).shift(0.3, -0.4)
    image = galsim.Convolve(disc, seeing).drawImage(nx=64, ny=64, scale=0.168, offset=(0.5, 0.5))
    np.testing.assert_allclose(found[0], image.array, atol=2e-3 * image.array.max())
    np.testing.assert_allclose(found[2], 3 * found[0], rtol=1e-9, atol=1e-12)


def test_blobs_agree_with_galsim():
    canvas = _galaxies.Canvas(64, 0.168)
    one = canvas.profile(galsim.Gaussian(sigma=0.3).shift(0.5, 0.2))
    two = canvas.profile(galsim.DeltaFunction().shift(-1.0, 0.7))
    found = canvas.blobs([0.5, -1.0], [0.2, 0.7], [0.3, 0.0], [3.0, 1.0])
    np.testing.assert_allclose(found, 0.75 * one + 0.25 * two, atol=1e-6)


def magnitude(images: np.ndarray, zero_point: float) -> np.ndarray:
    return zero_point - 2.5 * np.log10(images.sum(axis=(-1, -2)))


@pytest.mark.parametrize(("star_fraction", "within"), [(1.0, 0.01), (0.0, 0.05)])
def test_magnitudes_are_recovered(star_fraction, within):
    options = {**QUIET, "star_fraction": star_fraction}
    rows = catalogue(25, **options)
    zero_point = simulated.attributes(simulated.Options())["zero_point"]
    g, r, i = magnitude(draw(rows, size_px=96, **options), zero_point).T
    # what little lies outside 16 arcsec falls back in: the grid is periodic at twice the width
    np.testing.assert_allclose(np.median(i - rows.i_mag), 0, atol=within)
    np.testing.assert_allclose(np.median(r - i - rows.r_i), 0, atol=within)
    np.testing.assert_allclose(np.median(g - r - rows.g_r), 0, atol=within)


@pytest.mark.parametrize("label", simulated.KINDS)
def test_an_oddity_as_a_whole_has_its_stated_magnitude_and_colours(label):
    options = {**QUIET, **only(label), "neighbours_per_arcmin2": 0.0}
    rows = catalogue(12, **options)
    g, _, i = magnitude(draw(rows, size_px=96, **options), simulated.ZERO_POINT).T
    np.testing.assert_allclose(np.median(i - rows.i_mag), 0, atol=0.05)
    np.testing.assert_allclose(np.median(g - i - rows.g_r - rows.r_i), 0, atol=0.05)


def test_empty_pixels_have_the_stated_noise_and_depth():
    options = {**NONE, "neighbours_per_arcmin2": 0.0, "star_fraction": 1.0}
    corners = draw(catalogue(30), **options)[:, :, :10, :10]
    expected = simulated.sky_noise(simulated.Options())
    np.testing.assert_allclose(corners.std(axis=(0, 2, 3)), expected, rtol=0.06)
    np.testing.assert_allclose(corners.mean(axis=(0, 2, 3)), 0, atol=0.2 * expected.min())
    # an image of the PSF itself weighs pixels best: signal to noise 5 at the stated depth
    image = galsim.Gaussian(fwhm=0.62).drawImage(nx=64, ny=64, scale=0.168, method="no_pixel")
    flux = 10 ** (0.4 * (simulated.ZERO_POINT - 25.9))
    assert flux * np.sqrt((image.array**2).sum()) / expected[2] == pytest.approx(5, rel=0.02)


def test_stars_are_as_wide_as_the_seeing():
    options = {**QUIET, "star_fraction": 1.0, "psf_fwhm_arcsec": (0.9, 0.7, 0.6)}
    images = draw(catalogue(8, **options), **options)
    for band, fwhm in enumerate(options["psf_fwhm_arcsec"]):
        seeing = galsim.Kolmogorov(fwhm=fwhm).drawImage(nx=64, ny=64, scale=0.168)
        expected = seeing.FindAdaptiveMom().moments_sigma
        found = [galsim.Image(im[band]).FindAdaptiveMom().moments_sigma for im in images]
        np.testing.assert_allclose(found, expected, rtol=0.03)


# --- astrophysical oddities


@pytest.mark.parametrize("label", simulated.KINDS)
def test_features_fade_to_an_ordinary_galaxy(label):
    options = only(label)
    rows = catalogue(400, **options)
    assert rows.feature_fraction.corr(rows.difficulty, method="spearman") < -0.999
    hidden = rows[rows.type != "spiral"].head(3).assign(feature_fraction=0.0)
    images = draw(hidden, **options)
    np.testing.assert_allclose(
        images, draw(hidden.assign(label="galaxy"), **options), rtol=0, atol=1e-6
    )
    glaring = hidden.assign(feature_fraction=_galaxies.KINDS[label].share)
    change = np.abs(draw(glaring, **options) - images).max(axis=(2, 3))
    assert (change > 5 * simulated.sky_noise(simulated.Options())).all()


def test_a_glaring_ring_is_bluer_than_its_core_and_detached():
    options = {**QUIET, **only("ring"), "neighbours_per_arcmin2": 0.0}
    rows = catalogue(400, **options)
    image = draw(rows[rows.difficulty < 0.1].head(20), **options).mean(axis=0)
    y, x = np.indices(image.shape[1:]) - 32
    radius = np.hypot(x, y) * 0.168
    core, gap, ring = (
        image[:, (radius >= a) & (radius < b)].mean(axis=1)
        for a, b in ((0, 0.4), (1.0, 1.3), (1.75, 2.25))
    )
    assert ring[0] > 1.2 * gap[0]
    assert ring[0] / ring[2] > 2 * core[0] / core[2]


def one_number(images: np.ndarray) -> dict[str, np.ndarray]:
    rgb = np.stack(
        [make_lupton_rgb(i, r, g, minimum=0, stretch=0.5, Q=15) for g, r, i in images]
    ).astype(float)
    return {
        "flux": images.sum(axis=(1, 2, 3)),
        "flux variance": images.var(axis=(1, 2, 3)),
        "brightness": rgb.sum(axis=(1, 2, 3)),
        "image variance": rgb.var(axis=(1, 2, 3)),
    }


def test_one_number_does_not_solve_the_astrophysical_kinds():
    """AUROC of each kind, all difficulties, stays within 0.5 +- 0.25 (0.05 more for the draw)."""
    options = {**NONE, **{f"{label}_fraction": 0.13 for label in simulated.KINDS}}
    rows = catalogue(1000, **options)
    images = draw(rows, **options)
    normal = rows.difficulty.isna().to_numpy()
    for name, values in one_number(images).items():
        for label in simulated.KINDS:
            odd = (rows.label == label).to_numpy()
            auroc = roc_auc_score(odd[odd | normal], values[odd | normal])
            assert 0.2 < auroc < 0.8, (name, label, auroc)


# --- data faults


@pytest.mark.parametrize("label", simulated.FAULTS)
def test_a_fault_is_nothing_at_difficulty_1_and_fades_towards_it(label):
    rows = catalogue(6, **only(label))
    clean = draw(rows.assign(label="galaxy"))
    np.testing.assert_array_equal(draw(rows.assign(difficulty=1.0)), clean)
    change = [
        np.abs(np.nan_to_num(draw(rows.assign(difficulty=d))) - clean).sum() for d in (0, 0.3, 0.7)
    ]
    assert change[0] > change[1] > change[2] > 0
    assert change[2] < 0.7 * change[0]


def spoilt(label: str) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rows = catalogue(10, **only(label)).assign(difficulty=0.0)
    return rows, draw(rows), draw(rows.assign(label="galaxy"))


def test_a_saturated_band_stands_at_one_level():
    rows, images, clean = spoilt("saturated_band")
    for row, image, before in zip(rows.itertuples(), images, clean, strict=True):
        band = "gri".index(row.fault_band)
        assert np.ptp(image[band]) == 0
        assert image[band].min() > 100 * simulated.sky_noise(simulated.Options())[band]
        np.testing.assert_array_equal(np.delete(image, band, 0), np.delete(before, band, 0))


def test_a_missing_band_is_nan():
    rows, images, clean = spoilt("missing_band")
    for row, image, before in zip(rows.itertuples(), images, clean, strict=True):
        band = "gri".index(row.fault_band)
        assert np.isnan(image[band]).all()
        np.testing.assert_array_equal(np.delete(image, band, 0), np.delete(before, band, 0))
    half = np.isnan(draw(rows.assign(difficulty=0.5))).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(half, 0.5 / 3)


def test_a_satellite_trail_is_a_bright_line():
    rows, images, clean = spoilt("satellite_trail")
    for row, trail in zip(rows.itertuples(), images - clean, strict=True):
        band = "gri".index(row.fault_band)
        assert not np.delete(trail, band, 0).any()
        y, x = np.nonzero(trail[band] > 2)
        narrow, along = np.linalg.eigvalsh(np.cov(x, y))
        assert np.sqrt(along) > 12
        assert np.sqrt(narrow) < 2
        assert trail[band].max() > 40 * simulated.sky_noise(simulated.Options())[band]


def test_dead_columns_hold_nothing():
    _, images, clean = spoilt("dead_columns")
    dead = (images == 0).all(axis=(1, 2))
    np.testing.assert_array_equal(dead.sum(axis=1), 8)
    kept = ~dead[:, None, None, :] & np.ones_like(images, dtype=bool)
    np.testing.assert_array_equal(images[kept], clean[kept])
    assert np.abs(np.nonzero(dead)[1] - 32).max() < 12
