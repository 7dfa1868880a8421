"""What every feature extractor must do, whichever the registry finds."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from threadpoolctl import threadpool_limits

from hoag import registry
from hoag.surveys._types import LIGHT_CURVE, SPECTRUM
from hoag.traces.store import Traces

FROM_ELSEWHERE = Path(tempfile.mkdtemp()) / "scores.csv"
EXPORTED = FROM_ELSEWHERE.with_name("network.pt2")
SMALL = {
    "table": {"path": str(FROM_ELSEWHERE)},
    "exported": {"path": str(EXPORTED)},
    "prepared": {"of": ["measured"], "n_components": 2},
    "autoencoder": {"iterations": 5, "width": 4, "n_components": 4, "batch_size": 8},
    "classifier": {
        "classes": {"one": ["a"], "two": ["b"]},
        "epochs": 2,
        "hidden": [12, 8],
        "n_passes": 5,
        "n_members": 2,
        "spectral_coefficient": 1.0,
    },
    "vae": {"iterations": 5, "width": 4, "n_components": 4, "batch_size": 8},
    "mvae": {
        "columns": ["mag", "size"],
        "iterations": 5,
        "width": 4,
        "n_components": 4,
        "batch_size": 8,
    },
    "network_losses": {"network": "codes", "n_draws": 2},
    "spectral_components": {"n_bins": 150, "n_components": 4},
}
FEW = {"morphology": 2}  # objects of the slow ones; 40 of all others
HEAVY = [
    *("torch", "sklearn", "scipy", "astropy", "galsim", "h5py", "PIL", "umap", "numba"),
    *("pywt", "skimage", "photutils", "statmorph"),
]
KINDS = registry.names("features")
ON_IMAGES = [k for k in KINDS if registry.load("features", k).INPUT == "images"]


class DrawnStore:
    """Blobs of random size, colour and place, 32 x 32 px, held in memory."""

    def __init__(self, n=40, seed=3):
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:32, :32]
        y0, x0 = rng.uniform(13, 18, (2, n, 1, 1))
        size = rng.uniform(2, 6, (n, 1, 1))
        blob = np.exp(-((y - y0) ** 2 + (x - x0) ** 2) / (2 * size**2))
        light = blob[..., None] * rng.uniform(80, 220, (n, 1, 1, 3)) + rng.uniform(
            5, 20, (n, 32, 32, 3)
        )
        self.images = light.astype(np.uint8)
        self.shape = self.images.shape[1:]
        self.object_ids = np.array([f"{i:019d}" for i in range(n)], dtype=object)

    def __len__(self):
        return len(self.images)

    def read(self, indices):
        return self.images[np.asarray(indices, dtype=int)]

    def slices(self, size):
        return (self.images[i : i + size] for i in range(0, len(self), size))


class DrawnTraces:
    """Light curves in two filters, or spectra, of different lengths, held in memory."""

    def __init__(self, kind, n=40, seed=3):
        rng = np.random.default_rng(seed)
        draw = self._light_curve if kind == LIGHT_CURVE else self._spectrum
        self.traces = [draw(rng) for _ in range(n)]
        self.attributes = {"kind": kind, "bands": ["g", "r"], "values": "magnitudes"}
        self.attributes["has_errors"] = True
        self.object_ids = np.array([f"{i:019d}" for i in range(n)], dtype=object)

    def _light_curve(self, rng):
        time = np.sort(rng.uniform(53000, 56000, rng.integers(30, 90)))
        value = 15 + rng.uniform(0, 1) * np.sin(time) + rng.normal(0, 0.1, len(time))
        band = rng.integers(0, 2, len(time)).astype(np.int16)
        error = rng.uniform(0.05, 0.15, len(time))
        return {"time_mjd": time, "value": value, "error": error, "band": band}

    def _spectrum(self, rng):
        wavelength = 3600 * 10 ** (1e-4 * np.arange(rng.integers(4100, 4300)))
        line = np.exp(-0.5 * ((wavelength - 6563) / 5) ** 2)
        flux = 2 - wavelength / 9000 + rng.uniform(0, 3) * line
        flux = flux + rng.normal(0, 0.1, len(flux))
        ivar = np.full(len(flux), 100, np.float32)
        flux = flux.astype(np.float32)
        return {"wavelength_angstrom": wavelength, "flux": flux, "ivar": ivar}

    def __len__(self):
        return len(self.traces)

    def read(self, indices):
        some = [self.traces[i] for i in np.asarray(indices, dtype=int)]
        columns = {
            name: np.concatenate([values[:0], *(trace[name] for trace in some)])
            for name, values in self.traces[0].items()
        }
        first = next(iter(columns))
        return Traces(columns, np.cumsum([0, *(len(trace[first]) for trace in some)]))

    def slices(self, size):
        return (self.read(range(i, min(i + size, len(self)))) for i in range(0, len(self), size))


def drawn_catalogue(n=40, seed=3):
    rng = np.random.default_rng(seed)
    table = {"object_id": [f"{i:019d}" for i in range(n)], "ra_deg": rng.uniform(0, 360, n)}
    return pd.DataFrame(
        table | {"dec_deg": 0.0, "mag": rng.normal(20, 1, n), "n_obs": np.arange(n)}
    )


drawn_catalogue().to_csv(FROM_ELSEWHERE, index=False)
torch.manual_seed(0)
torch.export.save(
    torch.export.export(torch.nn.Conv2d(3, 6, 5).eval(), (torch.zeros(8, 3, 24, 24),)), EXPORTED
)


def drawn_columns(n=40, seed=3):
    """Two columns for each object; every seventh object lacks one of them."""
    values = np.random.default_rng(seed).normal([20, 3], [1, 0.5], (n, 2)).astype(np.float32)
    values[::7, 1] = np.nan
    return values


def material(module):
    """Something to fit, and a function that transforms some of the objects."""
    if module.INPUT in ("catalogue", "features"):
        source = table = drawn_catalogue()
    elif module.INPUT in ("light_curves", "spectra"):
        kind = {"light_curves": LIGHT_CURVE, "spectra": SPECTRUM}[module.INPUT]
        source = DrawnTraces(kind)
        return source, lambda a, b, *rest: module.transform(source.read(range(a, b)), *rest)
    else:
        n = FEW.get(module.__name__.rpartition(".")[2], 40)
        source, columns = DrawnStore(n), drawn_columns(n)
        table = source.images
    has_columns = getattr(module, "NEEDS_COLUMNS", False)

    def transform(a, b, options, state):
        extra = {"columns": columns[a:b]} if has_columns else {}
        return module.transform(table[a:b], options, state, **extra)

    return source, transform


def known(module):
    """What `fit` is told besides: labels (every third object has no class), columns, a network."""
    if getattr(module, "NEEDS_LABELS", False):
        labels = np.array(["a", "b", "other"] * 14, dtype=object)[:40]
        splits = np.array(["train", "train", "train", "train", "test"] * 8, dtype=object)
        return {"labels": labels, "splits": splits}
    if getattr(module, "NEEDS_COLUMNS", False):
        return {"columns": drawn_columns()}
    if getattr(module, "NEEDS_NETWORK", False):
        coder, options = built("vae")
        section = {"kind": "vae", **SMALL["vae"]}
        return {"network": section, "network_state": coder.fit(DrawnStore(), options, 7)}
    return {}


def built(kind):
    return registry.plugin("features", {"kind": kind, **SMALL.get(kind, {})}, f"features.{kind}")


@pytest.fixture(scope="module", params=KINDS)
def fitted(request):
    module, options = built(request.param)
    source, transform = material(module)
    return module, options, transform, module.fit(source, options, 7, **known(module))


def test_vectors_are_single_precision_with_a_name_for_each_column(fitted):
    module, options, transform, state = fitted
    x = transform(0, 40, options, state)
    names = module.names(options, state)
    n_objects = FEW.get(module.__name__.rpartition(".")[2], 40)
    assert x.dtype == np.float32 and x.shape == (n_objects, len(names))
    assert all(type(n) is str for n in names) and len(set(names)) == len(names)
    assert np.isfinite(x).all() and np.ptp(x, axis=0).max() > 0


def test_vectors_do_not_depend_on_the_batch(fitted):
    module, options, transform, state = fitted
    whole = transform(0, 40, options, state)
    parts = [transform(a, b, options, state) for a, b in ((0, 1), (1, 17), (17, 40))]
    if hasattr(module, "loss_names"):  # its batches are filled up: each is computed alike
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-4, atol=1e-5)


def test_no_objects_give_no_vectors(fitted):
    module, options, transform, state = fitted
    x = transform(0, 0, options, state)
    assert x.dtype == np.float32 and x.shape == (0, len(module.names(options, state)))


def test_state_survives_a_file_without_pickle(fitted, tmp_path):
    module, options, transform, state = fitted
    assert all(np.asarray(v).dtype != object for v in state.values())
    np.savez(tmp_path / "state.npz", **state)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as file:
        read = dict(file)
    assert module.names(options, read) == module.names(options, state)
    again = transform(0, 40, options, read)
    np.testing.assert_array_equal(again, transform(0, 40, options, state))


@pytest.mark.parametrize("threads", [1, 2])
def test_fit_depends_on_the_seed_alone(fitted, threads):
    module, options, transform, state = fitted
    with threadpool_limits(threads):
        again = module.fit(material(module)[0], options, 7, **known(module))
        assert module.names(options, again) == module.names(options, state)
        x = transform(0, 40, options, again)
    expected = transform(0, 40, options, state)
    np.testing.assert_allclose(x, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ON_IMAGES)
@pytest.mark.parametrize("value", [0, 255])
def test_an_image_of_one_colour_gives_finite_numbers_or_none_at_all(kind, value):
    module, options = built(kind)
    state = module.fit(DrawnStore(), options, 7, **known(module))
    extra = {"columns": drawn_columns(1)} if getattr(module, "NEEDS_COLUMNS", False) else {}
    image = np.full((1, 32, 32, 3), value, np.uint8)
    x = module.transform(image, options, state, **extra)
    assert np.isfinite(x).all() or np.isnan(x).all()
    if reasons := reasons_of(module, image, options, state):
        assert [bool(r) for r in reasons] == [np.isnan(x).all()]


def test_a_feature_space_that_can_fail_has_no_reason_where_it_does_not(fitted):
    module, options, _, state = fitted
    if module.INPUT in ("light_curves", "spectra"):
        some = material(module)[0].read(range(3))
    else:
        some = DrawnStore(2).images
    assert not any(reasons_of(module, some, options, state))


def reasons_of(module, images, options, state):
    """Why features are missing, of a module that can say; otherwise nothing."""
    if hasattr(module, "explained"):
        values, reasons = module.explained(images, options, state)
        np.testing.assert_array_equal(values, module.transform(images, options, state))
        return reasons
    return module.reasons(images, options, state) if hasattr(module, "reasons") else []


def test_plug_ins_import_light():
    modules = [registry.FAMILIES["features"] + "." + k for k in KINDS]
    code = f"import sys, importlib; [importlib.import_module(m) for m in {modules}]; " + (
        f"print(*sorted(set({HEAVY}) & set(sys.modules)))"
    )
    command = [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path}; {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
