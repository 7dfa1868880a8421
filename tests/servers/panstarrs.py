"""Stand-in of the PS1 image server of MAST.

Sources: MAST, "PS1 Image Cutout Service" and its scripts ps1image.py and ps1bulk.py
(``ps1filenames.py`` by GET and by a posted ``file`` of positions, columns of its table,
``fitscut.cgi``'s parameters, 0.25 arcsec pixels); MAST, note on flux scaling: stacks are stored as
arcsinh magnitudes, flux = BOFFSET + 2 BSOFTEN sinh(value ln 10 / 2.5), for the whole EXPTIME, with
zero point 25 per second; HLA's page of fitscut.cgi (names of parameters in any case). Nothing
below Dec -30. A cutout keeps its size and is NaN off its skycell.
"""

import io
import re

import numpy as np
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from tests.servers._http import fault_of, fits_reply, form, page, plain, query
from tests.servers._sky import Sky, fits_bytes, rendered, spoiled
from tests.servers._tiles import Grid

GRID = Grid(6300, 0.25, overlap=0.04)
SOUTH_DEG, EXPTIME_S, BSOFTEN, BOFFSET = -30.0, 700.0, 45.0, 1.5
TYPES = ("stack", "stack.wt", "stack.mask", "stack.exp", "stack.num", "warp")
SUFFIX = {"stack": "unconv", "stack.wt": "unconv.wt", "stack.mask": "unconv.mask"}
SUFFIX |= {"stack.exp": "unconv.exp", "stack.num": "unconv.num"}
COLUMNS = "projcell subcell ra dec filter mjd type filename shortname badflag"
NAME = re.compile(
    r"/rings\.v3\.skycell/(\d{4})/(\d{3})/rings\.[\w.]+\.(stk|wrp)\.([grizy])\.(.+)\.fits"
)
POGSON = 2.5 / np.log(10)


def app(sky: Sky | None = None, *, decimals: int = 6) -> Starlette:
    """``/cgi-bin/ps1filenames.py`` and ``/cgi-bin/fitscut.cgi``; positions are echoed rounded."""
    sky = sky or Sky()

    async def filenames(request):
        get = query(request)
        if request.method == "POST":
            posted = await form(request)
            get |= {key: value.decode() for key, value in posted.items()}
        try:
            lines = get["file"].split("\n") if "file" in get else [f"{get['ra']} {get['dec']}"]
            positions = [tuple(map(float, line.split()[:2])) for line in lines if line.strip()]
        except (KeyError, ValueError):
            return plain("Error: no position", 400)
        request.scope["hoag.objects"] = [f"{ra},{dec}" for ra, dec in positions]
        types, filters = get.get("type", "stack").split(","), get.get("filters", "grizy")
        rows = [
            row for position in positions for row in _rows(sky, *position, filters, types, decimals)
        ]
        return plain("\n".join([COLUMNS, *sorted(rows, key=lambda row: row.split()[:2])]))

    def fitscut(request):
        get = query(request)
        try:
            return _cut(sky, get, fault_of(request))
        except (KeyError, ValueError, TypeError) as error:
            return page(f"fitscut error: {error}", 400)

    routes = [
        Route("/cgi-bin/ps1filenames.py", filenames, methods=["GET", "POST"]),
        Route("/cgi-bin/fitscut.cgi", fitscut),
    ]
    return Starlette(routes=routes)


def _rows(sky, ra, dec, filters, types, decimals):
    """The lines of one position: none without data."""
    if dec < SOUTH_DEG or not sky.covers(ra, dec):
        return
    tile = GRID.nearest(ra, dec)
    for band in [b for b in "grizy" if b in filters]:
        for kind in [k for k in TYPES if k in types]:
            stem = f"rings.v3.skycell.{tile.row:04d}.{tile.column:03d}"
            end, mjd = f"stk.{band}.{SUFFIX.get(kind)}", 0
            if kind == "warp":
                end, mjd = f"wrp.{band}.55980_42650", 55980.4265
            name = f"{stem}.{end}.fits"
            path = f"/rings.v3.skycell/{tile.row:04d}/{tile.column:03d}/{name}"
            at = f"{ra:.{decimals}f} {dec:.{decimals}f}"
            yield f"{tile.row} {tile.column} {at} {band} {mjd} {kind} {path} {name} 0"


def _cut(sky, get, fault):
    names = [get[colour] for colour in ("red", "green", "blue") if get.get(colour)]
    found = [NAME.fullmatch(name) for name in names]
    if not found or not all(found):
        return page("fitscut error: no such image", 404)
    size, kind = int(get.get("size", 240)), get.get("format", "jpg").lower()
    planes, wcs = [], None
    for name in found:
        tile = GRID.tile(int(name[1]), int(name[2]))
        box = tile.box(float(get["ra"]), float(get["dec"]), size, size)
        wcs, shape = tile.part(box)
        band = "y" if fault == "wrong_bands" else name[4]
        plane = sky.image(wcs, shape, band, zero_point=25.0) * EXPTIME_S
        y, x = np.mgrid[box[2] : box[3], box[0] : box[1]]
        on_tile = (np.minimum(x, y) >= 0) & (np.maximum(x, y) < GRID.size_px)
        planes.append(np.where(on_tile, plane, np.nan).astype(np.float32))
    if kind == "fits":
        return _fits(planes[0], found[0], wcs, fault)
    planes = planes * 3 if len(planes) == 1 else planes
    picture = rendered([plane / EXPTIME_S / 10 for plane in planes], format_name=_format(kind))
    return Response(_resized(picture, get, kind), media_type=f"image/{kind}")


def _fits(plane, name, wcs, fault):
    cards = {"FILTER": f"{name[4]}.00000", "EXPTIME": EXPTIME_S, "RADESYS": "FK5"}
    for i in (1, 2):
        cards |= {f"CTYPE{i}": wcs.wcs.ctype[i - 1], f"CRPIX{i}": wcs.wcs.crpix[i - 1]}
        cards |= {f"CRVAL{i}": wcs.wcs.crval[i - 1], f"CDELT{i}": GRID.scale_arcsec / 3600}
        cards |= {f"PC00{i}001": -1.0 if i == 1 else 0.0, f"PC00{i}002": 0.0 if i == 1 else 1.0}
    if name[3] == "stk" and name[5] == "unconv":
        plane = POGSON * np.arcsinh((plane - BOFFSET) / (2 * BSOFTEN))
        cards |= {"BSOFTEN": BSOFTEN, "BOFFSET": BOFFSET}
    elif name[3] == "stk":
        plane = np.where(np.isfinite(plane), 1.0, np.nan)
    return fits_reply(fits_bytes((spoiled(plane.astype(np.float32), fault), cards)))


def _format(kind: str) -> str:
    return {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG"}[kind]


def _resized(picture: bytes, get, kind) -> bytes:
    """The picture at ``output_size`` pixels, if that is asked for."""
    from PIL import Image

    if "output_size" not in get:
        return picture
    n, out = int(get["output_size"]), io.BytesIO()
    Image.open(io.BytesIO(picture)).resize((n, n)).save(out, _format(kind))
    return out.getvalue()
