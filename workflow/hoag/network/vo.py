"""Tables of the Virtual Observatory: read, and searched for the image that suits an object best."""

import io
import re
import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np

if TYPE_CHECKING:
    from astropy.io.votable.tree import VOTableFile

    from hoag.network.contract import Target
    from hoag.network.session import Reply

Row = dict[str, Any]
SODA_SYNC = "ivo://ivoa.net/std/soda#sync"


def read_votable(reply: "Reply") -> "VOTableFile":
    """A service's reply as a VOTable.

    Raises
    ------
    TryAgainError
        If it is none, or says that the query failed.
    """
    from astropy.io import votable

    from hoag.network.session import TryAgainError

    content = reply.content()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # hardly a service's table is without a fault
            table = votable.parse(io.BytesIO(content), verify="ignore")
    except Exception as error:  # astropy raises nearly anything for damaged tables
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise TryAgainError("invalid", f"no VOTable: {said}", url=reply.url) from None
    for info in [i for r in table.resources for i in r.infos] + list(table.infos):
        if info.name == "QUERY_STATUS" and str(info.value).upper() == "ERROR":
            said = " ".join((info.content or "no reason given").split())[:200]
            raise TryAgainError("invalid", f"the query failed: {said}", url=reply.url)
    return table


def rows(table: "VOTableFile") -> list[Row]:
    """Rows of the first table with names of columns in lower case; None for an empty cell."""
    first = next(table.iter_tables(), None)
    if first is None:
        return []
    names = [f.name.lower() for f in first.fields]
    masks = first.array.mask
    found = []
    for values, masked in zip(first.array.data, masks, strict=True):
        pairs = zip(names, values, masked, strict=True)
        found.append({n: None if np.all(m) else _plain(v) for n, v, m in pairs})
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return value.item() if isinstance(value, np.generic) else value


def number(value: Any, default: float) -> float:
    """A cell as a number; ``default`` for one that holds none."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return default
    return found if np.isfinite(found) else default


def with_parameters(url: str, changed: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """A URL without its query, and the query with some parameters set, whatever their case."""
    parts = urlsplit(url)
    small = {name.lower() for name in changed}
    kept = {k: v for k, v in parse_qsl(parts.query, True) if k.lower() not in small}
    return parts._replace(query="", fragment="").geturl(), kept | dict(changed)


def separation_deg(row: Row, target: "Target") -> float:
    """Distance between an image's centre and a target; infinite if the centre isn't given."""
    ra, dec = (number(row.get(name), np.nan) for name in ("s_ra", "s_dec"))
    if not np.isfinite([ra, dec]).all():
        return np.inf
    x, y = offsets_deg([ra], [dec], target)
    return float(np.hypot(x[0], y[0])) if np.isfinite(x[0]) else np.inf


def offsets_deg(
    ra_deg: Iterable[float], dec_deg: Iterable[float], target: "Target"
) -> tuple[np.ndarray, np.ndarray]:
    """Positions in the plane that touches the sky at the target; NaN on the far side of the sky."""
    ra = np.deg2rad(np.asarray(ra_deg, float) - target.ra_deg)
    dec, dec0 = np.deg2rad(np.asarray(dec_deg, float)), np.deg2rad(target.dec_deg)
    along = np.sin(dec0) * np.sin(dec) + np.cos(dec0) * np.cos(dec) * np.cos(ra)
    along = np.where(along > 0, along, np.nan)
    x = np.cos(dec) * np.sin(ra) / along
    y = (np.cos(dec0) * np.sin(dec) - np.sin(dec0) * np.cos(dec) * np.cos(ra)) / along
    return np.rad2deg(x), np.rad2deg(y)


def margin_deg(region: str | None, target: "Target") -> float:
    """How far inside an STC-S region a target lies; negative outside, NaN where it can't be told.

    Circles and convex polygons are understood.
    """
    words = re.findall(r"[A-Za-z]+|[-+]?\d[\d.]*(?:[eE][-+]?\d+)?", str(region or ""))
    shape = words[0].upper() if words else ""
    numbers = np.array([float(w) for w in words if not w[0].isalpha()])
    if shape == "CIRCLE" and numbers.size == 3:
        x, y = offsets_deg(numbers[:1], numbers[1:2], target)
        return float(numbers[2] - np.hypot(x[0], y[0]))
    if shape != "POLYGON" or numbers.size < 6 or numbers.size % 2:
        return np.nan
    x, y = offsets_deg(numbers[::2], numbers[1::2], target)
    dx, dy = np.roll(x, -1) - x, np.roll(y, -1) - y
    length = np.hypot(dx, dy)
    edges = length > 0  # a polygon may end where it began
    distance = (x * dy - y * dx)[edges] / length[edges]
    turn = np.sign(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
    return float((turn * distance).min())


def soda_of(table: "VOTableFile", image: Row, url: str) -> tuple[str, str]:
    """Address of the cutout service that a DataLink document names, and the image's ID there.

    Raises
    ------
    RefusedError
        If it names none.
    """
    from hoag.network.session import RefusedError

    own = str(image.get("obs_publisher_did") or "")
    for resource in table.resources:
        facts = {p.name: str(p.value) for p in resource.params}
        if not facts.get("standardID", "").lower().startswith(SODA_SYNC):
            continue
        inputs = {p.name: p for group in resource.groups for p in group.entries}
        given = str(getattr(inputs.get("ID"), "value", "") or "")
        links = (r for r in rows(table) if r.get("service_def") == resource.ID)
        linked = str(next(links, {}).get("id") or "")
        return facts["accessURL"], given or linked or own
    raise RefusedError("no_soda", "the image's DataLink document names no cutout service", url=url)
