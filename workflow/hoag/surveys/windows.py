"""Survey ``windows``: FITS tiles searched window by window, without a catalogue.

The windows of a tile of the first band begin every `step_px` pixels, and flush with the far edges,
so that every pixel is in one. The other bands are cut at the same positions by their own WCS, as
survey ``tiles`` does, whose rules hold. Windows at a tile's edge may come from an overlapping tile,
where they lie farther from the edge.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hoag.options import ConfigError, option
from hoag.surveys import tiles
from hoag.surveys._tiles import Tile, public, read_tile
from hoag.surveys.tiles import (
    ACKNOWLEDGEMENT,
    Batch,
    attributes,
    bands,
    fetch,
    image_shape,
    object_kind,
)

if TYPE_CHECKING:
    import pandas as pd

# what is not defined here is as for ``tiles``
__all__ = [
    "ACKNOWLEDGEMENT",
    "Batch",
    "attributes",
    "bands",
    "fetch",
    "image_shape",
    "object_kind",
]

FORMAT_VERSION = 1
NEEDS_POSITION = True
_SUFFIX = re.compile(r"\.(fits|fit|fts)(\.(gz|fz|bz2|xz))?$", re.IGNORECASE)


@dataclass(frozen=True)
class Options(tiles.Options):
    """What is cut out of the tiles, and how densely."""

    step_px: int | None = option(
        None,
        doc="Distance between neighbouring windows; null: half their side.",
        unit="px",
        minimum=1,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size_column is not None:
            raise ConfigError(
                f"size_column: found {self.size_column!r}, allowed: null, windows have one size"
            )


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Number of windows, from the headers of the first band's tiles."""
    found = _tiles(batch, options, name)
    return sum(len(y) * len(x) for y, x in (_starts(t.shape, options) for t in found))


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """All windows, tile by tile.

    Returns
    -------
    DataFrame
        ``object_id`` (the tile's name, y and x of the first pixel), ``ra_deg`` and ``dec_deg``
        of the window's middle (ICRS), ``tile``, ``x0_px``, ``y0_px`` from 0.

    Raises
    ------
    ConfigError
        If a tile can't be used, since nobody could say which windows are lost, or if two can't be
        told apart by name.
    """
    import pandas as pd
    from astropy.wcs.utils import pixel_to_skycoord

    found = _tiles(batch, options, name)
    parts = []
    for tile, stem in zip(found, _stems(found, name), strict=True):
        y0, x0 = (a.ravel() for a in np.meshgrid(*_starts(tile.shape, options), indexing="ij"))
        middle = (options.size_px - 1) / 2
        sky = pixel_to_skycoord(x0 + middle, y0 + middle, tile.wcs).icrs
        part = {
            "object_id": [f"{stem}-{y:05d}-{x:05d}" for y, x in zip(y0, x0, strict=True)],
            "ra_deg": sky.ra.deg,
            "dec_deg": sky.dec.deg,
            "tile": public(tile.place.source),
            "x0_px": x0,
            "y0_px": y0,
        }
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


def _tiles(batch: Batch, options: Options, name: str) -> list[Tile]:
    """Tiles of the first band."""
    found = [
        read_tile(
            place,
            scale_arcsec=options.pixel_scale_arcsec,
            tolerance=options.pixel_scale_tolerance,
            storage=batch.storage,
        )
        for place in tiles.places(batch, options, name)
        if place.band == options.bands[0]
    ]
    for tile in found:
        if tile.fault:
            raise ConfigError(f"batches.{name}.tiles: found an unusable tile: {tile.fault}")
    return found


def _stems(tiles_found: Sequence[Tile], name: str) -> list[str]:
    """Names of the tiles: of the files up to the first dot; whole where several begin alike; with
    folder and extension where whole ones are alike."""
    paths = [Path(t.place.source) for t in tiles_found]
    ends = ["" if t.place.extension is None else f"-{t.place.extension}" for t in tiles_found]
    whole = [_SUFFIX.sub("", p.name) for p in paths]
    full = [f"{p.parent.name}-{w}{e}" for p, w, e in zip(paths, whole, ends, strict=True)]
    for stems in ([p.name.split(".")[0] for p in paths], whole, full):
        if len(set(stems)) == len(stems):
            return stems
    twice = next(s for s in full if full.count(s) > 1)
    raise ConfigError(f"batches.{name}.tiles: found two tiles {twice!r}, allowed: one")


def _starts(shape: tuple[int, int], options: Options) -> tuple[np.ndarray, np.ndarray]:
    """First pixels of the windows along y and x; 0 alone in a tile that is smaller."""
    step = options.step_px or max(1, options.size_px // 2)
    ends = [max(side - options.size_px, 0) for side in shape]
    y, x = (np.unique(np.append(np.arange(0, end, step), end)) for end in ends)
    return y, x
