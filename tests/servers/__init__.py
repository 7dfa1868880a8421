"""Stand-ins of the public cutout services, drawn from one imagined sky, for tests off the network.

Each module has ``app(sky=None, ...)``, an ASGI application that answers as its service is
documented to. `Faults` wraps one to make it misbehave, and counts; `serving` runs one on loopback.
"""

from tests.servers._faults import Faults, Stats
from tests.servers._run import SERVICES, make, serving
from tests.servers._sky import Galaxy, Sky

__all__ = ["SERVICES", "Faults", "Galaxy", "Sky", "Stats", "make", "serving"]
