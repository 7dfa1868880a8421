"""Cut-outs of drawn tiles per second in one process: Hoag against a plain loop of Cutout2D.

    python benchmarks/tiles.py [--side 4096] [--size 96] [--objects 2000] [--repeats 5]
                               [--output FILE.csv]

Three bands of one tile, written uncompressed and RICE-compressed just before, so that they come
from the page cache. The loop has all planes in memory already; Hoag opens the files, reads their
headers, finds each object's tile and gives the WCS as well. All take turns within each repeat; the
pixels are compared first.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from _table import save, spread
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import Cutout2D
from astropy.wcs import WCS

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from hoag.surveys import tiles

BANDS, SCALE_ARCSEC = ("g", "r", "i"), 0.168
Method = Callable[[], dict[str, np.ndarray]]


def tile_wcs(side: int) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [150.0, 2.0]
    wcs.wcs.crpix = [side / 2, side / 2]
    wcs.wcs.cdelt = [-SCALE_ARCSEC / 3600, SCALE_ARCSEC / 3600]
    return wcs


def write(folder: Path, side: int) -> None:
    """Noise in three bands, as plain-<band>.fits and rice-<band>.fits."""
    rng, header = np.random.default_rng(0), tile_wcs(side).to_header()
    for band in BANDS:
        pixels = rng.normal(0, 1, (side, side)).astype(np.float32)
        for name, hdu in (("plain", fits.ImageHDU), ("rice", fits.CompImageHDU)):
            image = hdu(pixels, header)
            fits.HDUList([fits.PrimaryHDU(), image]).writeto(folder / f"{name}-{band}.fits")


def draw_targets(side: int, size: int, n: int) -> pd.DataFrame:
    xy = np.random.default_rng(1).uniform(size, side - size, (2, n))
    sky = tile_wcs(side).pixel_to_world(*xy)
    ids = [str(i) for i in range(n)]
    return pd.DataFrame({"object_id": ids, "ra_deg": sky.ra.deg, "dec_deg": sky.dec.deg})


def with_hoag(folder: Path, name: str, size: int, targets: pd.DataFrame) -> dict[str, np.ndarray]:
    options = tiles.Options(bands=BANDS, size_px=size, pixel_scale_arcsec=SCALE_ARCSEC)
    batch = tiles.Batch(tiles=str(folder), pattern=f"{name}-{{band}}.fits")
    answers = tiles.fetch(targets, batch, options, seed=0, name="first")
    return {a.object_id: a.pixels for a in answers}


def with_cutout2d(
    planes: list[np.ndarray], wcs: WCS, size: int, targets: pd.DataFrame
) -> dict[str, np.ndarray]:
    found = {}
    positions = SkyCoord(targets["ra_deg"], targets["dec_deg"], unit="deg")
    for object_id, position in zip(targets["object_id"], positions, strict=True):
        found[object_id] = np.stack([Cutout2D(p, position, size, wcs=wcs).data for p in planes])
    return found


def methods(folder: Path, side: int, size: int, targets: pd.DataFrame) -> dict[str, Method]:
    planes = {
        name: [fits.getdata(folder / f"{name}-{b}.fits", 1).astype(np.float32) for b in BANDS]
        for name in ("plain", "rice")
    }
    wcs = tile_wcs(side)
    hoag = {n: lambda n=n: with_hoag(folder, n, size, targets) for n in planes}
    for name in planes:
        found, expected = hoag[name](), with_cutout2d(planes[name], wcs, size, targets)
        if not all(np.array_equal(found[i], expected[i]) for i in targets["object_id"]):
            sys.exit(f"{name}: the pixels differ from Cutout2D's")
    return {
        "Cutout2D, planes in memory": lambda: with_cutout2d(planes["plain"], wcs, size, targets),
        "hoag, uncompressed files": hoag["plain"],
        "hoag, RICE-compressed files": hoag["rice"],
    }


def measure(chosen: dict[str, Method], n: int, repeats: int) -> list[dict]:
    """One row per method: objects per second over the repeats, and the ratio to Cutout2D."""
    times = {name: [] for name in chosen}
    for _ in range(repeats):
        for name, function in chosen.items():
            start = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - start)
    base = next(iter(times.values()))
    return [
        {
            "method": name,
            **spread("objects_per_s", [n / t for t in taken]),
            **spread("ratio", [b / t for b, t in zip(base, taken, strict=True)]),
        }
        for name, taken in times.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=4096, help="side of a tile in px")
    parser.add_argument("--size", type=int, default=96, help="side of a cut-out in px")
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path, help="CSV file for the table")
    arguments = parser.parse_args()

    side, size, n = arguments.side, arguments.size, arguments.objects
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), side)
        chosen = methods(Path(name), side, size, draw_targets(side, size, n))
        rows = measure(chosen, n, arguments.repeats)

    print(
        f"{n} objects in 3 bands of {side} x {side} px, cut-outs of {size} px, "
        f"{arguments.repeats} repeats, one process; same pixels.\n"
    )
    print("| method | objects/s: min | median | max | ratio: min | median | max |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        method, *numbers = row.values()
        cells = [f"{n:,.0f}" for n in numbers[:3]] + [f"{n:.2f}" for n in numbers[3:]]
        print(f"| {method} | {' | '.join(cells)} |")
    save(rows, arguments.output)


if __name__ == "__main__":
    main()
