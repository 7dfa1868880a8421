"""What every transform promises, tried on each that the registry finds."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hoag import registry
from hoag.images.chain import build_chain
from hoag.options import ConfigError

PACKAGE = Path(__file__).parents[2] / "workflow"
BANDS = ("g", "r", "i")
STATES = {"flux": np.float32, "unit": np.float32, "byte": np.uint8}
MASKS = ("circular_mask",)  # set pixels at the edges to 0
WINDOWS = ("gaussian_window",)  # dim all but the centre
NEEDED = {"select_bands": {"bands": ["i", "r", "g"]}, "legacy_colours": {"red": "i"}}
HEAVY = ("astropy", "scipy", "PIL", "torch", "sklearn", "numba", "pandas")
CASES = [
    (kind, state)
    for kind in registry.names("transforms")
    for state in registry.load("transforms", kind).TAKES
]
every_transform = pytest.mark.parametrize("kind", registry.names("transforms"))
every_input = pytest.mark.parametrize(("kind", "state"), CASES)


def build(kind):
    """A transform with its defaults, what fits our bands, and 8 for a size that has none."""
    fields = dataclasses.fields(registry.load("transforms", kind).Options)
    needed = {
        f.name: 8
        for f in fields
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    }
    return registry.plugin(
        "transforms", {"kind": kind, **needed, **NEEDED.get(kind, {})}, "images[0]"
    )


def draw(state, seed=0):
    """A disc with noise in three bands, 24 x 24 px."""
    y, x = np.indices((24, 24)) - 11.5
    flux = np.exp(-np.hypot(y, x) / 3)[..., None] * [0.5, 1.0, 2.0]
    flux = flux + np.random.default_rng(seed).normal(0, 0.02, flux.shape)
    if state == "flux":
        return flux.astype(np.float32)
    unit = np.clip(flux, 0, 1)
    return unit.astype(np.float32) if state == "unit" else np.rint(255 * unit).astype(np.uint8)


def apply(kind, image):
    module, options = build(kind)
    return module.apply(image, BANDS, options)


@every_transform
def test_declares_what_it_takes_and_gives(kind):
    module, _ = build(kind)
    assert module.TAKES and set(module.TAKES) <= set(STATES)
    assert module.GIVES in (None, *STATES)
    assert module.__doc__ and module.apply.__doc__ and module.Options.__doc__


@every_transform
def test_documents_each_option(kind):
    module, _ = build(kind)
    assert module.Options.__dataclass_params__.frozen
    for field in dataclasses.fields(module.Options):
        assert field.metadata["doc"].endswith(".")


@every_transform
def test_refuses_a_misspelt_option(kind):
    with pytest.raises(ConfigError, match=r"images\[0\]\.no_such_option: found"):
        registry.plugin("transforms", {"kind": kind, "no_such_option": 1}, "images[0]")


@every_input
def test_shape_and_type_are_as_announced(kind, state):
    module, options = build(kind)
    image = draw(state)
    out = apply(kind, image)
    assert out.shape == module.output_shape(image.shape, options)
    assert out.dtype == STATES[module.GIVES or state]
    assert np.ptp(out.astype(float)) > 0  # something is still to be seen
    if module.GIVES == "unit":
        assert out.min() >= 0 and out.max() <= 1


@every_input
def test_leaves_its_input_alone_and_gives_the_same_again(kind, state):
    image = draw(state)
    before = image.copy()
    first, second = apply(kind, image), apply(kind, image)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(first, second)


@every_input
def test_memory_layout_does_not_matter(kind, state):
    image = draw(state)
    planes = np.moveaxis(np.ascontiguousarray(np.moveaxis(image, -1, 0)), 0, -1)
    image.flags.writeable = False
    np.testing.assert_array_equal(apply(kind, planes), apply(kind, image))


@every_input
@pytest.mark.parametrize("value", [0, 1])
def test_a_constant_image_stays_constant_and_finite(kind, state, value):
    image = np.full((24, 24, 3), value, STATES[state])
    out = apply(kind, image).astype(float)
    assert np.isfinite(out).all()
    seen = out[6:18, 6:18] if kind in MASKS else out
    if kind not in WINDOWS:
        assert (np.ptp(seen, axis=(0, 1)) < 1e-6).all()


@pytest.mark.parametrize("kind", [k for k, s in CASES if s == "flux"])
def test_nan_and_infinity_do_not_spread(kind):
    module, _ = build(kind)
    clean, dirty = draw("flux"), draw("flux")
    dirty[2, 3, 0], dirty[20, 20, 1], dirty[3, 20, 2] = np.nan, np.inf, -np.inf
    out = apply(kind, dirty)
    assert out.shape == apply(kind, clean).shape
    if module.GIVES is not None or kind == "resize":
        assert np.isfinite(out).all()
        assert np.ptp(out.astype(float)) > 0
    for empty in (np.nan, np.inf):
        blank = np.full((24, 24, 3), empty, np.float32)
        assert module.GIVES is None or np.isfinite(apply(kind, blank)).all()


@every_input
def test_works_in_a_chain(kind, state):
    module, options = build(kind)
    before = {"flux": [], "unit": [{"kind": "min_max"}], "byte": []}[state]
    survey = "rendered_image" if state == "byte" else "flux_image"
    after = [{"kind": "min_max"}] if state == "flux" and module.GIVES is None else []
    section = {"kind": kind, **dataclasses.asdict(options)}
    chain = build_chain([*before, section, *after], kind=survey, shape=(24, 24), bands=BANDS)
    image = draw("byte" if state == "byte" else "flux")
    out, n_nan = chain(np.moveaxis(image, -1, 0) if survey == "flux_image" else image)
    assert out.shape == chain.shape and out.dtype == np.uint8 and n_nan == 0
    assert kind in [step.kind for step in chain.steps]


def test_importing_them_all_is_light():
    program = (
        "import sys\nfrom hoag import registry\nimport hoag.images.chain\n"
        "for kind in registry.names('transforms'): registry.load('transforms', kind)\n"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
