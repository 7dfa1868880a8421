"""The list of rectangles that HSC's cutout service takes.

Sources: NAOJ data-access-tools, pdr3/downloadCutout.py, and the service's manual: ``#?`` and the
columns' names on the first line, any of them in any order, semi-widths with units, true or false
for the layers; or one row as a query, also by two corners.
"""

from dataclasses import dataclass

import numpy as np
from tests.servers._http import degrees

MOST_DEG = 2116 / 3600  # three patches
FILTERS = {f"HSC-{band}": band.lower() for band in "GRIZY"} | {"HSC-R2": "r", "HSC-I2": "i"}
NARROW = ("NB0387", "NB0816", "NB0921", "NB1010")
TYPES = {"coadd": "cutout", "coadd/bg": "coadd+bg", "warp": "warps"}


@dataclass(frozen=True)
class Box:
    """One row: a rectangle of semi-widths ``sw`` and ``sh``, in degrees."""

    lineno: int
    ra: float
    dec: float
    sw: float
    sh: float
    filter: str
    type: str
    rerun: str
    tract: int | None
    layers: tuple[str, ...]

    @classmethod
    def read(cls, row: dict[str, str], reruns, lineno=1) -> "Box":
        """From the words of a row or query; ValueError or KeyError for what isn't allowed."""
        if "ra1" in row:  # two corners
            ra1, ra2 = (degrees(row[key], hours=True) for key in ("ra1", "ra2"))
            dec1, dec2 = (degrees(row[key]) for key in ("dec1", "dec2"))
            dec, sh = (dec1 + dec2) / 2, abs(dec2 - dec1) / 2
            across = abs((ra2 - ra1 + 180) % 360 - 180)
            ra, sw = ra1 + ((ra2 - ra1 + 180) % 360 - 180) / 2, across / 2 * np.cos(np.deg2rad(dec))
        else:
            ra, dec = degrees(row["ra"], hours=True), degrees(row["dec"])
            sw, sh = degrees(row["sw"]), degrees(row["sh"])
        rerun, kind = row.get("rerun") or reruns[0], row.get("type") or "coadd"
        name = row.get("filter") or "HSC-I"
        name = {short: long for long, short in reversed(FILTERS.items())}.get(name, name)
        for found, allowed in ((rerun, reruns), (kind, TYPES), (name, (*FILTERS, *NARROW))):
            if found not in allowed:
                raise ValueError(f"{found!r} is none of {', '.join(allowed)}")
        if not (0 < 2 * sw <= MOST_DEG and 0 < 2 * sh <= MOST_DEG and -90 <= dec <= 90):
            raise ValueError(f"box of {2 * sw:g} by {2 * sh:g} degrees at Dec {dec:g}")
        tract = row.get("tract") or "any"
        defaults = {"image": "true", "mask": "false", "variance": "false"}
        wanted = [
            k for k, v in defaults.items() if row.get(k, v).lower() in ("on", "true", "1", "yes")
        ]
        number = None if tract == "any" else int(tract)
        return cls(lineno, ra % 360, dec, sw, sh, name, kind, rerun, number, tuple(wanted))


def read_list(text: str, reruns) -> list[Box]:
    """The posted list; its lines are counted from 1, which is the header."""
    header, *lines = text.splitlines()
    if not header.startswith("#?"):
        raise ValueError("the list's first line must start with #?")
    columns, boxes = header[2:].lower().split(), []
    for lineno, line in enumerate(lines, 2):
        words = line.partition("#")[0].split()
        if words and len(words) != len(columns):
            raise ValueError(f"line {lineno} has {len(words)} of {len(columns)} columns")
        if words:
            boxes.append(Box.read(dict(zip(columns, words, strict=True)), reruns, lineno))
    return boxes
