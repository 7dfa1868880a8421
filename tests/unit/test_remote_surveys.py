"""Surveys asked over the network: what they ask for, what they make of replies, by stand-ins."""

import dataclasses
import importlib
import io
import json
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import numpy as np
import pandas as pd
import pytest
import yaml
from astropy.io import fits
from astropy.wcs import WCS
from tests.servers import Faults, Galaxy, Sky, make, serving
from tests.servers._sky import fits_bytes, tan_wcs, wcs_cards

from hoag import registry
from hoag.network import engine, replies, session, vo
from hoag.network.contract import InvalidError, NothingError, Target
from hoag.options import ConfigError, build
from hoag.plan import make_plan
from hoag.surveys import datalab, first, panstarrs, sdss, soda
from hoag.surveys._types import Cutout, Failure

ROOT = Path(__file__).parents[2]
RA, DEC, SIZE = 150.0324, 2.0187, 48  # in field 12 of the stand-in's small frames
GALAXY = Galaxy(RA + 4 / 3600, DEC + 6 / 3600, 2000, 3.0, 0.5, 20.0)  # off the middle, and aslant
SKY = Sky(galaxies=(GALAXY,), noise=0.001, field_galaxies=False)
EMPTY = Sky(footprint=(10, 11, 60, 61))


@dataclass(frozen=True)
class Case:
    """A survey beside its stand-in."""

    kind: str
    urls: dict[str, str]  # option -> path on the server
    zero_point: float | None  # None: only the shape of the image is compared
    options: dict = field(default_factory=dict)
    server: dict = field(default_factory=dict)
    outside: str = "outside"

    @property
    def module(self):
        return importlib.import_module(f"hoag.surveys.{self.kind}")

    def section(self, url):
        polite = {"size_px": SIZE, "retries": 0, "backoff_s": 0.0, "requests_per_minute": None}
        return polite | self.options | {k: url + path for k, path in self.urls.items()}


DR17 = {"base_url": "/dr17", "frames_url": "/sas/dr17/eboss/photoObj/frames"}
FRAMES = {"frame_shape": (200, 300)}
BASE = "base_url"
CASES = {
    "legacy": Case("legacy", {BASE: "/viewer"}, 22.5),
    "hips": Case("hips", {BASE: "/hips-image-services/hips2fits"}, None, outside="no_data"),
    "hsc": Case("hsc", {BASE: "/das_cutout"}, 27.0, outside="no_data"),
    "sdss": Case("sdss", DR17, None, {"size_px": 64}, outside="no_data"),
    "sdss_frames": Case("sdss", DR17, 22.5, {"product": "frames"}, FRAMES, "no_data"),
    "panstarrs": Case("panstarrs", {BASE: "/cgi-bin"}, 25.0, outside="no_data"),
    "datalab": Case("datalab", {BASE: ""}, 22.5),
    "first": Case("first", {BASE: "/cgi-bin/firstcutout"}, None),
    "skyview": Case("skyview", {BASE: "/current/cgi/runquery.pl"}, None, outside="no_data"),
    "soda": Case("soda", {"sia_url": "/api/sia/dp1/query"}, 31.4),
}
EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture(autouse=True)
def aside(tmp_path, monkeypatch):
    """Journals lie in a folder of the test, and logins come from the test alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("SSP_PDR_USR", "name@local")
    monkeypatch.setenv("SSP_PDR_PWD", "secret")
    for name in (soda.TOKEN, "HOAG_SODA_USR", "HOAG_SODA_PWD"):
        monkeypatch.delenv(name, raising=False)


def catalogue(*positions):
    ids = [f"object-{i}" for i in range(len(positions))]
    ra, dec = zip(*positions, strict=True)
    return pd.DataFrame({"object_id": ids, "ra_deg": ra, "dec_deg": dec})


def fetch(module, section, *positions):
    options = build(module.Options, section, "survey")
    rows = catalogue(*(positions or [(RA, DEC)]))
    return list(module.fetch(rows, module.Batch(), options, seed=0, name="first")), options


def answer(case, sky=SKY, *, faults=None, **changed):
    """The one answer of a survey about the galaxy, with the requests that it took."""
    app = Faults(make(case.kind, sky, **case.server), faults or {})
    with serving(app) as url:
        answers, options = fetch(case.module, case.section(url) | changed)
    return answers[0], options, app.stats


# ---- what comes back


@EACH
def test_pixels_are_those_of_the_sky(case):
    found, options, _ = answer(case)
    assert isinstance(found, Cutout), found
    names = case.module.bands(options)
    if found.pixels.dtype == np.uint8:  # a picture has its first row in the north
        assert found.pixels.shape == (64, 64, 3)
        expected = SKY.cutout(RA, DEC, "r", (64, 64), 0.396)[::-1]
        ours = found.pixels.mean(axis=2)
        assert np.corrcoef(ours.ravel(), np.arcsinh(10 * expected).ravel())[0, 1] > 0.9
        return
    assert found.pixels.shape == (len(names), SIZE, SIZE) and found.pixels.dtype == np.float32
    wcs = WCS(fits.Header.fromstring(found.wcs, sep="\n"))
    x, y = wcs.all_world2pix(RA, DEC, 0)
    assert max(abs(x - SIZE / 2), abs(y - SIZE / 2)) <= 1.01
    scale = case.module.attributes(options)["pixel_scale_arcsec"]
    assert wcs.proj_plane_pixel_scales()[0].to_value("arcsec") == pytest.approx(scale, rel=0.02)
    known = case.zero_point
    band = names[0] if known or case.kind == "hips" else "r"
    expected = SKY.image(wcs, (SIZE, SIZE), band, zero_point=known or 22.5)
    ours = found.pixels[0]
    assert np.corrcoef(ours.ravel(), expected.ravel())[0, 1] > 0.99
    if known:
        assert case.module.attributes(options).get("zero_point", known) == known
        np.testing.assert_allclose(ours, expected, atol=0.02 * expected.max())


@pytest.mark.parametrize("kind", [k for k, c in CASES.items() if c.zero_point or k == "hips"])
def test_bands_keep_their_order(kind):
    case = CASES[kind]
    red = Sky(galaxies=(Galaxy(RA, DEC, 2000, 3.0, redness=1.0),), noise=0, field_galaxies=False)
    found, options, _ = answer(case, red)
    flux = found.pixels.sum(axis=(1, 2))
    names = case.module.bands(options)
    order = sorted(range(len(names)), key=lambda i: "ugrizy".index(names[i]))
    assert list(np.argsort(flux)) == order and len(order) > 1


@EACH
def test_outside_is_said_and_not_asked_again(case):
    found, _, stats = answer(case, EMPTY, retries=3)
    assert isinstance(found, Failure)
    assert found.status == case.outside, found
    assert found.reason and "\n" not in found.reason
    assert all(n <= 3 * 2 for n in stats.requests.values()), stats.requests


@EACH
@pytest.mark.parametrize(
    ("fault", "status"), [("error_500", "http_500"), ("html", "invalid"), ("truncate", None)]
)
def test_faults_of_a_service_are_named(case, fault, status):
    found, _, _ = answer(case, faults={fault: 1.0})
    assert isinstance(found, Failure)
    if case.kind == "hsc" and fault == "truncate":
        assert found.status in ("truncated", "no_data", "invalid")
    else:
        assert found.status in ((status,) if status else ("truncated", "invalid")), found
    assert found.url.startswith("http://127.0.0.1")


@pytest.mark.parametrize("kind", [k for k in CASES if k not in ("sdss", "sdss_frames", "hsc")])
def test_another_size_is_invalid(kind):
    found, _, _ = answer(CASES[kind], faults={"wrong_size": 1.0})
    # at the edge of a tile the Data Lab gives less than was asked for
    expected = "no_data" if kind == "datalab" else "invalid"
    assert isinstance(found, Failure) and found.status == expected, found


@pytest.mark.parametrize("kind", [k for k in CASES if k not in ("sdss", "sdss_frames")])
@pytest.mark.parametrize("fault", ["all_nan", "all_zero"])
def test_an_image_without_values_is_no_data(kind, fault):
    found, _, _ = answer(CASES[kind], faults={fault: 1.0})
    assert isinstance(found, Failure) and found.status == "no_data", found


def test_the_viewer_s_other_bands_are_invalid():
    found, _, _ = answer(CASES["legacy"], faults={"wrong_bands": 1.0})
    assert found.status == "invalid" and "bands" in found.reason


@pytest.mark.parametrize("kind", ["hips", "first", "skyview", "panstarrs", "datalab", "soda"])
def test_another_pixel_scale_is_invalid(kind):
    module = CASES[kind].module
    options = module.Options(size_px=SIZE)
    shape = (120, 120) if kind in ("first", "datalab", "soda") else (SIZE, SIZE)
    cards = wcs_cards(tan_wcs(RA, DEC, shape, 0.9)) | {"EXPTIME": 1.0}
    content = fits_bytes((np.ones(shape, np.float32), cards))
    with pytest.raises(InvalidError, match=r"pixel scale of 0\.9"):
        module.decode({module.pieces(options)[0]: content}, TARGET, options)


TARGET = Target("a", RA, DEC)


@pytest.mark.parametrize(
    ("kind", "section", "said"),
    [
        ("legacy", {"size_px": 3001}, "size_px: found 3001, allowed: 1..3000"),
        ("hsc", {"size_px": 20000}, "size_px: found 20000, allowed: 1..12"),
        ("sdss", {"size_px": 2049}, "size_px: found 2049, allowed: 64..2048"),
        ("sdss", {"product": "frames", "size_px": 1490}, "size_px: found 1490, allowed: 1..1489"),
        ("sdss", {"product": "frames", "pixel_scale_arcsec": 1}, "allowed: 0.396 for frames"),
        ("sdss", {"bands": ["g", "g"]}, "each of them once"),
        ("panstarrs", {"bands": ["u"]}, "allowed: g, r, i, z, y"),
        ("panstarrs", {"size_px": 6001}, "allowed: 1..6000"),
        ("datalab", {"bands": []}, "each of them once"),
        ("datalab", {"size_px": 5000}, "allowed: 1..4000"),
        ("first", {"size_px": 1021}, "size_px: found 1021, allowed: 1..1020"),
        ("skyview", {"surveys": {}}, "surveys: found none"),
        ("skyview", {"size_px": 3001}, "allowed: 1..3000"),
        ("soda", {"bands": {}}, "bands: found none"),
        ("soda", {"bands": {"g": ["x"]}}, "bands.g: found"),
        ("hips", {"hips": {}}, "hips: found none"),
    ],
)
def test_what_a_service_cannot_give_is_found_while_planning(kind, section, said):
    with pytest.raises(ConfigError) as raised:
        build(registry.load("surveys", kind).Options, section, "survey")
    assert said in str(raised.value) and "\n" not in str(raised.value)


# ---- what is asked for


@pytest.fixture
def record(monkeypatch):
    """A function that runs a survey against canned replies and gives its requests."""

    def run(kind, section, replies, *positions):
        requests, replies = [], list(replies)

        def handle(request):
            requests.append(request)
            reply = replies.pop(0) if replies else b"no more"
            return (
                reply if isinstance(reply, httpx.Response) else httpx.Response(200, content=reply)
            )

        with monkeypatch.context() as patch:
            client = partial(httpx.AsyncClient, transport=httpx.MockTransport(handle))
            patch.setattr(session.httpx, "AsyncClient", client)
            module = importlib.import_module(f"hoag.surveys.{kind}")
            polite = {"retries": 0, "backoff_s": 0.0, "connections": 1}
            polite["requests_per_minute"] = None
            answers, _ = fetch(module, polite | section, *positions)
        return requests, answers

    return run


def query(request):
    return {k: v[0] for k, v in parse_qs(request.url.query.decode(), True).items()}


def place(request):
    return str(request.url.copy_with(query=None))


def test_request_of_legacy(record):
    section = {"bands": ["g", "r", "i", "z"], "size_px": 256}
    (request, *_), _ = record("legacy", section, [], (190.1086, 1.2005))
    assert place(request) == "https://www.legacysurvey.org/viewer/cutout.fits"
    found = query(request)
    assert float(found.pop("ra")) == 190.1086 and float(found.pop("dec")) == 1.2005
    assert found == {"layer": "ls-dr10", "pixscale": "0.262", "bands": "griz", "size": "256"}


def test_request_of_hips(record):
    section = {"hips": {"r": "CDS/P/HSC/DR2/wide/r"}, "size_px": 100, "pixel_scale_arcsec": 0.18}
    (request, *_), _ = record("hips", section, [], (150.0, 2.2))
    assert place(request) == "https://alasky.cds.unistra.fr/hips-image-services/hips2fits"
    found = query(request)
    assert float(found.pop("fov")) == pytest.approx(0.005)
    assert float(found.pop("ra")) == 150 and float(found.pop("dec")) == 2.2
    assert found == {
        "hips": "CDS/P/HSC/DR2/wide/r",
        "width": "100",
        "height": "100",
        "projection": "TAN",
        "coordsys": "icrs",
        "format": "fits",
    }


def test_request_of_hsc(record):
    (request, *_), _ = record("hsc", {"bands": ["i"]}, [], (150.0, 2.2), (150.1, 2.2))
    assert request.method == "POST"
    assert str(request.url) == "https://hsc-release.mtk.nao.ac.jp/das_cutout/pdr3/cgi-bin/cutout"
    body = request.content.decode()
    assert 'name="list"; filename="coordlist.txt"' in body
    lines = [line for line in body.splitlines() if line.startswith(("#?", "pdr3_wide"))]
    assert lines[0] == "#? rerun type filter tract ra dec sw sh image mask variance"
    assert lines[1].startswith("pdr3_wide coadd HSC-I any 150.00000000deg 2.20000000deg ")
    assert lines[1].endswith("asec true false false") and len(lines) == 3
    half = float(lines[1].split()[6].removesuffix("asec"))  # sw is half the width
    assert half == pytest.approx(0.168 * 48, abs=4 * 0.168)
    assert request.headers["authorization"].startswith("Basic ")


def test_request_of_an_sdss_picture(record):
    section = {"size_px": 512, "pixel_scale_arcsec": 0.4, "base_url": "https://s.org/dr12"}
    (request, *_), _ = record("sdss", section, [], (184.9511, -0.8754))
    assert place(request) == "https://s.org/dr12/SkyServerWS/ImgCutout/getjpeg"
    found = {k: float(v) for k, v in query(request).items()}
    assert found == {"ra": 184.9511, "dec": -0.8754, "scale": 0.4, "height": 512, "width": 512}


def field_row(run, camcol, number, margin):
    ra, dec = 2.02344, 14.83982
    box = {"raMin": ra - margin, "raMax": ra + margin, "decMin": dec - margin, "decMax": dec + 1}
    return {"run": run, "rerun": 301, "camcol": camcol, "field": number} | box


def test_requests_of_sdss_frames(record):
    rows = [field_row(1739, 3, 315, 0.01), field_row(1904, 3, 163, 0.05)]
    listed = json.dumps([{"TableName": "Table1", "Rows": rows}]).encode()
    gone = httpx.Response(404, content=b"gone")
    section = {"product": "frames", "bands": ["g"]}
    requests, (found,) = record("sdss", section, [listed, gone, gone], (2.02344, 14.83982))
    assert place(requests[0]) == "https://skyserver.sdss.org/dr17/SkyServerWS/SearchTools/SqlSearch"
    asked = query(requests[0])
    assert asked["format"] == "json" and asked["cmd"].endswith(
        " FROM Field WHERE ((raMin<=2.023440 AND raMax>=2.023440 OR ABS(raMax-raMin)>180)"
        " AND decMin<=14.839820 AND decMax>=14.839820)"
    )
    frames = "https://data.sdss.org/sas/dr17/eboss/photoObj/frames/301"
    assert [str(r.url) for r in requests[1:]] == [
        f"{frames}/1904/3/frame-g-001904-3-0163.fits.bz2",  # the object is farther from its edge
        f"{frames}/1739/3/frame-g-001739-3-0315.fits.bz2",
    ]
    assert found.status == "no_data" and "404" in found.reason


def test_a_frame_is_fetched_once_for_all_objects_in_it():
    places = [(150.0324, 2.0187), (150.0310, 2.0150), (150.0304, 2.0317)]
    app = Faults(make("sdss", SKY, **FRAMES))
    with serving(app) as url:
        answers, _ = fetch(sdss, CASES["sdss_frames"].section(url) | {"bands": ["g"]}, *places)
    assert [type(a) for a in answers] == [Cutout, Cutout, Failure]
    assert answers[2].status == "outside" and "whole square" in answers[2].reason
    frames = {path: n for (path, _), n in app.stats.requests.items() if "frame-g" in path}
    assert set(frames.values()) == {1} and len({a.url for a in answers[:2]}) == 1


@pytest.mark.parametrize("ra_deg", [359.99, 0.01])
@pytest.mark.parametrize("bounds", [(0.05, 359.95), (359.95, 0.05)])
def test_a_field_around_ra_0_holds_what_lies_there_and_nothing_else(record, ra_deg, bounds):
    around = field_row(1, 1, 11, 1) | {"decMin": 0.0, "decMax": 1.0}
    around |= dict(zip(("raMin", "raMax"), bounds, strict=True))
    listed = json.dumps([{"TableName": "Table1", "Rows": [around]}]).encode()
    gone = httpx.Response(404, content=b"gone")
    section = {"product": "frames", "bands": ["g"]}
    requests, (found,) = record("sdss", section, [listed, gone], (ra_deg, 0.5))
    assert len(requests) == 2 and found.status == "no_data"
    requests, (found,) = record("sdss", section, [listed], (180.0, 0.5))
    assert "raMax-raMin<180" in query(requests[0])["cmd"]
    assert (len(requests), found.status) == (1, "outside")


def test_a_query_for_fields_fits_into_a_url():
    targets = [Target(str(i), 359.123456789, -10.123456789) for i in range(sdss.POSITIONS)]
    from hoag.surveys._sdss_frames import fields_query

    params = {"cmd": fields_query(targets), "format": "json"}
    assert len(httpx.QueryParams(params).__str__()) < 2048


def test_the_footprint_s_end_in_a_404_is_outside(record):
    said = "NOT FOUND. Requested (ra, dec) is outside the SDSS footprint."
    phrase = httpx.Response(404, extensions={"reason_phrase": said.encode()})
    for reply in (phrase, httpx.Response(404, text=said)):
        _, (found,) = record("sdss", {"size_px": 64 + reply.num_bytes_downloaded}, [reply])
        assert found.status == "outside"


def test_requests_of_panstarrs(record):
    name = "/rings.v3.skycell/1400/028/rings.v3.skycell.1400.028.stk.g.unconv.fits"
    listed = (
        "projcell subcell ra dec filter mjd type filename shortname badflag\n"
        f"1400 28 44.6 13.3 g 0.0 stack {name} rings.v3.skycell.1400.028.stk.g.unconv.fits 0\n"
    )
    section = {"bands": ["r", "g"], "size_px": 240}
    requests, _ = record("panstarrs", section, [listed.encode()], (44.6, 13.3))
    assert requests[0].method == "POST"
    assert str(requests[0].url) == "https://ps1images.stsci.edu/cgi-bin/ps1filenames.py"
    body = requests[0].content.decode()
    for part in ('name="filters"\r\n\r\ngr', 'name="type"\r\n\r\nstack', 'name="file"; filename='):
        assert part in body
    assert "\r\n\r\n44.6000000 13.3000000\r\n" in body
    assert [place(r) for r in requests[1:]] == ["https://ps1images.stsci.edu/cgi-bin/fitscut.cgi"]
    found = query(requests[1])
    assert (float(found.pop("ra")), float(found.pop("dec"))) == (44.6, 13.3)
    assert found == {"size": "240", "format": "fits", "red": name}


def test_panstarrs_asks_nothing_south_of_the_survey(record):
    requests, (found,) = record("panstarrs", {}, [], (10.0, -30.5))
    assert not requests and found.status == "outside"


def test_asinh_pixels_of_panstarrs_are_made_linear():
    header = fits.Header({"BSOFTEN": 221.8863810555, "BOFFSET": 7.172080516815, "EXPTIME": 900.0})
    flux = np.array([[-5.0, 0.0, 10.0, 1e4]])
    stored = 1.0857362047581296 * np.arcsinh((flux - header["BOFFSET"]) / 2 / header["BSOFTEN"])
    np.testing.assert_allclose(panstarrs.linear(stored, header), flux / 900, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(panstarrs.linear(flux, fits.Header({"EXPTIME": 30.0})), flux / 30)
    with pytest.raises(InvalidError, match="EXPTIME"):
        panstarrs.linear(flux, fits.Header())


def test_names_of_stacks_go_to_the_positions_asked_for():
    names = [("g", 359.99999, 1.0, "west"), ("g", 0.00002, 1.0, "east"), ("r", 0.0, 1.0, "red")]
    assert panstarrs.names_of(Target("a", 0.00002, 1.0), "g", names) == "east"
    assert panstarrs.names_of(Target("a", 359.99999, 1.0), "g", names) == "west"
    assert panstarrs.names_of(Target("a", 0.0001, 1.0), "r", names) == "red"
    assert panstarrs.names_of(Target("a", 0.1, 1.0), "g", names) == ""


def votable(rows, extra=""):
    """A VOTable of text and numbers; a table of nothing for no rows."""
    names = list(rows[0]) if rows else ["access_url"]
    kinds = {str: 'datatype="char" arraysize="*"', float: 'datatype="double"'}
    fields = "".join(
        f'<FIELD name="{n}" {kinds[type(rows[0][n]) if rows else str]}/>' for n in names
    )
    cells = "".join(
        "<TR>" + "".join(f"<TD><![CDATA[{v}]]></TD>" for v in r.values()) + "</TR>" for r in rows
    )
    return (
        '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f'<RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/><TABLE>{fields}'
        f"<DATA><TABLEDATA>{cells}</TABLEDATA></DATA></TABLE></RESOURCE>{extra}</VOTABLE>"
    ).encode()


def des_row(band, exposure_s, *, proctype="Stack", prodtype="image", run="r4920p02"):
    name = f"DES0139-4457_{run}_{band}.fits.fz"
    url = f"https://datalab.noirlab.edu/svc/cutout?col=des_dr2&siaRef={name}&extn=1"
    row = {"access_url": url, "proctype": proctype, "prodtype": prodtype, "obs_bandpass": band}
    return row | {"exptime": exposure_s}


def test_requests_of_the_data_lab(record):
    rows = [
        des_row("g", 90.0, run="r1"),
        des_row("g", 450.0),
        des_row("g", 900.0, prodtype="weight"),
        des_row("g", 900.0, proctype="InstCal"),
        des_row("r", 900.0),
    ]
    requests, _ = record(
        "datalab", {"bands": ["g"], "size_px": 265}, [votable(rows)], (25.0, -45.0)
    )
    assert place(requests[0]) == "https://datalab.noirlab.edu/sia/des_dr2"
    found = query(requests[0])
    assert [float(v) for v in found["POS"].split(",")] == [25.0, -45.0]
    width, height = (float(v) for v in found["SIZE"].split(","))
    assert height == pytest.approx(0.02, abs=1e-3) and width == pytest.approx(
        height * 2**0.5, rel=1e-5
    )
    assert place(requests[1]) == "https://datalab.noirlab.edu/svc/cutout"
    cut = query(requests[1])
    assert cut["siaRef"] == "DES0139-4457_r4920p02_g.fits.fz" and cut["extn"] == "1"
    assert (cut["col"], cut["POS"], cut["SIZE"]) == ("des_dr2", found["POS"], found["SIZE"])


def des_cutout(ra, dec, zero_point_cards, shape=(60, 60)):
    cards = wcs_cards(tan_wcs(ra, dec, shape, 0.263)) | zero_point_cards
    return fits_bytes((np.full(shape, 10.0, np.float32), cards))


def test_the_data_lab_s_next_image_serves_where_the_deepest_ends_early(record):
    rows = [des_row("g", 900.0, run="edge"), des_row("g", 450.0, run="whole")]
    replies = [
        votable(rows),
        des_cutout(RA, DEC + 40 * 0.263 / 3600, {"MAGZERO": 30.0}),
        des_cutout(RA, DEC, {"MAGZERO": 30.0}),
    ]
    requests, (found,) = record("datalab", {"bands": ["g"], "size_px": SIZE}, replies)
    assert "edge" in str(requests[1].url) and "whole" in found.url
    np.testing.assert_allclose(found.pixels, 10 * 10 ** (-0.4 * 7.5), rtol=1e-5)


@pytest.mark.parametrize(
    ("cards", "option", "zero_point"),
    [
        ({"MAGZERO": 30.0, "MAGZPT": 25.0}, None, 30.0),
        ({"MAGZPT": 25.0}, None, 25.0),
        ({}, 27.0, 27.0),
        ({"BUNIT": "nanomaggy"}, None, 22.5),
    ],
)
def test_zero_points_of_the_data_lab(cards, option, zero_point):
    options = datalab.Options(zero_point=option)
    assert datalab.zero_point(fits.Header(cards), options) == zero_point
    with pytest.raises(InvalidError, match="neither MAGZERO nor MAGZPT"):
        datalab.zero_point(fits.Header(), datalab.Options())


def test_request_of_first(record):
    (request, *_), _ = record("first", {"size_px": 146}, [], (162.53, 30.677))
    assert request.method == "POST"
    assert str(request.url) == "https://sundog.stsci.edu/cgi-bin/firstcutout"
    found = {k: v[0] for k, v in parse_qs(request.content.decode()).items()}
    hours, degrees = (float(v) for v in found.pop("RA").split(" "))
    assert (hours, degrees) == (pytest.approx(162.53 / 15), 30.677)
    assert float(found.pop("ImageSize")) == 4.5
    assert found == {"Equinox": "J2000", "ImageType": "FITS File", "MaxImSize": "1024"}


def test_pages_of_first_are_read():
    page = b"<html><title>FIRST</title><body><p>Position is <b>outside</b> the coverage</body>"
    assert "outside" in first.outside(page)
    assert not first.outside(b"<html><h1>Server error</h1> Try again later.</html>")


def test_what_stands_behind_a_file_of_first_is_passed_over():
    wcs = tan_wcs(RA, DEC, (60, 60), 1.8)
    content = fits_bytes((np.ones((1, 1, 60, 60), np.float32), wcs_cards(wcs)))
    options = first.Options(size_px=SIZE)
    for tail in (b"", b"\n", b"HISTORY" * 1000):
        pixels, _ = first.decode({first.BAND: content + tail}, TARGET, options)
        assert pixels.shape == (1, SIZE, SIZE)
    with pytest.raises(InvalidError):
        first.decode({first.BAND: content[:-3000]}, TARGET, options)


def test_request_of_skyview(record):
    (request, *_), _ = record("skyview", {}, [], (187.70593, 12.39112))
    assert place(request) == "https://skyview.gsfc.nasa.gov/current/cgi/runquery.pl"
    found = query(request)
    assert float(found.pop("Size")) == pytest.approx(150 * 1.8 / 3600)
    assert [float(v) for v in found.pop("Position").split(",")] == [187.70593, 12.39112]
    assert found == {
        "Survey": "VLA FIRST (1.4 GHz)",
        "Coordinates": "J2000",
        "Projection": "Tan",
        "Pixels": "150",
        "Return": "FITS",
    }


def test_a_page_of_skyview_leads_to_its_file(record):
    page = b'<html>SkyView Images <a href="../../tempspace/fits/skv1.fits">FITS</a></html>'
    shape = (SIZE, SIZE)
    image = fits_bytes((np.ones(shape, np.float32), wcs_cards(tan_wcs(RA, DEC, shape, 1.8))))
    requests, (found,) = record("skyview", {"size_px": SIZE}, [page, image])
    assert str(requests[1].url) == "https://skyview.gsfc.nasa.gov/tempspace/fits/skv1.fits"
    assert isinstance(found, Cutout)


def coadd(band, region, name, link="https://data.lsst.cloud/api/datalink/links?ID=x"):
    row = {"obs_publisher_did": name, "access_url": link, "lsst_band": band, "s_region": region}
    return row | {"em_min": 4e-7, "em_max": 5.5e-7, "t_exptime": 30.0}


NAME = "ivo://org.rubinobs/lsst-dp1?repo=dp1&id=1"
NEAR = "POLYGON ICRS 149.9 1.9 150.1 1.9 150.1 2.1 149.9 2.1"
EDGE = "POLYGON ICRS 150.0 1.9 150.2 1.9 150.2 2.1 150.0 2.1"
LINK = (
    '<RESOURCE type="meta" ID="soda" utype="adhoc:service">'
    '<PARAM name="standardID" datatype="char" arraysize="*" '
    'value="ivo://ivoa.net/std/SODA#sync-1.0"/>'
    '<PARAM name="accessURL" datatype="char" arraysize="*" value="{url}"/>'
    '<GROUP name="inputParams">'
    '<PARAM name="ID" datatype="char" arraysize="*" value="{id}"/></GROUP></RESOURCE>'
)
LINK_ROW = {"ID": "linked", "access_url": "", "service_def": "soda"}
CADC = "https://ws.cadc-ccda.hia-iha.nrc-cnrc.gc.ca/caom2ops/sync"


def test_requests_of_rubin(record, monkeypatch):
    monkeypatch.setenv(soda.TOKEN, "gt-x")
    link = LINK.format(url="https://data.lsst.cloud/api/cutout/sync", id=NAME.replace("&", "&amp;"))
    replies = [
        votable([coadd("g", EDGE, "edge"), coadd("g", NEAR, NAME), coadd("r", NEAR, "red")]),
        votable([LINK_ROW], link),
    ]
    section = {"bands": {"g": "g"}, "search": {"CALIB": "3"}}
    requests, _ = record("soda", section, replies, (RA, 2.0))
    assert place(requests[0]) == "https://data.lsst.cloud/api/sia/dp1/query"
    found = query(requests[0])
    assert found["DPTYPE"] == "image" and found["CALIB"] == "3"
    assert place(requests[1]) == "https://data.lsst.cloud/api/datalink/links"
    assert place(requests[2]) == "https://data.lsst.cloud/api/cutout/sync"
    cut = query(requests[2])
    shape, ra, dec, radius = cut["POS"].split()
    assert (shape, float(ra), float(dec)) == ("CIRCLE", RA, 2.0) and cut["ID"] == NAME
    assert float(radius) * 3600 == pytest.approx((96 + 6) * 0.2 / 2**0.5, rel=1e-3)
    assert {r.headers["authorization"] for r in requests} == {"Bearer gt-x"}


def test_requests_of_cadc(record):
    section = {
        "sia_url": "https://ws.cadc-ccda.hia-iha.nrc-cnrc.gc.ca/argus/v2query",
        "soda_url": CADC,
        "collection": "VLASS",
        "bands": {"S": 4.8e-7},
    }
    requests, _ = record("soda", section, [votable([coadd("", NEAR, "nrao:VLASS/a.fits")])])
    assert query(requests[0])["COLLECTION"] == "VLASS"
    assert place(requests[1]) == CADC and query(requests[1])["ID"] == "nrao:VLASS/a.fits"
    assert "authorization" not in requests[0].headers


def test_a_token_goes_to_no_other_host(record, monkeypatch):
    monkeypatch.setenv(soda.TOKEN, "gt-x")
    row = coadd("g", NEAR, NAME, link="https://elsewhere.org/links?ID=1")
    requests, (found,) = record("soda", {"bands": {"g": "g"}}, [votable([row])])
    assert len(requests) == 1 and "elsewhere.org" in found.reason
    assert "gt-x" not in repr(found)


def test_a_wrong_token_stops_the_job(monkeypatch):
    case = CASES["soda"]
    monkeypatch.setenv(soda.TOKEN, "wrong")
    with serving(make("soda", SKY, token="right")) as url:
        with pytest.raises(RuntimeError, match="refuses the login") as raised:
            fetch(soda, case.section(url))
        assert "wrong" not in str(raised.value).replace("went wrong", "")
        monkeypatch.setenv(soda.TOKEN, "right")
        (found,), _ = fetch(soda, case.section(url))
    assert isinstance(found, Cutout)


def test_a_missing_band_is_no_data(record):
    requests, (found,) = record("soda", {"bands": {"z": "z"}}, [votable([coadd("g", NEAR, "a")])])
    assert len(requests) == 1 and (found.status, found.reason) == ("no_data", "no image in z")


def test_no_rows_are_outside(record):
    for kind in ("soda", "datalab"):
        _, (found,) = record(kind, {}, [votable([])])
        assert found.status == "outside"


def test_a_query_that_failed_says_why(record):
    table = votable([]).replace(b'value="OK"/>', b'value="ERROR">no such collection</INFO>')
    _, (found,) = record("datalab", {}, [table])
    assert found.status == "invalid" and found.reason.endswith("no such collection")


# ---- what surveys have in common


@pytest.mark.parametrize(
    ("region", "margin"),
    [
        ("POLYGON ICRS 359.9 -0.1 0.1 -0.1 0.1 0.2 359.9 0.2", 0.1),
        ("Polygon 359.9 -0.1 359.9 0.2 0.1 0.2 0.1 -0.1 359.9 -0.1", 0.1),  # the other way round
        ("POLYGON ICRS 0.05 -0.1 0.2 -0.1 0.2 0.1 0.05 0.1", -0.05),
        ("CIRCLE ICRS 0 0.1 0.5", 0.4),
        ("CIRCLE 180 0 0.5", np.nan),
        ("BOX 0 0 1 1", np.nan),
        (None, np.nan),
    ],
)
def test_margins_of_regions(region, margin):
    found = vo.margin_deg(region, Target("a", 0.0, 0.0))
    assert found == pytest.approx(margin, abs=1e-4, nan_ok=True)


def test_parameters_of_a_url_are_replaced_whatever_their_case():
    url = "http://s.org/cut?col=a&siaRef=b.fits&pos=1,2&SIZE=3,3"
    base, found = vo.with_parameters(url, {"POS": "5,6", "SIZE": "1,1"})
    assert base == "http://s.org/cut"
    assert found == {"col": "a", "siaRef": "b.fits", "POS": "5,6", "SIZE": "1,1"}


def test_a_header_with_letters_that_are_not_ascii_can_be_read():
    content = fits_bytes((np.ones((4, 4), np.float32), {"OBSERVER": "Muller"}))
    hdus = replies.open_fits(content.replace(b"Muller", b"M\xfcller"))
    assert replies.first_image(hdus)[0].shape == (4, 4)


def test_a_picture_is_judged():
    from PIL import Image

    def encoded(pixels):
        stream = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(stream, "PNG")
        return {"jpeg": stream.getvalue()}

    options = sdss.Options(size_px=64)
    sky = np.random.default_rng(0).integers(1, 30, (64, 64, 3))
    pixels, wcs = sdss.decode(encoded(sky), TARGET, options)
    assert pixels.dtype == np.uint8 and wcs == "" and np.array_equal(pixels, sky)
    with pytest.raises(NothingError, match="91 % of the picture black"):
        sdss.decode(encoded(sky * (np.arange(64) < 6)[:, None, None]), TARGET, options)
    with pytest.raises(InvalidError, match="shape"):
        sdss.decode(encoded(sky[:32]), TARGET, options)
    with pytest.raises(InvalidError, match="no picture"):
        sdss.decode({"jpeg": b"<html>"}, TARGET, options)


# ---- the examples


SHOWN = sorted((ROOT / "config" / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.stem)
def test_an_example_differs_from_one_off_the_network_by_an_address(path, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    text = path.read_text()
    plan = make_plan(yaml.safe_load(text))
    kind, key = path.stem, "sia_url" if path.stem == "soda" else "base_url"
    assert plan.survey.kind == kind and getattr(plan.survey.options, key).startswith("https://")
    stand_in = re.search(r"http://127\.0\.0\.1:8001(\S*?)[.;\s]*(?:its user|$)", text, re.MULTILINE)
    rows = catalogue_of(yaml.safe_load(text)["batches"][0]["catalogue"])
    monkeypatch.setattr(engine, "ROOT", tmp_path)
    with serving(make(kind, Sky())) as url:
        changed = {key: url + stand_in[1], "requests_per_minute": None, "backoff_s": 0.0}
        options = dataclasses.replace(plan.survey.options, **changed)
        module = plan.survey.module
        answers = list(module.fetch(rows, module.Batch(), options, seed=0, name="first"))
    assert [type(a) for a in answers] == [Cutout] * 8, answers


def catalogue_of(path):
    rows = pd.read_csv(path, dtype={"object_id": str})
    return rows.rename(columns={"ra": "ra_deg", "dec": "dec_deg"})


def test_a_cutout_that_fails_does_not_keep_the_others_of_its_list_waiting():
    case = CASES["panstarrs"]
    app = Faults(make("panstarrs", SKY), script=[None, "error_500"])
    places = [(RA, DEC), (RA + 0.01, DEC), (RA + 0.02, DEC)]
    with serving(app) as url:
        section = case.section(url) | {"bands": ["r"], "retries": 1}
        answers, _ = fetch(panstarrs, section, *places)
    assert [type(a) for a in answers] == [Cutout] * 3
    assert app.stats.count(path="/cgi-bin/ps1filenames.py") == 2
    assert app.stats.count(path="/cgi-bin/fitscut.cgi") == 4


def test_a_group_is_given_up_where_everything_fails():
    case = CASES["panstarrs"]
    app = Faults(make("panstarrs", SKY), script=[None] + ["error_500"] * 9)
    with serving(app) as url:
        answers, _ = fetch(panstarrs, case.section(url), *[(RA + i / 100, DEC) for i in range(4)])
    assert {a.status for a in answers} == {"http_500"}
    assert app.stats.count(path="/cgi-bin/fitscut.cgi") == 3
