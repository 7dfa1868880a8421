"""Overlapping square tiles over the sky, as surveys store their coadds."""

from dataclasses import dataclass

import numpy as np
from tests.servers._sky import tan_wcs


@dataclass(frozen=True)
class Tile:
    """A tile of a `Grid`; ``row`` and ``column`` name it."""

    row: int
    column: int
    ra_deg: float
    dec_deg: float
    size_px: int
    scale_arcsec: float

    @property
    def wcs(self):
        """Of the whole tile."""
        shape = (self.size_px, self.size_px)
        return tan_wcs(self.ra_deg, self.dec_deg, shape, self.scale_arcsec)

    def box(self, ra_deg, dec_deg, width_px: float, height_px: float) -> tuple[int, int, int, int]:
        """First and past-the-last pixel in x and y of a box about a position; may lie outside."""
        x, y = self.wcs.all_world2pix(ra_deg, dec_deg, 0)
        x0, y0 = (round(float(p) - (n - 1) / 2) for p, n in ((x, width_px), (y, height_px)))
        return x0, x0 + round(width_px), y0, y0 + round(height_px)

    def clipped(self, box) -> tuple[int, int, int, int] | None:
        """The part of a box that is on the tile; None for none."""
        x0, x1, y0, y1 = np.clip(box, 0, self.size_px).tolist()
        return (x0, x1, y0, y1) if x1 > x0 and y1 > y0 else None

    def part(self, box):
        """The WCS and shape (y, x) of a box."""
        x0, x1, y0, y1 = box
        middle = (self.size_px + 1) / 2
        shape, crpix = (y1 - y0, x1 - x0), (middle - x0, middle - y0)
        return tan_wcs(self.ra_deg, self.dec_deg, shape, self.scale_arcsec, crpix=crpix), shape


@dataclass(frozen=True)
class Grid:
    """Tiles of so many pixels; neighbours share this part of their width."""

    size_px: int
    scale_arcsec: float
    overlap: float = 0.03

    @property
    def _step(self) -> float:
        return self.size_px * self.scale_arcsec / 3600 * (1 - self.overlap)

    def _columns(self, row: int) -> int:
        middle = np.deg2rad((row + 0.5) * self._step - 90)
        return max(1, int(np.ceil(360 / self._step * np.cos(middle))))

    def tile(self, row: int, column: int) -> Tile:
        """The tile of this name."""
        ra, dec = (column + 0.5) * 360 / self._columns(row), (row + 0.5) * self._step - 90
        return Tile(row, column, ra, dec, self.size_px, self.scale_arcsec)

    def nearest(self, ra_deg: float, dec_deg: float) -> Tile:
        """The tile whose own cell holds a position."""
        row = int((dec_deg + 90) // self._step)
        return self.tile(row, int(ra_deg % 360 / 360 * self._columns(row)))

    def touching(self, ra_deg: float, dec_deg: float, half_deg: float = 0.0) -> list[Tile]:
        """Tiles that a square about a position reaches, the nearest first."""
        middle, found = self.nearest(ra_deg, dec_deg), {}
        for row in (middle.row, middle.row - 1, middle.row + 1):
            n = self._columns(row)
            for step in (0, -1, 1):
                tile = self.tile(row, (int(ra_deg % 360 / 360 * n) + step) % n)
                side = max(1, 2 * half_deg * 3600 / self.scale_arcsec)
                if tile.clipped(tile.box(ra_deg, dec_deg, side, side)):
                    found[tile.row, tile.column] = tile
        return list(found.values())
