"""The stand-in servers, asked by hand as each service's documents say."""

import base64
import bz2
import io
import re
import socket
import tarfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import httpx
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from PIL import Image
from tests.servers import SERVICES, Faults, Galaxy, Sky, make, serving
from tests.servers._faults import HINTS, KINDS
from tests.servers._run import parse_faults
from tests.servers._sky import tan_wcs

SKY = Sky(galaxies=(Galaxy(150.0, 2.2, flux=500),), footprint=(149.0, 151.0, 1.0, 3.0))
INSIDE, OUTSIDE = (150.001, 2.201), (210.0, 2.2)
ACCOUNT = ("name@local", "secret")
CUTOUT = "/viewer/cutout.fits?ra=150.001&dec=2.201&layer=ls-dr9&size=32"


@pytest.fixture(scope="module")
def web():
    """Asks a service, each started once: ``web(service, path, ...)``; keywords are httpx's."""
    running, client = {}, httpx.Client(trust_env=False, timeout=30)
    options = {"sdss": {"frame_shape": (300, 400)}, "datalab": {"tile_px": 700}}

    def ask(service, path, *, method="GET", ok=200, **keywords):
        if service not in running:
            context = serving(Faults(make(service, SKY, **options.get(service, {}))))
            running[service] = context, context.__enter__()
        address = path if path.startswith("http") else running[service][1] + path
        reply = client.request(method, address, **keywords)
        assert reply.status_code == ok, reply.text[:300]
        return reply

    yield ask
    client.close()
    for context, _ in running.values():
        context.__exit__(None, None, None)


def opened(content: bytes):
    """The HDUs of a FITS file that is well formed and whole."""
    assert content.startswith(b"SIMPLE  =") and len(content) % 2880 == 0
    with fits.open(io.BytesIO(content), memmap=False) as hdus:
        hdus.verify("exception")
        return [(hdu.data, hdu.header) for hdu in hdus]


def drawn(header, shape, band, zero_point=22.5):
    """What the sky has in the pixels that a header describes."""
    return SKY.image(WCS(header, naxis=2), shape, band, zero_point=zero_point)


def centre(header, shape):
    return WCS(header, naxis=2).all_pix2world((shape[1] - 1) / 2, (shape[0] - 1) / 2, 0)


# The sky


def test_the_sky_is_one_whatever_pixels_look_at_it():
    one = SKY.cutout(150, 2, "r", (40, 40), 0.25)
    wcs = tan_wcs(150, 2, (40, 40), 0.25, crpix=(20.5 - 7, 20.5 - 9))
    np.testing.assert_allclose(SKY.image(wcs, (30, 25), "r"), one[9:39, 7:32], rtol=1e-5)
    wrapped = Sky(footprint=(359, 1, -1, 1)).cutout(0.0, 0.0, "g", (64, 64), 0.3)
    assert np.isfinite(wrapped).all() and wrapped.std() > 0
    assert np.isnan(Sky(footprint=(1, 2, -1, 1)).cutout(0.0, 0.0, "g", (8, 8), 0.3)).all()


def test_a_galaxy_has_its_flux_and_its_place():
    sky = Sky(
        (Galaxy(10, 20, flux=300, radius_arcsec=2, redness=0),), noise=0, field_galaxies=False
    )
    image = sky.cutout(10, 20, "r", (201, 201), 0.2)
    assert np.unravel_index(image.argmax(), image.shape) == (100, 100)
    assert image.sum() == pytest.approx(300, rel=0.01)
    brighter = sky.cutout(10, 20, "r", (201, 201), 0.2, zero_point=27.0)
    assert brighter.sum() / image.sum() == pytest.approx(10**1.8)


def test_bands_and_seeds_differ():
    images = [Sky(seed=s).cutout(3, 4, band, (20, 20), 0.3) for s in (0, 1) for band in "gr"]
    assert all((a != b).any() for i, a in enumerate(images) for b in images[:i])


# Faults


def observed(kind, timeout=10, **options):
    """What a client sees of one fault: the reply or the error."""
    faulty = Faults(make("legacy", SKY), script=[kind], **options)
    with serving(faulty) as url, httpx.Client(trust_env=False, timeout=timeout) as client:
        try:
            return client.get(url + CUTOUT)
        except httpx.HTTPError as error:
            return error
        finally:
            assert faulty.stats.count(outcome="200") == 0


@pytest.mark.parametrize("kind", ["error_500", "error_502", "error_503", "html"])
def test_errors_are_pages(kind):
    reply = observed(kind)
    assert reply.status_code == (200 if kind == "html" else int(kind[-3:]))
    assert "<html>" in reply.text


def test_too_many_says_when_to_come_again_in_either_form():
    reply = observed("too_many", retry_after_s=2.5)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "3")
    reply = observed("too_many_date", retry_after_s=5)
    wait = parsedate_to_datetime(reply.headers["retry-after"]).timestamp() - time.time()
    assert reply.status_code == 429 and 3 < wait <= 6


def test_hang_and_drip_are_longer_than_the_client_waits():
    assert isinstance(observed("hang", timeout=0.5), httpx.ReadTimeout)
    slow = observed("drip", drip_bytes=100, drip_s=0.01)  # each piece comes in time
    assert len(slow.content) == 17280 and slow.elapsed.total_seconds() > 1


def test_a_dripping_or_hanging_server_ends_when_told():
    with ThreadPoolExecutor() as pool:
        for kind in ("hang", "drip"):
            faulty = Faults(make("legacy", SKY), script=[kind], drip_s=60)
            with serving(faulty) as url:
                asked = pool.submit(httpx.get, url + CUTOUT, timeout=30)
                while not faulty.stats.now:
                    time.sleep(0.01)
                time.sleep(0.3)
                start = time.monotonic()
            assert time.monotonic() - start < 3
            assert isinstance(asked.exception(), httpx.RemoteProtocolError)


def test_reset_and_truncate_break_the_connection():
    assert isinstance(observed("reset"), httpx.ReadError)
    assert isinstance(observed("truncate"), httpx.RemoteProtocolError)


def test_truncate_sends_the_length_of_the_whole_and_half_of_it():
    with serving(Faults(make("legacy", SKY), script=["truncate"])) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 5) as plain:
            plain.sendall(f"GET {CUTOUT} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            received = b"".join(iter(lambda: plain.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"content-length: 17280" in head.lower() and len(body) == 8640


@pytest.mark.parametrize("kind", ["wrong_size", "wrong_bands", "all_nan", "all_zero"])
def test_hints_spoil_what_is_sent(kind):
    ((data, header),) = opened(observed(kind).content)
    assert data.shape == {"wrong_size": (3, 16, 16), "wrong_bands": (2, 32, 32)}.get(
        kind, (3, 32, 32)
    )
    assert header["BANDS"] == ("gr" if kind == "wrong_bands" else "grz")
    assert np.isnan(data).all() == (kind == "all_nan") and (data == 0).all() == (kind == "all_zero")


def test_a_mix_is_drawn_from_the_seed_and_the_request():
    app, mix = make("legacy", SKY), {"error_500": 0.3, "too_many": 0.2}
    scopes = [
        {"method": "GET", "path": "/", "query_string": f"ra={i % 200}".encode()} for i in range(400)
    ]
    first, again, other = (Faults(app, mix, seed) for seed in (1, 1, 2))
    chosen = [first._choose(scope) for scope in scopes]
    backwards = [again._choose(scope) for scope in scopes[199::-1]]
    assert chosen[:200] == backwards[::-1]
    assert chosen != [other._choose(scope) for scope in scopes]
    assert 90 < chosen.count("error_500") < 150 and 50 < chosen.count("too_many") < 110
    with pytest.raises(ValueError, match="unknown faults"):
        Faults(app, {"earthquake": 0.1})


def test_counts_are_kept_in_process_and_at_stats():
    script = ["error_503", None, None, "all_nan"]
    faulty = Faults(make("legacy", SKY), script=script, latency_s=0.5)
    with serving(faulty) as url, httpx.Client(trust_env=False) as client:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(client.get, [url + CUTOUT] * 4))
        client.get(url + "/viewer/cutout.fits?ra=1")
        counts = client.get(url + "/_stats").json()
    path = "/viewer/cutout.fits"
    assert counts["requests"] == {path: {"error_503": 1, "200": 2, "all_nan": 1, "400": 1}}
    assert counts["objects"] == {"150.001,2.201": 4} and counts["most_at_once"] == 4
    assert len(counts["times"]) == 5 and counts["times"] == sorted(counts["times"])
    assert faulty.stats.count() == 5 and faulty.stats.count(path=path, outcome=200) == 2
    faulty.stats.reset()
    assert faulty.stats.count() == 0 == len(faulty.stats.objects)


def test_the_command_line_knows_services_and_faults():
    assert parse_faults("error_500=0.1, hang=0.02") == {"error_500": 0.1, "hang": 0.02}
    assert set(HINTS) < set(KINDS) and len(SERVICES) == 10
    assert not [thread for thread in threading.enumerate() if "uvicorn" in thread.name]


# Legacy Surveys


def legacy(web, name="cutout.fits", ok=200, **get):
    query = {"ra": INSIDE[0], "dec": INSIDE[1], "layer": "ls-dr10", "size": 48} | get
    return web("legacy", f"/viewer/{name}", params=query, ok=ok)


def test_legacy_sends_a_cube_in_the_order_asked(web):
    reply = legacy(web, bands="zg", pixscale=0.5)
    assert reply.headers["content-type"] == "image/fits"
    ((data, header),) = opened(reply.content)
    assert data.shape == (2, 48, 48) and data.dtype == ">f4"
    assert [header[key] for key in ("BANDS", "BAND0", "BAND1", "IMAGEW")] == ["zg", "z", "g", 48]
    np.testing.assert_allclose(centre(header, (48, 48)), INSIDE, atol=1e-7)
    assert abs(header["CD1_1"] * 3600) == pytest.approx(0.5)
    for plane, band in zip(data, "zg", strict=True):
        np.testing.assert_allclose(plane, drawn(header, (48, 48), band), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("get", "bands", "shape"),
    [
        ({"bands": "r"}, "r", (48, 48)),
        ({}, "griz", (4, 48, 48)),
        ({"bands": "gx"}, "griz", (4, 48, 48)),
        ({"layer": "ls-dr9", "bands": "griz"}, "grz", (3, 48, 48)),
        ({"width": 3500, "height": 3, "bands": "g"}, "g", (3, 3000)),
        ({"size": 1, "width": 20}, "griz", (4, 1, 20)),
    ],
)
def test_legacy_falls_back_and_clips_without_a_word(web, get, bands, shape):
    ((data, header),) = opened(legacy(web, **get).content)
    assert (header["BANDS"], data.shape) == (bands, shape)


def test_legacy_has_three_ways_to_say_no(web):
    assert legacy(web, layer="ls-dr99").text == "no such layer"
    assert "Server Error" in legacy(web, ra=OUTSIDE[0], ok=500).text
    assert "<html>" in web("legacy", "/viewer/cutout.fits?ra=1", ok=400).text


def test_legacy_is_zero_at_the_edge_and_without_i_in_the_north(web):
    ((data, _),) = opened(legacy(web, ra=151.0, bands="r").content)
    assert (data[:, :20] == 0).all() and (data[:, 28:] != 0).all()
    with serving(make("legacy")) as url:
        reply = httpx.get(url + "/viewer/fits-cutout?ra=9&dec=40&size=9&bands=ri&layer=ls-dr10")
    ((data, _),) = opened(reply.content)
    assert data[0].any() and not data[1].any()


def test_legacy_pictures_have_north_up(web):
    picture = Image.open(
        io.BytesIO(legacy(web, "cutout.jpg", ra=150.0, dec=2.2 - 4 / 3600).content)
    )
    assert picture.size == (48, 48) and picture.mode == "RGB"
    light = np.asarray(picture, float).sum(axis=2)
    assert np.unravel_index(light.argmax(), light.shape)[0] < 20
    black = Image.open(io.BytesIO(legacy(web, "jpeg-cutout", ra=OUTSIDE[0]).content))
    assert np.asarray(black).max() == 0


# HiPS


def hips(web, ok=200, **get):
    query = {
        **{"hips": "CDS/P/DESI-Legacy-Surveys/DR10/g", "width": 60, "height": 40, "format": "fits"},
        **{"projection": "TAN", "coordsys": "icrs", "fov": 0.01, "ra": INSIDE[0], "dec": INSIDE[1]},
    }
    return web("hips", "/hips-image-services/hips2fits", params=query | get, ok=ok)


def test_hips2fits_sends_one_band_of_brightness(web):
    ((data, header),) = opened(hips(web).content)
    assert data.shape == (40, 60)
    scale = WCS(header).proj_plane_pixel_scales()[0].to_value("arcsec")
    assert scale == pytest.approx(36 / 60)
    native = drawn(header, (40, 60), "g") * (0.262 / scale) ** 2
    np.testing.assert_allclose(data, native, rtol=1e-4, atol=1e-6)


def test_hips2fits_is_nan_where_there_is_nothing(web):
    ((data, _),) = opened(hips(web, ra=OUTSIDE[0]).content)
    assert np.isnan(data).all()


def test_hips2fits_explains_in_json(web):
    for bad, status in (({"hips": "CDS/P/nothing"}, 404), ({"fov": "wide"}, 400)):
        assert set(hips(web, ok=status, **bad).json()) == {"title", "description"}


def test_hips2fits_renders_colour(web):
    hips_id = "CDS/P/DESI-Legacy-Surveys/DR10/color"
    for kind, name in (("jpg", "JPEG"), ("png", "PNG")):
        picture = Image.open(io.BytesIO(hips(web, hips=hips_id, format=kind).content))
        assert (picture.format, picture.size, picture.mode) == (name, (60, 40), "RGB")


def test_mocserver_knows_the_coverage(web):
    query = {"ID": "CDS/P/DESI-Legacy-Surveys/DR10/g", "get": "smoc", "order": 4, "fmt": "json"}
    (cells,) = web("hips", "/MocServer/query", params=query).json().values()
    assert 1 <= len(cells) <= 4
    everything = make("hips")
    with serving(everything) as url:
        assert len(httpx.get(url + "/MocServer/query", params=query).json()["4"]) == 12 * 16**2
    assert web("hips", "/MocServer/query", params=query | {"ID": "no"}).json() == {}


# HSC

PATH = "/das_cutout/pdr3/cgi-bin/cutout"
COLUMNS = "rerun type filter tract ra dec sw sh image mask variance"
MEMBER = re.compile(r"arch-\d+-\d+/(\d+)-(cutout|coadd\+bg)-([^/]+)-(\d+)-([^/]+)\.fits")


def hsc(web, rows, header=COLUMNS, ok=200, service="hsc"):
    body = "\n".join([f"#? {header}", *rows]).encode()
    return web(service, PATH, method="POST", files={"list": ("c.txt", body)}, auth=ACCOUNT, ok=ok)


def members(reply):
    """(lineno, type, filter, tract, rerun), content of each member, read as a stream."""
    with tarfile.open(fileobj=io.BytesIO(reply.content), mode="r|") as archive:
        return [(MEMBER.fullmatch(m.name).groups(), archive.extractfile(m).read()) for m in archive]


def row(ra, dec=2.25, band="HSC-I", size="8asec", layers="true false false"):
    return f"pdr3_wide coadd {band} any {ra}deg {dec}deg {size} {size} {layers}"


def test_hsc_wants_its_account(web):
    for auth in (None, ("name@local", "guess")):
        reply = web("hsc", PATH, auth=auth, ok=401)
        assert reply.headers["www-authenticate"].startswith("Basic")
    web("hsc", "/das_cutout/pdr9/cgi-bin/cutout", auth=ACCOUNT, ok=404)


def test_hsc_numbers_lines_from_the_header_and_leaves_out_what_it_has_not(web):
    rows = [row(150.1), row(210.0), "# a remark", row(150.2, band="g")]
    found = members(hsc(web, rows))
    assert [name[0] for name, _ in found] == ["2", "5"]
    assert [name[2] for name, _ in found] == ["HSC-I", "HSC-G"]
    (primary, _), (image, header) = opened(found[0][1])
    assert primary is None
    np.testing.assert_allclose(centre(header, image.shape), (150.1, 2.25), atol=0.17 / 3600)
    np.testing.assert_allclose(image, drawn(header, image.shape, "i", 27.0), rtol=1e-4, atol=1e-4)


def test_hsc_sizes_are_semi_widths_with_units_and_vary_by_a_pixel(web):
    for size in ("8asec", "8arcsec", "0.1333333amin", "2.2222e-3deg", "3.8785e-5rad", "0.0022222"):
        ((_, content),) = members(hsc(web, [row(150.1, size=size)]))
        assert opened(content)[1][0].shape in {(n, m) for n in (96, 97) for m in (96, 97)}
    rows = [row(150.1 + i * 1e-5) for i in range(20)]
    assert {opened(content)[1][0].shape[1] for _, content in members(hsc(web, rows))} == {96, 97}


def test_hsc_sends_the_layers_asked_for(web):
    found = members(hsc(web, [row(151.0, layers="true true true"), row(150.1, layers="yes no on")]))
    image, mask, variance = opened(found[0][1])[1:]
    assert [header["EXTTYPE"] for _, header in (image, mask, variance)] == [
        "IMAGE",
        "MASK",
        "VARIANCE",
    ]
    assert (np.isnan(image[0]) == (mask[0] & 256 > 0)).all() and np.isnan(image[0]).any()
    assert [header["EXTTYPE"] for _, header in opened(found[1][1])[1:]] == ["IMAGE", "VARIANCE"]


def test_hsc_has_a_member_for_each_tract_at_edges(web):
    both = members(hsc(web, [row(150.1, dec=1.51), row(150.1)]))
    assert [name[0] for name, _ in both] == ["2", "2", "3"]
    tracts = [name[3] for name, _ in both]
    assert tracts[0] != tracts[1]
    one = row(150.1, dec=1.51).replace("any", tracts[1])
    assert [name[3] for name, _ in members(hsc(web, [one]))] == [tracts[1]]


def test_hsc_takes_any_columns_and_sexagesimal_positions(web):
    ((name, content),) = members(
        hsc(web, ["10:00:24.0 +2:15:00 5asec 4asec coadd/bg r"], header="ra dec sw sh type filter")
    )
    assert name[1:3] == ("coadd+bg", "HSC-R")
    image, header = opened(content)[1]
    np.testing.assert_allclose(centre(header, image.shape), (150.1, 2.25), atol=0.17 / 3600)
    assert image.shape[1] > image.shape[0]


@pytest.mark.parametrize(
    "rows",
    [
        [row(150.1)] * 1001,
        [row(150.1, band="HSC-Q")],
        [row(150.1, size="20amin")],
        [row(150.1) + " more"],
        [row("x")],
    ],
)
def test_hsc_refuses_lists(web, rows):
    hsc(web, rows, ok=400)


def test_hsc_sends_one_file_for_a_query(web):
    get = {"ra": 150.1, "dec": 2.25, "sw": "10asec", "sh": "10asec", "type": "coadd", "image": "on"}
    get |= {"mask": "on", "filter": "HSC-I", "tract": "", "rerun": "pdr3_wide"}
    assert len(opened(web("hsc", PATH, params=get, auth=ACCOUNT).content)) == 3
    web("hsc", PATH, params=get | {"ra": 210.0}, auth=ACCOUNT, ok=404)
    corners = {
        "ra1": 150.0,
        "ra2": 150.01,
        "dec1": 2.2,
        "dec2": 2.21,
        "image": "on",
        "filter": "HSC-G",
    }
    image, _ = opened(web("hsc", PATH, params=corners, auth=ACCOUNT).content)[1]
    assert image.shape[0] == pytest.approx(36 / 0.168, abs=1.5)


def test_hsc_members_go_astray_when_asked():
    faults = ["missing_members", "duplicate_members", "changed_order", "wrong_bands"]
    body = "\n".join([f"#? {COLUMNS}", row(150.1), row(150.2), row(150.3)])
    lines = []
    with serving(Faults(make("hsc", SKY), script=faults)) as url:
        for _ in faults:
            reply = httpx.post(url + PATH, files={"list": ("c", body)}, auth=ACCOUNT, timeout=30)
            lines.append([(name[0], name[2]) for name, _ in members(reply)])
    assert [name[0] for name in lines[0]] == ["3", "4"]
    assert [name[0] for name in lines[1]] == list("223344")
    assert [name[0] for name in lines[2]] == list("432")
    assert {name[1] for name in lines[3]} == {"HSC-Z"}


# SDSS


def test_sdss_pictures(web):
    path = "/dr17/SkyServerWS/ImgCutout/getjpeg"
    get = {"ra": 150.0, "dec": 2.2, "scale": 0.396, "width": 70, "height": 64, "opt": ""}
    picture = Image.open(io.BytesIO(web("sdss", path, params=get).content))
    assert picture.format == "JPEG" and picture.size == (70, 64)
    light = np.asarray(picture, float).sum(axis=2)
    assert np.abs(np.subtract(np.unravel_index(light.argmax(), light.shape), (32, 35))).max() <= 3
    large = Image.open(io.BytesIO(web("sdss", path, params=get | {"width": 9000}).content))
    assert large.size == (2048, 64)
    web("sdss", path, params={"ra": "x"}, ok=400)


def test_sdss_sql_leads_to_a_frame(web):
    path = "/dr17/SkyServerWS/SearchTools/SqlSearch"
    command = "SELECT TOP 1 run, camcol, field FROM dbo.fGetNearestFrameEq(150.02, 2.02, 0)"
    (table,) = web("sdss", path, params={"cmd": command, "format": "json"}).json()
    ((run, camcol, field),) = [row.values() for row in table["Rows"]]
    reply = web("sdss", path, params={"cmd": command, "format": "csv"})
    assert reply.text.splitlines() == ["#Table1", "run,camcol,field", f"{run},{camcol},{field}"]
    frame = f"/sas/dr17/eboss/photoObj/frames/301/{run}/{camcol}"
    frame += f"/frame-g-{run:06d}-{camcol}-{field:04d}.fits.bz2"
    image, header = opened(bz2.decompress(web("sdss", frame).content))[0]
    assert WCS(header).footprint_contains(_place(150.02, 2.02))
    assert abs(header["CD1_2"]) > 10 * abs(header["CD1_1"])
    np.testing.assert_allclose(image, drawn(header, image.shape, "g"), rtol=1e-3, atol=1e-5)
    web("sdss", frame.replace("frame-g", "frame-q"), ok=404)


def _place(ra, dec):
    from astropy.coordinates import SkyCoord

    return SkyCoord(ra, dec, unit="deg")


def test_sdss_sql_is_sql(web):
    def rows(command, ok=200):
        path = "/dr18/SkyServerWS/SearchTools/SqlSearch"
        return web("sdss", path, params={"cmd": command, "format": "json"}, ok=ok).json()

    box = "150.02 BETWEEN raMin AND raMax AND 2.02 BETWEEN decMin AND decMax"
    assert len(rows(f"SELECT * FROM Field WHERE {box}")[0]["Rows"]) == 1
    assert rows("SELECT run FROM Field WHERE run < 0")[0]["Rows"] == []
    near = rows("SELECT * FROM fGetNearbyFrameEq(150.02, 2.02, 3, 0)")[0]["Rows"]
    assert near[0]["distance"] < near[-1]["distance"] <= 3
    assert rows("SELECT objID FROM PhotoPrimary")[0]["Rows"] == [{"objID": 1}]
    assert "Error Message" in rows("SELECT nonsense FROM nowhere", ok=400)


# Pan-STARRS


def files(reply):
    return Table.read(reply.text, format="ascii")


def linear(data, header):
    scaled = data * np.log(10) / 2.5
    return header["BOFFSET"] + header["BSOFTEN"] * (np.exp(scaled) - np.exp(-scaled))


def test_panstarrs_lists_files_of_positions(web):
    path = "/cgi-bin/ps1filenames.py"
    one = files(web("panstarrs", path, params={"ra": 150.001, "dec": 2.201, "filters": "gri"}))
    assert list(one["filter"]) == ["g", "r", "i"] and set(one["type"]) == {"stack"}
    text = "150.0010000001 2.201\n210 2.2\n150.9 2.9\n"
    form = {"filters": "gi", "type": "stack,stack.wt"}
    many = files(web("panstarrs", path, method="POST", data=form, files={"file": text}))
    assert len(many) == 8 and set(np.round(many["ra"], 3)) == {150.001, 150.9}
    assert many.colnames[:4] == ["projcell", "subcell", "ra", "dec"]
    assert len(files(web("panstarrs", path, params={"ra": 210, "dec": 2}))) == 0


@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")  # PC001001, as PS1 writes it
def test_panstarrs_stacks_are_scaled_by_arcsinh(web):
    path, place = "/cgi-bin/fitscut.cgi", {"RA": 150.001, "DEC": 2.201, "Size": 40}
    listing = {"ra": 150.001, "dec": 2.201, "filters": "i", "type": "stack,warp"}
    stack, warp = files(web("panstarrs", "/cgi-bin/ps1filenames.py", params=listing))["filename"]
    got = []
    for name in (stack, warp):
        ((data, header),) = opened(
            web("panstarrs", path, params=place | {"format": "fits", "red": name}).content
        )
        assert data.shape == (40, 40)
        np.testing.assert_allclose(centre(header, data.shape), (150.001, 2.201), atol=0.13 / 3600)
        got.append((data, header, drawn(header, data.shape, "i", 25.0) * header["EXPTIME"]))
    (data, header, flux), (counts, plain, warped) = got
    np.testing.assert_allclose(linear(data, header), flux, rtol=1e-3, atol=1e-2)
    assert "BSOFTEN" not in plain
    np.testing.assert_allclose(counts, warped, rtol=1e-4, atol=1e-3)


def test_panstarrs_pictures_and_edges(web):
    path, place = "/cgi-bin/fitscut.cgi", {"ra": 150.0, "dec": 2.2, "size": 40}
    listing = files(web("panstarrs", "/cgi-bin/ps1filenames.py", params=place))
    names = dict(zip(listing["filter"], listing["filename"], strict=True))
    colours = {"red": names["i"], "green": names["r"], "blue": names["g"], "output_size": 80}
    picture = Image.open(
        io.BytesIO(web("panstarrs", path, params=place | colours | {"format": "png"}).content)
    )
    assert (picture.size, picture.format) == ((80, 80), "PNG")
    far = {"ra": 150.9, "dec": 2.9, "size": 20, "red": names["g"], "format": "fits"}
    assert np.isnan(opened(web("panstarrs", path, params=far).content)[0][0]).all()
    web("panstarrs", path, params=place | {"red": "/etc/passwd", "format": "fits"}, ok=404)


# Data Lab


def found_images(web, position=INSIDE, collection="des_dr2", size=0.004):
    ra, dec = position
    get = {"POS": f"{ra},{dec}", "SIZE": f"{size / np.cos(np.deg2rad(dec))},{size}", "VERB": 3}
    reply = web("datalab", f"/sia/{collection}", params=get)
    table = Table.read(io.BytesIO(reply.content), format="votable")
    return table[(table["proctype"] == "Stack") & (table["prodtype"] == "image")]


def test_datalab_finds_stacks_and_cuts_them(web):
    table = found_images(web)
    assert set(table["obs_bandpass"]) == set("grizY")
    url = table[table["obs_bandpass"] == "r"]["access_url"][0]
    ((data, header),) = opened(web("datalab", url).content)
    assert header["MAGZERO"] == 30
    np.testing.assert_allclose(data, drawn(header, data.shape, "r", 30.0), rtol=1e-3, atol=1e-2)
    shapes = [opened(web("datalab", str(u)).content)[0][0].shape for u in table["access_url"]]
    assert max(shapes) == (55, 55)


def test_datalab_sends_whole_files_without_a_box(web):
    url = str(found_images(web)["access_url"][0]).partition("&POS")[0]
    primary, (data, _) = opened(web("datalab", url).content)
    assert primary[0] is None and data.shape == (700, 700)
    assert len(found_images(web, OUTSIDE)) == 0
    web("datalab", "/svc/cutout?col=des_dr2&siaRef=no.fits", ok=404)
    assert b'value="ERROR"' in web("datalab", "/sia/des_dr2").content


def test_datalab_cuts_end_with_their_tile(web):
    grown = found_images(web, size=0.03)
    assert len(grown) > 5  # of several tiles
    url = str(grown["access_url"][0])
    assert opened(web("datalab", url).content)[0][0].shape != (411, 411)


# FIRST and SkyView


def test_first_sends_fits_or_html(web):
    form = {"RA": f"{150.001 / 15} 2.201", "Equinox": "J2000", "ImageSize": 1.5}
    form |= {"ImageType": "FITS File", "MaxImSize": 1024}
    ((data, header),) = opened(
        web("first", "/cgi-bin/firstcutout", method="POST", data=form).content
    )
    assert data.shape == (50, 50) and header["CTYPE1"] == "RA---SIN"
    np.testing.assert_allclose(centre(header, data.shape), INSIDE, atol=1e-7)
    np.testing.assert_allclose(data * 1e4, drawn(header, data.shape, "radio"), rtol=1e-3, atol=1e-4)
    small = form | {"MaxImSize": 20, "RA": "10 00 00.24 +02 12 03.6"}
    ((data, header),) = opened(
        web("first", "/cgi-bin/firstcutout", method="POST", data=small).content
    )
    assert data.shape == (20, 20)
    np.testing.assert_allclose(centre(header, data.shape), INSIDE, atol=1e-6)
    for bad in ({"RA": "14 2.2"}, {"RA": "nowhere"}, {"ImageType": "GIF"}):
        reply = web("first", "/cgi-bin/firstcutout", method="POST", data=form | bad)
        assert "Error" in reply.text and reply.headers["content-type"].startswith("text/html")


def test_skyview_sends_a_file_or_a_page_of_links(web):
    path = "/current/cgi/runquery.pl"
    get = {
        "Position": "150.001,2.201",
        "Survey": "VLA FIRST (1.4 GHz)",
        "Pixels": 50,
        "Size": 0.025,
    }
    ((data, header),) = opened(web("skyview", path, params=get | {"Return": "FITS"}).content)
    assert data.shape == (50, 50) and header["CRPIX1"] == 25.5
    assert abs(header["CD1_1"]) == pytest.approx(0.025 / 50)
    np.testing.assert_allclose(data, drawn(header, data.shape, "radio"), rtol=1e-4, atol=1e-5)
    page = web("skyview", path, params=get | {"Survey": "SDSSg,SDSSr"}).text
    links = re.findall(r'<a href="../..(/tempspace/fits/\w+\.fits)">FITS</a>', page)
    assert len(links) == 2 and opened(web("skyview", links[1]).content)
    (gone,) = re.findall(
        r'"../..([^"]+)"', web("skyview", path, params=get | {"Position": "9,9"}).text
    )
    web("skyview", gone, ok=404)
    assert "Error" in web("skyview", path, params=get | {"Survey": "none"}).text


# Virtual Observatory


def searched(web, path="/api/sia/dp1/query", **get):
    query = {"POS": f"CIRCLE {INSIDE[0]} {INSIDE[1]} 0.001", "RESPONSEFORMAT": "CSV"} | get
    return Table.read(web("soda", path, params=query).text, format="ascii.csv")


def test_soda_cuts_what_sia_finds(web):
    table = searched(web)
    assert set(table["lsst_band"]) == set("ugrizy")
    did = table[table["lsst_band"] == "g"]["obs_publisher_did"][0]
    get = {"ID": did, "POS": f"CIRCLE {INSIDE[0]} {INSIDE[1]} 0.002"}
    hdus = opened(web("soda", "/api/cutout/dp1/sync", params=get).content)
    assert [header.get("EXTNAME") for _, header in hdus] == [None, "IMAGE", "MASK", "VARIANCE"]
    data, header = hdus[1]
    assert data.shape == (73, 73)
    np.testing.assert_allclose(data, drawn(header, data.shape, "g", 31.4), rtol=1e-3, atol=0.1)
    for same in ({"CIRCLE": "150.001 2.201 0.002"}, {"POLYGON": "150 2.2 150.002 2.2 150 2.202"}):
        reply = web("soda", "/api/cutout/sync", params={"ID": did} | same)
        assert opened(reply.content)[1][0].shape in ((73, 73), (37, 37))


def test_soda_says_what_is_wrong(web):
    did = str(searched(web)["obs_publisher_did"][0])
    path = "/api/cutout/sync"
    assert "UsageError" in web("soda", path, params={"ID": did, "POS": "CIRCLE 1"}, ok=400).text
    web("soda", path, params={"ID": did, "CIRCLE": "100 2 0.001"}, ok=204)
    web("soda", path, params={"ID": "ivo://no", "CIRCLE": "150 2 0.001"}, ok=404)


def test_sia_finds_collections_and_overlapping_tiles(web):
    radio = searched(web, "/SIA", COLLECTION="VLASS")
    get = {"ID": radio["obs_publisher_did"][0], "CIRCLE": "150.001 2.201 0.01"}
    ((data, header),) = opened(web("soda", "/caom2ops/sync", params=get).content)
    np.testing.assert_allclose(data, drawn(header, data.shape, "radio"), rtol=1e-3, atol=1e-4)
    euclid = searched(web, "/SIA", COLLECTION="euclid_DpdMerBksMosaic")
    assert "nasa-irsa-euclid-q1" in euclid["cloud_access"][0]
    wide = searched(web, POS=f"CIRCLE {INSIDE[0]} {INSIDE[1]} 0.1")
    assert len(wide) > 6 and len(searched(web, "/SIA", COLLECTION="none")) == 0
    assert len(searched(web, POS="CIRCLE 210 2.2 0.001")) == 0


def test_soda_wants_a_token_and_counts_requests():
    app = make("soda", SKY, token="t0ken", per_minute=3, window_s=2.5)
    path = "/api/sia/dp1/query?POS=CIRCLE+150+2+0.001&MAXREC=1"
    secret = base64.b64encode(b"x-oauth-basic:t0ken").decode()
    with serving(app) as url, httpx.Client(trust_env=False, base_url=url) as client:
        assert client.get(path).status_code == 401
        statuses = [
            client.get(path, headers={"Authorization": value})
            for value in ("Bearer t0ken", f"Basic {secret}", "Bearer t0ken", "Bearer t0ken")
        ]
        assert [reply.status_code for reply in statuses] == [200, 200, 200, 429]
        wait = int(statuses[-1].headers["retry-after"])
        assert 1 <= wait <= 3
        time.sleep(wait)
        assert client.get(path, headers={"Authorization": "Bearer t0ken"}).status_code == 200


# Files


def test_files_are_served_in_ranges_and_behind_an_account(tmp_path):
    (tmp_path / "tile.fits").write_bytes(bytes(range(100)))
    with serving(make("files", tmp_path)) as url:
        reply = httpx.get(url + "/tile.fits", headers={"Range": "bytes=10-19"})
        assert reply.status_code == 206 and reply.content == bytes(range(10, 20))
        assert reply.headers["content-range"] == "bytes 10-19/100"
        assert httpx.get(url + "/tile.fits").content == bytes(range(100))
        assert httpx.get(url + "/other.fits").status_code == 404
    with serving(make("files", tmp_path, user="me", password="pw")) as url:
        assert httpx.get(url + "/tile.fits").status_code == 401
        assert httpx.get(url + "/tile.fits", auth=("me", "pw")).status_code == 200
