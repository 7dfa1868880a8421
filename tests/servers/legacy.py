"""Stand-in of the Legacy Surveys viewer's cutouts.

Source: legacysurvey/imagine, map/views.py (``needs_layer``, ``MapLayer.get_cutout``,
``write_cutout``, ``parse_bands``) and map/urls.py; field meanings: legacysurvey.org, DR10
description. From the code: size 256 by default, silently cut to 3000 each way; one unknown letter
in ``bands`` gives the layer's own bands; an unknown layer is a 200 with words; a cube (band, y, x),
2-D for one band; pixels without data are 0; no overlap at all is an error for FITS and a black
JPEG; JPEG rows run from north to south.
"""

import math

import numpy as np
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from tests.servers._http import fault_of, fits_reply, page
from tests.servers._sky import Sky, fits_bytes, rendered, spoiled, tan_wcs, wcs_cards

MOST_PIXELS = 3000
NORTH_DEG = 32.375  # ls-dr10 shows DR9-north, which has no i, above
LAYERS = {  # name -> (default bands, bands there are, arcsec per pixel)
    **dict.fromkeys(("ls-dr9", "ls-dr9-north", "ls-dr9-south"), ("grz", "grz", 0.262)),
    **dict.fromkeys(("ls-dr10", "ls-dr10-south"), ("griz", "griz", 0.262)),
    "ls-dr10-grz": ("grz", "griz", 0.262),
    "ls-dr10-gri": ("gri", "griz", 0.262),
    "ls-dr11": ("grz", "griz", 0.262),
    **dict.fromkeys(("hsc-dr2", "hsc-dr3"), ("grz", "grz", 0.168)),
    "sdss": ("gri", "gri", 0.396),
    "des-dr1": ("grz", "grz", 0.262),
}
SHORT = {"dr8": "ls-dr8", "hsc": "hsc-dr2", "hsc2": "hsc-dr2", "sdss2": "sdss", "sdssco": "sdss"}


def app(sky: Sky | None = None, *, layers=LAYERS) -> Starlette:
    """The viewer's ``/viewer/cutout.fits`` and ``/viewer/cutout.jpg``, with their other names."""
    sky = sky or Sky()

    def view(request):
        get = request.query_params
        name = get.get("layer", "ls-dr9").replace(" ", "+")
        layer = layers.get(SHORT.get(name, name).removesuffix("-model").removesuffix("-resid"))
        if layer is None:
            return Response("no such layer", media_type="text/html")
        if "ra" not in get or "dec" not in get:
            return page("Bad Request (400)", 400)
        try:
            asked = _Asked(get, layer)
        except ValueError:
            return page("Server Error (500)", 500)
        jpeg = request.url.path.endswith(("jpg", "jpeg-cutout"))
        return (_jpeg if jpeg else _fits)(sky, asked, name, fault_of(request))

    paths = ("cutout.fits", "fits-cutout", "cutout.jpg", "jpeg-cutout")
    return Starlette(routes=[Route(f"/viewer/{path}", view) for path in paths])


class _Asked:
    """A request's parameters, as ``get_cutout`` reads them."""

    def __init__(self, get, layer):
        defaults, available, native = layer
        self.ra, self.dec = float(get["ra"]), float(get["dec"])
        self.pixscale = float(get.get("pixscale", native))
        if "pixscale" not in get and "zoom" in get:
            self.pixscale *= 2 ** (14 - round(math.log2(native / 0.262)) - int(get["zoom"]))
        size = min(int(get.get("size", 256)), MOST_PIXELS)
        self.shape = tuple(min(int(get.get(key, size)), MOST_PIXELS) for key in ("height", "width"))
        bands = get.get("bands", defaults)
        self.bands = bands if set(bands) <= set(available) else defaults
        self.wcs = tan_wcs(
            self.ra, self.dec, self.shape, self.pixscale, rotation_deg=float(get.get("rotate", 0))
        )


def _planes(sky, asked, layer, bands):
    """One plane a band, zero where there are no data; None where there are none at all."""
    planes = np.stack([sky.image(asked.wcs, asked.shape, band) for band in bands])
    if layer == "ls-dr10" and asked.dec > NORTH_DEG:
        planes[[i for i, band in enumerate(bands) if band == "i"]] = 0
    return np.nan_to_num(planes) if np.isfinite(planes).any() else None


def _fits(sky, asked, layer, fault):
    bands = asked.bands[:-1] if fault == "wrong_bands" and len(asked.bands) > 1 else asked.bands
    planes = _planes(sky, asked, layer, bands)
    if planes is None:
        return page("Server Error (500)", 500)
    planes = spoiled(planes, fault)
    cards = {"SURVEY": "DECaLS", "VERSION": layer.partition("-")[2].upper(), "IMAGETYP": "IMAGE"}
    cards |= {"BANDS": bands} | {f"BAND{i}": band for i, band in enumerate(bands)}
    cards |= wcs_cards(asked.wcs) | {"IMAGEW": planes.shape[2], "IMAGEH": planes.shape[1]}
    content = fits_bytes((planes if len(bands) > 1 else planes[0], cards))
    return fits_reply(content, f"cutout_{asked.ra:.4f}_{asked.dec:.4f}.fits")


def _jpeg(sky, asked, layer, fault):
    planes = _planes(sky, asked, layer, asked.bands)
    if planes is None:
        planes = np.zeros((len(asked.bands), *asked.shape), np.float32)
    planes = spoiled(planes, fault)
    blue_green_red = planes[[0, (len(planes) - 1) // 2 + (len(planes) == 2), -1]]
    return Response(rendered(blue_green_red[::-1]), media_type="image/jpeg")
