"""Calibrated frames of the Sloan Digital Sky Survey: found, fetched once, cut, and forgotten."""

import asyncio
import bz2
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.network.asking import Patience, refused
from hoag.network.contract import InvalidError, Nothing, Piece, Target

if TYPE_CHECKING:
    from hoag.network.session import Reply, Session
    from hoag.surveys.sdss import Options

MOST_FIELDS = 4  # that are tried for an object
WIDEST_DEG = 5.0  # in right ascension, of a field; farther from RA 0 none lies across it
Field = tuple[int, int, int, int]  # rerun, run, camcol, field


async def cut_frames(
    targets: Sequence[Target], session: "Session", options: "Options"
) -> AsyncIterator[Piece | Nothing]:
    """Each object from the first of its fields that holds it in all bands."""
    from hoag.network.session import RefusedError, TryAgainError

    patience = Patience()
    fields, url = await _fields_of(targets, session, options)
    cuts: dict[Field, tuple[dict[str, bytes], str]] = {}
    refusals: dict[str, Nothing] = {}
    for number in range(MOST_FIELDS):
        for target in targets:
            object_id = target.object_id
            if not (field := next(iter(fields.get(object_id, ())[number:]), None)):
                continue
            if field not in cuts:
                members = [t for t in targets if field in fields.get(t.object_id, ())]
                try:
                    cuts[field] = await _cut_field(field, members, session, options)
                except RefusedError as error:  # a frame that isn't there
                    cuts[field] = {}, error.url
                    refusals |= {t.object_id: refused(error, t.object_id) for t in members}
                    patience.went_well()  # the service answers
                except TryAgainError as error:  # its objects wait: no other field may serve them
                    patience.failed(error)
                    for member in members:
                        fields.pop(member.object_id, None)
                    continue
                else:
                    patience.went_well()
            contents, frame_url = cuts[field]
            if object_id in contents:
                del fields[object_id]
                yield Piece(object_id, "frames", contents.pop(object_id), frame_url)
    for target in targets:
        if target.object_id in fields and target.object_id in refusals:
            yield refusals[target.object_id]
        elif target.object_id in fields:
            said = "no frame holds the whole square" if fields[target.object_id] else "in no field"
            yield Nothing(target.object_id, "outside", said, url, True)
    patience.end()


async def _fields_of(
    targets: Sequence[Target], session: "Session", options: "Options"
) -> tuple[dict[str, list[Field]], str]:
    """Fields whose bounds hold each object, the one in whose middle it lies most first."""
    from hoag.network.session import TryAgainError

    url = f"{options.base_url}/SkyServerWS/SearchTools/SqlSearch"
    reply = await session.get(url, {"cmd": fields_query(targets), "format": "json"})
    text = reply.text()
    try:
        rows = json.loads(text)[0]["Rows"]
        rows = [{k.lower(): float(v) for k, v in row.items()} for row in rows]
        return {t.object_id: _ranked(rows, t) for t in targets}, reply.url
    except (ValueError, TypeError, LookupError, AttributeError):
        said = " ".join(text[:120].split())
        raise TryAgainError("invalid", f"no list of fields: {said!r}", url=reply.url) from None


def fields_query(targets: Sequence[Target]) -> str:
    """The SQL for the fields whose bounds hold some positions."""
    where = " OR ".join(
        f"({_holds_ra(t.ra_deg)} AND decMin<={t.dec_deg:.6f} AND decMax>={t.dec_deg:.6f})"
        for t in targets
    )
    columns = "rerun, run, camcol, field, raMin, raMax, decMin, decMax"
    return f"SELECT {columns} FROM Field WHERE {where}"


def _holds_ra(ra_deg: float) -> str:
    """Fields around RA 0 have bounds at both ends of the circle: they count near it only."""
    if WIDEST_DEG < ra_deg < 360 - WIDEST_DEG:
        return f"raMin<={ra_deg:.6f} AND raMax>={ra_deg:.6f} AND raMax-raMin<180"
    return f"(raMin<={ra_deg:.6f} AND raMax>={ra_deg:.6f} OR ABS(raMax-raMin)>180)"


def _ranked(rows: Sequence[Mapping[str, float]], target: Target) -> list[Field]:
    """By the distance of the target from the field's bounds, the farthest first."""

    def rank(row: Mapping[str, float]) -> tuple[Any, ...]:
        east = np.cos(np.deg2rad(target.dec_deg))
        ra = _ra_margin(row, target.ra_deg) * east
        margin = min(ra, target.dec_deg - row["decmin"], row["decmax"] - target.dec_deg)
        return -margin, _field(row)

    inside = [r for r in rows if _ra_margin(r, target.ra_deg) >= 0]
    inside = [r for r in inside if r["decmin"] <= target.dec_deg <= r["decmax"]]
    return [_field(row) for row in sorted(inside, key=rank)][:MOST_FIELDS]


def _ra_margin(row: Mapping[str, float], ra_deg: float) -> float:
    """How far inside a field's bounds, in degrees of right ascension; below 0 outside."""
    low, high = sorted((row["ramin"], row["ramax"]))
    if high - low > 180:  # around RA 0
        low, high = high - 360, low
    middle = (low + high) / 2
    return (high - low) / 2 - abs((ra_deg - middle + 180) % 360 - 180)


def _field(row: Mapping[str, float]) -> Field:
    return tuple(int(row[name]) for name in ("rerun", "run", "camcol", "field"))


async def _cut_field(
    field: Field, targets: Sequence[Target], session: "Session", options: "Options"
) -> tuple[dict[str, bytes], str]:
    """Object -> FITS file of all bands, of those that the field's frames hold whole; a URL."""
    from hoag.network.session import TryAgainError

    rerun, run, camcol, number = field
    cuts: dict[str, list[Any]] = {t.object_id: [] for t in targets}
    for band in options.bands:
        name = f"frame-{band}-{run:06d}-{camcol}-{number:04d}.fits.bz2"
        url = f"{options.frames_url}/{rerun}/{run}/{camcol}/{name}"
        reply = await session.get(url)
        try:
            content = await asyncio.to_thread(_unpacked, reply)
            found = _cut_frame(content, targets, options.size_px)
        except (InvalidError, OSError, EOFError, ValueError) as error:
            raise TryAgainError("invalid", f"{name}: {error}", url=url) from None
        for object_id, cut in found.items():
            cuts[object_id].append((band, *cut))
    whole = {i: c for i, c in cuts.items() if len(c) == len(options.bands)}
    return {i: _file_of(c) for i, c in whole.items()}, url


def _unpacked(reply: "Reply") -> bytes:
    with reply.body, bz2.open(reply.body) as file:
        return file.read()


def _cut_frame(content: bytes, targets: Sequence[Target], size_px: int) -> dict[str, Any]:
    """Object -> (pixels, header) of those that a frame holds whole."""
    from hoag.network import replies

    data, header = replies.first_image(replies.open_fits(content))
    found = {}
    for target in targets:
        try:
            cut, cards = replies.crop_around(data, header, target, size_px)
        except replies.OffEdgeError:
            continue
        found[target.object_id] = cut.astype(np.float32), cards
    return found


def _file_of(cuts: Sequence[tuple[str, np.ndarray, Any]]) -> bytes:
    from astropy.io import fits

    images = [fits.ImageHDU(pixels, header, name=band) for band, pixels, header in cuts]
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(stream, output_verify="silentfix")
    return stream.getvalue()
