"""Stand-in of HSC-SSP's cutout service, das_cutout, of PDR2 and PDR3.

Sources: NAOJ data-access-tools, pdr3/downloadCutout.py (the posted ``list``, its columns and
units, names of the tar's members, lines counted from the header as 1); dr-guangtou/unagi (1000
rows, one position by GET, 404 without data); the service's manual (list format, semi-widths,
several tracts, layers as HDUs after an empty primary one). Coadds have zero point 27.0. A cutout
is whole pixels of its tract's grid, every one that the box touches, so its size may vary by one.
"""

import base64
import io
import tarfile
from collections.abc import Iterator

import numpy as np
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from tests.servers._hsc_list import FILTERS, TYPES, Box, read_list
from tests.servers._http import fault_of, fits_reply, form, plain
from tests.servers._sky import Sky, fits_bytes, spoiled, tan_wcs, wcs_cards

SCALE_ARCSEC, ZERO_POINT, MOST_ROWS = 0.168, 27.0, 1000
TRACT_DEG, OVERLAP_DEG = 1.5, 0.05
RERUNS = {
    "pdr2": ("pdr2_wide", "pdr2_dud"),
    "pdr3": ("pdr3_wide", "pdr3_dud_rev", "pdr3_dud"),
}
NO_DATA = 1 << 8  # bit of the mask plane


def app(
    sky: Sky | None = None, *, user="name@local", password="secret", rows=MOST_ROWS
) -> Starlette:
    """``/das_cutout/{pdr2,pdr3}/cgi-bin/cutout``, GET and POST, for one account."""
    sky = sky or Sky()
    secret = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    async def cutout(request):
        if request.headers.get("authorization") != secret:
            headers = {"www-authenticate": 'Basic realm="HSC-SSP"'}
            return Response("Unauthorized\n", 401, headers)
        release = request.path_params["release"]
        if release not in RERUNS:
            return plain("Not Found", 404)
        try:
            if request.method == "GET":
                return _one(sky, dict(request.query_params), RERUNS[release], fault_of(request))
            boxes = read_list((await form(request))["list"].decode(), RERUNS[release])
        except (KeyError, ValueError) as error:
            return plain(f"bad request: {error}", 400)
        if len(boxes) > rows:
            return plain(f"at most {rows} rows in one request", 400)
        request.scope["hoag.objects"] = [f"{box.ra},{box.dec},{box.filter}" for box in boxes]
        return StreamingResponse(tar(sky, boxes, fault_of(request)), media_type="application/x-tar")

    path = "/das_cutout/{release}/cgi-bin/cutout"
    return Starlette(routes=[Route(path, cutout, methods=["GET", "POST"])])


def tracts(ra_deg: float, dec_deg: float) -> list[tuple[int, float, float]]:
    """Tracts that hold a position, each (number, RA, Dec of its middle): more than one at edges."""
    found = {}
    for north in (-OVERLAP_DEG, 0, OVERLAP_DEG):
        row = int((dec_deg + north + 90) // TRACT_DEG)
        dec0 = (row + 0.5) * TRACT_DEG - 90
        n = max(1, int(360 * np.cos(np.deg2rad(dec0)) / TRACT_DEG))
        for east in (-OVERLAP_DEG, 0, OVERLAP_DEG):
            column = int((ra_deg + east) % 360 // (360 / n))
            found[row * 240 + column] = (row * 240 + column, (column + 0.5) * 360 / n, dec0)
    return [found[number] for number in sorted(found)]


def cut(sky: Sky, box: Box, tract, fault=None) -> bytes | None:
    """The FITS file of a box in one tract; None without data."""
    _number, ra0, dec0 = tract
    x, y = tan_wcs(ra0, dec0, (1, 1), SCALE_ARCSEC).all_world2pix(box.ra, box.dec, 0)
    half = box.sw * 3600 / SCALE_ARCSEC, box.sh * 3600 / SCALE_ARCSEC
    low = [int(np.floor(p - h + 0.5)) for p, h in zip((x, y), half, strict=True)]
    high = [int(np.floor(p + h + 0.5)) for p, h in zip((x, y), half, strict=True)]
    shape = high[1] - low[1] + 1, high[0] - low[0] + 1
    wcs = tan_wcs(ra0, dec0, shape, SCALE_ARCSEC, crpix=(1.0 - low[0], 1.0 - low[1]))
    band = FILTERS.get(box.filter, box.filter)
    image = sky.image(wcs, shape, band, zero_point=ZERO_POINT)
    if not np.isfinite(image).any():
        return None
    mask = np.where(np.isfinite(image), 0, NO_DATA).astype(np.int32)
    variance = np.full(shape, sky.noise**2 + 1e-6, np.float32)
    layers = {"image": spoiled(image, fault), "mask": mask, "variance": variance}
    cards = wcs_cards(wcs)
    hdus = [(layers[name], cards | {"EXTTYPE": name.upper()}) for name in box.layers]
    return fits_bytes((None, {"FLUXMAG0": 10 ** (0.4 * ZERO_POINT), "FILTER": box.filter}), *hdus)


def _members(sky, boxes, fault) -> Iterator[tuple[str, bytes]]:
    top = "arch-261122-093015"
    boxes = boxes[::-1] if fault == "changed_order" else boxes
    for i, box in enumerate(boxes):
        if fault == "missing_members" and i % 3 == 0:
            continue
        for tract in tracts(box.ra, box.dec):
            content = cut(sky, box, tract, fault) if box.tract in (None, tract[0]) else None
            name = "HSC-Z" if fault == "wrong_bands" else box.filter
            stem = f"{top}/{box.lineno}-{TYPES[box.type]}-{name}-{tract[0]}-{box.rerun}"
            names = [f"{stem}/warp-{visit}.fits" for visit in (1228, 1230)]
            for member in names if box.type == "warp" else [f"{stem}.fits"]:
                for _ in range((content is not None) * (2 if fault == "duplicate_members" else 1)):
                    yield member, content


def tar(sky: Sky, boxes, fault=None) -> Iterator[bytes]:
    """The reply to a list, piece by piece: an uncompressed tar of the boxes that have data."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w|") as archive:
        for name, content in _members(sky, boxes, fault):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _one(sky, get, reruns, fault):
    """GET of one box: the first tract's file. Layers must be asked for by ``on``."""
    box = Box.read({"image": "off"} | get, reruns)
    for tract in tracts(box.ra, box.dec):
        content = cut(sky, box, tract, fault) if box.tract in (None, tract[0]) else None
        if content is not None:
            return fits_reply(content, f"cutout-{box.filter}-{tract[0]}-{box.rerun}.fits")
    return plain("no data for these coordinates", 404)
