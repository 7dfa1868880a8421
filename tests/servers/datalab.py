"""Stand-in of Astro Data Lab's image search (SIA version 1) and cutouts.

Sources: Astro Data Lab's notebooks (``/sia/<collection>?POS&SIZE``; choosing rows by proctype
Stack, prodtype image, obs_bandpass and exptime; RA size divided by cos Dec); IVOA SIA 1.0
(VOTable, POS, SIZE, column UCDs); published access URLs, ``/svc/cutout?col&siaRef&extn&POS&SIZE``.
Cutouts are native pixels and end where their tile ends; without POS and SIZE the whole file comes.
"""

import re

import numpy as np
from starlette.applications import Starlette
from starlette.routing import Route
from tests.servers._http import fault_of, fits_reply, page, query
from tests.servers._sky import Sky, fits_bytes, spoiled, wcs_cards
from tests.servers._tiles import Grid
from tests.servers._votable import votable, votable_error

COLLECTIONS = {  # name -> (bands, arcsec per pixel, AB zero point, prefix of its tiles)
    "des_dr1": ("grizY", 0.263, 30.0, "DES"),
    "des_dr2": ("grizY", 0.263, 30.0, "DES"),
    "ls_dr9": ("grz", 0.262, 22.5, "legacysurvey-"),
    "ls_dr10": ("griz", 0.262, 22.5, "legacysurvey-"),
    "delve_dr2": ("griz", 0.263, 30.0, "DELVE"),
}
FIELDS = (
    *(("title", "char", "VOX:Image_Title"), ("ra", "double", "POS_EQ_RA_MAIN")),
    *(("dec", "double", "POS_EQ_DEC_MAIN"), ("naxes", "int", "VOX:Image_Naxes")),
    *(("access_url", "char", "VOX:Image_AccessReference"), ("format", "char", "VOX:Image_Format")),
    *(("obs_bandpass", "char", "VOX:BandPass_ID"), ("proctype", "char", "")),
    *(("prodtype", "char", ""), ("exptime", "double", ""), ("date_obs", "char", "")),
)
FILE = re.compile(r"\D+(\d+)-(\d+)_r\d+p01_([A-Za-z])(\w*)\.fits\.fz")


def app(sky: Sky | None = None, *, tile_px: int = 1000) -> Starlette:
    """``/sia/{collection}`` and ``/svc/cutout``, of tiles that are small so that one is quick."""
    sky = sky or Sky()
    grids = {name: Grid(tile_px, scale) for name, (_, scale, _, _) in COLLECTIONS.items()}

    def search(request):
        get, name = query(request), request.path_params["collection"]
        if name not in COLLECTIONS:
            return page("Not Found", 404)
        try:
            ra, dec = map(float, get["pos"].split(","))
            size = [float(part) for part in get["size"].split(",")]
        except (KeyError, ValueError):
            return votable_error("POS and SIZE are ra,dec and size in degrees")
        base, text = f"{request.base_url}svc/cutout?col={name}&siaRef=", f"{ra!r},{dec!r}"
        asked = f"&extn=1&POS={text}&SIZE={size[0]!r},{size[-1]!r}"
        tiles = grids[name].touching(ra, dec, max(size) / 2)
        tiles = [tile for tile in tiles if sky.covers(ra, dec)]
        return votable(FIELDS, [row for tile in tiles for row in _rows(name, tile, base, asked)])

    def cutout(request):
        get = query(request)
        found = FILE.fullmatch(get.get("siaref", ""))
        if get.get("col") not in COLLECTIONS or not found:
            return page("cutout: no such file", 404)
        tile = grids[get["col"]].tile(int(found[1]), int(found[2]))
        try:
            return _cut(sky, get, tile, found, fault_of(request))
        except ValueError as error:
            return page(f"cutout: {error}", 400)

    routes = [Route("/sia/{collection}", search), Route("/svc/cutout", cutout)]
    return Starlette(routes=routes)


def _rows(name, tile, base, asked):
    """Stacks of each band with their weights, and single exposures, which mustn't be taken."""
    bands, _, _, prefix = COLLECTIONS[name]
    kinds = (("Stack", "image", "", 900.0), ("Stack", "weight", "_wt", 900.0))
    for band in bands:
        for process, product, end, exptime in (*kinds, ("InstCal", "image", "_exp", 90.0)):
            title = f"{prefix}{tile.row:05d}-{tile.column:05d}_r4920p01_{band}{end}.fits.fz"
            yield {
                **{"title": title, "ra": tile.ra_deg, "dec": tile.dec_deg, "naxes": 2},
                **{"access_url": base + title + asked, "format": "image/fits"},
                **{"obs_bandpass": band, "proctype": process, "prodtype": product},
                **{"exptime": exptime, "date_obs": "2016-11-22T00:00:00"},
            }


def _cut(sky, get, tile, found, fault):
    _, scale, zero_point, _ = COLLECTIONS[get["col"]]
    box, whole = (0, tile.size_px, 0, tile.size_px), "pos" not in get or "size" not in get
    if not whole:
        ra, dec = map(float, get["pos"].split(","))
        size = [float(part) for part in get["size"].split(",")]
        width = size[0] * np.cos(np.deg2rad(dec)) * 3600 / scale
        box = tile.clipped(tile.box(ra, dec, width, size[-1] * 3600 / scale))
        if box is None:
            raise ValueError("the box is off the image")
    wcs, shape = tile.part(box)
    band = "z" if fault == "wrong_bands" else found[3]
    plane = spoiled(sky.image(wcs, shape, band, zero_point=zero_point), fault)
    if found[4] == "_wt":
        plane = np.where(np.isfinite(plane), 1.0, 0.0).astype(np.float32)
    cards = wcs_cards(wcs) | {"BAND": band, "MAGZERO": zero_point}
    hdus = ((None, {}), (plane, cards)) if whole else ((plane, cards),)
    return fits_reply(fits_bytes(*hdus), get["siaref"].removesuffix(".fz"))
