"""Cut-outs from FITS tiles: the pixels and the WCS are those of astropy's Cutout2D."""

import base64
import functools
import gzip
import http.server
import os
import threading
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import FK5, Galactic, SkyCoord
from astropy.io import fits
from astropy.nddata import Cutout2D
from astropy.wcs import WCS, FITSFixedWarning

from hoag.images.sky import read_wcs
from hoag.images.store import ShardWriter
from hoag.images.transforms import resize
from hoag.options import ConfigError, build
from hoag.surveys import _tiles, tiles, windows
from hoag.surveys._types import Cutout, Failure

SCALE, SIZE, SIDE = 0.2, 15, 120
DATA = Path(os.environ.get("HOAG_DATA", "."))
TPV = {"PV1_0": 2e-4, "PV1_1": 1.003, "PV1_4": 0.02, "PV1_7": 0.5, "PV2_1": 0.998, "PV2_6": 0.03}
SIP = {"A_ORDER": 2, "B_ORDER": 2, "A_2_0": 2e-5, "A_1_1": 1e-5, "B_0_2": 3e-5, "B_2_0": -1e-5}


def header(ra=30.0, dec=-5.0, *, projection="TAN", scale=SCALE, crpix=(60.2, 61.4), **more):
    cards = {"CTYPE1": f"RA---{projection}", "CTYPE2": f"DEC--{projection}", "RADESYS": "ICRS"}
    angle, step = np.radians(20), scale / 3600
    cards |= {"CRVAL1": ra, "CRVAL2": dec, "CRPIX1": crpix[0], "CRPIX2": crpix[1]}
    cards |= {"CUNIT1": "deg", "CUNIT2": "deg"}
    cards |= {"CD1_1": -step * np.cos(angle), "CD1_2": step * np.sin(angle)}
    cards |= {"CD2_1": step * np.sin(angle), "CD2_2": step * np.cos(angle)}
    return fits.Header({k: v for k, v in (cards | more).items() if v is not None})


def plane(seed=0, shape=(SIDE, SIDE + 10)):
    return np.random.default_rng(seed).normal(3, 1, shape).astype(np.float32)


def write(path, cards, data=None, hdu=fits.ImageHDU, **kwargs):
    data = plane() if data is None else data
    image = hdu(data, cards, name="IMAGE", **kwargs)
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(path, overwrite=True)
    return path


def read(path, extension=1):
    """Pixels and WCS by astropy."""
    with warnings.catch_warnings(), fits.open(path) as hdus:
        warnings.simplefilter("ignore", FITSFixedWarning)
        return hdus[extension].data.astype(np.float32), WCS(hdus[extension].header)


def expected(path, ra, dec, size=SIZE, extension=1):
    data, wcs = read(path, extension)
    position = SkyCoord(ra, dec, unit="deg")
    return Cutout2D(data, position, size, wcs=wcs, mode="partial", fill_value=np.nan)


def targets_at(path, xy, extension=1):
    """Objects at pixel positions (n, 2) of a tile."""
    sky = read(path, extension)[1].pixel_to_world(*np.transpose(xy)).icrs
    ids = [f"o{i}" for i in range(len(xy))]
    return pd.DataFrame({"object_id": ids, "ra_deg": sky.ra.deg, "dec_deg": sky.dec.deg})


def anywhere(n=40, seed=1, margin=0.0):
    return np.random.default_rng(seed).uniform(margin, SIDE - 1 - margin, (n, 2))


def fetch(folder, targets, options=None, **batch):
    options = {"bands": ["g"], "size_px": SIZE, "pixel_scale_arcsec": SCALE} | (options or {})
    batch = {"tiles": str(folder)} | batch
    if Path(batch["tiles"]).is_dir():
        batch = {"pattern": "*-{band}.fits*"} | batch
    made = build(tiles.Options, options, "survey"), build(tiles.Batch, batch, "batch")
    answers = list(tiles.fetch(targets, made[1], made[0], seed=1, name="first"))
    assert sorted(a.object_id for a in answers) == sorted(targets["object_id"])
    return {a.object_id: a for a in answers}


def wcs_of(cutout):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        return WCS(fits.Header.fromstring(cutout.wcs, sep="\n"))


def assert_same(answer, reference, band=0):
    assert isinstance(answer, Cutout), answer
    np.testing.assert_array_equal(answer.pixels[band], reference.data)
    if band == 0:
        corners = np.array([[0, 0], [0, 14], [14, 0], [7, 3]])
        assert_same_sky(wcs_of(answer), reference.wcs, corners)


def assert_same_sky(found, reference, xy):
    sky = [w.pixel_to_world(*np.transpose(xy)) for w in (found, reference)]
    assert sky[0].separation(sky[1]).arcsec.max() < 1e-6


def assert_like_cutout2d(answers, targets, path, extension=1, size=SIZE):
    for row in targets.itertuples():
        reference = expected(path, row.ra_deg, row.dec_deg, size, extension)
        assert_same(answers[row.object_id], reference)


@pytest.mark.parametrize(
    "cards",
    [
        header(),
        header(projection="TPV", **TPV),
        header(projection="TAN-SIP", **SIP),
        header(ra=0.0, dec=45.0),
        header(dec=89.999),
        header(RADESYS="FK5", EQUINOX=1980.0),
        header(CTYPE1="GLON-TAN", CTYPE2="GLAT-TAN"),
        header(RADESYS=None, RADECSYS="FK5", EQUINOX=1980.0),
    ],
    ids=["TAN", "TPV", "SIP", "RA-0", "pole", "FK5", "galactic", "RADECSYS"],
)
@pytest.mark.parametrize("size", [SIZE, 16])
def test_pixels_and_wcs_are_those_of_cutout2d(tmp_path, cards, size):
    path = write(tmp_path / "a-g.fits", cards)
    targets = targets_at(path, anywhere(margin=4))
    answers = fetch(tmp_path, targets, {"size_px": size})
    assert_like_cutout2d(answers, targets, path, size=size)
    assert {a.url for a in answers.values()} == {str(path)}
    ra = targets["ra_deg"]
    if cards["CRVAL1"] == 0:
        assert ra.min() < 1 and ra.max() > 359


def test_frames_differ_by_whole_pixels():
    """Otherwise the tests above would not see a frame that is overlooked."""
    position = SkyCoord(30, -5, unit="deg")
    old = position.transform_to(FK5(equinox="J1980"))
    assert abs(old.ra.deg - 30) * 3600 > SCALE
    assert abs(position.transform_to(Galactic()).l.deg - 30) > 1


@pytest.mark.parametrize(
    ("hdu", "data", "kwargs"),
    [
        (fits.CompImageHDU, None, {"compression_type": "RICE_1"}),
        (fits.CompImageHDU, None, {"compression_type": "GZIP_2", "tile_shape": (50, 40)}),
        (fits.CompImageHDU, np.int16(100 * plane()), {"compression_type": "RICE_1"}),
        (fits.ImageHDU, plane().astype(np.float64), {}),
        (fits.ImageHDU, np.int32(100 * plane()), {}),
        (fits.ImageHDU, np.uint16(100 * abs(plane())), {}),  # BZERO
        (fits.CompImageHDU, np.uint16(100 * abs(plane())), {}),
    ],
)
@pytest.mark.parametrize("n", [1, 60])
def test_compressed_and_whole_number_tiles(tmp_path, hdu, data, kwargs, n):
    path = write(tmp_path / "a-g.fits", header(), data, hdu, **kwargs)
    targets = targets_at(path, anywhere(n))
    assert_like_cutout2d(fetch(tmp_path, targets), targets, path)


@pytest.mark.parametrize("hdu", [fits.ImageHDU, fits.CompImageHDU])
@pytest.mark.parametrize("kind", [np.float32, np.int32])
@pytest.mark.parametrize("n", [1, 60])
def test_a_radio_image_has_axes_of_one_pixel(tmp_path, hdu, kind, n):
    """Frequency and Stokes; the sky is that of the plane."""
    flat = write(tmp_path / "flat.fits", header(projection="SIN"), (100 * plane()).astype(kind))
    cards = header(projection="SIN", WCSAXES=4, CTYPE3="FREQ", CTYPE4="STOKES", CRVAL3=1.4e9)
    lossless = {"tile_shape": (1, 1, 30, 40), "compression_type": "GZIP_2", "quantize_level": 0}
    more = lossless if hdu is fits.CompImageHDU else {}
    data = (100 * plane()).astype(kind)[None, None]
    path = write(tmp_path / "a-g.fits", cards, data, hdu, **more)
    targets = targets_at(flat, anywhere(n))
    assert_like_cutout2d(fetch(tmp_path, targets), targets, flat)
    (tmp_path / "a-g.fits.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    assert_like_cutout2d(fetch(tmp_path, targets), targets, flat)
    (tmp_path / "a-g.fits.gz").unlink()
    write(path, cards, np.concatenate([data, data]))
    (reason,) = {a.reason for a in fetch(tmp_path, targets).values()}
    assert "found no image of two axes" in reason


@pytest.mark.parametrize("plane_bytes", [2**29, 1000])
def test_a_gzipped_tile(tmp_path, monkeypatch, plane_bytes):
    monkeypatch.setattr(_tiles, "PLANE_BYTES", plane_bytes)
    path = write(tmp_path / "plain.fits", header())
    (tmp_path / "a-g.fits.gz").write_bytes(gzip.compress(path.read_bytes()))
    targets = targets_at(path, anywhere(3))
    assert_like_cutout2d(fetch(tmp_path, targets), targets, path)


def test_planes_are_read_only_where_they_pay_and_fit(tmp_path, monkeypatch):
    path = write(tmp_path / "a-g.fits", header(), None, fits.CompImageHDU, tile_shape=(20, 20))
    tile = _tiles.read_tile(
        _tiles.Place("g", str(path)), scale_arcsec=SCALE, tolerance=0.02, storage={}
    )

    def bytes_held(n, limit=2**20):
        opened = _tiles.OpenTile(tile, n, SIZE, limit, {})
        opened.close()
        return opened.nbytes

    assert bytes_held(2) == 0 and bytes_held(200) == 4 * SIDE * (SIDE + 10)
    assert bytes_held(200, limit=1000) == 0
    targets = targets_at(path, anywhere(100))
    whole = fetch(tmp_path, targets)
    monkeypatch.setattr(_tiles, "PLANE_BYTES", 1000)
    for object_id, answer in fetch(tmp_path, targets).items():
        np.testing.assert_array_equal(answer.pixels, whole[object_id].pixels)


def test_at_the_edges_missing_pixels_are_nan_and_counted(tmp_path):
    path = write(tmp_path / "a-g.fits", header())
    targets = targets_at(path, [(3, 60), (0, 0), (-0.4, 60), (-0.6, 60), (-30, 60), (129.4, 60)])
    answers = fetch(tmp_path, targets)
    for k in (0, 2, 5):
        row = targets.iloc[k]
        assert_same(answers[f"o{k}"], expected(path, row["ra_deg"], row["dec_deg"]))
    assert np.isnan(answers["o0"].pixels).mean() == 4 / 15
    assert answers["o1"].status == "no_data"
    assert answers["o1"].reason == "band g: found 0.716 of the pixels missing, allowed: 0.5"
    assert {answers[k].status for k in ("o3", "o4")} == {"outside"}
    assert answers["o3"].reason == "in no tile of band g"
    strict = fetch(tmp_path, targets, {"max_nan_fraction": 0.0})
    assert {a.status for a in strict.values()} == {"no_data", "outside"}
    lax = fetch(tmp_path, targets.iloc[[1]], {"max_nan_fraction": 1.0})
    assert_same(lax["o1"], expected(path, *targets.iloc[1][["ra_deg", "dec_deg"]]))


def test_a_blank_band_is_no_data(tmp_path):
    path = write(tmp_path / "a-g.fits", header())
    write(tmp_path / "a-r.fits", header(), np.full((SIDE, SIDE), np.nan, np.float32))
    targets = targets_at(path, [(50, 50)])
    answer = fetch(tmp_path, targets, {"bands": ["g", "r"]})["o0"]
    assert (answer.status, answer.reason[:7]) == ("no_data", "band r:")
    assert isinstance(fetch(tmp_path, targets)["o0"], Cutout)


def test_where_tiles_overlap_the_one_with_most_room_counts(tmp_path):
    """Two tiles on one grid, the second 80 px to the right; and two of another band."""
    left = write(tmp_path / "left-g.fits", header(), plane(1, (SIDE, SIDE)))
    right = write(
        tmp_path / "right-g.fits", header(crpix=(60.2 - 80, 61.4)), plane(2, (SIDE, SIDE))
    )
    write(tmp_path / "left-r.fits", header(), plane(3, (SIDE, SIDE)))
    write(tmp_path / "right-r.fits", header(crpix=(60.2 - 80, 61.4)), plane(4, (SIDE, SIDE)))
    targets = targets_at(left, [(82, 60), (95, 60), (103, 60), (118, 60), (30, 60), (150, 60)])
    answers = fetch(tmp_path, targets, {"bands": ["g", "r"]})
    sides = [left, left, right, right, left, right]
    for k, (side, row) in enumerate(zip(sides, targets.itertuples(), strict=True)):
        answer = answers[row.object_id]
        assert answer.url == str(side), k
        assert_same(answer, expected(side, row.ra_deg, row.dec_deg))
        other = str(side).replace("-g", "-r")
        assert_same(answer, expected(other, row.ra_deg, row.dec_deg), band=1)
        assert np.isfinite(answer.pixels).all()


def test_tiles_are_closed_to_keep_the_limit(tmp_path, monkeypatch):
    for k, band in enumerate("grz"):
        for i in range(3):
            write(tmp_path / f"{i}-{band}.fits", header(crpix=(60 - 70 * i, 60)), plane(3 * i + k))
    targets = targets_at(tmp_path / "0-g.fits", anywhere(30) * [2, 1])
    options = {"bands": ["g", "r", "z"], "max_nan_fraction": 1.0}
    free = fetch(tmp_path, targets, options)
    monkeypatch.setattr(_tiles, "OPEN_TILES", 2)
    for object_id, answer in fetch(tmp_path, targets, options).items():
        np.testing.assert_array_equal(answer.pixels, free[object_id].pixels)


def test_bands_on_other_grids_are_cut_by_their_own_wcs(tmp_path):
    paths = {
        "g": write(tmp_path / "a-g.fits", header()),
        "z": write(
            tmp_path / "b-z.fits",
            header(projection="TPV", crpix=(40.7, 50.1), scale=0.201, **TPV),
            plane(5),
        ),
    }
    targets = targets_at(paths["g"], anywhere(30, margin=25))
    answers = fetch(tmp_path, targets, {"bands": ["z", "g"], "max_nan_fraction": 1.0})
    for row in targets.itertuples():
        for band, path in enumerate((paths["z"], paths["g"])):
            assert_same(answers[row.object_id], expected(path, row.ra_deg, row.dec_deg), band)


def test_an_unusable_tile_costs_only_its_own_objects(tmp_path):
    good = write(tmp_path / "good-g.fits", header())
    short = write(tmp_path / "short-g.fits", header(ra=40.0))
    coarse = write(tmp_path / "coarse-g.fits", header(ra=50.0, scale=0.4))
    xy = [(50, 50), (60, 70)]
    targets = pd.concat([targets_at(p, xy) for p in (good, short, coarse)], ignore_index=True)
    targets["object_id"] = [f"{p}{i}" for p in "abc" for i in (1, 2)]
    short.write_bytes(short.read_bytes()[:20000])
    answers = fetch(tmp_path, targets)
    assert_like_cutout2d(answers, targets.iloc[:2], good)
    assert {answers[k].status for k in ("b1", "b2", "c1", "c2")} == {"invalid"}
    assert answers["b1"].reason.startswith(f"{short}: truncated, found 20000 bytes of ")
    assert answers["b1"].url == str(short)
    assert "found pixels of 0.4 x 0.4 arcsec, allowed: 0.196 to 0.204" in answers["c1"].reason
    loose = fetch(tmp_path, targets, {"pixel_scale_arcsec": 0.3, "pixel_scale_tolerance": 0.4})
    assert {k for k, a in loose.items() if isinstance(a, Cutout)} == {"a1", "a2", "c1", "c2"}


def test_a_good_tile_goes_before_a_faulty_one(tmp_path):
    write(tmp_path / "a-g.fits", header(crpix=(10, 10), scale=0.25), plane(1, (400, 400)))
    good = write(tmp_path / "b-g.fits", header())
    targets = targets_at(good, [(70, 62), (80, 80)])
    assert_like_cutout2d(fetch(tmp_path, targets), targets, good)


def test_tiles_that_cannot_be_placed(tmp_path):
    good = write(tmp_path / "good-g.fits", header())
    (tmp_path / "page-g.fits").write_text("<html>no such layer</html>" * 200)
    targets = targets_at(good, [(50, 50), (500, 500)])
    answers = fetch(tmp_path, targets)
    assert isinstance(answers["o0"], Cutout)
    assert answers["o1"].status == "invalid"
    assert "1 can't be read, the first" in answers["o1"].reason
    assert "page-g.fits: No SIMPLE card found" in answers["o1"].reason
    assert "\n" not in answers["o1"].reason


@pytest.mark.parametrize(
    ("extension", "reason"),
    [
        ("SCI", "found no extension 'SCI', allowed: PRIMARY, IMAGE"),
        (7, "found no extension 7, allowed: PRIMARY, IMAGE"),
        (0, "extension 0: found no image of two axes"),
    ],
)
def test_extensions(tmp_path, extension, reason):
    path = write(tmp_path / "a-g.fits", header())
    targets = targets_at(path, [(50, 50)])
    for good in ("IMAGE", 1, None):
        assert isinstance(fetch(tmp_path, targets, {"extension": good})["o0"], Cutout)
    answer = fetch(tmp_path, targets, {"extension": extension})["o0"]
    assert isinstance(answer, Failure) and answer.status == "invalid" and reason in answer.reason


@pytest.mark.parametrize(
    ("cards", "reason"),
    [
        (fits.Header({"OBJECT": "none"}), "allowed: a longitude and a latitude"),
        (header(CTYPE1="DEC--TAN", CTYPE2="RA---TAN"), "a longitude and"),
    ],
)
def test_a_tile_without_a_sky(tmp_path, cards, reason):
    path = write(tmp_path / "good-g.fits", header())
    write(tmp_path / "a-g.fits", cards)
    answer = fetch(tmp_path, targets_at(path, [(500, 500)]))["o0"]
    assert answer.status == "invalid" and reason in answer.reason


# ---- tables of tiles


@pytest.fixture
def two(tmp_path):
    """A folder below with two tiles; (folder, path, targets of the first)."""
    (tmp_path / "below").mkdir()
    path = write(tmp_path / "below" / "one.fits", header())
    write(tmp_path / "below" / "far.fits", header(ra=200.0))
    return tmp_path, path, targets_at(path, anywhere(5))


@pytest.mark.parametrize("suffix", ["csv", "parquet", "ecsv", "fits"])
def test_a_table_of_tiles(two, suffix):
    from astropy.table import Table

    folder, path, targets = two
    table = Table({"path": ["below/one.fits", str(path)], "band": ["g", "r"]})
    name = folder / f"tiles.{suffix}"
    table.to_pandas().to_parquet(name) if suffix == "parquet" else table.write(name)
    answers = fetch(name, targets, {"bands": ["r", "g"]})
    assert_like_cutout2d(answers, targets, path)
    with pytest.raises(ConfigError, match=r"first\.tiles: found no tile of band 'z'"):
        fetch(name, targets, {"bands": ["g", "z"]})


def test_a_circle_spares_the_reading_of_headers(two):
    folder, path, targets = two
    rows = {"path": ["below/one.fits", "below/gone.fits"], "band": "g"}
    rows |= {"ra_deg": [30.0, 200.0], "dec_deg": -5.0, "radius_deg": 0.01}
    pd.DataFrame(rows).to_csv(folder / "tiles.csv", index=False)
    assert_like_cutout2d(fetch(folder / "tiles.csv", targets), targets, path)
    gap = "path,band,ra_deg,dec_deg,radius_deg\nbelow/one.fits,g,,,\nbelow/far.fits,g,200,-5,1\n"
    (folder / "gap.csv").write_text(gap)
    assert_like_cutout2d(fetch(folder / "gap.csv", targets), targets, path)
    outside = targets_at(path, [(300, 50)])
    assert fetch(folder / "tiles.csv", outside)["o0"].status == "outside"
    there = pd.DataFrame({"object_id": ["x"], "ra_deg": [200.0], "dec_deg": [-5.0]})
    answer = fetch(folder / "tiles.csv", there)["x"]
    assert answer.status == "invalid" and answer.reason.endswith("gone.fits: no such file")


def test_extensions_of_one_exposure(tmp_path):
    ccds = [fits.ImageHDU(plane(i), header(ra=30.0 + i), name=f"S{i}") for i in range(2)]
    fits.HDUList([fits.PrimaryHDU(), *ccds]).writeto(tmp_path / "x.fits")
    rows = {"path": "x.fits", "band": "g", "extension": ["S0", "2"]}
    pd.DataFrame(rows).to_csv(tmp_path / "tiles.csv", index=False)
    for extension in (1, 2):
        targets = targets_at(tmp_path / "x.fits", anywhere(4), extension)
        answers = fetch(tmp_path / "tiles.csv", targets)
        assert_like_cutout2d(answers, targets, tmp_path / "x.fits", extension)


def test_sources_that_are_no_tiles_are_named(two):
    folder, _, targets = two
    (folder / "bad.csv").write_text("file,filter\na.fits,g\n")
    for source, batch, message in [
        (folder / "bad.csv", {}, "found columns file, filter, allowed: path or url, and band"),
        (folder / "none.csv", {}, r"first\.tiles: .*none\.csv"),
        (folder / "below", {"pattern": "x-{band}.fits"}, "found no tile of band 'g'"),
        (folder / "below", {"pattern": None}, "pattern: required with a folder"),
        (folder / "bad.csv", {"pattern": "*"}, "pattern: allowed only with a folder"),
    ]:
        with pytest.raises(ConfigError, match=message):
            fetch(source, targets, **batch)
    with pytest.raises(ConfigError, match=r"bands: found \['g', 'g'\], allowed"):
        fetch(folder, targets, {"bands": ["g", "g"]})


def test_attributes_are_what_the_user_knows():
    section = {"bands": ["g"], "size_px": 8, "pixel_scale_arcsec": 0.2}
    options = build(tiles.Options, section, "survey")
    assert tiles.attributes(options) == {"pixel_scale_arcsec": 0.2}
    more = section | {"zero_point": 27, "flux_unit": "nanomaggy"}
    found = tiles.attributes(build(tiles.Options, more, "survey"))
    assert found == {"pixel_scale_arcsec": 0.2, "zero_point": 27.0, "flux_unit": "nanomaggy"}


# ---- remote tiles


class _Ranges(http.server.SimpleHTTPRequestHandler):
    """A server of files that knows ranges, and counts what it sends."""

    def do_HEAD(self):
        self._reply(send=False)

    def do_GET(self):
        self._reply(send=True)

    def _reply(self, send):
        path = Path(self.directory, self.path.partition("?")[0].lstrip("/"))
        if self.server.failures > 0 and send:
            self.server.failures -= 1
            return self.send_error(503)
        if not path.is_file():
            return self.send_error(404)
        data, status = path.read_bytes(), 200
        n = len(data)
        self.server.seen.append(self.headers.get("Authorization"))
        if wanted := self.headers.get("Range"):
            first, _, last = wanted.partition("=")[2].partition("-")
            first, last, status = int(first), min(int(last or n), n - 1), 206
            data = data[first : last + 1]
        self.send_response(status)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{n}")
        self.end_headers()
        if send:
            self.server.sent += len(data)
            self.wfile.write(data)
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(_tiles, "WAIT_S", 0.01)
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(_Ranges, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        served.folder, served.sent, served.failures, served.seen = folder, 0, 0, []
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def fetch_remote(server, folder, targets, suffix="", user=""):
    url = f"http://{user}127.0.0.1:{server.server_port}/a-g.fits{suffix}"
    pd.DataFrame({"url": [url], "band": "g"}).to_csv(folder / "tiles.csv", index=False)
    return fetch(folder / "tiles.csv", targets)


def test_of_a_remote_tile_only_ranges_are_read(server, tmp_path):
    path = write(server.folder / "a-g.fits", header(), plane(1, (1500, 1500)))
    targets = targets_at(path, [(700, 100), (300, 800), (1498, 1400)])
    answers = fetch_remote(server, tmp_path, targets, "?token=secret")
    assert_like_cutout2d(answers, targets, path)
    assert 0 < server.sent < path.stat().st_size / 4
    assert {a.url for a in answers.values()} == {f"http://127.0.0.1:{server.server_port}/a-g.fits"}


def test_a_remote_compressed_tile_with_many_objects(server, tmp_path):
    path = write(server.folder / "a-g.fits", header(), None, fits.CompImageHDU)
    targets = targets_at(path, anywhere(30))
    assert_like_cutout2d(fetch_remote(server, tmp_path, targets), targets, path)
    assert server.sent < 4 * path.stat().st_size


def test_a_server_that_fails_for_a_while_is_asked_again(server, tmp_path):
    path = write(server.folder / "a-g.fits", header())
    targets = targets_at(path, anywhere(2))
    server.failures = 2
    assert_like_cutout2d(fetch_remote(server, tmp_path, targets), targets, path)
    server.failures = 1000
    answer = fetch_remote(server, tmp_path, targets)["o0"]
    assert answer.status == "invalid" and "503" in answer.reason


def test_a_password_is_found_in_netrc(server, tmp_path, monkeypatch):
    path = write(server.folder / "a-g.fits", header())
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    targets = targets_at(path, anywhere(2))
    assert_like_cutout2d(fetch_remote(server, tmp_path, targets), targets, path)
    assert set(server.seen) == {"Basic " + base64.b64encode(b"me:secret").decode()}


def test_a_remote_tile_that_is_missing_keeps_no_secret(server, tmp_path):
    local = write(tmp_path / "b.fits", header())
    targets = targets_at(local, anywhere(2))
    answer = fetch_remote(server, tmp_path, targets, "?token=secret", user="me:secret@")["o0"]
    assert answer.status == "invalid" and "a-g.fits: no such file" in answer.reason
    assert "secret" not in answer.reason + answer.url


# ---- the WCS in the store


def test_the_store_keeps_the_wcs(tmp_path):
    path = write(tmp_path / "a-g.fits", header(projection="TPV", **TPV))
    targets = targets_at(path, anywhere(4, margin=8))
    answers = fetch(tmp_path, targets)
    shard = tmp_path / "shard.h5"
    with ShardWriter(shard, {"kind": "flux_image"}, dtype=np.float32) as writer:
        for object_id in targets["object_id"]:
            writer.append(object_id, answers[object_id].pixels, wcs=answers[object_id].wcs)
    for k, row in enumerate(targets.itertuples()):
        reference = expected(path, row.ra_deg, row.dec_deg).wcs
        assert_same_sky(read_wcs(shard, k), reference, [(0, 0), (14, 3)])
        middle = read_wcs(shard, k).world_to_pixel(SkyCoord(row.ra_deg, row.dec_deg, unit="deg"))
        assert np.abs(np.array(middle) - 7).max() <= 0.5 + 1e-6
    with pytest.raises(ValueError, match=r"found index 4, allowed: 0\.\.3"):
        read_wcs(shard, 4)
    with ShardWriter(shard, {"kind": "flux_image"}, dtype=np.float32) as writer:
        writer.append("bare", answers["o0"].pixels)
    with pytest.raises(ValueError, match=r"shard\.h5: found no WCS of its images"):
        read_wcs(shard, 0)


# ---- real data


@pytest.mark.real_data
@pytest.mark.skipif("HOAG_DATA" not in os.environ, reason="HOAG_DATA is unset")
def test_decam_exposures(tmp_path):
    paths = sorted((DATA / "decam_fits" / "testcase6").rglob("*ooi*.fits"))
    bands = [p.name.split("_")[4] for p in paths]
    pd.DataFrame({"path": [str(p) for p in paths], "band": bands}).to_csv(tmp_path / "t.csv")
    options = {"bands": ["g", "r", "z"], "size_px": 31, "pixel_scale_arcsec": 0.262}
    own = {b: [p for p, x in zip(paths, bands, strict=True) if x == b] for b in "grz"}
    for first in own["g"]:
        targets = targets_at(first, np.random.default_rng(2).uniform(35, 65, (20, 2)))
        answers = fetch(tmp_path / "t.csv", targets, options)
        for row in targets.itertuples():
            for band, name in enumerate("grz"):
                path = max(own[name], key=functools.partial(room, row))
                reference = expected(path, row.ra_deg, row.dec_deg, 31)
                assert_same(answers[row.object_id], reference, band)


def room(row, path):
    """Distance of an object from the nearest edge of a tile of 100 px or so."""
    data, wcs = read(path)
    x, y = wcs.world_to_pixel(SkyCoord(row.ra_deg, row.dec_deg, unit="deg"))
    return min(x, y, data.shape[1] - 1 - x, data.shape[0] - 1 - y)


@pytest.mark.real_data
@pytest.mark.skipif("HOAG_DATA" not in os.environ, reason="HOAG_DATA is unset")
def test_real_pixels_of_hst_and_hsc_on_a_drawn_sky(tmp_path):
    """Both come without a WCS: it is drawn, the pixels are theirs."""
    with fits.open(DATA / "cosmos_hst_f814w" / "real_galaxy_images_extension.fits") as hdus:
        largest = max(hdus, key=lambda h: min(h.shape)).data.copy()
    path = write(tmp_path / "hst-I.fits", header(scale=0.03), largest)
    targets = targets_at(path, np.random.default_rng(3).uniform(0, min(largest.shape), (20, 2)))
    options = {"bands": ["I"], "pixel_scale_arcsec": 0.03, "max_nan_fraction": 1.0}
    assert_like_cutout2d(fetch(tmp_path, targets, options), targets, path)

    with np.load(DATA / "hsc_scarlet_grizy" / "hsc_cosmos_35.npz", allow_pickle=False) as file:
        images = file["images"]
    cards = header(scale=0.168, projection="TPV", **TPV)
    paths = [
        write(tmp_path / f"patch-{b}.fits", cards, image)
        for b, image in zip("grizy", images, strict=True)
    ]
    targets = targets_at(paths[0], np.random.default_rng(4).uniform(0, 47, (20, 2)))
    options = {"bands": list("izy"), "pixel_scale_arcsec": 0.168, "max_nan_fraction": 1.0}
    answers = fetch(tmp_path, targets, options)
    for row in targets.itertuples():
        for band, path in enumerate(paths[2:]):
            assert_same(answers[row.object_id], expected(path, row.ra_deg, row.dec_deg), band)


# --- cut-outs as large as their objects


def sized(path, sizes_arcsec):
    return targets_at(path, anywhere(n=len(sizes_arcsec), margin=30)).assign(size=sizes_arcsec)


def test_a_cut_out_is_as_large_as_its_object(tmp_path):
    """30 px are halved: the mean of two by two pixels, by Pillow's box."""
    path = write(tmp_path / "a-g.fits", header())
    targets = sized(path, [SIZE * SCALE, 2 * SIZE * SCALE, 4.4 * SIZE * SCALE])
    found = fetch(tmp_path, targets, {"size_column": "size"})
    for row, side in zip(targets.itertuples(), (15, 30, 66), strict=True):
        whole = expected(path, row.ra_deg, row.dec_deg, side).data
        wanted = resize.apply(whole[..., None], (), resize.Options(SIZE))[..., 0]
        np.testing.assert_allclose(found[row.object_id].pixels[0], wanted, rtol=1e-6)
        assert not found[row.object_id].wcs


def test_missing_pixels_stay_missing_in_a_resampled_cut_out(tmp_path):
    """And leave no shadow beside them."""
    data = np.ones((SIDE, SIDE), np.float32)
    data[:, 60:] = np.nan
    path = write(tmp_path / "a-g.fits", header(), data)
    targets = targets_at(path, [(59.5, 60)]).assign(size=4 * SIZE * SCALE)
    pixels = fetch(tmp_path, targets, {"size_column": "size", "max_nan_fraction": 0.6})["o0"].pixels
    assert np.isnan(pixels[0, :, -6:]).all()
    np.testing.assert_allclose(pixels[0, :, :7], 1, rtol=1e-6)


@pytest.mark.parametrize("size", [np.nan, 0.0, -3.0, 1e5, "large"])
def test_an_impossible_size_fails_alone(tmp_path, size):
    path = write(tmp_path / "a-g.fits", header())
    targets = sized(path, [3.0, 3.0]).astype({"size": object})
    targets.loc[1, "size"] = size
    found = fetch(tmp_path, targets, {"size_column": "size"})
    assert isinstance(found["o0"], Cutout)
    assert found["o1"].status == "invalid"
    assert found["o1"].reason == f"size: found {size}, allowed: 0.2 to 1638.4 arcsec"


def test_a_missing_column_of_sizes_is_named(tmp_path):
    path = write(tmp_path / "a-g.fits", header())
    with pytest.raises(ConfigError, match="size_column: found 'size', allowed: dec_deg, object_id"):
        fetch(tmp_path, targets_at(path, anywhere(2)), {"size_column": "size"})


# --- a large field


def test_a_field_of_4096_px_is_cut_as_cutout2d_cuts_it(tmp_path):
    """Three bands of whole numbers, by catalogue and by windows; one band at a time in memory."""
    side, names = 4096, "gri"
    cards = header(projection="TPV", **TPV)
    cards["CRPIX1"] = cards["CRPIX2"] = side / 2
    for i, band in enumerate(names):
        rows = np.arange(side, dtype=np.int32)
        data = ((rows[:, None] * 7919 + rows * (i + 31)) % 30011).astype(np.int16)
        write(tmp_path / f"field-{band}.fits", cards, data)
    paths = [tmp_path / f"field-{band}.fits" for band in names]
    options = {"bands": list(names), "size_px": 33}
    targets = targets_at(paths[0], np.random.default_rng(5).uniform(20, side - 21, (60, 2)))
    by_position = fetch(tmp_path, targets, options)
    listed, by_window = windows_of(tmp_path, **options, step_px=1000)
    assert len(listed) == len(by_window) == 36, "0, 1000, ... 4000, and flush with the edge"
    for band, path in enumerate(paths):
        data, wcs = read(path)
        for row in targets.itertuples():
            position = SkyCoord(row.ra_deg, row.dec_deg, unit="deg")
            assert_same(by_position[row.object_id], Cutout2D(data, position, 33, wcs=wcs), band)
        for row in listed.itertuples():
            middle = (row.x0_px + 16, row.y0_px + 16)
            assert_same(by_window[row.object_id], Cutout2D(data, middle, 33, wcs=wcs), band)


# --- window by window


def windows_of(folder, *, pattern="*-{band}.fits", **options):
    own = {"bands": ["g"], "size_px": SIZE, "pixel_scale_arcsec": SCALE, "step_px": 11} | options
    batch = {"tiles": str(folder), "pattern": pattern}
    made = build(windows.Options, own, "survey"), build(windows.Batch, batch, "batch")
    listed = windows.list_objects(made[1], made[0], seed=1, name="first")
    assert len(listed) == windows.count(made[1], made[0], name="first")
    return listed, {
        a.object_id: a for a in windows.fetch(listed, made[1], made[0], seed=1, name="")
    }


@pytest.mark.parametrize("projection", ["TAN", "TPV"])
@pytest.mark.parametrize("size", [SIZE, 16])
def test_windows_are_the_tile_s_own_pixels(tmp_path, projection, size):
    more = TPV if projection == "TPV" else {}
    path = write(tmp_path / "field-g.fits", header(projection=projection, **more))
    data, _ = read(path)
    listed, found = windows_of(tmp_path, size_px=size)
    covered = np.zeros(data.shape, bool)
    for row in listed.itertuples():
        window = slice(row.y0_px, row.y0_px + size), slice(row.x0_px, row.x0_px + size)
        np.testing.assert_array_equal(found[row.object_id].pixels[0], data[window])
        covered[window] = True
    assert covered.all()
    assert listed["object_id"].is_unique
    assert listed["object_id"][0] == "field-g-00000-00000"


def test_windows_of_several_bands_show_the_same_sky(tmp_path):
    """The second band lies on another grid."""
    write(tmp_path / "a-g.fits", header())
    other = write(tmp_path / "a-r.fits", header(crpix=(51.4, 57.3)), plane(3))
    listed, found = windows_of(tmp_path, bands=["g", "r"])
    inside = [r for r in listed.itertuples() if isinstance(found[r.object_id], Cutout)]
    assert len(inside) > 40
    for row in inside:
        reference = expected(other, row.ra_deg, row.dec_deg)
        np.testing.assert_array_equal(found[row.object_id].pixels[1], reference.data)


def test_windows_of_two_tiles_have_ids_of_their_own(tmp_path):
    for name in ("north-g.fits", "south-g.fits"):
        write(tmp_path / name, header(dec=1.0 if name < "o" else -1.0))
    listed, found = windows_of(tmp_path)
    assert len(found) == len(listed) == 2 * listed["tile"].value_counts().iloc[0]


def test_names_with_dots_tell_tiles_apart(tmp_path):
    names = [f"VLASS1.1.ql.T01t0{i}" for i in range(2)]
    for i, name in enumerate(names):
        write(tmp_path / f"{name}-g.fits.gz", header(ra=30.0 + i))
    listed, _ = windows_of(tmp_path, pattern="*-{band}.fits.gz")
    assert {i.rsplit("-", 2)[0] for i in listed["object_id"]} == {f"{n}-g" for n in names}


def test_extensions_without_a_name_are_numbered(tmp_path):
    path = write(tmp_path / "a-g.fits", header())
    with fits.open(path) as hdus:
        hdus[1].header.remove("EXTNAME", ignore_missing=True)
        fits.HDUList([hdus[0], hdus[1], hdus[1].copy()]).writeto(path, overwrite=True)
    answer = fetch(tmp_path, targets_at(path, [(50, 50)]), {"extension": "SCI"})["o0"]
    assert answer.reason.endswith("found no extension 'SCI', allowed: PRIMARY, 1, 2")


def test_a_broken_tile_stops_a_search_by_windows(tmp_path):
    path = write(tmp_path / "a-g.fits", header())
    write(tmp_path / "b-g.fits", header())
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(
        ConfigError, match=r"batches.first.tiles: found an unusable tile: .*a-g.fits"
    ):
        windows_of(tmp_path)


def test_tiles_of_one_name_are_told_apart_by_their_folders(tmp_path):
    for folder in ("north", "south"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "field-g.fits", header(dec=1.0 if folder == "north" else -1.0))
    listed, _ = windows_of(tmp_path, pattern="*/*-{band}.fits")
    assert sorted({i.rsplit("-", 2)[0] for i in listed["object_id"]}) == [
        "north-field-g",
        "south-field-g",
    ]


def test_windows_have_one_size():
    own = {"bands": ["g"], "size_px": 9, "pixel_scale_arcsec": 1, "size_column": "radius"}
    with pytest.raises(ConfigError, match="size_column: found 'radius', allowed: null"):
        build(windows.Options, own, "survey")
