"""Faults that real services show, made at will, and counts of what clients did.

``mix`` maps kinds to probabilities; which requests are hit follows from the seed, the request and
how often it was asked, not from the order in which clients happen to come. ``script`` is a list
used up request by request (None: no fault), for exact tests.
"""

import asyncio
import json
import math
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from urllib.parse import parse_qs

STATUS = {"error_500": 500, "error_502": 502, "error_503": 503}
WAITING = ("too_many", "too_many_date")
BROKEN = ("hang", "drip", "reset", "truncate", "html")
HINTS = (
    *("wrong_size", "wrong_bands", "all_nan", "all_zero"),
    *("duplicate_members", "missing_members", "changed_order"),
)
KINDS = (*STATUS, *WAITING, *BROKEN, *HINTS)
PAGE = b"<html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>\n"


class Stats:
    """What was asked of a server. Safe to read while it runs."""

    def __init__(self):
        self._lock = threading.Lock()
        self.reset()

    def reset(self):
        """Forget all."""
        with self._lock:
            self.requests = Counter()  # (path, outcome) -> n; outcome: a fault or an HTTP status
            self.objects = Counter()  # what a request is about ("ra,dec" or its file) -> n
            self.times = []  # time.monotonic() at the start of each request
            self.now = self.most_at_once = 0

    def started(self):
        with self._lock:
            self.times.append(time.monotonic())
            self.now += 1
            self.most_at_once = max(self.most_at_once, self.now)

    def answered(self, path: str, outcome: str, objects: Iterable[str]):
        with self._lock:
            self.requests[path, outcome] += 1
            self.objects.update(objects)

    def ended(self):
        with self._lock:
            self.now -= 1

    def count(self, *, path: str | None = None, outcome: str | int | None = None) -> int:
        """Requests answered, of one path and outcome or of all."""
        with self._lock:
            counts = list(self.requests.items())
        return sum(
            n
            for (p, o), n in counts
            if path in (None, p) and (outcome is None or o == str(outcome))
        )

    def as_json(self) -> bytes:
        with self._lock:
            paths = {}
            for (path, outcome), n in self.requests.items():
                paths.setdefault(path, {})[outcome] = n
            body = {"requests": paths, "objects": self.objects, "times": self.times}
            return json.dumps(body | {"most_at_once": self.most_at_once}).encode()


class _Request:
    """One request's line in the counts, written once."""

    def __init__(self, stats: Stats, scope, fault: str | None):
        self.stats, self.scope, self.fault, self.status = stats, scope, fault, "no reply"
        self._answered = self._ended = False
        stats.started()

    def answer(self):
        if not self._answered:
            self._answered = True
            objects = self.scope.get("hoag.objects") or _objects(self.scope)
            self.stats.answered(self.scope["path"], self.fault or self.status, objects)

    def end(self):
        self.answer()
        if not self._ended:
            self._ended = True
            self.stats.ended()


class Faults:
    """ASGI middleware; ``stats`` counts, in process and at GET /_stats.

    An app finds a fault that only it can make in ``scope["hoag.fault"]``, and may name what a
    request is about in ``scope["hoag.objects"]`` (a list).
    """

    def __init__(
        self,
        app,
        mix: Mapping[str, float] | None = None,
        seed: int = 0,
        *,
        script: Iterable[str | None] = (),
        latency_s: float = 0.0,
        retry_after_s: float = 1.0,
        drip_bytes: int = 64,
        drip_s: float = 0.05,
    ):
        self.app, self.mix, self.seed = app, dict(mix or {}), seed
        self.script = list(script)
        self.latency_s, self.retry_after_s = latency_s, retry_after_s
        self.drip_bytes, self.drip_s = drip_bytes, drip_s
        self.stats, self.stopping = Stats(), threading.Event()
        self._asked = Counter()
        unknown = {*self.mix, *filter(None, self.script)} - set(KINDS)
        if unknown or sum(self.mix.values()) > 1:
            raise ValueError(f"unknown faults {sorted(unknown)} or probabilities above 1")

    def stop(self):
        """End what hangs or drips; called when the server ends."""
        self.stopping.set()

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        if scope["path"] == "/_stats":
            await _reply(send, 200, self.stats.as_json(), "application/json")
            return
        request = _Request(self.stats, scope, self._choose(scope))

        async def watched(message):
            if message["type"] == "http.response.start":
                request.status = str(message["status"])
                request.answer()
            elif not message.get("more_body"):
                request.end()  # before the client can know, and come again
            await send(message)

        try:
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            await self._answer(request, scope, receive, watched, _transport(send))
        finally:
            request.end()

    def _choose(self, scope) -> str | None:
        if self.script:
            return self.script.pop(0)
        request = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()}"
        self._asked[request] += 1
        drawn = random.Random(f"{self.seed} {self._asked[request]} {request}").random()
        for kind, probability in self.mix.items():
            drawn -= probability
            if drawn < 0:
                return kind
        return None

    async def _answer(self, request, scope, receive, send, transport):
        fault = request.fault
        if fault in STATUS:
            await _drain(receive)
            await _reply(send, STATUS[fault], PAGE)
        elif fault in WAITING:
            await _drain(receive)
            await _reply(send, 429, b"Too many requests\n", "text/plain", self._retry_after(fault))
        elif fault == "html":
            await _drain(receive)
            await _reply(send, 200, PAGE)
        elif fault == "hang":
            request.answer()
            await self._until_gone(receive, math.inf)
            transport.abort()
            await asyncio.sleep(0.01)
        elif fault == "reset":
            request.end()
            _reset(transport)
            await asyncio.sleep(0.01)  # until the server knows that the connection is lost
        elif fault == "drip":
            await self._drip(*await self._whole(scope, receive), receive, send)
        elif fault == "truncate":
            start, body = await self._whole(scope, receive)
            await send(start)
            await send(_part(body[: len(body) // 2], more=True))
            request.end()
            transport.close()  # after what is written has gone out
            await self._until_gone(receive, 5)
        else:
            scope["hoag.fault"] = fault
            await self.app(scope, receive, send)

    def _retry_after(self, fault) -> list:
        if fault == "too_many":
            value = str(math.ceil(self.retry_after_s))
        else:
            value = formatdate(math.ceil(time.time() + self.retry_after_s), usegmt=True)
        return [(b"retry-after", value.encode())]

    async def _whole(self, scope, receive):
        """The app's own reply, with its length in the header."""
        messages = []

        async def keep(message):
            messages.append(message)

        await self.app(scope, receive, keep)
        start = next(m for m in messages if m["type"] == "http.response.start")
        body = b"".join(m.get("body", b"") for m in messages if m["type"] == "http.response.body")
        headers = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
        return start | {"headers": [*headers, (b"content-length", str(len(body)).encode())]}, body

    async def _drip(self, start, body, receive, send):
        await send(start)
        for i in range(0, len(body), self.drip_bytes):
            await send(_part(body[i : i + self.drip_bytes], more=True))
            if await self._until_gone(receive, self.drip_s):
                return
        await send(_part(b""))

    async def _until_gone(self, receive, limit_s: float) -> bool:
        """Wait until the client or the server ends, or for so long; whether one ended."""
        end = time.monotonic() + limit_s
        while not self.stopping.is_set() and time.monotonic() < end:
            try:
                wait_s = min(0.05, max(0.001, end - time.monotonic()))
                message = await asyncio.wait_for(receive(), wait_s)
            except TimeoutError:
                continue
            if message["type"] == "http.disconnect":
                return True
        return self.stopping.is_set()


def _transport(send):
    """The connection's own transport, which uvicorn keeps beside ``send``."""
    return getattr(getattr(send, "__self__", None), "transport", None)


def _reset(transport):
    """Close with RST: no lingering on what wasn't sent or read."""
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    transport.abort()


def _part(body: bytes, *, more=False) -> dict:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _drain(receive):
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass


async def _reply(send, status, body, content_type="text/html; charset=utf-8", headers=()):
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", content_type.encode()), length, *headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send(_part(body))


def _objects(scope) -> list[str]:
    """The position that a request's query names, if it does."""
    query = {k.lower(): v[0] for k, v in parse_qs(scope["query_string"].decode()).items()}
    if "ra" in query and "dec" in query:
        return [f"{query['ra']},{query['dec']}"]
    return [query[key] for key in ("pos", "circle", "position") if key in query]
