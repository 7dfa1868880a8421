"""Stand-in of SDSS: SkyServer's pictures and SQL, and the archive's corrected frames.

Sources: SciServer's SciScript (``ImgCutout/getjpeg`` with ra, dec, scale, width, height, opt;
``SearchTools/SqlSearch`` with cmd and format, csv after a line ``#Table1``, json as a list of
tables with Rows); astroquery, ``sdss/core.py`` (the frames' addresses); SDSS data model, ``frame``
(nanomaggies; HDU1 the calibration of each column; rows run along the scan, here to the east, so
the CD matrix is off the diagonal). The SQL runs in SQLite on the tables below, with SkyServer's
functions of positions and ``TOP n``.
"""

import bz2
import json
import re
import sqlite3

import numpy as np
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from tests.servers._http import fault_of, page, plain
from tests.servers._sdss_sql import run_sql
from tests.servers._sky import Sky, fits_bytes, rendered, spoiled, tan_wcs, wcs_cards

SCALE_ARCSEC, MOST_PIXELS, LEAST_PIXELS, RERUN = 0.396127, 2048, 64, 301
FRAME_PATH = (
    "/sas/{release}/eboss/photoObj/frames/{rerun:int}/{run:int}/{camcol:int}/{name}.fits.bz2"
)
NAME = re.compile(r"frame-([ugriz])-(\d{6})-(\d)-(\d{4})")
OUTSIDE = "The requested (ra,dec) is outside the SDSS footprint"
CORNER = (150.0, 2.0)  # of the first of the fields there are
RUNS = (752, 756)


def app(sky: Sky | None = None, *, frame_shape=(1489, 2048), fields: int = 4) -> Starlette:
    """``/dr17/SkyServerWS/...`` and ``/sas/dr17/...``: for each camera column a few fields."""
    sky = sky or Sky()
    layout = {key: frame_wcs(frame_shape, *key) for key in _keys(fields)}
    table = [_field(key, wcs, frame_shape) for key, wcs in layout.items()]

    def picture(request):
        get = request.query_params
        try:
            ra, dec = float(get.get("ra", "")), float(get.get("dec", ""))
            scale = float(get.get("scale", 0.4))
            shape = tuple(int(get.get(key, 512)) for key in ("height", "width"))
        except ValueError as error:
            return page(f"Error: {error}", 400)
        shape = tuple(np.clip(shape, LEAST_PIXELS, MOST_PIXELS).tolist())
        wcs = tan_wcs(ra, dec, shape, scale)
        planes = np.nan_to_num([sky.image(wcs, shape, band) for band in "irg"])
        text = "" if sky.covers(ra, dec) else OUTSIDE
        content = rendered(spoiled(planes, fault_of(request)), text=text)
        return Response(content, media_type="image/jpeg")

    def search(request):
        get = request.query_params
        try:
            names, rows = run_sql(table, sky, get.get("cmd", ""))
        except sqlite3.Error as error:
            body = {"Error Code": 400, "Error Type": "Bad Request", "Error Message": str(error)}
            return Response(json.dumps(body), 400, media_type="application/json")
        if get.get("format", "json") == "json":
            found = [dict(zip(names, row, strict=True)) for row in rows]
            tables = [{"TableName": "Table1", "Rows": found}]
            return Response(json.dumps(tables), media_type="application/json")
        lines = [",".join(map(str, row)) for row in (names, *rows)]
        return plain("\n".join(["#Table1", *lines]))

    def frame(request):
        found = NAME.fullmatch(request.path_params["name"])
        key = tuple(int(part) for part in found.groups()[1:]) if found else None
        if key not in layout:
            return page("404 Not Found", 404)
        image = sky.image(layout[key], frame_shape, found[1])
        if not np.isfinite(image).any():
            return page("404 Not Found", 404)
        image = spoiled(np.nan_to_num(image), fault_of(request))
        cards = wcs_cards(layout[key]) | {"BUNIT": "nanomaggy", "FILTER": found[1]}
        cards |= dict(zip(("RUN", "CAMCOL", "FRAME"), key, strict=True))
        calibration = np.full(frame_shape[1], 0.005, np.float32)
        content = bz2.compress(fits_bytes((image, cards), (calibration, {})), 1)
        return Response(content, media_type="application/x-bzip2")

    routes = [
        Route("/{release}/SkyServerWS/ImgCutout/getjpeg", picture),
        Route("/{release}/SkyServerWS/SearchTools/SqlSearch", search),
        Route(FRAME_PATH, frame),
    ]
    return Starlette(routes=routes)


def _keys(fields):
    """(run, camcol, field) of each frame."""
    return [(run, c, 11 + i) for run in RUNS for c in range(1, 4) for i in range(fields)]


def frame_wcs(shape, run: int, camcol: int, field: int):
    """Rows to the east; columns 1 to 3 and the runs lie north of one another, edges shared."""
    pixel = SCALE_ARCSEC / 3600
    strip = (camcol - 1) * len(RUNS) + RUNS.index(run)
    dec = CORNER[1] + (strip + 0.5) * shape[1] * pixel * 0.95
    ra = CORNER[0] + (field - 11 + 0.5) * shape[0] * pixel * 0.92 / np.cos(np.deg2rad(dec))
    wcs = tan_wcs(ra, dec, shape, SCALE_ARCSEC)
    wcs.wcs.cd = [[0, pixel], [pixel, 0]]
    wcs.wcs.set()
    return wcs


def _field(key, wcs, shape):
    x, y = [-0.5, shape[1] - 0.5] * 2, [-0.5, -0.5, shape[0] - 0.5, shape[0] - 0.5]
    ra, dec = wcs.all_pix2world(x, y, 0)
    run, camcol, field = key
    number = run * 10**6 + camcol * 10**5 + field
    middle = wcs.wcs.crval.tolist()
    return (number, run, RERUN, camcol, field, *middle, ra.min(), ra.max(), dec.min(), dec.max())
