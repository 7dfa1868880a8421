"""Shapes and spectra of simulated objects: where `hoag.surveys.simulated` gets its light from.

Everything is drawn in Fourier space, on a grid twice as wide as the stamp: bulges, discs and the
PSF by GalSim, and all thin structure (arms, knots, tails, rings, arcs) as strings of Gaussian
blobs, whose transforms are separable. One object then costs one inverse transform per band.

Lengths are in arcsec, positions relative to the stamp's centre, spectra fluxes in g, r, i.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

TYPES = ("star", "elliptical", "lenticular", "disc", "spiral")
SHARES = (0.30, 0.15, 0.25, 0.30)  # of the galaxies, in the order of TYPES after "star"
RADII = (0.0, 0.60, 0.70, 0.90, 1.15)  # median half-light radius at i = 20.25, arcsec
SCALE_LENGTH = 1.678  # half-light radius of an exponential disc over its scale length
EDGE_ON = 0.18  # axis ratio of a disc seen from the side

Parts = list[tuple[np.ndarray, np.ndarray]]  # (transform of unit flux, fluxes in g, r, i)


class Canvas:
    """The Fourier grid of a square stamp.

    Parameters
    ----------
    size_px
        Width of the stamp; its centre is pixel ``size_px // 2``.
    pixel_scale_arcsec
        Width of a pixel.
    """

    def __init__(self, size_px: int, pixel_scale_arcsec: float) -> None:
        self.size_px, self.scale = size_px, pixel_scale_arcsec
        self.n = 2 * size_px
        self.dk = 2 * math.pi / (self.n * pixel_scale_arcsec)  # rad / arcsec
        self.kx = self.dk * np.arange(size_px + 1)
        self.ky = self.dk * np.arange(-size_px, size_px)
        pixel = [np.sinc(k * pixel_scale_arcsec / (2 * math.pi)) for k in (self.ky, self.kx)]
        self._pixel = np.multiply.outer(*pixel)
        self._crop = (np.arange(size_px) - size_px // 2) % self.n

    def profile(self, profile: Any) -> np.ndarray:
        """Transform of a GalSim object, complex (n, size_px + 1)."""
        import galsim

        bounds = galsim.BoundsI(0, self.size_px, -self.size_px, self.size_px - 1)
        image = galsim.ImageCD(bounds, scale=self.dk)
        profile.drawKImage(image=image, recenter=False)
        return image.array

    def blobs(
        self, x: np.ndarray, y: np.ndarray, sigma: np.ndarray | float, weight: np.ndarray
    ) -> np.ndarray:
        """Transform of round Gaussians (points where sigma is 0), of unit flux together."""
        x, y, sigma = (np.asarray(v, dtype=float).reshape(-1, 1) for v in (x, y, sigma))
        across = np.exp(-0.5 * (sigma * self.kx) ** 2 - 1j * self.kx * x)
        along = np.exp(-0.5 * (sigma * self.ky) ** 2 - 1j * self.ky * y)
        weight = np.asarray(weight, dtype=float)
        return (along * (weight / weight.sum())[:, None]).T @ across

    def stamp(self, parts: Parts, psf: list[np.ndarray]) -> np.ndarray:
        """Sum the parts, convolve with each band's PSF and the pixel: float64 (band, y, x)."""
        light = np.tensordot(
            np.stack([flux for _, flux in parts]), np.stack([k for k, _ in parts]), (0, 0)
        )
        light = np.fft.ifftshift(light * np.stack(psf) * self._pixel, axes=1)
        pixels = np.fft.irfft2(light, s=(self.n, self.n))
        return pixels[:, self._crop[:, None], self._crop]


def population(
    rng: np.random.Generator,
    i_mag: np.ndarray,
    star_fraction: float,
    types: tuple[str, ...] = TYPES[1:],
) -> dict[str, np.ndarray]:
    """Draw ordinary stars and galaxies of given brightness.

    Early types are red and concentrated, late types blue discs; redshifts about 0.4 set the
    colours, sizes follow type and magnitude with 0.2 dex of scatter, and discs are inclined
    at random. Stars follow the stellar locus, half of them M dwarfs.

    Parameters
    ----------
    rng
        Source of randomness; the number of draws depends on ``len(i_mag)`` alone.
    i_mag
        Magnitudes, (n,), AB.
    star_fraction
        Share of stars.
    types
        Types of galaxy to draw from.

    Returns
    -------
    dict
        Arrays (n,): ``type`` (str), ``g_r``, ``r_i`` (mag), ``half_light_radius_arcsec`` (0 for
        stars; else of the disc, or of the whole elliptical), ``axis_ratio``,
        ``position_angle_deg``, ``bulge_fraction`` (of the i flux).
    """
    n = len(i_mag)
    u, gauss = rng.random((6, n)), rng.standard_normal((4, n))
    code = _types(u[1], types)
    code[u[0] < star_fraction] = 0
    g_r, r_i = _colours(code, u[2], gauss)
    size = np.asarray(RADII)[code] * 10 ** (0.2 * gauss[3] - 0.12 * (i_mag - 20.25))
    return {
        "type": np.asarray(TYPES, dtype=object)[code],
        "g_r": g_r,
        "r_i": r_i,
        "half_light_radius_arcsec": np.where(code == 0, 0.0, np.clip(size, 0.12, 2.6)),
        "axis_ratio": _axis_ratios(code, u[3]),
        "position_angle_deg": 180 * u[4],
        "bulge_fraction": np.choose(
            code, [np.zeros(n), np.ones(n), 0.4 + 0.3 * u[5], 0.2 * u[5], 0.08 + 0.25 * u[5]]
        ),
    }


def _types(u: np.ndarray, types: tuple[str, ...]) -> np.ndarray:
    shares = np.array([s * (t in types) for t, s in zip(TYPES[1:], SHARES, strict=True)])
    edges = np.cumsum(shares) / shares.sum()
    return 1 + np.searchsorted(edges[:-1], u, side="right")


def _colours(code: np.ndarray, u: np.ndarray, gauss: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    redshift = np.clip(0.38 + 0.13 * gauss[0], 0.1, 0.8)
    early = np.minimum(0.75 + 1.65 * redshift, 1.75) + 0.05 * gauss[1]
    late = 0.48 + 0.45 * redshift + 0.13 * gauss[1]
    warm = u < 0.5  # F to K stars; the rest M dwarfs, whose g - r no longer grows
    star = np.where(warm, 0.35 + 1.2 * u, 1.15 + 0.6 * (u - 0.5)) + 0.03 * gauss[1]
    star_r_i = np.where(warm, 0.36 * star - 0.03, 0.45 + 5 * (u - 0.5) ** 2) + 0.02 * gauss[2]
    galaxy = np.where(code <= 2, early, late)
    early_r_i, late_r_i = 0.28 + 0.70 * redshift, 0.14 + 0.32 * redshift + 0.03 * gauss[2]
    galaxy_r_i = np.where(code <= 2, early_r_i + 0.03 * gauss[2], late_r_i)
    return np.where(code == 0, star, galaxy), np.where(code == 0, star_r_i, galaxy_r_i)


def _axis_ratios(code: np.ndarray, u: np.ndarray) -> np.ndarray:
    discs = [np.hypot(EDGE_ON, math.sqrt(1 - EDGE_ON**2) * c) for c in (u, 0.45 + 0.55 * u)]
    return np.choose(code, [np.ones_like(u), 0.55 + 0.45 * u, 0.3 + 0.7 * u, *discs])


def fluxes(
    i_mag: float | np.ndarray, g_r: float | np.ndarray, r_i: float | np.ndarray, zero_point: float
) -> np.ndarray:
    """Fluxes in g, r, i, (3,) or (3, n), from magnitude and colours."""
    magnitudes = np.stack([i_mag + r_i + g_r, i_mag + r_i, i_mag + np.zeros_like(r_i)])
    return 10 ** (0.4 * (zero_point - magnitudes))


@dataclass(frozen=True)
class Place:
    """Where and how an object lies: centre (arcsec), axis ratio, position angle (rad)."""

    x: float
    y: float
    axis_ratio: float = 1.0
    angle: float = 0.0

    def on_sky(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positions in the object's own plane -> on the sky."""
        c, s, y = math.cos(self.angle), math.sin(self.angle), y * self.axis_ratio
        return self.x + c * x - s * y, self.y + s * x + c * y


def ordinary(
    canvas: Canvas,
    row: Mapping[str, Any],
    flux: np.ndarray,
    rng: np.random.Generator,
    *,
    x: float = 0.0,
    y: float = 0.0,
) -> Parts:
    """Parts of a star or galaxy as `population` describes it, of total ``flux`` (g, r, i)."""
    if row["type"] == "star":
        return [(canvas.blobs([x], [y], 0.0, [1.0]), flux)]
    place = Place(x, y, row["axis_ratio"], math.radians(row["position_angle_deg"]))
    radius, bulge = row["half_light_radius_arcsec"], row["bulge_fraction"]
    if row["type"] == "elliptical":
        return [(_bulge(canvas, radius, place), flux)]
    arms = 0.45 * (1 - bulge) if row["type"] == "spiral" else 0.0
    knots = 0.12 * (1 - bulge) if row["type"] == "spiral" else 0.0
    # (transform, share of the i flux, how much bluer than the rest in g - r and r - i)
    pieces = [(_disc(canvas, radius, place), 1 - bulge - arms - knots, 0.0, 0.0)]
    if bulge:
        pieces.append((_bulge(canvas, 0.35 * radius, place), bulge, -0.35, -0.15))
    if arms:
        points = _spiral(radius, rng)
        pieces.append((_arms(canvas, points, radius, place, rng), arms, 0.1, 0.05))
        pieces.append((_knots(canvas, points, radius, place, rng), knots, 0.4, 0.2))
    weights = np.array(
        [[s * 10 ** (0.4 * (a + b)), s * 10 ** (0.4 * b), s] for _, s, a, b in pieces]
    )
    weights /= weights.sum(axis=0)  # the colours of the whole stay as they are
    return [(p[0], flux * w) for p, w in zip(pieces, weights, strict=True)]


def _bulge(canvas: Canvas, radius: float, place: Place) -> np.ndarray:
    import galsim

    return canvas.profile(_seen(galsim.DeVaucouleurs(half_light_radius=radius), place, 0.5))


def _disc(canvas: Canvas, radius: float, place: Place) -> np.ndarray:
    import galsim

    return canvas.profile(_seen(galsim.Exponential(half_light_radius=radius), place, EDGE_ON))


def _seen(profile: Any, place: Place, flattest: float) -> Any:
    """Flatten, turn and shift a round profile; its radius becomes that of the major axis."""
    import galsim

    q = max(place.axis_ratio, flattest)
    shear = galsim.Shear(q=q, beta=place.angle * galsim.radians)
    return profile.dilate(math.sqrt(q)).shear(shear).shift(place.x, place.y)


Points = tuple[np.ndarray, np.ndarray, np.ndarray]  # x, y, weight


def _spiral(radius: float, rng: np.random.Generator) -> Points:
    """Logarithmic spiral arms in the disc's plane, as bright as an exponential disc there."""
    n_arms = int(rng.choice([2, 2, 2, 3, 4]))
    pitch, start = math.radians(rng.uniform(14, 28)), rng.uniform(0, 2 * math.pi)
    winding = rng.choice([-1, 1]) / math.tan(pitch)
    length = radius / SCALE_LENGTH
    r = np.tile(length * np.geomspace(0.7, 4.5, 24), n_arms)
    arm = np.repeat(np.arange(n_arms), 24) * 2 * math.pi / n_arms
    angle = start + arm + winding * np.log(r / length)
    return r * np.cos(angle), r * np.sin(angle), r**2 * np.exp(-r / length)


def _arms(
    canvas: Canvas, points: Points, radius: float, place: Place, rng: np.random.Generator
) -> np.ndarray:
    x, y, weight = points
    sigma = 0.12 * radius * math.sqrt(place.axis_ratio)
    return canvas.blobs(*place.on_sky(x, y), sigma, weight * rng.uniform(0.6, 1.4, len(weight)))


def _knots(
    canvas: Canvas, points: Points, radius: float, place: Place, rng: np.random.Generator
) -> np.ndarray:
    x, y, weight = points
    which = rng.choice(len(x), 10, p=weight / weight.sum())
    x, y = (v[which] + rng.normal(0, 0.05 * radius, 10) for v in (x, y))
    return canvas.blobs(*place.on_sky(x, y), 0.05, rng.lognormal(0, 0.7, 10))


@dataclass(frozen=True)
class Kind:
    """An astrophysical oddity: its host, and what its feature holds where it is glaring.

    Attributes
    ----------
    hosts
        Types of the object that carries the feature.
    share
        The feature's share of the whole object's i flux at difficulty 0.
    g_r, r_i
        Range of the feature's colours (mag); None: as far from the host's as a galaxy of the
        other sort (overlap), or a little bluer than the host (merger).
    """

    hosts: tuple[str, ...]
    share: float
    g_r: tuple[float, float] | None = None
    r_i: tuple[float, float] | None = None


KINDS = {
    "merger": Kind(("elliptical", "lenticular", "disc", "spiral"), 0.50),
    "ring": Kind(("elliptical",), 0.40, (-0.1, 0.15), (-0.05, 0.08)),
    "lensed_arc": Kind(("elliptical",), 0.28, (-0.3, 0.0), (-0.15, 0.05)),
    "starburst": Kind(("disc", "spiral"), 0.40, (-0.3, 0.0), (-0.2, 0.0)),
    "overlap": Kind(("elliptical", "lenticular", "disc", "spiral"), 0.48),
}


def feature_colours(
    label: str, rows: Mapping[str, np.ndarray], u: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """g - r and r - i of the features of hosts ``rows``; ``u`` (2, n) uniform in [0, 1)."""
    kind = KINDS[label]
    if kind.g_r is not None and kind.r_i is not None:
        return kind.g_r[0] + np.ptp(kind.g_r) * u[0], kind.r_i[0] + np.ptp(kind.r_i) * u[1]
    if label == "merger":
        return rows["g_r"] - 0.2 * u[0], rows["r_i"] - 0.1 * u[1]
    early = np.isin(rows["type"], ("elliptical", "lenticular"))
    g_r = np.where(early, 0.4 + 0.3 * u[0], 1.2 + 0.4 * u[0])
    return g_r, np.where(early, 0.15 + 0.15 * u[1], 0.45 + 0.2 * u[1])


def odd(
    canvas: Canvas,
    label: str,
    row: Mapping[str, Any],
    host_flux: np.ndarray,
    feature_flux: np.ndarray,
    rng: np.random.Generator,
) -> Parts:
    """Parts of an oddity: its host with ``host_flux`` and its feature with ``feature_flux``.

    The shape depends on ``rng`` and the row alone, not on the fluxes; as the feature's flux
    falls to nothing, what is left is the host, an ordinary galaxy at the stamp's centre.
    """
    return _DRAW[label](canvas, row, host_flux, feature_flux, rng)


def _barycentre(
    host_flux: np.ndarray, feature_flux: np.ndarray, separation: float, angle: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Positions of two bodies whose centre of i light is the stamp's centre."""
    share = feature_flux[2] / (host_flux[2] + feature_flux[2])
    dx, dy = separation * math.cos(angle), separation * math.sin(angle)
    return (-share * dx, -share * dy), ((1 - share) * dx, (1 - share) * dy)


def _merger(
    canvas: Canvas,
    row: Mapping[str, Any],
    host_flux: np.ndarray,
    feature_flux: np.ndarray,
    rng: np.random.Generator,
) -> Parts:
    angle, separation = rng.uniform(0, 2 * math.pi), rng.uniform(1.1, 2.0)
    first, second = _barycentre(host_flux, 0.5 * feature_flux, separation, angle)
    turn = rng.choice([-1, 1])
    tails = []
    for (x, y), away in ((first, angle + math.pi), (second, angle)):
        tails.append(_tail(x, y, away - turn * rng.uniform(0.3, 1.0), turn, rng))
    nucleus = _companion(row, 0.7, rng)
    return [
        *ordinary(canvas, row, host_flux, rng, x=first[0], y=first[1]),
        *ordinary(canvas, nucleus, 0.5 * feature_flux, rng, x=second[0], y=second[1]),
        (canvas.blobs(*np.concatenate(tails, axis=1)), 0.5 * feature_flux),
    ]


def _tail(x: float, y: float, start: float, turn: int, rng: np.random.Generator) -> np.ndarray:
    """One tidal tail as blobs (x, y, sigma, weight), widening and fading along a curved path."""
    t = np.linspace(0.0, 1.0, 26)
    length, bend = rng.uniform(2.8, 4.2), turn * rng.uniform(1.0, 2.0)
    heading = start + bend * t
    step = length / (len(t) - 1)
    along = [x + step * np.cumsum(np.cos(heading)), y + step * np.cumsum(np.sin(heading))]
    return np.stack([*along, 0.14 + 0.14 * t, 1.25 - t])


def _companion(row: Mapping[str, Any], size: float, rng: np.random.Generator) -> dict[str, Any]:
    """A companion: another galaxy of the row's type, ``size`` times as large, seen otherwise."""
    return {
        "type": row["type"] if row["type"] in ("elliptical", "lenticular") else "disc",
        "half_light_radius_arcsec": size * row["half_light_radius_arcsec"],
        "axis_ratio": rng.uniform(0.5, 1.0),
        "position_angle_deg": rng.uniform(0, 180),
        "bulge_fraction": row["bulge_fraction"],
    }


def _ring(
    canvas: Canvas,
    row: Mapping[str, Any],
    host_flux: np.ndarray,
    feature_flux: np.ndarray,
    rng: np.random.Generator,
) -> Parts:
    place = Place(0.0, 0.0, rng.uniform(0.7, 1.0), rng.uniform(0, math.pi))
    radius, width = rng.uniform(1.75, 2.5), rng.uniform(0.10, 0.18)
    angle = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    clumpy = 1 + 0.4 * rng.standard_normal(64).clip(-1.5, 1.5)
    x, y = place.on_sky(radius * np.cos(angle), radius * np.sin(angle))
    return [
        *ordinary(canvas, row, host_flux, rng),
        (canvas.blobs(x, y, width, clumpy), feature_flux),
    ]


def _lensed_arc(
    canvas: Canvas,
    row: Mapping[str, Any],
    host_flux: np.ndarray,
    feature_flux: np.ndarray,
    rng: np.random.Generator,
) -> Parts:
    radius, middle = rng.uniform(1.6, 2.3), rng.uniform(0, 2 * math.pi)
    half = math.radians(rng.uniform(35, 65))
    angle = middle + np.linspace(-half, half, 32)
    bright = 0.4 + np.cos(0.5 * math.pi * np.linspace(-1, 1, 32))
    counter = 0.8 * radius  # the counter-image lies opposite and nearer, with a sixth of the light
    x = np.append(radius * np.cos(angle), -counter * math.cos(middle))
    y = np.append(radius * np.sin(angle), -counter * math.sin(middle))
    weight = np.append(bright, bright.sum() / 5)
    return [
        *ordinary(canvas, row, host_flux, rng),
        (canvas.blobs(x, y, 0.1, weight), feature_flux),
    ]


def _starburst(
    canvas: Canvas,
    row: Mapping[str, Any],
    host_flux: np.ndarray,
    feature_flux: np.ndarray,
    rng: np.random.Generator,
) -> Parts:
    n_clumps = int(rng.integers(3, 8))
    place = Place(0.0, 0.0, row["axis_ratio"], math.radians(row["position_angle_deg"]))
    r = row["half_light_radius_arcsec"] * np.sqrt(rng.uniform(0.05, 1.7, n_clumps))
    angle = rng.uniform(0, 2 * math.pi, n_clumps)
    x, y = place.on_sky(r * np.cos(angle), r * np.sin(angle))
    clumps = canvas.blobs(x, y, rng.uniform(0.05, 0.14, n_clumps), rng.lognormal(0, 0.6, n_clumps))
    return [*ordinary(canvas, row, host_flux, rng), (clumps, feature_flux)]


def _overlap(
    canvas: Canvas,
    row: Mapping[str, Any],
    host_flux: np.ndarray,
    feature_flux: np.ndarray,
    rng: np.random.Generator,
) -> Parts:
    angle, separation = rng.uniform(0, 2 * math.pi), rng.uniform(1.0, 1.9)
    first, second = _barycentre(host_flux, feature_flux, separation, angle)
    other = {
        "type": "disc" if row["type"] in ("elliptical", "lenticular") else "elliptical",
        "half_light_radius_arcsec": rng.uniform(0.5, 0.9),
        "axis_ratio": rng.uniform(0.3, 1.0),
        "position_angle_deg": rng.uniform(0, 180),
        "bulge_fraction": 0.1,
    }
    return [
        *ordinary(canvas, row, host_flux, rng, x=first[0], y=first[1]),
        *ordinary(canvas, other, feature_flux, rng, x=second[0], y=second[1]),
    ]


_DRAW = {
    "merger": _merger,
    "ring": _ring,
    "lensed_arc": _lensed_arc,
    "starburst": _starburst,
    "overlap": _overlap,
}
