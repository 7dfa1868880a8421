"""Polite HTTP: few connections, a limited rate, and errors that say whether to ask again."""

import asyncio
import datetime
import email.utils
import netrc
import os
import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import httpx

AGAIN = (408, 425, 429, 500, 502, 503, 504)  # what a service says of itself, not of the request
IN_MEMORY = 2**20  # bytes of a reply that stay in memory; the rest of a larger one is on disk
LONGEST_WAIT_S = 3600.0  # that a service may ask for
_SECRET = re.compile(
    r"(?i)\b([\w-]*(?:token|passw(?:or)?d|secret|signature|credential|api_?key)|pw|sig)=[^&\s]*"
)


@dataclass(frozen=True)
class Reply:
    """A whole reply: its body is a file, open at its start, to be closed by who reads it."""

    status: int
    headers: Mapping[str, str]
    body: IO[bytes]
    n_bytes: int
    url: str  # without secrets

    def content(self) -> bytes:
        """All of the body, which is then closed."""
        with self.body:
            return self.body.read()

    def text(self) -> str:
        """All of the body as text; it is then closed."""
        return self.content().decode("utf-8", errors="replace")


class TryAgainError(Exception):
    """The service failed this time: ``status`` (timeout, http_503, ...), and what it said.

    ``partial`` is what came of the body, where a part of it is of use.
    """

    def __init__(
        self,
        status: str,
        reason: str,
        *,
        url: str = "",
        text: str = "",
        wait_s: float | None = None,
        partial: Reply | None = None,
    ) -> None:
        super().__init__(reason)
        self.status, self.url, self.text = status, url, text
        self.wait_s, self.partial = wait_s, partial


class RefusedError(Exception):
    """The service will never answer this request: ``status`` (http_404, ...), and what it said."""

    def __init__(self, status: str, reason: str, *, url: str = "", text: str = "") -> None:
        super().__init__(reason)
        self.status, self.url, self.text = status, url, text


def public(url: str) -> str:
    """A URL without user, password or tokens."""
    parts = urlsplit(url)
    if parts.username or parts.password:
        parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    return _SECRET.sub(lambda match: f"{match[1]}=...", parts.geturl())


def credentials(host: str, user_variable: str, password_variable: str) -> httpx.BasicAuth | None:
    """User and password from two environment variables, or else from ~/.netrc; None if neither."""
    user, password = os.environ.get(user_variable), os.environ.get(password_variable)
    if user and password:
        return httpx.BasicAuth(user, password)
    path = Path(os.environ.get("NETRC", Path.home() / ".netrc"))
    if not path.is_file():
        return None
    try:
        entry = netrc.netrc(path).authenticators(host)
    except netrc.NetrcParseError:  # its message quotes the file
        raise ValueError(f"{path}: can't be read as a netrc file") from None
    return httpx.BasicAuth(entry[0], entry[2]) if entry else None


class Session:
    """All requests of one job to one service.

    Parameters
    ----------
    connections
        Requests under way at the same time.
    requests_per_minute
        Requests begun in a minute at most, evenly spaced; None for no limit.
    connect_timeout_s, read_timeout_s, total_timeout_s
        For the connection, for the next bytes, and for a whole reply.
    folder
        Where large replies lie until they are read.
    auth
        User and password, or None.
    headers
        Sent with every request (a token, say).
    """

    def __init__(
        self,
        *,
        connections: int,
        requests_per_minute: float | None = None,
        connect_timeout_s: float = 20.0,
        read_timeout_s: float = 60.0,
        total_timeout_s: float = 600.0,
        folder: str | Path | None = None,
        auth: httpx.BasicAuth | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._slots = asyncio.Semaphore(connections)
        self._spacing_s = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._next = 0.0  # when the next request may begin
        self._total_s, self._folder = total_timeout_s, folder
        agent = {"User-Agent": "hoag (cutouts of galaxies; python-httpx)"}
        self._client = httpx.AsyncClient(
            auth=auth,
            headers=agent | dict(headers or {}),
            timeout=httpx.Timeout(read_timeout_s, connect=connect_timeout_s, pool=None),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=True,
        )

    async def __aenter__(self) -> "Session":
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._client.__aexit__(*error)

    async def get(self, url: str, params: Mapping[str, Any] | None = None) -> Reply:
        """Answer of a GET; see `request`."""
        return await self.request("GET", url, params=params)

    async def request(
        self, method: str, url: str, *, keep_partial: bool = False, **arguments: Any
    ) -> Reply:
        """One request, tried once.

        Parameters
        ----------
        method, url
            What to ask.
        keep_partial
            Hand over what came of a reply that breaks off, with the error.
        arguments
            ``params``, ``data``, ``files``, ``headers``, as `httpx` takes them.

        Raises
        ------
        TryAgainError
            No answer, a broken one, or one of `AGAIN`.
        RefusedError
            Any other status of 400 and more.
        """
        request = self._client.build_request(method, url, **arguments)
        shown, came = public(str(request.url)), _Came(self._folder, keep_partial)
        async with self._slots:
            await self._turn()
            try:
                async with asyncio.timeout(self._total_s):
                    return await self._exchange(request, shown, came)
            except httpx.LocalProtocolError:  # its text may quote a header, and so a token
                raise RuntimeError("the request can't be sent: a header of it is invalid") from None
            except (httpx.TimeoutException, TimeoutError) as error:
                status, said = "timeout", f"no answer in time ({type(error).__name__})"
            except (httpx.RequestError, httpx.InvalidURL) as error:
                status, said = "connection", public(" ".join(str(error).split()))
                said = said or type(error).__name__
                if came.n_bytes is not None:
                    status = "truncated"
                    said = f"the reply broke off after {came.n_bytes} bytes ({said})"
        raise TryAgainError(status, said, url=shown, partial=came.partial)

    async def _turn(self) -> None:
        """Wait until the rate allows another request, and the service's own wish."""
        while (wait := self._next - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        self._next = time.monotonic() + self._spacing_s

    async def _exchange(self, request: httpx.Request, shown: str, came: "_Came") -> Reply:
        response = await self._client.send(request, stream=True)
        try:
            if response.status_code >= 400:
                raise await self._refusal(response, shown)
            return await came.whole(response, shown)
        finally:
            await response.aclose()

    async def _refusal(self, response: httpx.Response, shown: str) -> Exception:
        code = response.status_code
        status, reason = f"http_{code}", f"HTTP {code} {response.reason_phrase}"
        said = await _beginning(response)
        if code not in AGAIN:
            return RefusedError(status, reason, url=shown, text=said)
        wait_s = retry_after(response.headers.get("Retry-After"))
        if wait_s is not None and wait_s > LONGEST_WAIT_S:
            return RuntimeError(
                f"the service asks to wait {wait_s:.0f} s ({reason}); what came is kept, and the "
                "same command goes on from there"
            )
        if wait_s is not None:  # meant for all requests, not only for this one
            self._next = max(self._next, time.monotonic() + wait_s)
        return TryAgainError(status, reason, url=shown, text=said, wait_s=wait_s)


class _Came:
    """The body of a reply, on disk once it is large, and what of it came if it breaks off."""

    def __init__(self, folder: str | Path | None, keep_partial: bool) -> None:
        self._folder, self._keep_partial = folder, keep_partial
        self.n_bytes: int | None = None  # None before the body begins
        self.partial: Reply | None = None

    async def whole(self, response: httpx.Response, shown: str) -> Reply:
        """All of it."""
        body = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=self._folder)  # noqa: SIM115
        self.n_bytes = 0
        try:
            async for chunk in response.aiter_bytes(2**16):
                body.write(chunk)
                self.n_bytes += len(chunk)
        except BaseException:
            if self._keep_partial:
                self.partial = self._reply(response, body, shown)
            else:
                body.close()
            raise
        return self._reply(response, body, shown)

    def _reply(self, response: httpx.Response, body: IO[bytes], shown: str) -> Reply:
        body.seek(0)
        return Reply(response.status_code, response.headers, body, self.n_bytes, shown)


async def _beginning(response: httpx.Response, limit: int = 4096) -> str:
    """The first bytes of an error's page, as text."""
    said = b""
    try:
        async for chunk in response.aiter_bytes(limit):
            said += chunk
            if len(said) >= limit:
                break
    except httpx.RequestError:
        pass  # the status says enough
    return said[:limit].decode("utf-8", errors="replace")


def retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or a date; None for neither."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        then = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=datetime.UTC)
    return max(0.0, (then - datetime.datetime.now(datetime.UTC)).total_seconds())
