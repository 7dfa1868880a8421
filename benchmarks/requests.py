"""Cutouts per second from a server with latency, against what the limits allow.

    python benchmarks/requests.py [--objects 600] [--latency-ms 20] [--connections 4] [--repeats 5]

The server is a process of its own on the loopback interface and gives one ready-made FITS file,
so that its own work counts little. With L s of latency and c connections at most c / L requests a
second can be answered. The survey does all that it does in a run: judging, journal, decoding.
Besides it stand a bare loop of httpx and one of sockets, which throw the replies away.
"""

import argparse
import asyncio
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
from _table import save, spread

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

SIZE_PX, BANDS = 96, "grz"


def ready_made() -> bytes:
    """A reply of the Legacy Surveys' viewer."""
    from astropy.io import fits

    step = 0.262 / 3600
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0}
    cards |= {"CRPIX1": SIZE_PX / 2 + 0.5, "CRPIX2": SIZE_PX / 2 + 0.5}
    cards |= {"CDELT1": -step, "CDELT2": step, "BANDS": BANDS}
    pixels = np.random.default_rng(0).normal(size=(len(BANDS), SIZE_PX, SIZE_PX))
    file = io.BytesIO()
    fits.PrimaryHDU(pixels.astype(np.float32), fits.Header(cards)).writeto(file)
    return file.getvalue()


def serve(latency_s: float) -> None:
    """Answer every request alike, after a while; says its port first."""
    import socket

    import uvicorn

    body = ready_made()
    headers = [(b"content-length", str(len(body)).encode())]

    async def app(_scope, _receive, send):
        await asyncio.sleep(latency_s)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off")
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


def with_hoag(url: str, targets: pd.DataFrame, connections: int) -> int:
    """Until the first answer is there, and with it all replies, judged and kept."""
    answers = _answers(url, targets, connections)
    return len(targets) if next(answers) else 0


def with_hoag_and_decoding(url: str, targets: pd.DataFrame, connections: int) -> int:
    return sum(1 for _ in _answers(url, targets, connections))


def _answers(url: str, targets: pd.DataFrame, connections: int) -> Iterator:
    from hoag.surveys import legacy
    from hoag.surveys._types import Cutout

    options = legacy.Options(base_url=url, size_px=SIZE_PX, connections=connections)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        answers = legacy.fetch(targets, legacy.Batch(), options, seed=0, name="bench")
        yield from (answer for answer in answers if isinstance(answer, Cutout))


def with_httpx(url: str, targets: pd.DataFrame, connections: int) -> int:
    async def run() -> int:
        rows, n = iter(targets.itertuples()), 0

        async def work(client: httpx.AsyncClient) -> int:
            n = 0
            for row in rows:
                reply = await client.get(f"{url}/cutout.fits", params={"ra": row.ra_deg})
                n += reply.status_code == 200
            return n

        async with httpx.AsyncClient() as client:
            n = sum(await asyncio.gather(*(work(client) for _ in range(connections))))
        return n

    return asyncio.run(run())


def with_sockets(url: str, targets: pd.DataFrame, connections: int) -> int:
    """The least that a client can do: what the server itself can give."""
    port = int(url.rpartition(":")[2])

    async def work(n: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**21)
        for _ in range(n):
            writer.write(b"GET /cutout.fits HTTP/1.1\r\nHost: bench\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(h for h in head.lower().split(b"\r\n") if h.startswith(b"content-length"))
            await reader.readexactly(int(length.split(b":")[1]))
        writer.close()
        return n

    async def run() -> int:
        shares = np.diff(np.linspace(0, len(targets), connections + 1).astype(int))
        return sum(await asyncio.gather(*(work(n) for n in shares)))

    return asyncio.run(run())


METHODS = {
    "bare sockets": with_sockets,
    "bare httpx": with_httpx,
    "hoag, judged and kept": with_hoag,
    "hoag, and decoded": with_hoag_and_decoding,
}


def measure(url: str, n: int, connections: int, allowed: float, repeats: int) -> list[dict]:
    """One row per method: objects per second, and as a share of what is allowed."""
    ids = [f"o{i}" for i in range(n)]  # all where the ready-made file is, else it would be refused
    targets = pd.DataFrame({"object_id": ids, "ra_deg": 150.0, "dec_deg": 2.0})
    rates = {name: [] for name in METHODS}
    for _ in range(repeats):
        for name, function in METHODS.items():
            started = time.perf_counter()
            if function(url, targets, connections) != n:
                sys.exit(f"{name}: not every object came")
            rates[name].append(n / (time.perf_counter() - started))
    return [
        {
            "method": name,
            **spread("objects_per_s", values),
            **spread("share", [v / allowed for v in values]),
        }
        for name, values in rates.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=600)
    parser.add_argument("--latency-ms", type=float, default=20.0)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    latency_s = arguments.latency_ms / 1000
    if arguments.serve:
        serve(latency_s)
        return

    allowed = arguments.connections / latency_s
    output = arguments.output and arguments.output.absolute()
    command = [sys.executable, __file__, "--serve", "--latency-ms", str(arguments.latency_ms)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        rows = measure(url, arguments.objects, arguments.connections, allowed, arguments.repeats)
    finally:
        server.kill()

    print(
        f"{arguments.objects} objects, {arguments.connections} connections, "
        f"{arguments.latency_ms:g} ms latency: {allowed:g} requests/s are allowed; "
        f"{arguments.repeats} repeats.\n"
    )
    print("| method | objects/s: min | median | max | share of allowed: min | median | max |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        name, *numbers = row.values()
        cells = [f"{n:,.0f}" for n in numbers[:3]] + [f"{n:.2f}" for n in numbers[3:]]
        print(f"| {name} | {' | '.join(cells)} |")
    save(rows, output)


if __name__ == "__main__":
    main()
