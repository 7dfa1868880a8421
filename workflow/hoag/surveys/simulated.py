"""Simulated survey: Hyper Suprime-Cam-like g, r, i cutouts with planted, labelled oddities.

Ordinary objects are stars and galaxies of bulge, disc, arms and knots, among faint neighbours.
Astrophysical oddities (merger, ring, lensed_arc, starburst, overlap) and data faults
(saturated_band, satellite_trail, missing_band, dead_columns) each carry a ``difficulty``: 0 is
glaring, and at 1 nothing is left of the oddity, so that an undetectable limit is part of every
measurement. An oddity as a whole has an ordinary object's i magnitude.

Everything about object k of a batch follows from (seed, batch name, k): neither the number of
objects, nor the shard, nor the order matters.
"""

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.options import ConfigError, option
from hoag.surveys import _galaxies
from hoag.surveys._types import FLUX_IMAGE, Cutout

if TYPE_CHECKING:
    import pandas as pd

FORMAT_VERSION = 1
DRAWS = True  # objects come from the seed, as many as are asked for
ACKNOWLEDGEMENT = "Simulated images, drawn with GalSim (Rowe et al. 2015, A&C 10, 121)."

BANDS = ("g", "r", "i")
ZERO_POINT = 27.0  # AB: flux = 10 ** (0.4 * (27 - magnitude))
KINDS = tuple(_galaxies.KINDS)
FAULTS = ("saturated_band", "satellite_trail", "missing_band", "dead_columns")

_BLOCK = 1024  # catalogue rows drawn together, so that a row doesn't depend on n_objects
_CATALOGUE, _SHAPE, _FIELD, _PSF, _NOISE, _FAULT = range(6)  # purposes of random streams
_FULL_WELL = 20.0  # flux per pixel at which a saturated band stands, or its brightest pixel
_TRAIL = 5.0  # flux per pixel along a glaring satellite trail
_FIELD_I_MAG = (18.5, 26.0)  # neighbours' magnitudes
_FIELD_SLOPE = 0.3  # dex per mag, the slope of galaxy counts


@dataclass(frozen=True)
class Options:
    """What the simulated telescope sees, and how often it meets an oddity."""

    size_px: int = option(64, doc="Width of a cutout.", unit="px", minimum=32, maximum=512)
    pixel_scale_arcsec: float = option(
        0.168, doc="Width of a pixel.", unit="arcsec", minimum=0.05, maximum=0.5
    )
    psf_fwhm_arcsec: tuple[float, float, float] = option(
        (0.77, 0.72, 0.62), doc="Mean seeing in g, r, i.", unit="arcsec", minimum=0.4, maximum=3.0
    )
    psf_scatter: float = option(
        0.05, doc="Relative scatter of the seeing from object to object.", minimum=0, maximum=0.2
    )
    depth_mag: tuple[float, float, float] = option(
        (26.5, 26.1, 25.9), doc="5-sigma point-source depth in g, r, i.", unit="mag", maximum=40
    )
    sky_mag_arcsec2: tuple[float, float, float] = option(
        (21.4, 20.6, 19.7), doc="Sky brightness, which sets the shot noise.", unit="mag / arcsec2"
    )
    i_min: float = option(20.0, doc="Brightest i magnitude.", unit="mag", minimum=17, maximum=28)
    i_max: float = option(20.5, doc="Faintest i magnitude.", unit="mag", minimum=17, maximum=28)
    star_fraction: float = option(
        0.3, doc="Share of stars among ordinary objects.", minimum=0, maximum=1
    )
    neighbours_per_arcmin2: float = option(
        100.0, doc="Field objects (i < 26) around the target.", minimum=0, maximum=1000
    )
    merger_fraction: float = option(0.01, doc="Share of mergers.", minimum=0, maximum=1)
    ring_fraction: float = option(0.01, doc="Share of ring galaxies.", minimum=0, maximum=1)
    lensed_arc_fraction: float = option(0.01, doc="Share of lensed arcs.", minimum=0, maximum=1)
    starburst_fraction: float = option(
        0.01, doc="Share of galaxies with very blue clumps.", minimum=0, maximum=1
    )
    overlap_fraction: float = option(
        0.01, doc="Share of overlapping pairs of unlike colours.", minimum=0, maximum=1
    )
    saturated_band_fraction: float = option(
        0.005, doc="Share of images with a saturated band.", minimum=0, maximum=1
    )
    satellite_trail_fraction: float = option(
        0.005, doc="Share of images with a satellite trail.", minimum=0, maximum=1
    )
    missing_band_fraction: float = option(
        0.005, doc="Share of images that lack (part of) a band.", minimum=0, maximum=1
    )
    dead_columns_fraction: float = option(
        0.005, doc="Share of images with dead columns.", minimum=0, maximum=1
    )
    label_types: bool = option(
        False, doc="Label ordinary galaxies by their type: elliptical, lenticular, disc, spiral."
    )

    def __post_init__(self) -> None:
        if self.i_min >= self.i_max:
            raise ConfigError(f"i_min: found {self.i_min}, allowed: less than i_max {self.i_max}")
        total = sum(self.fractions.values())
        if total > 1 + 1e-9:
            raise ConfigError(f"oddities: found fractions that sum to {total:g}, allowed: 0..1")

    @property
    def fractions(self) -> dict[str, float]:
        """Share of each planted label."""
        return {label: getattr(self, f"{label}_fraction") for label in KINDS + FAULTS}


@dataclass(frozen=True)
class Batch:
    """One simulated batch."""

    n_objects: int = option(doc="Objects to draw.", minimum=1)


def object_kind(options: Options) -> str:
    """Flux images: float32 (3, y, x), linear, zero point 27.0 AB mag."""
    return FLUX_IMAGE


def bands(options: Options) -> tuple[str, ...]:
    """g, r, i."""
    return BANDS


def image_shape(options: Options) -> tuple[int, int]:
    """(y, x) in px."""
    return options.size_px, options.size_px


def attributes(options: Options) -> dict[str, Any]:
    """Pixel scale (arcsec), zero point (AB mag) and each band's sky noise (flux per pixel)."""
    return {
        "pixel_scale_arcsec": options.pixel_scale_arcsec,
        "zero_point": ZERO_POINT,
        "sky_noise": sky_noise(options).tolist(),
    }


def sky_noise(options: Options) -> np.ndarray:
    """Standard deviation of an empty pixel in g, r, i, (3,).

    A point source at the stated depth has a signal-to-noise ratio of 5 in an optimal aperture,
    whose noise is that of 4 pi s^2 pixels for a Gaussian PSF of width s.
    """
    width = np.array(options.psf_fwhm_arcsec) / 2.3548 / options.pixel_scale_arcsec
    flux = 10 ** (0.4 * (ZERO_POINT - np.array(options.depth_mag)))
    return flux / 5 / np.sqrt(4 * np.pi) / width


def count(batch: Batch, options: Options, *, name: str) -> int:
    """Number of objects of the batch."""
    return batch.n_objects


def known_labels(options: Options) -> tuple[str, ...]:
    """Labels that objects can have."""
    ordinary = _galaxies.TYPES if options.label_types else ("star", "galaxy")
    return (*ordinary, *KINDS, *FAULTS)


def known_columns(options: Options) -> tuple[str, ...]:
    """The catalogue's columns of numbers; `list_objects` says what they are."""
    measured = ("i_mag", "g_r", "r_i", "half_light_radius_arcsec", "axis_ratio")
    drawn = (
        "position_angle_deg",
        "bulge_fraction",
        "feature_fraction",
        "feature_g_r",
        "feature_r_i",
    )
    return ("number", "ra_deg", "dec_deg", "difficulty", *measured, *drawn)


def list_objects(batch: Batch, options: Options, *, seed: int, name: str) -> "pd.DataFrame":
    """Draw the catalogue of a batch.

    Parameters
    ----------
    batch, options
        How many objects, of what.
    seed
        Whole number >= 0.
    name
        The batch's name; another name gives other objects.

    Returns
    -------
    DataFrame
        ``object_id``, ``number`` (with seed and batch it decides all that is drawn),
        ``ra_deg``, ``dec_deg`` (an invented field), ``label`` (star, galaxy or, with
        ``label_types``, its type, or the oddity's), ``difficulty`` (0 glaring to 1
        undetectable; NaN for ordinary objects),
        ``type`` (star, elliptical, lenticular, disc, spiral; of an oddity: its host), ``i_mag``,
        ``g_r``, ``r_i`` (mag, of the whole object), ``half_light_radius_arcsec``,
        ``axis_ratio``, ``position_angle_deg``, ``bulge_fraction`` (as in the population; of an
        oddity's host), ``feature_fraction``, ``feature_g_r``, ``feature_r_i`` (share of the i
        flux and colours of an astrophysical oddity's feature; 0 and NaN elsewhere) and
        ``fault_band`` (the one band that a fault spoils, else null; dead_columns spoil all).
    """
    import pandas as pd

    starts = range(0, batch.n_objects, _BLOCK)
    blocks = [_draw_block(start // _BLOCK, options, seed, name) for start in starts]
    columns = {
        key: np.concatenate([block[key] for block in blocks])[: batch.n_objects]
        for key in blocks[0]
    }
    ids = [f"sim-{name}-{k:07d}" for k in range(batch.n_objects)]
    number = np.arange(batch.n_objects)
    frame = pd.DataFrame({"object_id": ids, "number": number, **columns})
    return frame.astype(dict.fromkeys(("object_id", "label", "type", "fault_band"), "str"))


def _draw_block(block: int, options: Options, seed: int, name: str) -> dict[str, np.ndarray]:
    rng, n = _stream(seed, name, block, _CATALOGUE), _BLOCK
    u = rng.random((8, n))
    i_mag = _counts(u[0], options.i_min, options.i_max)
    rows = _galaxies.population(rng, i_mag, options.star_fraction)
    planted = _planted(u[1], options)
    for label, kind in _galaxies.KINDS.items():  # an oddity's host is drawn among its allowed types
        hosts = _galaxies.population(rng, i_mag, 0.0, kind.hosts)
        for key in rows:
            rows[key] = np.where(planted == label, hosts[key], rows[key])
    is_star = rows["type"] == "star"
    ordinary = rows["type"] if options.label_types else np.where(is_star, "star", "galaxy")
    difficulty = np.where(planted == "", np.nan, u[2])
    return {
        "ra_deg": 150.0 + u[4],
        "dec_deg": 2.0 + u[5],
        "label": np.where(planted == "", ordinary, planted).astype(object),
        "difficulty": difficulty,
        "i_mag": i_mag,
        **rows,
        **_features(planted, difficulty, rows, u[6:8]),
        "fault_band": _fault_bands(planted, u[3]),
    }


def _fault_bands(planted: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The band that a fault spoils; never g for missing_band, which red objects hardly show."""
    any_of = np.array(BANDS, dtype=object)
    one = np.isin(planted, ("saturated_band", "satellite_trail"))
    bands = np.where(one, any_of[(3 * u).astype(int)], None)
    return np.where(planted == "missing_band", any_of[1 + (2 * u).astype(int)], bands)


def _planted(u: np.ndarray, options: Options) -> np.ndarray:
    labels = np.array([*options.fractions, ""], dtype=object)
    edges = np.cumsum(list(options.fractions.values()))
    return labels[np.searchsorted(edges, u, side="right")]


def _features(
    planted: np.ndarray, difficulty: np.ndarray, rows: dict[str, np.ndarray], u: np.ndarray
) -> dict[str, np.ndarray]:
    """Share and colours of the features; turns the rows' colours into those of the whole."""
    share = np.zeros(len(planted))
    g_r, r_i = np.full(len(planted), np.nan), np.full(len(planted), np.nan)
    for label, kind in _galaxies.KINDS.items():
        where = planted == label
        share[where] = kind.share * (1 - difficulty[where]) ** 2
        colours = _galaxies.feature_colours(label, rows, u)
        g_r[where], r_i[where] = colours[0][where], colours[1][where]
    odd = share > 0
    whole = _mixed(share[odd], rows["g_r"][odd], rows["r_i"][odd], g_r[odd], r_i[odd])
    rows["g_r"][odd], rows["r_i"][odd] = whole
    return {"feature_fraction": share, "feature_g_r": g_r, "feature_r_i": r_i}


def _mixed(
    share: np.ndarray,
    g_r: np.ndarray,
    r_i: np.ndarray,
    feature_g_r: np.ndarray,
    feature_r_i: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Colours of a host and a feature together."""
    one = np.zeros_like(share)
    whole = (1 - share) * _galaxies.fluxes(one, g_r, r_i, 0.0)
    whole = whole + share * _galaxies.fluxes(one, feature_g_r, feature_r_i, 0.0)
    g, r, i = -2.5 * np.log10(whole)
    return g - r, r - i


def _counts(u: np.ndarray, bright: float, faint: float) -> np.ndarray:
    """Magnitudes that follow counts growing by 0.3 dex a magnitude."""
    low, high = 10 ** (_FIELD_SLOPE * bright), 10 ** (_FIELD_SLOPE * faint)
    return np.log10(low + u * (high - low)) / _FIELD_SLOPE


def fetch(
    targets: "pd.DataFrame", batch: Batch, options: Options, *, seed: int, name: str
) -> Iterator[Cutout]:
    """Draw the images of some rows of the catalogue.

    Parameters
    ----------
    targets
        Rows of `list_objects`, any of them in any order.
    batch, options, seed, name
        As for `list_objects`.

    Yields
    ------
    Cutout
        One for each row: float32 (3, y, x), g, r, i, flux of zero point 27.0 AB mag. Pixels are
        NaN where a missing_band has no data and finite elsewhere.
    """
    import galsim

    galsim.set_omp_threads(1)  # objects, not the pixels of one, are spread over cores
    canvas = _galaxies.Canvas(options.size_px, options.pixel_scale_arcsec)
    for row in targets.to_dict("records"):
        pixels = _draw(row, int(row["number"]), canvas, options, seed, name)
        yield Cutout(str(row["object_id"]), pixels)


def _draw(
    row: dict[str, Any],
    number: int,
    canvas: _galaxies.Canvas,
    options: Options,
    seed: int,
    name: str,
) -> np.ndarray:
    stream = functools.partial(_stream, seed, name, number)
    parts = _target(canvas, row, stream(_SHAPE)) + _field(canvas, row, options, stream(_FIELD))
    pixels = canvas.stamp(parts, _psf(canvas, options, stream(_PSF)))
    pixels += _noise(pixels, options, stream(_NOISE))
    if row["label"] in FAULTS:
        band = BANDS.index(row["fault_band"]) if row["fault_band"] in BANDS else None
        _SPOIL[row["label"]](pixels, band, float(row["difficulty"]), stream(_FAULT))
    return pixels.astype(np.float32)


def _target(
    canvas: _galaxies.Canvas, row: dict[str, Any], rng: np.random.Generator
) -> _galaxies.Parts:
    whole = _galaxies.fluxes(row["i_mag"], row["g_r"], row["r_i"], ZERO_POINT)
    if row["label"] not in KINDS:
        return _galaxies.ordinary(canvas, row, whole, rng)
    share = row["feature_fraction"]
    colours = _galaxies.fluxes(0.0, row["feature_g_r"], row["feature_r_i"], 0.0)
    feature = colours * share * whole[2]
    return _galaxies.odd(canvas, row["label"], row, whole - feature, feature, rng)


def _field(
    canvas: _galaxies.Canvas, row: dict[str, Any], options: Options, rng: np.random.Generator
) -> _galaxies.Parts:
    """Stars and galaxies about the target; none bright enough to be taken for part of it."""
    half = 0.5 * canvas.scale * canvas.size_px + 1.5  # arcsec; light of those outside falls in
    n = rng.poisson(options.neighbours_per_arcmin2 * (2 * half / 60) ** 2)
    i_mag = _counts(rng.random(n), *_FIELD_I_MAG)
    xy = rng.uniform(-half, half, (n, 2))
    rows = _galaxies.population(rng, i_mag, 0.2)
    near = (np.hypot(*xy.T) < 2.8) & (i_mag < row["i_mag"] + 2.5)
    parts = []
    for k in np.flatnonzero(~near):
        one = {key: values[k] for key, values in rows.items()}
        one["type"] = "disc" if one["type"] == "spiral" else one["type"]
        flux = _galaxies.fluxes(i_mag[k], one["g_r"], one["r_i"], ZERO_POINT)
        parts += _galaxies.ordinary(canvas, one, flux, rng, x=xy[k, 0], y=xy[k, 1])
    return parts


def _psf(canvas: _galaxies.Canvas, options: Options, rng: np.random.Generator) -> list[np.ndarray]:
    """Slightly elliptical Kolmogorov seeing, shifted by up to half a pixel with the target."""
    import galsim

    fwhm = np.array(options.psf_fwhm_arcsec) * np.exp(
        options.psf_scatter * rng.standard_normal(3).clip(-3, 3)
    )
    g1, g2 = 0.015 * rng.standard_normal(2).clip(-3, 3)
    x, y = canvas.scale * rng.uniform(-0.5, 0.5, 2)
    return [canvas.profile(galsim.Kolmogorov(fwhm=f).shear(g1=g1, g2=g2).shift(x, y)) for f in fwhm]


def _noise(pixels: np.ndarray, options: Options, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise of the sky and of the objects' own light."""
    sky = 10 ** (0.4 * (ZERO_POINT - np.array(options.sky_mag_arcsec2)))
    sky = (sky * options.pixel_scale_arcsec**2)[:, None, None]
    sigma = sky_noise(options)[:, None, None] * np.sqrt(1 + np.maximum(pixels, 0) / sky)
    return sigma * rng.standard_normal(pixels.shape)


def _fading(difficulty: float) -> float:
    """Amplitude of a fault: 1 at difficulty 0, three decades down towards 1, and 0 there."""
    return (10 ** (-3 * difficulty) - 1e-3) / (1 - 1e-3)


def _saturated_band(
    pixels: np.ndarray, band: int | None, difficulty: float, rng: np.random.Generator
) -> None:
    """Stray light lifts one band towards the full well; at difficulty 0 all of it stands there."""
    level = max(_FULL_WELL, pixels[band].max())  # so that nothing is clipped at difficulty 1
    lifted = pixels[band] + level * _fading(difficulty)
    pixels[band] = np.minimum(lifted, level) if difficulty else level


def _satellite_trail(
    pixels: np.ndarray, band: int | None, difficulty: float, rng: np.random.Generator
) -> None:
    """A straight bright line across one band, passing within a quarter of the width."""
    size = pixels.shape[-1]
    angle, miss = rng.uniform(0, np.pi), rng.uniform(-0.25, 0.25) * size
    y, x = np.indices((size, size)) - size // 2
    distance = x * np.cos(angle) + y * np.sin(angle) - miss
    profile = np.exp(-0.5 * (distance / rng.uniform(1.5, 2.5)) ** 2)
    pixels[band] += _TRAIL * _fading(difficulty) * profile


def _missing_band(
    pixels: np.ndarray, band: int | None, difficulty: float, rng: np.random.Generator
) -> None:
    """One band ends at a chip's edge: NaN from a side on, all of it at difficulty 0."""
    width = round(pixels.shape[-1] * (1 - difficulty))
    columns = slice(0, width) if rng.random() < 0.5 else slice(pixels.shape[-1] - width, None)
    pixels[band, :, columns] = np.nan


def _dead_columns(
    pixels: np.ndarray, band: int | None, difficulty: float, rng: np.random.Generator
) -> None:
    """Up to 8 columns across the target lose gain in every band, all of it at difficulty 0."""
    width = int(np.ceil(8 * (1 - difficulty)))
    start = pixels.shape[-1] // 2 - 4 + int(rng.integers(-3, 4))
    pixels[:, :, start : start + width] *= difficulty


_SPOIL = {
    "saturated_band": _saturated_band,
    "satellite_trail": _satellite_trail,
    "missing_band": _missing_band,
    "dead_columns": _dead_columns,
}


def _stream(seed: int, name: str, number: int, purpose: int) -> np.random.Generator:
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.default_rng((seed, int.from_bytes(digest[:8], "big"), number, purpose))
