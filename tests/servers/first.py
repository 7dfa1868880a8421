"""Stand-in of the image server of FIRST, the VLA survey at 1.4 GHz.

Source: astroquery, ``image_cutouts/first/core.py`` (a posted form: ``RA`` is hours, a space and
degrees; ``ImageSize`` in arcmin; ``ImageType`` "FITS File"; ``MaxImSize`` in pixels; one FITS file
comes, or a page of HTML for an error). Pixels of 1.8 arcsec in Jy per beam, sine projection.
"""

import numpy as np
from starlette.applications import Starlette
from starlette.routing import Route
from tests.servers._http import degrees, fault_of, fits_reply, form, page
from tests.servers._sky import Sky, fits_bytes, spoiled, tan_wcs, wcs_cards

SCALE_ARCSEC, MOST_PIXELS = 1.8, 2048
JY_PER_NANOMAGGY = 1e-4  # as bright as it needs to be


def app(sky: Sky | None = None) -> Starlette:
    """``/cgi-bin/firstcutout``."""
    sky = sky or Sky()

    async def cutout(request):
        posted = {key: value.decode() for key, value in (await form(request)).items()}
        try:
            ra, dec = position(posted["RA"])
            size_arcmin = float(posted.get("ImageSize", 4.5))
            most = min(int(posted.get("MaxImSize", 1024)), MOST_PIXELS)
        except (KeyError, ValueError):
            return page("Error: the position can't be read")
        request.scope["hoag.objects"] = [posted["RA"]]
        if posted.get("ImageType", "GIF Image") != "FITS File":
            return page("Error: this stand-in sends FITS files only")
        n = max(1, min(round(size_arcmin * 60 / SCALE_ARCSEC), most))
        wcs = tan_wcs(ra, dec, (n, n), SCALE_ARCSEC, projection="SIN")
        image = sky.image(wcs, (n, n), "radio") * np.float32(JY_PER_NANOMAGGY)
        if not np.isfinite(image).any():
            return page("Error: the position is outside the survey's area")
        cards = wcs_cards(wcs) | {"BUNIT": "JY/BEAM", "SURVEY": "FIRST"}
        content = fits_bytes((spoiled(image, fault_of(request)), cards))
        return fits_reply(content, kind="image/x-fits")

    return Starlette(routes=[Route("/cgi-bin/firstcutout", cutout, methods=["POST"])])


def position(text: str) -> tuple[float, float]:
    """Degrees of "hours degrees" or of "h m s d m s"."""
    words = text.split()
    if len(words) == 2:
        return 15 * float(words[0]), float(words[1])
    if len(words) != 6:
        raise ValueError(text)
    return degrees(":".join(words[:3]), hours=True), degrees(":".join(words[3:]))
