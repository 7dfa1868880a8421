"""Coordinates along the principal components of continuum-normalised spectra, and what they miss.

Each spectrum is averaged into bins even in the logarithm of the wavelength and divided by its own
continuum, a running median. The coordinates are found by least squares over the bins that the
spectrum has, so that gaps and different ranges do no harm (Connolly & Szalay 1999, AJ 117, 2052,
equation 5). A bin has what pixels have their centres in it: bins should be wider than the pixels.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.options import ConfigError, option
from hoag.seeds import fitted_rows

INPUT = "spectra"
_log = logging.getLogger(__name__)
_CHUNK = 256  # spectra read at a time
_FLOOR = 0.05  # of its median: the continuum is taken no lower, since spectra are divided by it
_CLIP = 20.0  # a bin's departure from the continuum, in continua: a cosmic ray is no line
_ROUNDS = 3  # of filling gaps by the components, before the last fit
_MISSED = ("missed_rms", "missed_chi2")


@dataclass(frozen=True)
class Options:
    """The bins, the continuum and the components."""

    low_angstrom: float = option(
        3800.0, doc="Shortest wavelength, as stored (at rest, if so asked for).", unit="angstrom",
        minimum=1.0,
    )  # fmt: skip
    high_angstrom: float = option(9200.0, doc="Longest wavelength.", unit="angstrom", minimum=1.0)
    n_bins: int = option(
        1000,
        doc="Bins between them, even in the logarithm; those narrower than a spectrum's pixels "
        "stay empty in part.",
        minimum=20,
    )
    continuum_km_s: float = option(
        30_000.0,
        doc="Width of the running median that is the continuum; it must be wide beside the lines.",
        unit="km/s",
        minimum=100.0,
    )
    n_components: int = option(10, doc="Components kept.", minimum=1)
    min_coverage: float = option(
        0.5, doc="Least share of the bins that a spectrum must have.", minimum=0.05, maximum=1
    )
    max_fit: int = option(
        20_000, doc="Fit on at most this many spectra, drawn at random.", minimum=2
    )

    def __post_init__(self) -> None:
        if self.low_angstrom >= self.high_angstrom:
            raise ConfigError(
                f"low_angstrom: found {self.low_angstrom}, allowed: below high_angstrom, "
                f"{self.high_angstrom}"
            )

    @property
    def edges(self) -> np.ndarray:
        """Edges of the bins, (n_bins + 1,) angstrom."""
        return np.geomspace(self.low_angstrom, self.high_angstrom, self.n_bins + 1)

    @property
    def continuum_bins(self) -> int:
        """Odd number of bins of the running median."""
        step = np.log(self.high_angstrom / self.low_angstrom) / self.n_bins
        half = self.continuum_km_s / 299_792.458 / step / 2
        return 2 * max(1, round(half)) + 1


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Find the components; gaps are filled by the mean, then by the components themselves.

    Returns
    -------
    dict
        ``mean`` (n_bins,) and ``components`` (k, n_bins) float64, orthonormal; each component's
        largest element is positive. k is smaller than ``n_components`` where there are fewer
        spectra.

    Raises
    ------
    ValueError
        If fewer than two spectra cover ``min_coverage`` of the bins.
    """
    chosen = fitted_rows(len(store), options.max_fit, seed)
    parts = [
        normalised(store.read(chosen[start : start + _CHUNK]), options)[0]
        for start in range(0, len(chosen), _CHUNK)
    ]
    x = np.concatenate([np.empty((0, options.n_bins)), *parts])
    x = x[_covered(x, options)]
    if len(x) < 2:
        raise ValueError(
            f"found {len(x)} spectra with {options.min_coverage:.0%} of the bins from "
            f"{options.low_angstrom:g} to {options.high_angstrom:g} angstrom, allowed: 2 or more; "
            "pixels wider than the bins leave some empty: give fewer n_bins"
        )
    seen = ~np.isnan(x)
    n_seen = seen.sum(axis=0)
    mean = np.where(seen, x, 0).sum(axis=0) / np.maximum(n_seen, 1)
    filled = np.where(seen, x, mean)
    for _ in range(_ROUNDS):
        mean = filled.mean(axis=0)
        components = _components(filled - mean, min(options.n_components, len(x) - 1))
        filled = np.where(seen, x, mean + (filled - mean) @ components.T @ components)
    return {"mean": mean, "components": components}


def _components(x: np.ndarray, n: int) -> np.ndarray:
    """The right singular vectors of (m, d), as rows."""
    _, _, vectors = np.linalg.svd(x, full_matrices=False)
    vectors = vectors[:n]
    largest = np.abs(vectors).argmax(axis=1)
    return vectors * np.sign(vectors[np.arange(len(vectors)), largest])[:, None]


def transform(spectra: Any, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Describe each spectrum by itself.

    Parameters
    ----------
    spectra
        `hoag.traces.store.Traces` of spectra, n of them.
    options, state
        As fitted.

    Returns
    -------
    (n, k + 2) float32
        Coordinates, and what the components leave over: its root mean square, in continua, and its
        mean square in units of the bins' own variances (where errors are unknown these are 1,
        and it grows with brightness). All are NaN for a spectrum with less than ``min_coverage`` of
        the bins or without light: `explained` says which.
    """
    return explained(spectra, options, state)[0]


def explained(
    spectra: Any, options: Options, state: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, list[str]]:
    """What `transform` gives, and why a spectrum has no number, empty for one that has."""
    x, ivar = normalised(spectra, options)
    mean, components = state["mean"], state["components"]
    out = np.full((len(x), len(components) + len(_MISSED)), np.nan)
    kept = np.flatnonzero(_covered(x, options))
    seen = ~np.isnan(x[kept])
    departure = np.where(seen, x[kept] - mean, 0)
    coordinates = _coordinates(departure, seen, components)
    missed = np.where(seen, departure - coordinates @ components, 0) ** 2
    n_seen = seen.sum(axis=1)
    out[kept, : len(components)] = coordinates
    out[kept, -2] = np.sqrt(missed.sum(axis=1) / n_seen)
    out[kept, -1] = (missed * ivar[kept]).sum(axis=1) / n_seen
    reasons = np.full(len(x), "", dtype=object)
    gone = np.setdiff1d(np.arange(len(x)), kept)
    reasons[gone] = f"less than {options.min_coverage:.0%} of the bins covered"
    reasons[gone[np.isnan(x[gone]).all(axis=1)]] = "no light in the bins"
    out = np.clip(out, *(s * np.finfo(np.float32).max for s in (-1, 1)))
    return out.astype(np.float32), reasons.tolist()


def _coordinates(departure: np.ndarray, seen: np.ndarray, components: np.ndarray) -> np.ndarray:
    """Least squares over the bins that each spectrum has, by the normal equations, (n, k)."""
    k = len(components)
    products = (components[:, None] * components).reshape(k * k, -1)
    matrices = (seen @ products.T).reshape(-1, k, k)
    inverse = np.linalg.pinv(matrices, rcond=1e-10, hermitian=True)
    return np.einsum("nij,nj->ni", inverse, departure @ components.T)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """``pc_1``, ``pc_2``, ... in order of decreasing variance, ``missed_rms``, ``missed_chi2``."""
    return [*(f"pc_{i + 1}" for i in range(len(state["components"]))), *_MISSED]


def normalised(spectra: Any, options: Options) -> tuple[np.ndarray, np.ndarray]:
    """Departures from the continuum, in continua, and their inverse variances.

    Returns
    -------
    x, ivar : (n, n_bins)
        ``x`` is F / C - 1 in each bin, NaN where no good pixel falls; a whole row is NaN where the
        continuum's median isn't above 0.
    """
    x = np.full((len(spectra), options.n_bins), np.nan)
    ivar = np.zeros_like(x)
    for i, spectrum in enumerate(spectra):
        flux, weight = _binned(spectrum, options.edges)
        seen = weight > 0
        if not seen.any():
            continue
        continuum = _continuum(flux, seen, options.continuum_bins)
        typical = np.median(continuum)
        if typical > 0:
            continuum = np.maximum(continuum, _FLOOR * typical)
            departure = np.clip(flux[seen] / continuum[seen] - 1, -_CLIP, _CLIP)
            x[i, seen], ivar[i] = departure, weight * continuum**2
    return x, ivar


def _covered(x: np.ndarray, options: Options) -> np.ndarray:
    return (~np.isnan(x)).mean(axis=1) >= options.min_coverage


def _binned(spectrum: Mapping[str, np.ndarray], edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean flux in each bin, weighted by inverse variance, and the sum of the weights."""
    place = np.searchsorted(edges, spectrum["wavelength_angstrom"], side="right") - 1
    n = len(edges) - 1
    used = (place >= 0) & (place < n) & (spectrum["ivar"] > 0)
    ivar = spectrum["ivar"][used]
    weight = np.bincount(place[used], ivar, minlength=n)
    total = np.bincount(place[used], ivar * spectrum["flux"][used], minlength=n)
    return total / np.where(weight > 0, weight, 1), weight


def _continuum(flux: np.ndarray, seen: np.ndarray, width: int) -> np.ndarray:
    """Running median of the bins that are seen; straight lines where none are within reach."""
    import pandas as pd

    own = pd.Series(np.where(seen, flux, np.nan))
    median = own.rolling(width, center=True, min_periods=1).median().to_numpy()
    bins, known = np.arange(len(flux)), np.isfinite(median)
    return np.interp(bins, bins[known], median[known])
