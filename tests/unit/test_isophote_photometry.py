"""Light inside isophotes and apertures, against the integrals of a Gaussian."""

import numpy as np
import pytest

import extract_features
from hoag import tables
from hoag.features import isophote_photometry
from hoag.features.isophote_photometry import Options
from hoag.images.store import ShardWriter
from hoag.options import ConfigError

SIGMA, PEAK, SIDE = 7.0, 0.8, 101
LEVELS = (0.5, 0.2, 0.1)


def gaussian(peak=PEAK, sky=0.1, sigma=SIGMA, at=(50, 50), ratio=1.0):
    y, x = np.indices((SIDE, SIDE))
    d2 = (x - at[1]) ** 2 + ((y - at[0]) / ratio) ** 2
    return (sky + peak * np.exp(-d2 / (2 * sigma**2)))[None, ..., None]


def run(images, **options):
    options = Options(**options)
    x = isophote_photometry.transform(images, options, {})
    return dict(zip(isophote_photometry.names(options, {}), x[0].astype(float), strict=True))


@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_a_gaussian_has_the_area_and_the_light_of_its_integrals(ratio):
    found = run(gaussian(ratio=ratio), levels=LEVELS)
    whole = 2 * np.pi * SIGMA**2 * ratio
    assert found["peak_mag"] == pytest.approx(-2.5 * np.log10(PEAK), abs=1e-3)
    for level in LEVELS:
        area, light = whole * np.log(1 / level), whole * PEAK * (1 - level)
        assert 10 ** found[f"log_area_{level:g}"] == pytest.approx(area, rel=0.03)
        assert found[f"mag_{level:g}"] == pytest.approx(-2.5 * np.log10(light), abs=0.03)


def test_apertures_hold_the_share_of_the_light_that_lies_inside():
    found = run(gaussian(), levels=(), radii_px=(3, 10.5))
    for radius in (3, 10.5):
        inside = 1 - np.exp(-(radius**2) / (2 * SIGMA**2))
        light = 2 * np.pi * SIGMA**2 * PEAK * inside
        assert found[f"mag_{radius:g}_px"] == pytest.approx(-2.5 * np.log10(light), abs=0.01)


def test_depth_and_sky_change_magnitudes_alone():
    bright, faint = run(gaussian(), levels=LEVELS), run(gaussian(PEAK / 4, 0.3), levels=LEVELS)
    for name, value in bright.items():
        fainter = 2.5 * np.log10(4) if "mag" in name else 0
        assert faint[name] == pytest.approx(value + fainter, abs=1e-5)


def test_another_object_is_left_out():
    alone = run(gaussian(sigma=3.0), levels=LEVELS)
    both = run(gaussian(sigma=3.0) + gaussian(sky=0, sigma=3.0, at=(75, 80)), levels=LEVELS)
    assert both == pytest.approx(alone, abs=1e-5)


def test_what_cannot_be_measured_is_nan_with_a_reason():
    rng = np.random.default_rng(1)
    noisy = gaussian() + rng.normal(0, 0.03, (1, SIDE, SIDE, 1))
    images = np.concatenate([gaussian(), noisy, np.full((1, SIDE, SIDE, 1), 0.5)])
    options = Options(levels=(0.5, 0.01), radii_px=(5, 60))
    x, reasons = isophote_photometry.explained(images, options, {})
    names = isophote_photometry.names(options, {})
    missing = [{n for n, v in zip(names, row, strict=True) if np.isnan(v)} for row in x]
    assert missing[0] == {"mag_60_px"}
    assert missing[1] == {"log_area_0.01", "mag_0.01", "mag_60_px"}
    assert missing[2] == set(names)
    assert reasons == [
        "the aperture of 60 px reaches beyond the image",
        "the isophote at 0.01 of the peak lies in the noise; "
        "the aperture of 60 px reaches beyond the image",
        "no light in the central third of the image",
    ]


def test_one_channel_or_the_mean_of_all():
    images = np.concatenate([gaussian(), gaussian(sigma=4)], axis=3)
    assert run(images, channel=1) == run(gaussian(sigma=4))
    assert run(images) == run(images.mean(axis=3, keepdims=True))
    with pytest.raises(ConfigError, match=r"features.a.channel: found 2, allowed: 0..1"):
        isophote_photometry.check((SIDE, SIDE, 2), Options(channel=2), "features.a")


@pytest.mark.parametrize(
    "options", [{"levels": ()}, {"levels": (0.1, 0.10000001)}, {"radii_px": (2, 2)}]
)
def test_levels_and_radii_that_cannot_be_meant_are_refused(options):
    with pytest.raises(ConfigError, match=r"found .*, allowed"):
        Options(**options)


def test_the_reasons_cost_no_second_measurement(tmp_path, monkeypatch):
    images = np.uint8(255 * np.concatenate([gaussian(), np.full((1, SIDE, SIDE, 1), 0.5)]))
    with ShardWriter(tmp_path / "images.h5", {}) as writer:
        for name, image in zip("ab", images, strict=True):
            writer.append(name, image)
    np.savez(tmp_path / "fit.npz")
    measured, explained = [], isophote_photometry.explained

    def counted(images, options, state):
        measured.append(len(images))
        return explained(images, options, state)

    class Silence:
        def __call__(self, text):
            pass

        always = __call__

    monkeypatch.setattr(isophote_photometry, "explained", counted)
    paths = [str(tmp_path / name) for name in ("features.parquet", "failures.parquet")]
    extract_features.main(
        {"images": [str(tmp_path / "images.h5")], "fit": [str(tmp_path / "fit.npz")]},
        *paths,
        plugin={"kind": "isophote_photometry", "options": {}},
        view="images",
        columns=[],
        shard=0,
        n_shards=1,
        processes=1,
        say=Silence(),
    )
    assert measured == [2]
    assert len(tables.read("features", paths[0])) == 2
    (failure,) = tables.read("failures", paths[1]).to_dict("records")
    assert failure == {"object_id": "b", "reason": "no light in the central third of the image"}
