"""A plain file server, with byte ranges and, if asked, Basic auth.

For what surveys keep as files: coadd tiles, HSC's file tree (behind the account of the cutout
service), SDSS's archive, mirrors of data sets. Source: RFC 9110, sections 11, 13 and 14.
"""

import base64

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles


def app(root=".", *, user: str | None = None, password: str = ""):
    """Serve a folder; with ``user``, only to that account."""
    files = Starlette(routes=[Mount("/", StaticFiles(directory=root))])
    if user is None:
        return files
    secret = b"Basic " + base64.b64encode(f"{user}:{password}".encode())

    async def guarded(scope, receive, send):
        if dict(scope["headers"]).get(b"authorization") == secret:
            await files(scope, receive, send)
            return
        headers = [(b"www-authenticate", b'Basic realm="files"'), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body"})

    return guarded
