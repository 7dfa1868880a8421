"""Equivalent widths of the usual lines, and the break at 4000 angstrom, of spectra at rest.

An index is the line's depth below a straight pseudo-continuum through the mean fluxes of two bands
beside it (Worthey et al. 1994, ApJS 94, 687, equations 1 and 2)::

    EW = integral over the line's band of (1 - F / C) d lambda

in angstrom: positive in absorption, negative in emission. The absorption bands are the Lick
indices of Worthey et al. 1994 and Trager et al. 1998 (ApJS 116, 1), and of Worthey & Ottaviani
1997 (ApJS 111, 377) for the higher Balmer lines; the break is the ratio of mean F_nu redwards and
bluewards in the bands of Balogh et al. 1999 (ApJ 527, 54). Bands of emission lines are ours.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.options import option

INPUT = "spectra"
_log = logging.getLogger(__name__)

# name -> blue band, line, red band, in angstrom; all but the ultraviolet ones in air
INDICES = {
    "lya": ((1160, 1180), (1190, 1260), (1265, 1285)),
    "civ": ((1455, 1475), (1500, 1600), (1685, 1705)),
    "mgii": ((2680, 2700), (2750, 2850), (2900, 2920)),
    "oii": ((3690, 3710), (3717, 3739), (3745, 3765)),
    "hdelta": ((4041.600, 4081.500), (4083.500, 4122.250), (4128.500, 4161.000)),
    "g4300": ((4266.375, 4282.625), (4281.375, 4316.375), (4317.625, 4335.125)),
    "hgamma": ((4283.500, 4319.750), (4319.750, 4363.500), (4367.250, 4419.750)),
    "hbeta": ((4827.875, 4847.875), (4847.875, 4876.625), (4876.625, 4891.625)),
    "oiii": ((4970, 4990), (4995, 5020), (5025, 5045)),
    "mgb": ((5117.700, 5142.700), (5160.125, 5192.625), (5191.375, 5206.375)),
    "fe5270": ((5233.150, 5248.150), (5245.650, 5285.650), (5285.650, 5318.150)),
    "fe5335": ((5304.625, 5317.250), (5312.125, 5352.125), (5353.375, 5363.375)),
    "nad": ((5860.625, 5875.675), (5876.875, 5909.375), (5922.125, 5948.125)),
    "halpha_nii": ((6490, 6520), (6535, 6600), (6620, 6650)),
    "sii": ((6670, 6700), (6705, 6745), (6755, 6785)),
}
BREAK = "d4000"
_BREAK_BANDS = ((3850.0, 3950.0), (4000.0, 4100.0))
_OPTICAL = tuple(n for n in INDICES if n not in ("lya", "civ", "mgii"))
_COVERED = 0.8  # least share of a band in pixels that are not masked
_SAME = 1e-7  # relative difference up to which two wavelengths are one, of grids that were rounded
_REACH = 0.75  # of the way to the nearer neighbour, the farthest that a pixel's bin goes


@dataclass(frozen=True)
class Options:
    """Which lines, and how wavelengths are given."""

    lines: tuple[str, ...] = option(
        (*_OPTICAL, BREAK),
        doc="Lines that are measured; an object that doesn't cover one has NaN there, and most "
        "detectors leave it out.",
        choices=(*INDICES, BREAK),
    )
    wavelengths: str = option(
        "vacuum",
        doc="How wavelengths are given (SDSS and DESI: vacuum).",
        choices=("vacuum", "air"),
    )


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Nothing is learnt; spectra that nobody shifted are remarked on."""
    if not getattr(store, "attributes", {}).get("rest_frame", True):
        _log.warning("no column of redshifts was given: the spectra are taken to be at rest")
    return {}


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """``ew_{line}`` (angstrom) and ``d4000``."""
    return [line if line == BREAK else f"ew_{line}" for line in options.lines]


def transform(spectra: Any, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Measure each spectrum by itself.

    Parameters
    ----------
    spectra
        `hoag.traces.store.Traces` of spectra in the rest frame, n of them.
    options, state
        Which lines.

    Returns
    -------
    (n, d) float32
        The columns of `names`. NaN where less than four fifths of any of a line's bands are
        covered by good pixels, or where the pseudo-continuum isn't above 0 all through the line.
    """
    out = np.full((len(spectra), len(options.lines)), np.nan)
    bands = [_bands(line, options.wavelengths) for line in options.lines]
    for row, spectrum in zip(out, spectra, strict=True):
        measured = _Pixels(spectrum)
        row[:] = [
            measured.ratio(*band) if line == BREAK else measured.equivalent_width(*band)
            for line, band in zip(options.lines, bands, strict=True)
        ]
    return out.astype(np.float32)


def _bands(line: str, wavelengths: str) -> list[tuple[float, float]]:
    """The bands as the spectra's wavelengths are given; a break's bands hold for both."""
    if line == BREAK:
        return list(_BREAK_BANDS)
    bands = [(float(low), float(high)) for low, high in INDICES[line]]
    if wavelengths == "air" or bands[0][0] < 2000:  # below 2000 angstrom nobody quotes air
        return bands
    return [(in_vacuum(low), in_vacuum(high)) for low, high in bands]


def in_vacuum(air: float) -> float:
    """Wavelength in vacuum of one in standard air, both in angstrom (Edlen 1953; Morton 1991)."""
    wave_number = (1e4 / air) ** 2
    dispersion = 2.94981e-2 / (146 - wave_number) + 2.5540e-4 / (41 - wave_number)
    return air * (1 + 6.4328e-5 + dispersion)


class _Pixels:
    """One spectrum as bins that touch half way between pixels; masked ones count for nothing.

    Several values at one wavelength, up to rounding (exposures, overlapping arms), are one pixel,
    their mean weighted by inverse variances. Where rows are missing the bins don't reach across
    the gap.
    """

    def __init__(self, spectrum: Mapping[str, np.ndarray]) -> None:
        order = np.argsort(spectrum["wavelength_angstrom"], kind="stable")
        wavelength, flux, weight = (
            spectrum[name][order] for name in ("wavelength_angstrom", "flux", "ivar")
        )
        is_next = np.diff(wavelength, prepend=-np.inf) > _SAME * wavelength
        row, every = np.cumsum(is_next) - 1, wavelength[is_next]
        ivar = np.bincount(row, weight, len(every))
        weighted = np.bincount(row, weight * flux, len(every))
        good = ivar > 0
        self.wavelength, self.flux = every[good], weighted[good] / ivar[good]
        step = np.diff(every)
        nearest = np.fmin(np.append(step, np.nan), np.append(np.nan, step))
        halves = np.append(0, step / 2), np.append(step / 2, 0)
        below, above = (np.fmin(half, _REACH * nearest) for half in halves)
        self.low, self.high = (every - below)[good], (every + above)[good]

    def overlaps(self, low: float, high: float) -> np.ndarray:
        """Width of each pixel within a band (angstrom); all 0 where it isn't covered."""
        widths = np.clip(np.minimum(self.high, high) - np.maximum(self.low, low), 0, None)
        return widths if widths.sum() >= _COVERED * (high - low) else np.zeros(len(widths))

    def mean(self, low: float, high: float) -> float:
        """Mean flux in a band; NaN where it isn't covered."""
        widths = self.overlaps(low, high)
        return float(widths @ self.flux / widths.sum()) if widths.any() else np.nan

    def equivalent_width(
        self, blue: tuple[float, float], line: tuple[float, float], red: tuple[float, float]
    ) -> float:
        """Equation 2 of Worthey et al. (1994)."""
        (x0, y0), (x1, y1) = ((sum(band) / 2, self.mean(*band)) for band in (blue, red))
        continuum = y0 + (y1 - y0) * (self.wavelength - x0) / (x1 - x0)
        widths = self.overlaps(*line)
        inside = widths > 0
        if not inside.any() or not (continuum[inside] > 0).all():
            return np.nan
        depth = widths[inside] @ (1 - self.flux[inside] / continuum[inside])
        return float(depth * (line[1] - line[0]) / widths.sum())

    def ratio(self, blue: tuple[float, float], red: tuple[float, float]) -> float:
        """Mean F_nu of the red band over that of the blue one."""
        per_frequency = self.flux * self.wavelength**2
        means = []
        for band in (blue, red):
            widths = self.overlaps(*band)
            means.append(widths @ per_frequency / widths.sum() if widths.any() else np.nan)
        return float(means[1] / means[0]) if means[0] > 0 else np.nan
