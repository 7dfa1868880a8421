"""The plane of the embedding and its groups (Storey-Fisher et al. 2020, Fig. 2)."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from hoag.figures import _style

NO_GROUP = -1
N_KINDS = 14
SHOWN = 15  # neighbours whose keeping is stated
_BACKDROP = "#EFEFEF"
_HALO = [effects.withStroke(linewidth=3, foreground="white")]


@_style.styled
def draw(
    embedding: pd.DataFrame,
    sigma: pd.Series,
    labels: pd.Series | None,
    title: str,
    note: str = "",
    *,
    score: str = "anomaly score",
) -> tuple[Figure, pd.DataFrame]:
    """Draw the plane coloured by score, by group and, where known, by kind.

    Parameters
    ----------
    embedding
        Columns object_id, x, y, group (-1: none), typical (bool); rows without a finite place
        are left out.
    sigma
        Scores in standard deviations above the mean, indexed by object_id; NaN is drawn grey.
        Colours run from the 1st to the 99th percentile.
    labels
        Known kinds, indexed by object_id, null where unknown; None where none are known.
    title
        What was embedded.
    note
        What the plane keeps, from `stated`.
    score
        Whose scores they are.

    Returns
    -------
    figure
        Two panels, or three with a key where there are labels.
    table
        object_id, x, y, sigma, group, typical, label of every object drawn.
    """
    points = _points(embedding, sigma, labels)
    named = points["label"].notna().any()
    figure = _style.new_figure(9.9 if named else 5.5, layout="constrained")
    _head(figure, title, points, note)
    panels = figure.subplots(2 if named else 1, 2).ravel()
    if not len(points):
        for axes in panels:
            _style.say(axes, "no object to show")
        return figure, points
    label = f"{_style.shortened(_style.plain(score), 30)} (σ above the mean)"
    _draw_numbers(panels[0], points, "sigma", label)
    _frame(panels[0], 0, "by score, highest on top")
    _draw_groups(panels[1], points)
    if named:
        _draw_kinds(panels[2], panels[3], points, "label")
        _frame(panels[2], 2, "by known kind, rarest on top")
    return figure, points


@_style.styled
def draw_columns(
    embedding: pd.DataFrame, values: pd.DataFrame, title: str, note: str = ""
) -> tuple[Figure, pd.DataFrame]:
    """Draw the plane once for each of some columns, coloured by it.

    Parameters
    ----------
    embedding
        Columns object_id, x, y; rows without a finite place are left out.
    values
        The columns, indexed by object_id. Numbers go from the 1st to the 99th percentile of the
        finite ones, the others grey; text and truth values are kinds with a key beside them, null
        grey.
    title
        What was embedded.
    note
        What the plane keeps, from `stated`.

    Returns
    -------
    figure
        Two panels across, numbers first; beside each panel of kinds stands its key.
    table
        object_id, x, y and the columns, of every object drawn.
    """
    finite = np.isfinite(embedding[["x", "y"]]).all(axis=1)
    points = embedding.loc[finite, ["object_id", "x", "y"]].reset_index(drop=True)
    for name, column in values.items():
        points[name] = _style.by_object(column, points["object_id"]).to_numpy()
    numbers = [n for n in values if is_numeric_dtype(values[n]) and not is_bool_dtype(values[n])]
    kinds = [n for n in values if n not in numbers]
    n_rows = -(-len(numbers) // 2) + len(kinds)
    figure = _style.new_figure(4.7 * n_rows + 0.6, layout="constrained")
    _head(figure, title, points, note)
    panels = figure.subplots(n_rows, 2, squeeze=False)
    if not len(points):
        for axes in panels.ravel():
            _style.say(axes, "no object to show")
        return figure, points
    for index, (name, axes) in enumerate(zip(numbers, panels.ravel(), strict=False)):
        _draw_numbers(axes, points, name, _style.words(name))
        _frame(axes, index, f"by {_style.shortened(name, 30)}, highest on top")
    if len(numbers) % 2:
        panels.ravel()[len(numbers)].set_axis_off()
    for index, (name, row) in enumerate(zip(kinds, panels[n_rows - len(kinds) :], strict=True)):
        _draw_kinds(*row, points, name)
        heading = f"by {_style.shortened(name, 30)}, rarest on top"
        _frame(row[0], len(numbers) + index, heading)
    return figure, points


def stated(quality: pd.DataFrame) -> str:
    """What a plane keeps of its neighbourhoods, as a line for its figures.

    Parameters
    ----------
    quality
        Table ``embedding_quality``.
    """
    shown = quality[quality["n_neighbours"] == SHOWN].dropna(subset="trustworthiness")
    said = [
        f"{row.objects} objects: trustworthiness {row.trustworthiness:.3f}, "
        f"continuity {row.continuity:.3f}"
        for row in shown.itertuples()
    ]
    if not said:
        return "too few objects to say what the plane keeps of their neighbourhoods"
    return f"{SHOWN} nearest; " + "; ".join(said)


def _head(figure: Figure, title: str, points: pd.DataFrame, note: str) -> None:
    heading = f"{_style.plain(title)} ({_style.counted(len(points), 'object')})"
    figure.suptitle(heading)
    if note:
        figure.supxlabel(note, size=_style.SMALL_PT)


def _points(embedding: pd.DataFrame, sigma: pd.Series, labels: pd.Series | None) -> pd.DataFrame:
    columns = ["object_id", "x", "y", "group", "typical"]
    finite = np.isfinite(embedding[["x", "y"]]).all(axis=1)
    points = embedding.loc[finite, columns].reset_index(drop=True)
    points["sigma"] = _style.by_object(sigma, points["object_id"]).to_numpy(dtype=float)
    if labels is None:
        return points.assign(label=pd.Series(None, points.index, dtype=object))
    kinds = _style.by_object(labels, points["object_id"])
    return points.assign(label=kinds.astype(object).to_numpy())


def _size(n: int) -> float:
    return float(np.clip(12000 / max(n, 1), 1.5, 36))


def _frame(axes: Axes, index: int, title: str) -> None:
    _style.letter(axes, index, title)
    axes.set(xticks=[], yticks=[], facecolor=_BACKDROP)
    axes.margins(0.05)
    axes.set_aspect("equal", adjustable="datalim")  # a map's distances are the same either way
    axes.set_xlabel("first coordinate (arbitrary units)", size=_style.SMALL_PT)
    axes.set_ylabel("second coordinate", size=_style.SMALL_PT)


def _scatter(axes: Axes, points: pd.DataFrame, n: int, **kwargs: Any) -> Any:
    kwargs = {"s": _size(n), "linewidths": 0, "rasterized": n > 2000, **kwargs}
    return axes.scatter(points["x"], points["y"], **kwargs)


def _draw_numbers(axes: Axes, points: pd.DataFrame, column: str, label: str) -> None:
    finite = np.isfinite(points[column].to_numpy(dtype=float, na_value=np.nan))
    known = points[finite].sort_values(column, kind="stable")
    _scatter(axes, points[~finite], len(points), color=_style.PALE)
    if not len(known):
        return
    values = known[column].to_numpy(dtype=float)
    low, high = np.percentile(values, [1, 99])
    if not high > low:
        low, high = low - 0.5, high + 0.5
    dots = _scatter(axes, known, len(points), c=values, cmap="viridis_r", vmin=low, vmax=high)
    axes.figure.colorbar(dots, ax=axes, label=label, extend="both", aspect=30, pad=0.02)


def _draw_groups(axes: Axes, points: pd.DataFrame) -> None:
    groups = sorted(set(points["group"]) - {NO_GROUP})
    loose = points[points["group"] == NO_GROUP]
    _scatter(axes, loose, len(points), color="#A6A6A6")
    for index, group in enumerate(groups):
        members = points[points["group"] == group]
        _scatter(axes, members, len(points), color=_style.COLOURS[index % len(_style.COLOURS)])
    typical = points[points["typical"].fillna(False).astype(bool)]
    _scatter(axes, typical, len(points), s=_size(len(points)) + 22, facecolors="none",
             edgecolors="black", linewidths=0.9)  # fmt: skip
    for group in groups:
        x, y = points.loc[points["group"] == group, ["x", "y"]].median()
        axes.text(x, y, str(group), weight="bold", ha="center", va="center", path_effects=_HALO)
    rings = ", typical members ringed" if len(typical) else ""
    _frame(axes, 1, f"{_style.counted(len(groups), 'group')}{rings}")
    if len(loose):
        note = f"grey: {len(loose):,} in no group"
        axes.text(0.99, 0.01, note, transform=axes.transAxes, ha="right", size=_style.SMALL_PT,
                  path_effects=_HALO)  # fmt: skip


def _draw_kinds(axes: Axes, beside: Axes, points: pd.DataFrame, column: str) -> None:
    """Commonest kinds first, so that the rare ones lie on top and stand last in the key."""
    counts = (
        points[column]
        .value_counts()
        .sort_index(key=lambda i: i.astype(str))
        .sort_values(ascending=False, kind="stable")
    )
    n = len(points)
    rest = points[~points[column].isin(counts.index[:N_KINDS])]
    _scatter(axes, rest, n, color=_style.PALE)
    keys = []
    for index, (kind, count) in enumerate(counts.iloc[:N_KINDS].items()):
        look = {k: v for k, v in _style.look(index).items() if k != "linestyle"}
        size = max(_size(n), min(16.0, 4000 / count))
        _scatter(axes, points[points[column] == kind], n, s=size, **look)
        name = f"{_style.shortened(kind, 30)} ({count:,})"
        keys.append(_style.key(name, linestyle="", markersize=7, **look))
    if len(rest):
        none = "none, or a rarer one" if len(counts) > N_KINDS else "none"
        name = f"{none} ({len(rest):,})"
        keys.append(_style.key(name, linestyle="", marker="o", markersize=7, color=_style.PALE))
    beside.set_axis_off()
    beside.legend(handles=keys, loc="upper left", borderaxespad=0)


_CELL_IN, _SIDE_IN, _GROUP_HEAD_IN, _TOP_IN = 0.72, 1.25, 0.6, 0.35


@_style.styled
def draw_groups(groups: Sequence[Mapping[str, Any]]) -> tuple[Figure, pd.DataFrame]:
    """Draw typical members of each group, two groups across.

    Parameters
    ----------
    groups
        Mappings with group (number), n (objects in it), originals (k, y, x, c) uint8,
        reconstructions and residuals (the same shape, or None), median_sigma, label_note (text,
        may be empty or None). At most five members of each are shown.

    Returns
    -------
    figure
        One block of rows (original, reconstruction, residual where given) per group.
    table
        group, n_objects, median_sigma, note, n_shown.
    """
    columns = 5
    blocks = [_group_rows(g, columns) for g in groups]
    height = max([len(b) * _CELL_IN * _style.aspect(list(b.values())) for b in blocks], default=0.6)
    step = height + _GROUP_HEAD_IN
    n_rows = -(-len(groups) // 2) or 1
    figure = _style.new_figure(_TOP_IN + n_rows * step)
    down = figure.get_size_inches()[1]
    _style.head(figure, "Typical members of each group")
    if not groups:
        _style.say(_style.axes_at(figure, 0, _TOP_IN, _style.WIDTH_IN, 0.6), "no groups found")
    for index, (group, rows) in enumerate(zip(groups, blocks, strict=True)):
        left = _SIDE_IN + (index % 2) * (_style.WIDTH_IN - 0.05) / 2
        top = _TOP_IN + (index // 2) * step + _GROUP_HEAD_IN - 0.1
        axes = _style.axes_at(figure, left, top, columns * _CELL_IN, height)
        figure.text((left - _SIDE_IN + 0.1) / _style.WIDTH_IN, 1 - (top - 0.06) / down,
                    _group_title(group), va="bottom", size=10)  # fmt: skip
        _style.image_rows(axes, list(rows.values()), columns=columns, names=list(rows))
    return figure, _groups_table(groups, columns)


def _group_rows(group: Mapping[str, Any], columns: int) -> dict[str, np.ndarray]:
    names = {
        "original": "originals",
        "reconstruction": "reconstructions",
        "residual": "residuals",
    }
    return {name: group[key][:columns] for name, key in names.items() if group.get(key) is not None}


def _group_title(group: Mapping[str, Any]) -> str:
    title = (
        f"Group {group['group']}: {_style.counted(group['n'], 'object')}, "
        f"median {_style.sigmas(group['median_sigma'])}"
    )
    note = group.get("label_note")
    return f"{title}\n{_style.shortened(note, 60)}" if note else title


def _groups_table(groups: Sequence[Mapping[str, Any]], columns: int) -> pd.DataFrame:
    rows = [
        (
            g["group"],
            g["n"],
            float(g["median_sigma"]),
            g.get("label_note"),
            min(len(g["originals"]), columns),
        )
        for g in groups
    ]
    return pd.DataFrame(rows, columns=["group", "n_objects", "median_sigma", "note", "n_shown"])
