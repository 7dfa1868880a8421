"""What the stand-ins share about HTTP: forms, angles, replies."""

import re
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

ARCSEC, ARCMIN, RADIAN = 1 / 3600, 1 / 60, 57.29577951308232
UNITS = {
    **dict.fromkeys(("deg", "degree", "degrees"), 1.0),
    **dict.fromkeys(("amin", "arcmin", "arcminute", "arcminutes"), ARCMIN),
    **dict.fromkeys(("asec", "arcsec", "arcsecond", "arcseconds"), ARCSEC),
    **dict.fromkeys(("rad", "radian", "radians"), RADIAN),
}


async def form(request: Request) -> dict[str, bytes]:
    """The fields of a posted form, of either encoding, as bytes; files by their field's name."""
    body, kind = await request.body(), request.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data"):
        return {key: value.encode() for key, value in parse_qsl(body.decode(), True)}
    whole = BytesParser(policy=HTTP).parsebytes(b"Content-Type: %b\r\n\r\n" % kind.encode() + body)
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in whole.iter_parts()
    }


def query(request: Request) -> dict[str, str]:
    """The query with lower-case names, as services read it that don't mind the case."""
    return {key.lower(): value for key, value in request.query_params.items()}


def fault_of(request: Request) -> str | None:
    """The fault that this reply should have, if the app has to make it."""
    return request.scope.get("hoag.fault")


def degrees(text: str, *, hours: bool = False) -> float:
    """An angle: bare (degrees), with a unit, or sexagesimal (``hours`` for a right ascension)."""
    text = text.strip().lower()
    if match := re.fullmatch(r"([^a-z]*(?:e[+-]?\d+)?)\s*([a-z]+)", text):
        if match[2] not in UNITS:
            raise ValueError(f"unit of {text!r}")
        return float(match[1]) * UNITS[match[2]]
    if match := re.fullmatch(r"([+-]?)(\d+)[:hd](\d+)[:m]([\d.]+)s?", text):
        turn = 15 if (hours and "d" not in text) or "h" in text else 1
        value = int(match[2]) + int(match[3]) / 60 + float(match[4]) / 3600
        return turn * value * (-1 if match[1] == "-" else 1)
    return float(text)


def fits_reply(content: bytes, name: str = "", kind: str = "image/fits") -> Response:
    """A FITS file, as an attachment where it has a name."""
    headers = {"content-disposition": f'attachment; filename="{name}"'} if name else None
    return Response(content, media_type=kind, headers=headers)


def page(text: str, status: int = 200) -> Response:
    """A page of HTML that says something."""
    html = f"<html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>"
    return Response(html, status, media_type="text/html")


def plain(text: str, status: int = 200) -> Response:
    """A line of plain text."""
    return Response(text + "\n", status, media_type="text/plain")
