"""How well known anomalies are found: ROC, precision-recall, and every kind by itself."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hoag.figures import _style

POOLED = ("anomalies", "faults")
_TITLES = {
    "auroc": "area under the ROC curve",
    "average_precision": "average precision",
    "mcc": "Matthews' correlation coefficient",
    "recall_at_3_sigma": "recall: share of this kind beyond 3 σ",
    "false_alarms_at_3_sigma": "share of normal objects beyond 3 σ",
    "precision_at_50": "precision among the first 50",
    "recall_at_10_percent": "recall among the first tenth",
}
_BY_SPACE = ("auroc", "average_precision", "precision_at_50", "recall_at_10_percent")
_FAMILIES = {"astrophysical": "astrophysical kinds", "fault": "data faults"}
_CURVES = {
    "roc": ("false-positive rate", "true-positive rate (recall)"),
    "precision_recall": ("recall", "precision"),
}


@_style.styled
def draw_curves(
    curves: pd.DataFrame, detectors: Sequence[str], group: str
) -> tuple[Figure, pd.DataFrame]:
    """Draw the ROC and the precision-recall curve of each detector for one group of anomalies.

    Parameters
    ----------
    curves
        Table ``curve``: features, detector, group, curve ("roc", "precision_recall"), x, y.
    detectors
        Which detectors, in the order of the legend: "features/detector", or a detector's name
        for all of its features.
    group
        Group of positives ("anomalies", "faults", or one label).

    Returns
    -------
    figure
        Two panels with their chance lines: for ROC the diagonal, for precision the share of
        positives, which is the precision of a curve at full recall with everything flagged.
    table
        The rows of ``curves`` that are drawn, in the order of the legend.
    """
    parts = _in_order(curves[curves["group"] == group], detectors)
    figure = _style.new_figure(5.2 + _style.key_height([*parts, ""]), layout="constrained")
    figure.suptitle(f"Finding {_style.words(group)}")
    panels = figure.subplots(1, 2)
    if not parts:
        for axes in panels:
            _style.say(axes, "no labelled objects of this group")
        return figure, curves.iloc[:0].reset_index(drop=True)
    for index, (axes, kind) in enumerate(zip(panels, _CURVES, strict=True)):
        for place, part in enumerate(parts.values()):
            _draw_curve(axes, part[part["curve"] == kind], place)
        x, y = _CURVES[kind]
        axes.set(xlim=(0, 1), ylim=(0, 1.01), xlabel=x, ylabel=y, aspect="equal")
        axes.grid(True)
        _style.letter(axes, index, "ROC" if kind == "roc" else "precision-recall")
    _draw_chance(panels, pd.concat(parts.values()))
    keys = [_style.key(n, **_line(i), markersize=5) for i, n in enumerate(parts)]
    keys.append(_style.key("chance", **_CHANCE))
    _style.key_below(figure, keys)
    return figure, pd.concat(parts.values(), ignore_index=True)


_CHANCE: dict[str, Any] = {"color": _style.GREY, "linestyle": (0, (2, 2)), "linewidth": 1.2}


def _in_order(table: pd.DataFrame, detectors: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Legend's name -> rows, in the order of ``detectors``."""
    parts = {}
    for wanted in detectors:
        for (features, detector), part in table.groupby(
            ["features", "detector"], sort=False, dropna=False
        ):
            if wanted in (detector, f"{features}/{detector}"):
                parts[_style.series_name(features, detector)] = part
    return parts


def _line(place: int) -> dict[str, Any]:
    return _style.look(place)


def _draw_curve(axes: Axes, part: pd.DataFrame, place: int) -> None:
    # markers at places that differ from curve to curve, so that crossing lines stay apart
    marks = (0.03 + 0.03 * (place % 5), 0.2)
    axes.plot(part["x"], part["y"], **_line(place), markevery=marks, markersize=5, clip_on=False)


def _draw_chance(panels: Sequence[Axes], drawn: pd.DataFrame) -> None:
    panels[0].plot([0, 1], [0, 1], **_CHANCE, zorder=1)
    recall = drawn[drawn["curve"] == "precision_recall"]
    full = recall.loc[recall["x"] >= 1, "y"]
    if len(full):
        panels[1].plot([0, 1], [full.min()] * 2, **_CHANCE, zorder=1)


@_style.styled
def draw_by_kind(
    metrics: pd.DataFrame, metric: str, *, faults: Collection[str] = ()
) -> tuple[Figure, pd.DataFrame]:
    """Draw one metric of every detector for each kind, faults apart from astrophysical kinds.

    Parameters
    ----------
    metrics
        Table ``metrics``; other metrics and undefined values are left out.
    metric
        Which one, e.g. "auroc".
    faults
        Labels that are data faults; "faults" itself always is.

    Returns
    -------
    figure
        Kinds from the top in the order of the table, pooled groups in bold. Large marks are means
        over seeds, small ones the seeds; bars are 95 % intervals (averaged over seeds).
    table
        family ("astrophysical", "fault"), group, features, detector, metric, value, low, high,
        chance (null where there is none), n_positive, n_seeds.
    """
    chosen = metrics[(metrics["metric"] == metric) & metrics["value"].notna()]
    table = _means(chosen, metric, faults)
    series = list(dict.fromkeys(zip(table["features"], table["detector"], strict=True)))
    names = [_style.series_name(*s) for s in series]
    families = list(dict.fromkeys(table["family"]))
    counts = [table.loc[table["family"] == f, "group"].nunique() for f in families] or [1]
    row_in = max(0.42, 0.13 * len(series) + 0.12)
    height = 1.0 + row_in * sum(counts) + 0.5 * len(counts) + _style.key_height([*names, ""])
    figure = _style.new_figure(height, layout="constrained")
    panels = figure.subplots(len(counts), 1, sharex=True, height_ratios=counts, squeeze=False)[:, 0]
    title = _TITLES.get(metric, metric.replace("_", " "))
    if not families:
        _style.say(panels[0], f"no labelled objects: {title} is undefined")
        return figure, table
    for index, (axes, family) in enumerate(zip(panels, families, strict=True)):
        part = table[table["family"] == family]
        _draw_family(axes, part, chosen, series)
        _style.letter(axes, index, _FAMILIES[family])
    panels[-1].set_xlabel(title)
    _key(figure, table, names)
    return figure, table


@_style.styled
def draw_by_space(metrics: pd.DataFrame, group: str) -> tuple[Figure, pd.DataFrame]:
    """Draw four metrics of every detector in every feature space, as means over seeds.

    Parameters
    ----------
    metrics
        Table ``metrics``; undefined values are left out.
    group
        Group of positives ("anomalies", "faults", or one label).

    Returns
    -------
    figure
        A panel a metric: detectors down, feature spaces across, in the order of the table; the
        mean over seeds, and half of the range over seeds where there are several. The darkest is
        the best of the panel.
    table
        metric, features, detector, value (mean over seeds), lowest and highest (of the seeds), low
        and high (means of the 95 % intervals over objects or draws), chance (null where there is
        none), n_seeds.
    """
    chosen = metrics[(metrics["group"] == group) & metrics["value"].notna()]
    table = _by_space(chosen)
    detectors, spaces = (list(dict.fromkeys(table[c])) for c in ("detector", "features"))
    height = max(1.6, 0.42 * len(detectors) + 1.0)
    figure = _style.new_figure(0.5 + 2 * height, layout="constrained")
    figure.suptitle(f"Finding {_style.words(group)}, space by space")
    for index, (axes, metric) in enumerate(zip(figure.subplots(2, 2).flat, _BY_SPACE, strict=True)):
        part = table[table["metric"] == metric]
        if part.empty:
            _style.say(axes, f"no labelled objects:\n{_TITLES[metric]}")
            continue
        _draw_cells(axes, part, detectors, spaces)
        chance = part["chance"].mean()
        words = _TITLES[metric] + (f"; chance {chance:.2g}" if np.isfinite(chance) else "")
        _style.letter(axes, index, words)
    return figure, table


def _by_space(chosen: pd.DataFrame) -> pd.DataFrame:
    keys, rows = ["metric", "features", "detector"], []
    for names, part in chosen.groupby(keys, sort=False):
        if names[0] in _BY_SPACE:
            seeds = part["value"].agg(["mean", "min", "max"])
            level = _chance(names[0], part["n_positive"].mean(), part["n_negative"].mean())
            rows.append((*names, *seeds, part["low"].mean(), part["high"].mean(), level, len(part)))
    columns = [*keys, "value", "lowest", "highest", "low", "high", "chance", "n_seeds"]
    return pd.DataFrame(rows, columns=columns)


def _draw_cells(
    axes: Axes, part: pd.DataFrame, detectors: Sequence[str], spaces: Sequence[str]
) -> None:
    shades = np.full((len(detectors), len(spaces)), np.nan)
    low, high = part["value"].min(), part["value"].max()
    for cell in part.itertuples():
        down, across = detectors.index(cell.detector), spaces.index(cell.features)
        shades[down, across] = (cell.value - low) / ((high - low) or 1.0)
        text = f"{cell.value:.3f}"
        if cell.n_seeds > 1:
            text += f"\n± {(cell.highest - cell.lowest) / 2:.3f}"
        axes.text(across, down, text, ha="center", va="center", size=_style.SMALL_PT - 2,
                  color="white" if shades[down, across] > 0.6 else "black")  # fmt: skip
    axes.imshow(shades, cmap="Blues", vmin=-0.15, vmax=1.15, aspect="auto")
    axes.set_xticks(range(len(spaces)), [_style.shortened(s, 18) for s in spaces], rotation=30,
                    ha="right", size=_style.SMALL_PT)  # fmt: skip
    axes.set_yticks(range(len(detectors)), [_style.shortened(d, 22) for d in detectors],
                    size=_style.SMALL_PT)  # fmt: skip
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _means(chosen: pd.DataFrame, metric: str, faults: Collection[str]) -> pd.DataFrame:
    """Mean over seeds of value and interval, with the level of chance."""
    keys = ["group", "features", "detector"]
    rows = []
    for names, part in chosen.groupby(keys, sort=False, dropna=False):
        group = names[0]
        family = "fault" if group == "faults" or group in faults else "astrophysical"
        level = _chance(metric, part["n_positive"].mean(), part["n_negative"].mean())
        means = part[["value", "low", "high"]].mean()
        rows.append((family, *names, metric, *means, level, part["n_positive"].max(), len(part)))
    columns = ["family", *keys, "metric", "value", "low", "high", "chance", "n_positive", "n_seeds"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("family", kind="stable", ignore_index=True)


def _chance(metric: str, n_positive: float, n_negative: float) -> float:
    if metric == "auroc":
        return 0.5
    if metric == "mcc":
        return 0.0
    total = n_positive + n_negative
    if metric == "average_precision" or metric.startswith("precision_at_"):
        return n_positive / max(total, 1)
    if metric == "recall_at_10_percent":
        return float(np.ceil(total / 10) / max(total, 1))
    return np.nan


def _draw_family(
    axes: Axes, part: pd.DataFrame, chosen: pd.DataFrame, series: list[tuple[str, str]]
) -> None:
    groups = list(dict.fromkeys(part["group"]))
    step = 0.76 / max(len(series), 1)
    for row in part.itertuples():
        place = series.index((row.features, row.detector))
        y = groups.index(row.group) + (place - (len(series) - 1) / 2) * step
        seeds = chosen.loc[
            (chosen["group"] == row.group)
            & (chosen["detector"] == row.detector)
            & (chosen["features"] == row.features),
            "value",
        ]
        _style.interval_dot(axes, row.value, row.low, row.high, y, seeds, place)
    for at, group in enumerate(groups):
        levels = part.loc[part["group"] == group, "chance"]
        axes.plot([levels.mean()] * 2, [at - 0.45, at + 0.45], **_CHANCE, zorder=1)
        if at:
            axes.axhline(at - 0.5, color="#E2E2E2", linewidth=0.8)
    sizes = part.groupby("group")["n_positive"].max()
    names = [f"{_pooled(g)} ({sizes[g]:,.0f})" for g in groups]
    axes.set_yticks(range(len(groups)), names)
    for label, group in zip(axes.get_yticklabels(), groups, strict=True):
        label.set_weight("bold" if group in POOLED else "normal")
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(True, axis="x")


def _pooled(group: str) -> str:
    return f"all {group}" if group in POOLED else _style.shortened(group, 26)


def _key(figure: Figure, table: pd.DataFrame, names: list[str]) -> None:
    keys = [
        _style.key(name, **{**_style.look(place), "linestyle": "-"}, markersize=7)
        for place, name in enumerate(names)
    ]
    if table["chance"].notna().any():
        keys.append(_style.key("chance", **_CHANCE))
    _style.key_below(figure, keys)
