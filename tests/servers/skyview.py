"""Stand-in of NASA's SkyView.

Sources: astroquery, ``skyview/core.py`` (the form at basicform.pl and its ``survey`` lists, a GET
of runquery.pl, links called FITS on the page that comes, files under tempspace); SkyView's help on
batch use (``runquery.pl?Position&Survey&Pixels&Size&Return=FITS`` sends the file itself, names in
any case, ``Size`` in degrees for the whole side); astroquery issue 572 (a survey without data
there has a link that is a 404).
"""

import numpy as np
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from tests.servers._http import degrees, fault_of, fits_reply, page
from tests.servers._sky import Sky, fits_bytes, spoiled, tan_wcs, wcs_cards

SURVEYS = {  # name -> (band, arcsec per native pixel, list it stands in)
    "VLA FIRST (1.4 GHz)": ("radio", 1.8, "Radio"),
    "NVSS": ("radio", 15.0, "Radio"),
    **{f"SDSS{band}": (band, 0.396, "Optical:SDSS") for band in "gri"},
    "DSS": ("r", 1.7, "Optical:DSS"),
}
FORM = """<html><body><form name="query" action="runquery.pl" method="GET">
<input type="text" name="Position">{lists}
<select name="projection" id="proj"><option value="Tan" selected>Gnomonic</option></select>
<input type="text" name="pixels" value="300"><input type="text" name="size">
<input type="submit" value="Submit Request"></form></body></html>"""


def app(sky: Sky | None = None) -> Starlette:
    """``/current/cgi/basicform.pl``, ``/current/cgi/runquery.pl`` and the files it makes."""
    sky, made = sky or Sky(), {}

    def ask(_request):
        lists = ""
        for kind in dict.fromkeys(kind for _, _, kind in SURVEYS.values()):
            names = [name for name, (*_, its_kind) in SURVEYS.items() if its_kind == kind]
            options = "".join(f"<option>{name}</option>" for name in names)
            lists += f'<select multiple name="survey" id="{kind}">{options}</select>\n'
        return Response(FORM.format(lists=lists), media_type="text/html")

    def run(request):
        get = [(key.lower(), value) for key, value in request.query_params.multi_items()]
        names = [n for key, value in get if key == "survey" for n in value.split(",")]
        files = []
        try:
            for name in names:
                files.append(draw(sky, name, dict(get), fault_of(request)))
        except (KeyError, ValueError) as error:
            return page(f"Error: {error}")
        if dict(get).get("return", "").upper() == "FITS" and len(files) == 1 and files[0]:
            return fits_reply(files[0])
        links = ""
        for content in files:
            name = f"skv{len(made) + 1:013d}.fits"
            made[name] = content
            links += f'<a href="../../tempspace/fits/{name}">FITS</a>\n'
        text = f"<html><body>SkyView Images {links}</body></html>"
        return Response(text, media_type="text/html") if links else page("Error: no survey")

    def file(request):
        content = made.get(request.path_params["name"])
        return fits_reply(content) if content else page("Not Found", 404)

    routes = [
        Route("/current/cgi/basicform.pl", ask),
        Route("/current/cgi/runquery.pl", run),
        Route("/tempspace/fits/{name}", file),
    ]
    return Starlette(routes=routes)


def draw(sky: Sky, name: str, get: dict[str, str], fault=None) -> bytes | None:
    """The FITS file of one survey; None without data there."""
    if name not in SURVEYS:
        raise ValueError(f"no survey is called {name}")
    band, scale, _ = SURVEYS[name]
    words = get["position"].replace(",", " ").split()
    ra, dec = float(words[0]), float(words[1])
    width, _, height = get.get("pixels", "300").partition(",")
    shape = int(height or width), int(width)
    if get.get("size"):
        scale = degrees(get["size"].split(",")[0]) * 3600 / shape[1]
    wcs = tan_wcs(ra, dec, shape, scale)
    image = spoiled(sky.image(wcs, shape, band), fault)
    if fault is None and not np.isfinite(image).any():
        return None
    return fits_bytes((image, wcs_cards(wcs) | {"SURVEY": name}))
