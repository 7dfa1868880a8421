"""A drawn sky: the one source of every pixel that the stand-in servers reply with.

Its surface brightness is a smooth function of position and band alone, so a cutout, a tile and a
pixel resampled elsewhere agree, and a test can draw what a server should have sent.
"""

import io
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

BLUE_TO_RED = "ugrizy"
CELL_DEG = 25 / 3600  # one galaxy of the drawn field stands in each cell of this height
FIELD_OF_VIEW = (0.0, 360.0, -90.0, 90.0)


@dataclass(frozen=True)
class Galaxy:
    """An exponential disc; ``flux`` is its total in r, in nanomaggies."""

    ra_deg: float
    dec_deg: float
    flux: float = 200.0
    radius_arcsec: float = 1.5
    axis_ratio: float = 0.7
    angle_deg: float = 30.0
    redness: float = 0.3

    def brightness(self, east, north, band: str):
        """Nanomaggies per square arcsecond at offsets in arcsec from the centre."""
        angle = np.deg2rad(self.angle_deg)
        along = east * np.sin(angle) + north * np.cos(angle)
        across = (east * np.cos(angle) - north * np.sin(angle)) / self.axis_ratio
        peak = self.flux / (2 * np.pi * self.radius_arcsec**2 * self.axis_ratio)
        colour = np.exp(self.redness * (BLUE_TO_RED.find(band[:1].lower()) - 2))
        return peak * colour * np.exp(-np.hypot(along, across) / self.radius_arcsec)


@dataclass(frozen=True)
class Sky:
    """Named galaxies, a field of drawn ones, a grainy background, and where there are data.

    ``footprint`` is (least RA, greatest RA, least Dec, greatest Dec) in degrees, with a least RA
    above the greatest one for a box through RA 0. ``band_footprints`` narrows single bands.
    ``noise`` is in nanomaggies per square arcsecond.
    """

    galaxies: tuple[Galaxy, ...] = ()
    footprint: tuple[float, float, float, float] = FIELD_OF_VIEW
    band_footprints: Mapping[str, tuple] = field(default_factory=dict)
    noise: float = 0.02
    field_galaxies: bool = True
    seed: int = 0

    def covers(self, ra_deg, dec_deg, band: str | None = None):
        """Whether there are data at positions (arrays in, array of bool out)."""
        boxes = [self.footprint]
        if band in self.band_footprints:
            boxes.append(self.band_footprints[band])
        return np.logical_and.reduce([_inside(box, ra_deg, dec_deg) for box in boxes])

    def brightness(self, wcs, shape: tuple[int, int], band: str) -> np.ndarray:
        """Nanomaggies per square arcsecond, float64 (y, x); NaN where there are no data."""
        y, x = np.mgrid[: shape[0], : shape[1]]
        ra, dec = wcs.all_pix2world(x, y, 0)
        image = self._grain(ra, dec, band)
        for galaxy in (*self.galaxies, *self._drawn(ra, dec)):
            self._add(image, galaxy, wcs, ra, dec, band)
        return np.where(self.covers(ra, dec, band), image, np.nan)

    def image(self, wcs, shape: tuple[int, int], band: str, *, zero_point=22.5) -> np.ndarray:
        """Flux per pixel, float32 (y, x), in units that have this AB zero point."""
        from astropy.wcs.utils import proj_plane_pixel_area

        area = proj_plane_pixel_area(wcs) * 3600**2
        scale = area * 10 ** (0.4 * (zero_point - 22.5))
        return (self.brightness(wcs, shape, band) * scale).astype(np.float32)

    def cutout(
        self, ra_deg: float, dec_deg: float, band: str, shape, scale_arcsec: float, **options
    ) -> np.ndarray:
        """`image` of a north-up cutout about a position."""
        return self.image(tan_wcs(ra_deg, dec_deg, shape, scale_arcsec), shape, band, **options)

    def _grain(self, ra, dec, band):
        if not self.noise:
            return np.zeros(np.shape(ra))
        rng = np.random.default_rng([self.seed, zlib.crc32(band.encode())])
        toward = np.stack(_unit_vector(ra, dec), axis=-1) * np.rad2deg(1) * 3600
        waves = rng.normal(size=(6, 3))
        waves *= 2 * np.pi / (rng.uniform(0.6, 3, (6, 1)) * np.linalg.norm(waves, axis=1)[:, None])
        phases = rng.uniform(0, 2 * np.pi, 6)
        waving = sum(
            np.sin(toward @ wave + phase) for wave, phase in zip(waves, phases, strict=True)
        )
        return self.noise * waving / np.sqrt(3)  # six waves of variance 1/2

    def _drawn(self, ra, dec) -> Iterable[Galaxy]:
        """The field's galaxies about these positions: one in each cell, from the cell's numbers."""
        if not self.field_galaxies:
            return
        for row in range(
            int(np.floor(dec.min() / CELL_DEG)), int(np.floor(dec.max() / CELL_DEG)) + 1
        ):
            n = max(1, int(360 / CELL_DEG * np.cos(np.deg2rad((row + 0.5) * CELL_DEG))))
            middle = ra.flat[0]
            offset = (ra - middle + 180) % 360 - 180
            first = int(np.floor((middle + offset.min()) / 360 * n))
            last = int(np.floor((middle + offset.max()) / 360 * n))
            for column in range(first, last + 1):
                yield self._galaxy_of_cell(row, column % n, n)

    def _galaxy_of_cell(self, row: int, column: int, n: int) -> Galaxy:
        rng = np.random.default_rng([self.seed, row + 2**20, column])
        return Galaxy(
            ra_deg=(column + rng.uniform(0.2, 0.8)) * 360 / n,
            dec_deg=(row + rng.uniform(0.2, 0.8)) * CELL_DEG,
            flux=10 ** rng.uniform(0, 2),
            radius_arcsec=rng.uniform(0.6, 2),
            axis_ratio=rng.uniform(0.3, 1),
            angle_deg=rng.uniform(0, 180),
            redness=rng.uniform(-0.1, 0.6),
        )

    @staticmethod
    def _add(image, galaxy, wcs, ra, dec, band):
        from astropy.wcs.utils import proj_plane_pixel_scales

        x, y = wcs.all_world2pix(galaxy.ra_deg, galaxy.dec_deg, 0)
        reach = 12 * galaxy.radius_arcsec / 3600 / proj_plane_pixel_scales(wcs).min()
        if not np.isfinite([x, y]).all():
            return
        rows = slice(max(0, int(y - reach)), max(0, int(y + reach) + 2))
        columns = slice(max(0, int(x - reach)), max(0, int(x + reach) + 2))
        east = (ra[rows, columns] - galaxy.ra_deg + 180) % 360 - 180
        east = east * np.cos(np.deg2rad(galaxy.dec_deg)) * 3600
        north = (dec[rows, columns] - galaxy.dec_deg) * 3600
        image[rows, columns] += galaxy.brightness(east, north, band)


def _inside(box, ra_deg, dec_deg):
    ra_deg, dec_deg = np.asarray(ra_deg) % 360, np.asarray(dec_deg)
    low, high, south, north = box
    along = (
        (ra_deg >= low) & (ra_deg <= high) if low <= high else (ra_deg >= low) | (ra_deg <= high)
    )
    return along & (dec_deg >= south) & (dec_deg <= north)


def _unit_vector(ra_deg, dec_deg):
    ra, dec = np.deg2rad(ra_deg), np.deg2rad(dec_deg)
    return np.cos(ra) * np.cos(dec), np.sin(ra) * np.cos(dec), np.sin(dec)


def tan_wcs(
    ra_deg, dec_deg, shape, scale_arcsec, *, crpix=None, rotation_deg=0.0, projection="TAN"
):
    """A celestial WCS of shape (y, x), north up; the position is in the middle or at ``crpix``."""
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype = f"RA---{projection}", f"DEC--{projection}"
    wcs.wcs.crval = ra_deg, dec_deg
    wcs.wcs.crpix = crpix or ((shape[1] + 1) / 2, (shape[0] + 1) / 2)
    cosine, sine = np.cos(np.deg2rad(rotation_deg)), np.sin(np.deg2rad(rotation_deg))
    wcs.wcs.cd = scale_arcsec / 3600 * np.array([[-cosine, sine], [sine, cosine]])
    wcs.wcs.radesys = "ICRS"
    wcs.wcs.set()
    return wcs


def wcs_cards(wcs) -> dict[str, object]:
    """The WCS as header cards with a CD matrix."""
    cards = {"CTYPE1": wcs.wcs.ctype[0], "CTYPE2": wcs.wcs.ctype[1]}
    for i in (1, 2):
        cards |= {f"CRVAL{i}": wcs.wcs.crval[i - 1], f"CRPIX{i}": wcs.wcs.crpix[i - 1]}
        cards |= {
            f"CUNIT{i}": "deg",
            f"CD{i}_1": wcs.wcs.cd[i - 1, 0],
            f"CD{i}_2": wcs.wcs.cd[i - 1, 1],
        }
    return cards | {"RADESYS": "ICRS", "EQUINOX": 2000.0}


def fits_bytes(*hdus: tuple[np.ndarray | None, Mapping]) -> bytes:
    """A FITS file of (data, header cards) pairs; the first is the primary HDU."""
    from astropy.io import fits

    made = []
    for data, cards in hdus:
        made.append((fits.ImageHDU if made else fits.PrimaryHDU)(data))
        made[-1].header.update(cards)
    buffer = io.BytesIO()
    fits.HDUList(made).writeto(buffer)
    return buffer.getvalue()


def rendered(planes: Iterable[np.ndarray], *, format_name="JPEG", flip=True, text="") -> bytes:
    """A JPEG or PNG of red, green and blue planes; ``flip`` puts north, the last row, on top."""
    from PIL import Image, ImageDraw

    rgb = np.nan_to_num(np.stack(list(planes), axis=-1))
    grey = np.arcsinh(np.clip(rgb, 0, None) * 10) / np.arcsinh(100.0)
    pixels = (np.clip(grey, 0, 1) * 255).astype(np.uint8)[:: -1 if flip else 1]
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if text:
        ImageDraw.Draw(picture).text((4, 4), text)
    buffer = io.BytesIO()
    picture.save(buffer, format_name, **({"quality": 95} if format_name == "JPEG" else {}))
    return buffer.getvalue()


def spoiled(image: np.ndarray, fault: str | None) -> np.ndarray:
    """The image with one of the faults that only its maker can make (`Faults` asks for them)."""
    if fault == "all_nan":
        return np.full_like(image, np.nan)
    if fault == "all_zero":
        return np.zeros_like(image)
    if fault == "wrong_size":
        return np.ascontiguousarray(image[..., : image.shape[-2] // 2, : image.shape[-1] // 2])
    return image
