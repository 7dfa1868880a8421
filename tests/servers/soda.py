"""Stand-in of image services of the Virtual Observatory: SIA version 2 and SODA.

Sources: IVOA SIA 2.0 (POS, COLLECTION, MAXREC, RESPONSEFORMAT, ObsCore columns), SODA 1.0 (ID with
POS, CIRCLE or POLYGON; 204 where the dataset has no pixel there; UsageError as text), DataLink 1.0;
pyvo (capabilities, service descriptors); IRSA's notebooks (``COLLECTION``, CSV, ``cloud_access``);
Rubin's RSP documentation (datalink as access_format, IDs with ``?`` and ``&``, tokens as Bearer or
as the password of x-oauth-basic, 35 requests a minute, 429, image in HDU1); CADC's caom2ops.
A position on the edge of tiles has several datasets of one band. A box of whole pixels is sent.
"""

import base64
import re
import threading
import time

import numpy as np
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from tests.servers import _ivoa
from tests.servers._http import fault_of, fits_reply, plain, query
from tests.servers._ivoa import COLLECTIONS, FIELDS, LINK_FIELDS
from tests.servers._sky import Sky, fits_bytes, spoiled, wcs_cards
from tests.servers._votable import votable, votable_error

DATASET = re.compile(r"(\w+)-(\d+)-(\d+)")


def app(sky: Sky | None = None, *, token=None, per_minute=None, window_s=60.0) -> Starlette:
    """SIA at /SIA and /api/sia/dp1/query, SODA at /caom2ops/sync and /api/cutout/sync.

    With ``token`` the paths under /api need it; with ``per_minute`` more requests than that to
    them in ``window_s`` seconds get 429.
    """
    sky, recent, lock = sky or Sky(), [], threading.Lock()

    def guarded(view):
        def inner(request):
            if not request.url.path.startswith("/api"):
                return view(request)
            if token and request.headers.get("authorization") not in _passes(token):
                return Response("unauthorized\n", 401, {"www-authenticate": "Bearer realm=rsp"})
            with lock:
                now = time.monotonic()
                recent[:] = [start for start in recent if now - start < window_s]
                if per_minute and len(recent) >= per_minute:
                    wait = str(int(window_s - (now - recent[0])) + 1)
                    return Response("Too many requests\n", 429, {"retry-after": wait})
                recent.append(now)
            return view(request)

        return inner

    def search(request):
        return _search(sky, request)

    def sync(request):
        return _sync(sky, request)

    paths = {
        **{"/SIA": search, "/api/sia/{release}/query": search, "/caom2ops/sync": sync},
        **{"/api/cutout/sync": sync, "/api/cutout/{release}/sync": sync},
        **{"/api/datalink/links": _links, "/SIA/capabilities": _capabilities},
        "/api/sia/{release}/capabilities": _capabilities,
    }
    return Starlette(routes=[Route(path, guarded(view)) for path, view in paths.items()])


def _passes(token: str) -> list[str]:
    pairs = f"x-oauth-basic:{token}", f"{token}:x-oauth-basic"
    basic = [f"Basic {base64.b64encode(pair.encode()).decode()}" for pair in pairs]
    return [f"Bearer {token}", *basic]


def _capabilities(request):
    here = str(request.url).removesuffix("/capabilities")
    base = here if here.endswith("/SIA") else f"{here}/query"
    return Response(_ivoa.CAPABILITIES.format(url=base), media_type="text/xml")


def _search(sky, request):
    get = query(request)
    rubin = request.url.path.startswith("/api")
    try:
        ra, dec, *half = _ivoa.region(get)
    except ValueError as error:
        return votable_error(f"UsageError: {error}", 400)
    name = "LSST.DP1" if rubin else get.get("collection")
    known = name in COLLECTIONS and sky.covers(ra, dec)
    rows = [
        _ivoa.row(str(request.base_url), name, band, tile)
        for tile in (COLLECTIONS[name].grid.touching(ra, dec, max(half)) if known else ())
        for band in COLLECTIONS[name].bands
    ][: int(get.get("maxrec", 10_000))]
    if get.get("responseformat", get.get("format", "votable")).lower() in ("csv", "text/csv"):
        return _ivoa.csv(FIELDS, rows)
    return votable(FIELDS, rows, utypes=_ivoa.UTYPES)


def _links(request):
    """What there is of a dataset: the file, and a descriptor of the cutouts."""
    did, base = query(request).get("id", ""), str(request.base_url)
    blank = dict.fromkeys([name for name, _, _ in LINK_FIELDS], "")
    file = {"ID": did, "access_url": f"{base}files/{did[-12:]}.fits", "semantics": "#this"}
    cut = {"ID": did, "service_def": "cutout-sync", "semantics": "#cutout"}
    cut, file = (blank | row | {"content_type": "application/fits"} for row in (cut, file))
    after = _ivoa.SERVICE.format(url=f"{base}api/cutout/sync", did=did.replace("&", "&amp;"))
    return votable(LINK_FIELDS, [file, cut], after=after)


def _sync(sky, request):
    get, fault = query(request), fault_of(request)
    found = DATASET.search(get.get("id", ""))
    kind = next((kind for kind in COLLECTIONS.values() if kind.has(get.get("id", ""))), None)
    if not found or kind is None:
        return plain("NotFound: no such dataset", 404)
    try:
        ra, dec, *half = _ivoa.region(get)
    except ValueError as error:
        return plain(f"UsageError: {error}", 400)
    tile = kind.grid.tile(int(found[2]), int(found[3]))
    width, height = (2 * part * 3600 / kind.scale_arcsec + 1 for part in half)
    box = tile.clipped(tile.box(ra, dec, width, height))
    if box is None:
        return Response(status_code=204)
    wcs, shape = tile.part(box)
    band = "y" if fault == "wrong_bands" else found[1]
    image = spoiled(sky.image(wcs, shape, band, zero_point=kind.zero_point), fault)
    cards = wcs_cards(wcs) | {"BAND": band}
    if not kind.datalink:
        return fits_reply(fits_bytes((image, cards)), kind="application/fits")
    mask, variance = np.zeros(image.shape, np.int32), np.full(image.shape, 0.01, np.float32)
    layers = {"IMAGE": image, "MASK": mask, "VARIANCE": variance}
    hdus = [(layer, cards | {"EXTNAME": name}) for name, layer in layers.items()]
    return fits_reply(fits_bytes((None, {}), *hdus), "cutout.fits", "application/fits")
