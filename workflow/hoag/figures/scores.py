"""How the scores are spread, and where the known kinds lie in them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hoag.figures import _style

WIDEST_SIGMA = 20.0  # what lies further out is counted at the edge, or the bulk would be one bar
N_KINDS = 16


@_style.styled
def draw_histogram(
    scores: pd.DataFrame,
    labels: pd.Series | None,
    detector: str,
    *,
    threshold: float = 3.0,
) -> tuple[Figure, pd.DataFrame]:
    """Draw the histogram of a detector's scores, with a strip of marks for each known kind.

    Parameters
    ----------
    scores
        Columns object_id and sigma (standard deviations above the mean; NaN: no score, left out).
    labels
        Known kinds, indexed by object_id, null where unknown; None where none are known. The
        commonest sixteen get a strip.
    detector
        Name of the detector.
    threshold
        Where the line stands, in sigma; objects strictly beyond it are counted.

    Returns
    -------
    figure
        Histogram with a logarithmic count; below it one strip per kind.
    table
        label ("all" or a kind), quantity ("bin" or "beyond"), low_sigma, high_sigma, n_objects,
        share (of this label's scored objects). The last bin holds all that lies further out.
    """
    scored = scores[np.isfinite(scores["sigma"])]
    kinds = _by_kind(scored, labels)
    edges = bins(scored["sigma"], threshold)
    figure = _style.new_figure(4.2 + 0.3 * len(kinds) + 0.4 * bool(kinds), layout="constrained")
    ratios = [4.0, 0.3 * len(kinds) + 0.3]
    top, *below = np.atleast_1d(
        figure.subplots(1 + bool(kinds), 1, sharex=True, height_ratios=ratios[: 1 + bool(kinds)])
    )
    title = f"Anomaly scores of {_style.plain(detector)}"
    sigma = scored["sigma"].to_numpy()
    _draw_counts(top, title, edges, sigma, n=len(scores), threshold=threshold)
    if kinds:
        _draw_kinds(below[0], kinds, edges, threshold)
    (below or [top])[0].set_xlabel("anomaly score (σ above the mean)")
    return figure, _table({"all": sigma, **kinds}, edges, threshold)


def _by_kind(scored: pd.DataFrame, labels: pd.Series | None) -> dict[str, np.ndarray]:
    """Sigma of each kind, the kind with the highest median first."""
    if labels is None:
        return {}
    known = _style.by_object(labels, scored["object_id"])
    sigma = pd.Series(scored["sigma"].to_numpy()).groupby(known.astype(object).to_numpy())
    commonest = sigma.size().sort_values(ascending=False, kind="stable").index[:N_KINDS]
    order = sigma.median()[commonest].sort_values(ascending=False, kind="stable").index
    return {str(kind): sigma.get_group(kind).to_numpy() for kind in order}


def bins(sigma: pd.Series, threshold: float) -> np.ndarray:
    """Edges of the histogram's bars, a quarter of a sigma each, as far as there are objects."""
    low = np.floor(min(sigma.min(), -1.0)) if len(sigma) else -1.0
    high = min(np.ceil(sigma.max()) if len(sigma) else 0.0, WIDEST_SIGMA)
    high = max(high, np.ceil(threshold) + 1)
    low = max(low, -WIDEST_SIGMA)
    return np.arange(4 * low, 4 * high + 1) / 4


def heights(sigma: pd.Series | np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Objects in each bar; those beyond the edges are in the outermost."""
    return np.histogram(np.clip(sigma, edges[0], edges[-1]), edges)[0]


def _draw_counts(
    axes: Axes,
    title: str,
    edges: np.ndarray,
    sigma: np.ndarray,
    *,
    n: int,
    threshold: float,
) -> None:
    counts = heights(sigma, edges)
    axes.set(yscale="log", ylim=(0.6, max(counts.max() * 3, 20)), xlim=(edges[0], edges[-1]))
    axes.stairs(counts, edges, fill=True, color="#9DB7CC")
    axes.stairs(counts, edges, color=_style.COLOURS[0], linewidth=1)
    axes.set_ylabel("objects per 0.25 σ")
    _mark_threshold(axes, threshold)
    axes.annotate(f" {threshold:g} σ", (threshold, 0.95), xycoords=("data", "axes fraction"),
                  color=_style.COLOURS[1])  # fmt: skip
    beyond = int((sigma > threshold).sum())
    share = beyond / max(len(sigma), 1)
    scored = _style.counted(len(sigma), "scored object")
    notes = [f"{beyond:,} of {scored} ({share:.2%}) beyond {threshold:g} σ"]
    if n > len(sigma):
        notes.append(f"{n - len(sigma):,} without a score")
    if further := int((sigma > edges[-1]).sum()):
        notes.append(f"{further:,} beyond {edges[-1]:g} σ in the last bin")
    axes.set_title(f"{title}\n{'; '.join(notes)}")


def _mark_threshold(axes: Axes, threshold: float) -> None:
    axes.axvline(threshold, color=_style.COLOURS[1], linestyle="--", linewidth=1.4)


def _draw_kinds(
    axes: Axes, kinds: dict[str, np.ndarray], edges: np.ndarray, threshold: float
) -> None:
    for row, values in enumerate(kinds.values()):
        shown = np.clip(values, edges[0], edges[-1])
        fade = float(np.clip(40 / max(len(values), 1), 0.06, 0.8))
        axes.plot(shown, np.full(len(values), row), "|", color=_style.COLOURS[0], ms=9, mew=1.1,
                  alpha=fade, rasterized=len(values) > 2000)  # fmt: skip
        axes.plot(np.median(shown), row, "D", color=_style.COLOURS[-1], ms=5)
        note = f" {(values > threshold).mean():.0%} beyond"
        axes.annotate(note, (1, row), xycoords=("axes fraction", "data"), va="center",
                      size=_style.SMALL_PT)  # fmt: skip
    names = [f"{_style.shortened(k, 24)} ({len(v):,})" for k, v in kinds.items()]
    axes.set_yticks(range(len(kinds)), names)
    axes.set_ylim(len(kinds) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_title("Known kinds: one mark per object, diamond at the median", size=10.5)
    _mark_threshold(axes, threshold)


def _table(kinds: dict[str, np.ndarray], edges: np.ndarray, threshold: float) -> pd.DataFrame:
    parts = []
    for label, sigma in kinds.items():
        low = np.append(edges[:-1], threshold)
        high = np.append(edges[1:], np.inf)
        n = np.append(heights(sigma, edges), (sigma > threshold).sum())
        part = pd.DataFrame({"label": label, "quantity": "bin", "low_sigma": low})
        part.loc[len(part) - 1, "quantity"] = "beyond"
        parts.append(part.assign(high_sigma=high, n_objects=n, share=n / max(len(sigma), 1)))
    return pd.concat(parts, ignore_index=True)
