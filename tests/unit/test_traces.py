"""Light curves and spectra in shards of any lengths, and their small plots."""

import h5py
import numpy as np
import pytest

from hoag.surveys._types import LIGHT_CURVE, SPECTRUM, TRACES
from hoag.traces import pictures
from hoag.traces.store import TraceStore, TraceWriter


def light_curve(n, seed=0, **columns):
    rng = np.random.default_rng(seed)
    drawn = {
        "time_mjd": np.sort(rng.uniform(53000, 56000, n)),
        "value": rng.normal(15, 1, n),
        "error": rng.uniform(0.05, 0.2, n),
        "band": rng.integers(0, 2, n).astype(np.int16),
    }
    return drawn | {k: np.asarray(v) for k, v in columns.items()}


def spectrum(flux, ivar=1.0):
    flux = np.asarray(flux, np.float32)
    wavelength = np.linspace(4000.0, 9000.0, len(flux))
    ivar = np.broadcast_to(np.float32(ivar), len(flux))
    return {"wavelength_angstrom": wavelength, "flux": flux, "ivar": ivar}


def write(path, traces, first=0):
    attributes = {"kind": LIGHT_CURVE, "bands": ["g", "r"], "values": "magnitudes"}
    with TraceWriter(path, attributes) as writer:
        for i, trace in enumerate(traces):
            writer.append(f"object-{first + i}", trace)
    return path


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


@pytest.fixture
def drawn():
    return [light_curve(n, seed=n) for n in (7, 1, 0, 30, 12, 5)]


@pytest.fixture
def store(drawn, tmp_path):
    write(tmp_path / "a.h5", drawn[:4])
    write(tmp_path / "empty.h5", [])
    write(tmp_path / "b.h5", drawn[4:], first=4)
    return TraceStore([tmp_path / name for name in ("a.h5", "empty.h5", "b.h5")])


def test_traces_come_back_as_they_were_written(store, drawn):
    assert len(store) == 6
    assert store.object_ids.tolist() == [f"object-{i}" for i in range(6)]
    assert store.attributes["bands"].tolist() == ["g", "r"]
    for found, expected in zip(store.read(range(6)), drawn, strict=True):
        same(found, expected)


@pytest.mark.parametrize("indices", [[], [3], [5, 0, 2, 2, 4, 0], [1, 2, 3]])
def test_any_order_and_repeats(store, drawn, indices):
    found = store.read(indices)
    assert len(found) == len(indices)
    for trace, index in zip(found, indices, strict=True):
        same(trace, drawn[index])


@pytest.mark.parametrize("size", [1, 4, 100])
def test_slices_are_all_of_them_in_order(store, drawn, size):
    found = [trace for some in store.slices(size) for trace in some]
    for trace, expected in zip(found, drawn, strict=True):
        same(trace, expected)


def test_rows_written_in_pieces_are_the_same(drawn, tmp_path, monkeypatch):
    monkeypatch.setattr("hoag.traces.store._HELD", 10)
    found = TraceStore([write(tmp_path / "pieces.h5", drawn)]).read(range(6))
    for trace, expected in zip(found, drawn, strict=True):
        same(trace, expected)


def test_what_is_not_there_is_refused(store):
    with pytest.raises(IndexError, match=r"object 6: allowed: 0\.\.5"):
        store.read([6])


def test_the_digest_is_of_the_content(drawn, tmp_path):
    def digest(traces):
        return TraceStore([write(tmp_path / "one.h5", traces)]).digest

    changed = [*drawn[:-1], light_curve(5, seed=5, value=[15, 15, 15, 15, 16.0])]
    assert digest(drawn) == digest(drawn) != digest(changed)


@pytest.mark.parametrize(
    "columns", [{"time_mjd": [1.0]}, light_curve(3, value=[1.0, 2.0]), spectrum([1.0, 2.0])]
)
def test_other_columns_are_refused_and_leave_no_file(tmp_path, columns):
    with pytest.raises(ValueError, match=r"object-1: found columns .* allowed: time_mjd, value"):
        write(tmp_path / "one.h5", [light_curve(3), columns])
    assert list(tmp_path.iterdir()) == []


def test_columns_are_stored_flat(store):
    with h5py.File(store.paths[0]) as file:
        assert set(file) == {"object_id", "offsets", *TRACES[LIGHT_CURVE]}
        assert file["offsets"][:].tolist() == [0, 7, 8, 8, 38]
        assert file["value"].shape == (38,)


# ---- pictures


def rows_of(picture, colour):
    """Rows of the picture with pixels of a colour ('#RRGGBB'), half of it white at most."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    ink = 255.0 - wanted
    share = (255 - picture.astype(float)) @ ink / (ink @ ink)  # of the colour, over white
    off = np.abs(255 - share[..., None] * ink - picture).max(axis=2)
    return np.flatnonzero(((share > 0.5) & (off < 12)).any(axis=1))


MAGNITUDES = {"kind": LIGHT_CURVE, "values": "magnitudes"}
FLUXES = {"kind": LIGHT_CURVE, "values": "fluxes"}
BLUE, RED = pictures._COLOURS[:2]


def test_a_bright_point_is_at_the_top():
    """Filter 0 has the smaller values: the brighter ones, if they are magnitudes."""
    time, error = np.arange(4.0), np.full(4, 0.01)
    values = {"value": np.array([14.0, 14.1, 18.0, 18.1]), "band": np.array([0, 0, 1, 1])}
    curve = {"time_mjd": time, "error": error, **values}
    for attributes, above, below in ((MAGNITUDES, BLUE, RED), (FLUXES, RED, BLUE)):
        picture = pictures.draw(curve, attributes)
        assert picture.shape == (pictures.SIZE_PX, pictures.SIZE_PX, 3)
        assert picture.dtype == np.uint8
        assert 0 < len(rows_of(picture, above)) < pictures.SIZE_PX / 4
        assert rows_of(picture, above).max() < rows_of(picture, below).min()


@pytest.mark.parametrize(
    "columns",
    [
        light_curve(1),
        light_curve(6, value=np.full(6, 15.0)),
        light_curve(6, time_mjd=np.full(6, 53000.0)),
        light_curve(6, error=np.full(6, np.nan)),
    ],
)
def test_any_light_curve_can_be_drawn(columns):
    assert len(rows_of(pictures.draw(columns, MAGNITUDES), BLUE)) > 0


def columns_of(picture, colour):
    return rows_of(picture.transpose(1, 0, 2), colour)


def test_masked_wavelengths_are_a_gap_and_an_outlier_leaves_the_scale():
    flux = 1 + 0.1 * np.sin(np.arange(2000) / 50)
    flux[1000] = 1e6
    ivar = np.ones(2000, np.float32)
    ivar[1200:1600], flux[1200:1600] = 0, np.nan
    picture = pictures.draw(spectrum(flux, 1.0) | {"ivar": ivar}, {"kind": SPECTRUM})
    shown = columns_of(picture, BLUE)
    gap = (0.24 + 0.72 * np.array([0.62, 0.78])) * pictures.SIZE_PX
    assert not ((shown > gap[0]) & (shown < gap[1])).any()
    assert (shown < gap[0]).sum() > 30 and (shown > gap[1]).sum() > 5
    assert np.ptp(rows_of(picture, BLUE)) > pictures.SIZE_PX / 2


@pytest.mark.parametrize(
    ("top", "bottom", "expected"),
    [
        (14.1, 18.7, ("14.1", "18.7", 0)),
        (18.001, 18.013, ("18.00", "18.01", 0)),
        (1200.0, -2000.0, ("1200", "-2000", 0)),
        (2.2e-17, -3e-18, ("2.2", "-0.3", -17)),
        (3.2e6, 1.1e6, ("3.2", "1.1", 6)),
        (15.0, 15.0, ("15.0", "15.0", 0)),
        (0.0, 0.0, ("0", "0", 0)),
    ],
)
def test_the_numbers_tell_top_from_bottom_and_fit(top, bottom, expected):
    assert pictures.labels(top, bottom) == expected


@pytest.mark.parametrize("ivar", [0.0, 1.0])
def test_any_spectrum_can_be_drawn(ivar):
    picture = pictures.draw(spectrum([2.0], ivar), {"kind": SPECTRUM})
    assert bool(len(rows_of(picture, BLUE))) == (ivar > 0)
