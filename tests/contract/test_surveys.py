"""What every registered survey must do; a new one is tested by being there.

A survey's batch is filled by the names and types of its required keys: ``source`` gets a drawn
folder of images, a whole number gets `N_OBJECTS`. A survey that needs more stands in `EXAMPLES`,
one that is asked over the network in `SERVICES`.
"""

import contextlib
import dataclasses
import os
import subprocess
import sys
import tempfile
import typing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from PIL import Image
from tests.servers import Sky, make, serving

from hoag import registry
from hoag.network import engine
from hoag.options import build
from hoag.surveys._types import (
    FEATURES,
    FLUX_IMAGE,
    INPUTS,
    LIGHT_CURVE,
    RENDERED_IMAGE,
    TRACES,
    Cutout,
    Failure,
    Trace,
)

SURVEYS = registry.names("surveys")
N_OBJECTS = 12
HEAVY = ("torch", "sklearn", "scipy", "astropy", "galsim", "PIL", "h5py", "matplotlib", "numba")


def draw_tiles(folder, shape=(60, 60)):
    """Three bands of one tile on the sky."""
    (folder / "tiles").mkdir()
    rng, step = np.random.default_rng(0), 0.2 / 3600
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 30.5, "CRPIX2": 30.5}
    cards |= {"CRVAL1": 0.0, "CRVAL2": 0.0, "CDELT1": -step, "CDELT2": step}
    for band in "gri":
        image = fits.PrimaryHDU(rng.normal(size=shape).astype(np.float32), fits.Header(cards))
        image.writeto(folder / "tiles" / f"patch-{band}.fits")
    options = {"bands": ["g", "r", "i"], "size_px": 16, "pixel_scale_arcsec": 0.2}
    return options, {"tiles": str(folder / "tiles"), "pattern": "patch-{band}.fits"}


def draw_windows(folder):
    """A tile of `N_OBJECTS` windows."""
    options, batch = draw_tiles(folder, (60, 46))
    return options | {"step_px": 15}, batch


def draw_light_curves(folder):
    """A long table of a dozen objects in two filters; the last has two rows, in no order."""
    rng = np.random.default_rng(0)
    n = np.r_[rng.integers(8, 30, N_OBJECTS - 1), 2]
    rows = pd.DataFrame({"object_id": np.repeat([f"star-{i:02}" for i in range(N_OBJECTS)], n)})
    rows["time_mjd"] = rng.uniform(53000, 56000, len(rows))
    rows["value"], rows["error"] = rng.normal(15, 0.3, len(rows)), 0.1
    rows["filter"] = np.where(rng.random(len(rows)) < 0.5, "g", "r")
    rows.sample(frac=1, random_state=1).to_csv(folder / "curves.csv.gz", index=False)
    options = {"filter_column": "filter", "filters": ["g", "r"]}
    return options, {"source": str(folder / "curves.csv.gz")}


def draw_spectra(folder):
    """A file for each object, of different lengths; the last is no table."""
    rng = np.random.default_rng(0)
    (folder / "spectra").mkdir()
    for i in range(N_OBJECTS - 1):
        wavelength = rng.permutation(np.linspace(4000, 9000, 200 + i))
        rows = {"wavelength": wavelength, "flux": rng.normal(1, 0.1, len(wavelength))}
        pd.DataFrame(rows).to_csv(folder / "spectra" / f"quasar-{i:02}.csv", index=False)
    (folder / "spectra" / "quasar-99.csv").write_text("not,a,spectrum\n1,2,3\n")
    return {"layout": "table"}, {"source": str(folder / "spectra")}


def scattered(width_arcsec):
    """A catalogue of `N_OBJECTS` around (0, 0); the last lies far from the others."""
    ra, dec = np.random.default_rng(1).uniform(-0.5, 0.5, (2, N_OBJECTS)) * width_arcsec / 3600
    dec[-1] = 40
    ids = [f"object-{i:02}" for i in range(N_OBJECTS)]
    return pd.DataFrame({"object_id": ids, "ra_deg": ra % 360, "dec_deg": dec})


# kind -> function of a folder that gives (options section, batch section)
EXAMPLES = {
    "tiles": draw_tiles,
    "windows": draw_windows,
    "light_curves": draw_light_curves,
    "spectra": draw_spectra,
}
# kind -> option with an address, and its path on the stand-in that serves the survey
SERVICES = {
    "datalab": ("base_url", ""),
    "first": ("base_url", "/cgi-bin/firstcutout"),
    "hips": ("base_url", "/hips-image-services/hips2fits"),
    "hsc": ("base_url", "/das_cutout"),
    "legacy": ("base_url", "/viewer"),
    "panstarrs": ("base_url", "/cgi-bin"),
    "sdss": ("base_url", "/dr17"),
    "skyview": ("base_url", "/current/cgi/runquery.pl"),
    "soda": ("sia_url", "/api/sia/dp1/query"),
}
# kind -> what a catalogue asks of a survey that has pixels but no list of objects
TARGETS = {"tiles": scattered(12.0)} | dict.fromkeys(SERVICES, scattered(12.0))


@pytest.fixture(scope="module")
def stand_in():
    """A function of a kind that gives the address of a stand-in without data at the last object."""
    sky, stack, addresses = Sky(footprint=(359, 1, -1, 1), noise=1.0), contextlib.ExitStack(), {}

    def address(kind):
        if kind not in addresses:
            addresses[kind] = stack.enter_context(serving(make(kind, sky)))
        return addresses[kind]

    with stack:
        yield address


def ask_stand_in(kind, address):
    """Options that ask for small images at once."""
    key, path = SERVICES[kind]
    quick = {"backoff_s": 0.0, "requests_per_minute": None, "retries": 1}
    return quick | {key: address + path, "size_px": 64 if kind == "sdss" else 16}


@pytest.fixture(params=SURVEYS)
def kind(request):
    return request.param


@pytest.fixture
def survey(kind, tmp_path, draw_dataset, stand_in, monkeypatch):
    """(module, options, batch) of a dozen objects."""
    module = registry.load("surveys", kind)
    if kind in EXAMPLES:
        options, batch = EXAMPLES[kind](tmp_path)
    elif kind in SERVICES:
        monkeypatch.setenv("SSP_PDR_USR", "name@local")
        monkeypatch.setenv("SSP_PDR_PWD", "secret")
        monkeypatch.delenv("HOAG_SODA_TOKEN", raising=False)
        options, batch = ask_stand_in(kind, stand_in(kind)), {}
    elif kind in draw_dataset.kinds:  # the published files, drawn small
        options, batch = draw_dataset(module), {}
    else:
        options, batch = {}, _batch_section(module, tmp_path)
    return module, build(module.Options, options, kind), build(module.Batch, batch, kind)


def _batch_section(module, folder):
    section, hints = {}, typing.get_type_hints(module.Batch)
    for field in dataclasses.fields(module.Batch):
        if field.name == "source":
            section["source"] = _source(folder)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            assert hints[field.name] is int, f"put an example of {module.__name__} into EXAMPLES"
            section[field.name] = N_OBJECTS
    return section


def _source(folder):
    rng = np.random.default_rng(0)
    (folder / "source").mkdir()
    for i in range(N_OBJECTS - 1):
        pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "source" / f"galaxy-{i:02}.png")
    (folder / "source" / "broken.png").write_bytes(b"not a picture")
    return str(folder / "source")


def _objects(survey, seed=5):
    module, options, batch = survey
    if not hasattr(module, "list_objects"):
        return TARGETS[module.__name__.rpartition(".")[2]]
    return module.list_objects(batch, options, seed=seed, name="first")


def _answers(survey, targets, seed=5):
    """What a survey answers that has kept nothing from before."""
    module, options, batch = survey
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "ROOT", Path(folder))
        return list(module.fetch(targets, batch, options, seed=seed, name="first"))


def _needs(survey, *kinds):
    module, options, _ = survey
    if module.object_kind(options) not in kinds:
        pytest.skip(f"its objects are none of {kinds}")


DATA = (FLUX_IMAGE, RENDERED_IMAGE, *TRACES)


def test_there_are_surveys():
    assert {"images", "table"} <= set(SURVEYS)


@pytest.mark.parametrize("name", ["Options", "Batch"])
def test_options_are_frozen_dataclasses_of_documented_options(kind, name):
    cls = getattr(registry.load("surveys", kind), name)
    assert dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen and cls.__doc__
    for field in dataclasses.fields(cls):
        assert field.metadata.get("doc", "").endswith("."), f"{field.name} has no documentation"


def test_importing_a_survey_is_cheap(kind):
    code = f"import sys, hoag.surveys.{kind}; print(*(m for m in {HEAVY!r} if m in sys.modules))"
    root = Path(registry.__file__).parents[1]
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == []


def test_survey_states_what_it_yields(survey):
    module, options, _ = survey
    assert type(module.FORMAT_VERSION) is int and module.FORMAT_VERSION >= 1
    assert isinstance(module.ACKNOWLEDGEMENT, str) and module.ACKNOWLEDGEMENT.strip()
    object_kind = module.object_kind(options)
    assert object_kind in INPUTS
    bands = module.bands(options)
    assert isinstance(bands, tuple) and all(isinstance(b, str) for b in bands)
    if object_kind == RENDERED_IMAGE:
        assert bands in (("r", "g", "b"), ("grey",))
    assert bool(bands) == (object_kind in (FLUX_IMAGE, RENDERED_IMAGE, LIGHT_CURVE))
    assert isinstance(module.attributes(options), dict)


def test_a_survey_without_a_list_fetches_what_a_catalogue_names(survey):
    module, options, _ = survey
    assert hasattr(module, "list_objects") == hasattr(module, "count")
    is_table = module.object_kind(options) == FEATURES
    assert hasattr(module, "fetch") != is_table


def test_objects_have_unique_text_ids_and_agree_with_the_count(survey):
    module, options, batch = survey
    if not hasattr(module, "list_objects"):
        pytest.skip("takes its objects from a catalogue")
    frame = _objects(survey)
    assert len(frame) == module.count(batch, options, name="first") == N_OBJECTS
    assert frame["object_id"].is_unique
    assert all(isinstance(i, str) and i for i in frame["object_id"])
    pd.testing.assert_frame_equal(frame, _objects(survey))


def test_each_target_gets_exactly_one_answer(survey):
    _needs(survey, *DATA)
    targets = _objects(survey)
    answers = _answers(survey, targets)
    assert sorted(a.object_id for a in answers) == sorted(targets["object_id"])
    for failure in answers:
        if isinstance(failure, Failure):
            assert failure.status.isidentifier() and failure.reason and "\n" not in failure.reason


def test_cutouts_have_one_shape_and_the_type_of_their_kind(survey):
    _needs(survey, FLUX_IMAGE, RENDERED_IMAGE)
    module, options, _ = survey
    answers = _answers(survey, _objects(survey))
    cutouts = [a for a in answers if isinstance(a, Cutout)]
    assert cutouts and len({c.pixels.shape for c in cutouts}) == 1
    flux = module.object_kind(options) == FLUX_IMAGE
    for cutout in cutouts:
        shape = cutout.pixels.shape
        n_bands, size = (shape[0], shape[1:]) if flux else (shape[2], shape[:2])
        assert cutout.pixels.dtype == (np.float32 if flux else np.uint8)
        assert n_bands == len(module.bands(options))
        assert module.image_shape(options) in (None, tuple(size))


def test_traces_have_the_columns_of_their_kind_in_order(survey):
    _needs(survey, *TRACES)
    module, options, _ = survey
    answers = _answers(survey, _objects(survey))
    traces = [a for a in answers if isinstance(a, Trace)]
    columns = TRACES[module.object_kind(options)]
    lengths = {len(t.columns[next(iter(columns))]) for t in traces}
    assert len(traces) > N_OBJECTS / 2 and len(lengths) > 1
    for trace in traces:
        assert trace.columns.keys() == columns.keys()
        assert len({len(v) for v in trace.columns.values()}) == 1
        first = trace.columns[next(iter(columns))]
        assert np.isfinite(first).all() and (np.diff(first) >= 0).all()
        if "band" in trace.columns:
            assert set(trace.columns["band"]) <= set(range(len(module.bands(options))))


def test_pixels_and_traces_do_not_depend_on_shards_or_order(survey):
    _needs(survey, *DATA)
    targets = _objects(survey)
    whole = _by_id(_answers(survey, targets))
    split = [targets.iloc[::-1].iloc[i::3] for i in range(3)]
    parts = _by_id(a for shard in split for a in _answers(survey, shard))
    assert whole.keys() == parts.keys()
    for object_id, answer in whole.items():
        other = parts[object_id]
        assert type(other) is type(answer)
        if isinstance(answer, Cutout):
            np.testing.assert_array_equal(other.pixels, answer.pixels)
        if isinstance(answer, Trace):
            for name, values in answer.columns.items():
                np.testing.assert_array_equal(other.columns[name], values)


def test_an_empty_shard_gives_no_answers(survey):
    _needs(survey, *DATA)
    assert _answers(survey, _objects(survey).iloc[:0]) == []


def _by_id(answers):
    return {a.object_id: a for a in answers}
