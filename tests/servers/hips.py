"""Stand-in of CDS's hips2fits, and of MocServer for the coverage of a HiPS.

Sources: astroquery, ``hips2fits/core.py`` (parameters ``hips, width, height, projection, coordsys,
rotation_angle, ra, dec, fov`` or ``wcs`` as JSON with NAXIS1 and NAXIS2; errors as JSON with
``title`` and ``description``; the longer side spans ``fov``); CDS's page of hips2fits (formats,
cuts, stretches); astroquery, ``mocserver/core.py`` (``get``, ``fmt``). Pixels are resampled
brightness, here that of one native pixel whatever the size asked for; NaN outside.
"""

import json

import numpy as np
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.servers._healpix import cells
from tests.servers._http import fault_of, fits_reply, query
from tests.servers._sky import Sky, fits_bytes, rendered, spoiled, tan_wcs

HIPS = {  # ID -> (bands, arcsec per native pixel, AB zero point)
    **{f"CDS/P/DESI-Legacy-Surveys/DR10/{band}": (band, 0.262, 22.5) for band in "griz"},
    **{
        f"CDS/P/HSC/DR2/{depth}/{b}": (b, 0.168, 27.0)
        for depth in ("wide", "deep")
        for b in "grizy"
    },
    **{f"CDS/P/PanSTARRS/DR1/{band}": (band, 0.25, 25.0) for band in "grizy"},
    **{f"CDS/P/SDSS9/{band}": (band, 0.396, 22.5) for band in "ugriz"},
    **{f"CDS/P/DES-DR2/{band}": (band, 0.263, 30.0) for band in "griz"},
    "CDS/P/DESI-Legacy-Surveys/DR10/color": ("irg", 0.262, 22.5),
    "CDS/P/HSC/DR2/wide/color-i-r-g": ("irg", 0.168, 27.0),
    "CDS/P/PanSTARRS/DR1/color-i-r-g": ("irg", 0.25, 25.0),
}
MOST_PIXELS = 50_000_000


def app(sky: Sky | None = None, *, hips=HIPS) -> Starlette:
    """``/hips-image-services/hips2fits`` and ``/MocServer/query``."""
    sky = sky or Sky()

    def hips2fits(request):
        get = query(request)
        try:
            return _image(sky, hips, get, fault_of(request))
        except (KeyError, ValueError) as error:
            return _error("Bad request", f"missing or wrong parameter: {error}")

    def moc_server(request):
        return _coverage(sky, hips, query(request))

    return Starlette(
        routes=[
            Route("/hips-image-services/hips2fits", hips2fits),
            Route("/MocServer/query", moc_server),
        ]
    )


def _error(title: str, description: str, status: int = 400):
    return JSONResponse({"title": title, "description": description}, status)


def _image(sky, hips, get, fault):
    if get["hips"] not in hips:
        return _error("Unknown HiPS", f"no HiPS is known as {get['hips']}", 404)
    kind = get.get("format", "fits")
    if kind not in ("fits", "jpg", "png"):
        return _error("Bad request", f"format is fits, jpg or png, not {kind}")
    bands, scale, zero_point = hips[get["hips"]]
    wcs, shape = _geometry(get)
    if shape[0] * shape[1] > MOST_PIXELS:
        return _error("Bad request", f"an image has at most {MOST_PIXELS} pixels")
    if fault == "wrong_bands":
        bands = "z" if bands != "z" else "g"
    per_pixel = scale**2 * 10 ** (0.4 * (zero_point - 22.5))
    planes = [sky.brightness(wcs, shape, band) * per_pixel for band in bands]
    planes = spoiled(np.stack(planes).astype(np.float32), fault)
    if kind == "fits":
        cards = dict(wcs.to_header()) | {"HISTORY": f"from {get['hips']}"}
        return fits_reply(fits_bytes((planes[0] if len(bands) == 1 else planes, cards)))
    red_green_blue = planes if len(bands) == 3 else np.repeat(planes, 3, axis=0)
    format_name = {"jpg": "JPEG", "png": "PNG"}[kind]
    return Response(rendered(red_green_blue, format_name=format_name), media_type=f"image/{kind}")


def _geometry(get):
    """The WCS and shape (y, x) asked for."""
    from astropy.io.fits import Header
    from astropy.wcs import WCS

    if "wcs" in get:
        header = json.loads(get["wcs"])
        return WCS(Header(header), naxis=2), (int(header["NAXIS2"]), int(header["NAXIS1"]))
    shape = int(get["height"]), int(get["width"])
    wcs = tan_wcs(
        *(float(get["ra"]), float(get["dec"]), shape),
        3600 * float(get["fov"]) / max(shape),
        crpix=(shape[1] / 2, shape[0] / 2),
        rotation_deg=float(get.get("rotation_angle", 0)),
        projection=get.get("projection", "TAN"),
    )
    if get.get("coordsys", "icrs") != "icrs":
        raise ValueError("this stand-in draws coordsys=icrs only")
    return wcs, shape


def _coverage(sky, hips, get):
    """``get=smoc``: the MOC as JSON, {order: cells}; ``get=record``: a few of a HiPS's keywords."""
    known = [name for name in hips if name == get.get("id")]
    if get.get("get") != "smoc":
        scales = {name: str(hips[name][1] / 3600) for name in known}
        return JSONResponse([{"ID": name, "hips_pixel_scale": scales[name]} for name in known])
    order = int(get.get("order", 4))
    if not known:
        return JSONResponse({})
    points = 4 * 2**order  # in each direction and a right angle: several in each cell
    ra, dec = np.meshgrid(np.linspace(0, 360, 4 * points), np.linspace(-90, 90, 2 * points))
    west, east, south, north = sky.footprint
    ra, dec = np.append(ra, [west, east] * 2), np.append(dec, [south, south, north, north])
    inside = sky.covers(ra, dec, hips[known[0]][0][0])
    return JSONResponse({str(order): np.unique(cells(ra[inside], dec[inside], order)).tolist()})
