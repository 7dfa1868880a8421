"""Spectra in the layouts of SDSS, DESI and tables, their line indices and components."""

import zipfile
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from sklearn.decomposition import PCA

from hoag.features import line_indices, spectral_components
from hoag.options import ConfigError, build
from hoag.surveys import spectra
from hoag.surveys._types import Failure, Trace
from hoag.traces.store import Traces, TraceStore, TraceWriter


def survey(layout, source, batch=(), **options):
    options = build(spectra.Options, {"layout": layout, "min_pixels": 10} | options, "survey")
    return options, build(spectra.Batch, {"source": str(source), **dict(batch)}, "batches[0]")


def listed(options, batch):
    table = spectra.list_objects(batch, options, seed=1, name="first")
    assert len(table) == spectra.count(batch, options, name="first")
    return table


def answers(options, batch, targets=None):
    targets = listed(options, batch) if targets is None else targets
    return {a.object_id: a for a in spectra.fetch(targets, batch, options, seed=1, name="first")}


def drawn(n=60, seed=0):
    """loglam, flux and ivar, with a masked pixel and one without a value."""
    rng = np.random.default_rng(seed)
    loglam = 3.58 + 1e-4 * np.arange(n)
    flux, ivar = rng.normal(10, 1, n).astype(np.float32), rng.uniform(1, 4, n).astype(np.float32)
    ivar[5], flux[7] = 0, np.nan
    return loglam, flux, ivar


# ---- SDSS


def write_sdss(path, seed=0, redshift=0.1):
    loglam, flux, ivar = drawn(seed=seed)
    columns = [("flux", "E", flux), ("loglam", "E", loglam), ("ivar", "E", ivar)]
    columns = [fits.Column(name, form, array=values) for name, form, values in columns]
    coadd = fits.BinTableHDU.from_columns(columns, name="COADD")
    facts = [("PLUG_RA", "D", [150.5]), ("PLUG_DEC", "D", [2.5]), ("Z", "E", [redshift])]
    facts = [fits.Column(n, f, array=v) for n, f, v in facts]
    facts += [fits.Column("CLASS", "6A", array=["GALAXY"])]
    row = fits.BinTableHDU.from_columns(facts, name="SPECOBJ")
    fits.HDUList([fits.PrimaryHDU(), coadd, row]).writeto(path)
    return loglam, flux, ivar


@pytest.fixture
def sdss(tmp_path):
    folder = tmp_path / "spectra"
    folder.mkdir()
    for i in range(3):
        write_sdss(folder / f"spec-0266-51602-000{i}.fits", seed=i, redshift=0.1 * i)
    return folder


def test_sdss_round_trip(sdss):
    options, batch = survey("sdss", sdss)
    table = listed(options, batch)
    assert table["object_id"].tolist() == [f"0266-51602-000{i}" for i in range(3)]
    assert table["ra_deg"].tolist() == [150.5] * 3 and table["dec_deg"].tolist() == [2.5] * 3
    assert table["redshift"].tolist() == pytest.approx([0, 0.1, 0.2])
    assert table["spectral_class"].tolist() == ["GALAXY"] * 3
    for i, trace in enumerate(answers(options, batch).values()):
        loglam, flux, ivar = drawn(seed=i)
        good = np.isfinite(flux) & (ivar > 0)
        assert isinstance(trace, Trace) and good.sum() == 58
        found = trace.columns
        np.testing.assert_allclose(found["wavelength_angstrom"], 10**loglam, rtol=1e-6)
        np.testing.assert_array_equal(found["flux"], np.where(good, flux, 0))
        np.testing.assert_array_equal(found["ivar"], np.where(good, ivar, 0))


def test_sdss_in_an_archive_and_at_rest(sdss, tmp_path):
    with zipfile.ZipFile(tmp_path / "plate.zip", "w") as archive:
        for path in sdss.iterdir():
            archive.write(path, f"0266/{path.name}")
    options, batch = survey("sdss", tmp_path / "plate.zip", redshift_column="redshift")
    observed = answers(*survey("sdss", sdss))
    for i, (name, trace) in enumerate(sorted(answers(options, batch).items())):
        shift = observed[name].columns["wavelength_angstrom"] / (1 + 0.1 * i)
        np.testing.assert_allclose(trace.columns["wavelength_angstrom"], shift, rtol=1e-6)
    assert spectra.attributes(options) == {"rest_frame": True}


def test_an_object_without_a_redshift_fails_where_one_is_needed(sdss):
    options, batch = survey("sdss", sdss, redshift_column="z_spec")
    table = listed(options, batch).assign(z_spec=[0.1, np.nan, -2])
    found = list(answers(options, batch, table).values())
    assert isinstance(found[0], Trace)
    assert [f.status for f in found[1:]] == ["no_redshift"] * 2
    assert found[1].reason == "found nan in z_spec, allowed: a redshift above -1"
    text = list(answers(options, batch, table.assign(z_spec=["0.1", "0.1?", "-"])).values())
    assert isinstance(text[0], Trace) and text[1].status == "no_redshift"
    assert text[1].reason == "found 0.1? in z_spec, allowed: a redshift above -1"
    with pytest.raises(ConfigError, match=r"redshift_column: found 'z_spec', allowed: .*redshift"):
        answers(options, batch, listed(options, batch))


def test_damaged_and_foreign_files_fail_by_themselves(sdss):
    whole = (sdss / "spec-0266-51602-0001.fits").read_bytes()
    (sdss / "spec-0266-51602-0001.fits").write_bytes(whole[:3000])
    fits.PrimaryHDU().writeto(sdss / "spec-0266-51602-0002.fits", overwrite=True)
    options, batch = survey("sdss", sdss)
    found = list(answers(options, batch).values())
    assert isinstance(found[0], Trace)
    assert [f.status for f in found[1:]] == ["invalid"] * 2
    assert "found no extension 'COADD', allowed: PRIMARY" in found[2].reason
    assert np.isnan(listed(options, batch)["redshift"]).tolist() == [False, True, True]


# ---- DESI


def write_desi(path, targets, kinds=None, seed=0, arms="BRZ"):
    """As coadd- and spectra- files: flux of row i and pixel j of an arm tells arm, row, pixel."""
    kinds = kinds or ["TGT"] * len(targets)
    columns = [("TARGETID", "K", targets), ("OBJTYPE", "3A", kinds)]
    columns += [("TARGET_RA", "D", np.arange(len(targets)) * 1.0)]
    columns += [("TARGET_DEC", "D", np.zeros(len(targets)))]
    columns = [fits.Column(n, f, array=v) for n, f, v in columns]
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="FIBERMAP")]
    rng, written = np.random.default_rng(seed), {}
    for k, arm in enumerate(arms):
        wave = 3600.0 + 2000 * k + 80.0 * np.arange(30)  # neighbouring arms overlap
        flux = rng.normal(5, 1, (len(targets), 30)).astype(np.float32)
        ivar = rng.uniform(1, 3, flux.shape).astype(np.float32)
        mask = (rng.random(flux.shape) < 0.1).astype(np.int32)
        for name, values in (("WAVELENGTH", wave), ("FLUX", flux), ("IVAR", ivar), ("MASK", mask)):
            hdus.append(fits.ImageHDU(values, name=f"{arm}_{name}"))
        written[arm] = wave, flux, ivar, mask
    fits.HDUList(hdus).writeto(path)
    return written


def expected(written, rows):
    """Wavelength, flux, ivar of some rows together, in order of wavelength."""
    parts = []
    for wave, flux, ivar, mask in written.values():
        good = mask == 0
        parts += [(wave, np.where(good, flux, 0)[i], np.where(good, ivar, 0)[i]) for i in rows]
    columns = [np.concatenate(c) for c in zip(*[(w, f, v) for w, f, v in parts], strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return [c[order] for c in columns]


def check(trace, columns):
    wave, flux, ivar = columns
    np.testing.assert_array_equal(trace.columns["wavelength_angstrom"], wave)
    # masked pixels are 0 in both; the flux of the others is as written
    np.testing.assert_array_equal(trace.columns["ivar"], ivar)
    np.testing.assert_array_equal(trace.columns["flux"], np.where(ivar > 0, flux, 0))


def test_columns_that_files_give_are_known_beforehand(sdss, tmp_path):
    write_desi(tmp_path / "coadd-1.fits", [11, 12])
    for layout, source in (("sdss", sdss), ("desi", tmp_path / "coadd-1.fits")):
        options, batch = survey(layout, source)
        given = set(listed(options, batch)) - {"object_id", "label", "source", "member"}
        assert set(spectra.known_columns(options)) == given


def test_desi_coadds_round_trip(tmp_path):
    targets = [39627652591521181, 39627652591521182, -5, 39627652591521184]
    written = write_desi(tmp_path / "coadd-main-1.fits", targets, ["TGT", "TGT", "SKY", "TGT"])
    options, batch = survey("desi", tmp_path / "coadd-main-1.fits")
    table = listed(options, batch)
    assert table["object_id"].tolist() == [str(t) for t in targets if t > 0]
    assert table["ra_deg"].tolist() == [0, 1, 3] and table["dec_deg"].tolist() == [0, 0, 0]
    found = answers(options, batch)
    for row, target in enumerate(targets):
        if target > 0:
            check(found[str(target)], expected(written, [row]))


def test_desi_exposures_of_a_target_make_one_spectrum(tmp_path):
    (tmp_path / "files").mkdir()
    written = write_desi(tmp_path / "files" / "spectra-1.fits", [11, 12, 11], arms="BZ")
    other = write_desi(tmp_path / "files" / "spectra-2.fits", [13], seed=1)
    options, batch = survey("desi", tmp_path / "files")
    found = answers(options, batch)
    assert list(found) == ["11", "12", "13"]
    check(found["11"], expected(written, [0, 2]))
    check(found["13"], expected(other, [0]))
    targets = listed(options, batch).iloc[[2]]
    assert list(answers(options, batch, targets)) == ["13"]


def test_a_target_in_two_files_is_refused_while_planning(tmp_path):
    (tmp_path / "files").mkdir()
    for name in ("coadd-1.fits", "coadd-2.fits"):
        write_desi(tmp_path / "files" / name, [11])
    options, batch = survey("desi", tmp_path / "files")
    text = "batches.first.source: found target 11 in coadd-1.fits and in coadd-2.fits, allowed: one"
    with pytest.raises(ConfigError) as raised:
        spectra.count(batch, options, name="first")
    assert text in str(raised.value)
    options, batch = survey("desi", tmp_path / "files", {"pattern": "coadd-1*"})
    assert spectra.count(batch, options, name="first") == 1


# ---- tables


def test_tables_take_any_unit_and_errors(tmp_path):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"name": np.repeat(["q1", "q2"], 30), "nm": rng.uniform(400, 900, 60)})
    rows["f"], rows["sigma"] = rng.normal(1e-17, 1e-18, 60), 2e-19
    rows.loc[3, "sigma"], rows.loc[4, "f"], rows.loc[5, "nm"] = 0, np.nan, np.nan
    rows.to_csv(tmp_path / "long.csv.gz", index=False)
    keys = {"id_column": "name", "wavelength_column": "nm", "angstrom_per_unit": 10}
    keys |= {"flux_column": "f", "error_column": "sigma"}
    found = answers(*survey("table", tmp_path / "long.csv.gz", **keys))
    assert list(found) == ["q1", "q2"] and found["q2"].remark == ""
    assert found["q1"].remark == "left out: 1 without a wavelength"
    own = rows[:30].drop(index=5).sort_values("nm")
    columns = found["q1"].columns
    np.testing.assert_allclose(columns["wavelength_angstrom"], 10 * own["nm"])
    good = (own["sigma"] > 0) & own["f"].notna()
    np.testing.assert_allclose(columns["ivar"], np.where(good, (2e-19) ** -2, 0), rtol=1e-6)
    np.testing.assert_allclose(columns["flux"], own["f"].where(good, 0), rtol=1e-6)
    few = answers(*survey("table", tmp_path / "long.csv.gz", **keys | {"min_pixels": 28}))["q1"]
    assert isinstance(few, Failure) and few.status == "too_few"
    assert few.reason == "found 27 pixels that are not masked, allowed: 28 or more"


# ---- line indices


def traces(*some):
    columns = {
        name: np.concatenate([np.asarray(s[name]) for s in some])
        for name in ("wavelength_angstrom", "flux", "ivar")
    }
    return Traces(columns, np.cumsum([0, *(len(s["flux"]) for s in some)]))


def spectrum(flux, low=3650.0, high=7000.0, step=1.0, ivar=1.0):
    """A spectrum from a function of wavelength."""
    wave = np.arange(low, high, step)
    values = np.asarray(flux(wave), float) * np.ones(len(wave))
    return {"wavelength_angstrom": wave, "flux": values, "ivar": np.full(len(wave), ivar)}


def indices(*some, **options):
    options = build(line_indices.Options, options, "features")
    x = line_indices.transform(traces(*some), options, {})
    return pd.DataFrame(x, columns=line_indices.names(options, {}))


def gaussian(wave, centre, width):
    return np.exp(-0.5 * ((wave - centre) / width) ** 2)


def test_a_gaussian_line_has_its_equivalent_width():
    """amplitude x width x sqrt(2 pi), whatever the slope of the continuum and the sampling."""
    for amplitude, step in ((0.5, 1.0), (-2.0, 1.7)):
        x = indices(
            spectrum(
                lambda w, a=amplitude: (3 - w / 4000) * (1 - a * gaussian(w, 6567.5, 5)), step=step
            ),
            wavelengths="air",
        )
        assert x["ew_halpha_nii"].item() == pytest.approx(
            amplitude * 5 * np.sqrt(2 * np.pi), rel=0.01
        )
        assert x[["ew_sii", "ew_nad", "ew_mgb"]].abs().to_numpy().max() < 0.02


def test_a_step_is_measured_by_hand():
    """Flux 1, and 1/2 in an exact part of the band of Mg b: half of that part's width."""
    x = indices(
        spectrum(lambda w: np.where((w >= 5170) & (w < 5180), 0.5, 1.0), step=0.5),
        wavelengths="air",
    )
    assert x["ew_mgb"].item() == pytest.approx(5.0, abs=0.01)
    assert x["ew_fe5270"].item() == pytest.approx(0.0, abs=1e-6)


def test_the_break_is_a_ratio_of_f_nu():
    x = indices(spectrum(lambda w: np.where(w < 3975, 1.0, 2.0)))
    wave = np.arange(3700.0, 4200.0)
    red = (wave[(wave >= 4000) & (wave < 4100)] ** 2).mean()
    blue = (wave[(wave >= 3850) & (wave < 3950)] ** 2).mean()
    assert x["d4000"].item() == pytest.approx(2 * red / blue, rel=1e-3)


@pytest.mark.parametrize(("air", "vacuum"), [(5006.843, 5008.240), (6562.801, 6564.614)])
def test_wavelengths_in_vacuum_are_the_published_ones(air, vacuum):
    """[O III] and H alpha as NIST and SDSS list them."""
    assert line_indices.in_vacuum(air) == pytest.approx(vacuum, abs=0.004)


def test_bands_follow_how_wavelengths_are_given():
    shifted = spectrum(lambda w: 1 - 0.5 * gaussian(w, line_indices.in_vacuum(5176.4), 3))
    in_air = spectrum(lambda w: 1 - 0.5 * gaussian(w, 5176.4, 3))
    found = indices(shifted)["ew_mgb"].item()
    assert found == pytest.approx(indices(in_air, wavelengths="air")["ew_mgb"].item(), rel=2e-3)


def test_lines_that_are_not_covered_are_nan_and_masked_pixels_do_no_harm():
    whole = spectrum(lambda w: 1 - 0.5 * gaussian(w, 6567.5, 5))
    short = {k: v[whole["wavelength_angstrom"] < 6000] for k, v in whole.items()}
    dark = whole | {"flux": whole["flux"] - 1.1}
    masked = {k: v.copy() for k, v in whole.items()}
    masked["flux"][2850:2855], masked["ivar"][2850:2855] = 1e9, 0  # 6500 to 6505, in a side band
    x = indices(whole, short, dark, masked, wavelengths="air")
    assert np.isfinite(x.loc[0]).all()
    assert np.isnan(x.loc[1, "ew_halpha_nii"]) and np.isfinite(x.loc[1, "ew_mgb"])
    assert np.isnan(x.loc[2]).all()
    assert x.loc[3, "ew_halpha_nii"] == pytest.approx(x.loc[0, "ew_halpha_nii"], rel=1e-3)


def test_exposures_at_the_same_wavelengths_are_averaged_by_their_weights():
    """Three exposures, the one with the line between two without; one of those masked."""
    flat = spectrum(np.ones_like)
    lined = spectrum(lambda w: 1 - 0.9 * gaussian(w, 6567.5, 5))
    masked = spectrum(lambda w: w + 1e9, ivar=0.0)

    def together(*some):
        order = np.argsort(np.concatenate([s["wavelength_angstrom"] for s in some]), kind="stable")
        return {k: np.concatenate([s[k] for s in some])[order] for k in flat}

    x = indices(
        lined, together(flat, lined, flat), together(masked, lined, lined), wavelengths="air"
    )["ew_halpha_nii"]
    assert x[0] == pytest.approx(0.9 * 5 * np.sqrt(2 * np.pi), rel=0.01)
    assert x[1] == pytest.approx(x[0] / 3, rel=1e-6)
    assert x[2] == pytest.approx(x[0], rel=1e-6)


def test_arms_that_overlap_may_differ_by_rounding():
    """Grids made one by one agree to 1e-10 angstrom where they overlap."""
    arms = [np.arange(low, low + 2200.4, 0.8) for low in (3600.0, 5760.0, 7520.0)]
    assert not np.isin(arms[0], arms[1]).any(), "the test's own premise"
    wave = np.concatenate(arms)
    flux = 1 - 0.9 * gaussian(wave, 5781, 5)  # in the overlap of the first two
    order = np.argsort(wave, kind="stable")
    both = {"wavelength_angstrom": wave / 1.189, "flux": flux, "ivar": np.ones(len(wave))}
    both = {name: values[order] for name, values in both.items()}
    x = indices(both, wavelengths="air")
    assert np.isfinite(x.loc[0]).all()
    assert x.loc[0, "ew_hbeta"] == pytest.approx(0.9 * 5 / 1.189 * np.sqrt(2 * np.pi), rel=0.03)


def test_rows_that_are_missing_are_not_covered():
    whole = spectrum(lambda w: 1 - 0.5 * gaussian(w, 4862, 5))
    wave = whole["wavelength_angstrom"]
    gap = (wave > 4850) & (wave < 4875)
    cut = {k: v[~gap] for k, v in whole.items()}
    x = indices(whole, cut, wavelengths="air")
    assert np.isfinite(x.loc[0, "ew_hbeta"]) and np.isnan(x.loc[1, "ew_hbeta"])
    assert x.loc[1, "ew_mgb"] == pytest.approx(x.loc[0, "ew_mgb"], abs=1e-6)


def test_spectra_that_nobody_shifted_are_remarked_on(caplog):
    class Store:
        attributes: ClassVar = {"rest_frame": False}

    line_indices.fit(Store(), line_indices.Options(), 0)
    assert "taken to be at rest" in caplog.text


# ---- components

BINS = {"low_angstrom": 4000, "high_angstrom": 7000, "n_bins": 300, "n_components": 3}


def galaxies(n=80, seed=0, noise=0.01):
    """Two lines of independent strength on slopes of any brightness."""
    rng = np.random.default_rng(seed)
    wave = np.arange(3900.0, 7100.0, 1.5)
    one, two = gaussian(wave, 5000, 12), gaussian(wave, 6500, 12)
    some = []
    for _ in range(n):
        a, b = rng.normal(size=2)
        flux = rng.uniform(1, 50) * (2 - wave / 9000) * (1 + 0.3 * a * one + 0.1 * b * two)
        flux *= 1 + noise * rng.normal(size=len(wave))
        ivar = (noise * flux) ** -2 if noise else np.ones(len(wave))
        some.append({"wavelength_angstrom": wave, "flux": flux, "ivar": ivar})
    return some


def store_of(some, tmp_path):
    with TraceWriter(tmp_path / "spectra.h5", {"kind": "spectrum", "bands": []}) as writer:
        for i, one in enumerate(some):
            writer.append(f"object-{i}", one)
    return TraceStore([tmp_path / "spectra.h5"])


def components(some, tmp_path, **options):
    store = store_of(some, tmp_path)
    options = build(spectral_components.Options, BINS | options, "features")
    state = spectral_components.fit(store, options, 1)
    return options, state


def transformed(some, options, state):
    x = spectral_components.transform(traces(*some), options, state)
    return pd.DataFrame(x, columns=spectral_components.names(options, state))


def test_components_are_those_of_scikit_learn(tmp_path):
    some = galaxies()
    options, state = components(some, tmp_path)
    x, _ = spectral_components.normalised(store_of(some, tmp_path).read(range(80)), options)
    pca = PCA(3, svd_solver="full").fit(x)
    cosines = np.abs((pca.components_ * state["components"]).sum(axis=1))
    np.testing.assert_allclose(cosines[:2], 1, atol=1e-6)
    found = transformed(some, options, state)[["pc_1", "pc_2"]].to_numpy()
    np.testing.assert_allclose(np.abs(found), np.abs(pca.transform(x)[:, :2]), atol=1e-4)
    share = pca.explained_variance_ratio_[:2].sum()
    assert share > 0.9  # so that the test is of lines, not of noise


def test_brightness_and_slope_say_nothing(tmp_path):
    some = galaxies(noise=0)
    options, state = components(some, tmp_path)
    brighter = [s | {"flux": s["flux"] * (1 + s["wavelength_angstrom"] / 5000)} for s in some]
    a, b = transformed(some, options, state), transformed(brighter, options, state)
    assert np.abs(a["pc_1"] - b["pc_1"]).max() < 0.03 * np.ptp(a["pc_1"])


def test_gaps_do_no_harm(tmp_path):
    """A fifth of the pixels masked, one wing of a line among them: the coordinates stay."""
    some = galaxies()
    options, state = components(some, tmp_path)
    masked = [s | {"ivar": s["ivar"].copy(), "flux": s["flux"].copy()} for s in some]
    for one in masked:
        away = (one["wavelength_angstrom"] > 5010) & (one["wavelength_angstrom"] < 5600)
        one["ivar"][away], one["flux"][away] = 0, 0
    a, b = transformed(some, options, state), transformed(masked, options, state)
    assert np.abs(a["pc_1"] - b["pc_1"]).max() < 0.1 * np.ptp(a["pc_1"])
    refit = components(masked, tmp_path)[1]
    cosine = np.abs(refit["components"][0] @ state["components"][0])
    assert cosine > 0.8


def test_what_components_miss_tells_an_odd_line_and_the_noise(tmp_path):
    some = galaxies()
    options, state = components(some, tmp_path)
    odd = some[0] | {
        "flux": some[0]["flux"] * (1 + gaussian(some[0]["wavelength_angstrom"], 5700, 9))
    }
    x = transformed([*some, odd], options, state)
    assert x["missed_chi2"][:80].median() == pytest.approx(1, abs=0.3)
    assert x["missed_rms"].idxmax() == x["missed_chi2"].idxmax() == 80
    assert x["missed_chi2"][80] > 20 * x["missed_chi2"][:80].max()


def test_too_little_of_a_spectrum_gives_nan_and_none_stops_the_fit(tmp_path):
    some = galaxies(10)
    options, state = components(some, tmp_path)
    short = {k: v[some[0]["wavelength_angstrom"] < 5000] for k, v in some[0].items()}
    dark = some[0] | {"flux": np.zeros_like(some[0]["flux"])}
    x = transformed([some[0], short, dark], options, state)
    assert np.isfinite(x.loc[0]).all() and np.isnan(x.loc[1:]).all(axis=None)
    _, reasons = spectral_components.explained(traces(some[0], short, dark), options, state)
    assert reasons == ["", "less than 50% of the bins covered", "no light in the bins"]
    with pytest.raises(ValueError, match="found 0 spectra with 50% of the bins from 4000 to 7000"):
        components([short, short], tmp_path)


def test_wavelengths_must_rise():
    with pytest.raises(ConfigError, match="low_angstrom: found 5000"):
        build(spectral_components.Options, {"low_angstrom": 5000, "high_angstrom": 4000}, "f")
