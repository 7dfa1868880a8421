"""Run an app on a loopback port: in a thread for tests, or from the command line.

``python -m tests.servers legacy --port 8001 --faults error_500=0.1,hang=0.02 --latency-ms 20``
"""

import argparse
import importlib
import socket
import threading
import time
from contextlib import contextmanager

SERVICES = (
    *("legacy", "hips", "hsc", "sdss", "panstarrs", "datalab", "first", "skyview", "soda", "files"),
)


def make(service: str, *args, **options):
    """The ASGI app of a service named in `SERVICES`."""
    return importlib.import_module(f"tests.servers.{service}").app(*args, **options)


@contextmanager
def serving(app, *, port: int = 0):
    """Serve an ASGI app on 127.0.0.1 in a thread; gives its base URL without a slash."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", port), backlog=512)
    config = uvicorn.Config(
        app, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        if hasattr(app, "stop"):
            app.stop()
        server.should_exit = True
        thread.join(10)
        listener.close()


def parse_faults(text: str) -> dict[str, float]:
    """``error_500=0.1,hang=0.02`` as a mix."""
    parts = [part.partition("=") for part in text.split(",") if part]
    return {kind.strip(): float(probability) for kind, _, probability in parts}


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; counts are at /_stats."""
    import uvicorn
    from tests.servers._faults import KINDS, Faults
    from tests.servers._sky import Sky

    parser = argparse.ArgumentParser("tests.servers", description=main.__doc__)
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--root", help="folder that 'files' serves", default=".")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--faults", type=parse_faults, default={}, help=", ".join(KINDS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--footprint", type=float, nargs=4, metavar="DEG", help="RA RA Dec Dec")
    chosen = parser.parse_args(arguments)
    sky = Sky(**({"footprint": tuple(chosen.footprint)} if chosen.footprint else {}))
    app = make(chosen.service, chosen.root if chosen.service == "files" else sky)
    faulty = Faults(app, chosen.faults, chosen.seed, latency_s=chosen.latency_ms / 1000)
    uvicorn.run(faulty, host="127.0.0.1", port=chosen.port, lifespan="off", log_level="warning",
                timeout_graceful_shutdown=1)  # fmt: skip
