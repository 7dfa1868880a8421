"""How training went: curves of every model, and generated images beside real ones."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hoag.figures import _style

_ACROSS = 3
_SMOOTH_FROM = 60  # points from which on a running mean is drawn over the curve
_HELD_OUT = ("held_out_", "hold_out_", "validation_")


@_style.styled
def draw_history(
    histories: Mapping[str, pd.DataFrame], meanings: Mapping[str, str]
) -> tuple[Figure, pd.DataFrame]:
    """Draw each quantity of each model's training against the iteration.

    Parameters
    ----------
    histories
        Model -> table ``history``: iteration and columns of float, NaN where not measured. A
        column ``held_out_x`` (or ``validation_x``) shares the panel of ``x``.
    meanings
        Column -> what it is, or "model.column" where models differ; others go by their names.

    Returns
    -------
    figure
        One panel per model and quantity; none for a ``loss`` that is the ``error`` and nothing
        else. The axis is logarithmic where all values are positive
        and span more than a factor of twenty.
    table
        model, iteration, quantity, value: every point drawn, without smoothing.
    """
    histories = {model: _distinct(history) for model, history in histories.items()}
    panels = _panels(histories)
    n_rows = -(-len(panels) // _ACROSS) or 1
    figure = _style.new_figure(2.9 * n_rows, layout="constrained")
    grid = figure.subplots(n_rows, _ACROSS, squeeze=False).ravel()
    for axes in grid[len(panels) or 1 :]:
        axes.set_axis_off()
    if not panels:
        _style.say(grid[0], "no training in this run")
    for index, (axes, ((model, base), columns)) in enumerate(
        zip(grid, panels.items(), strict=False)
    ):
        _draw_panel(axes, histories[model], columns)
        _style.letter(axes, index, _style.plain(model))
        meaning = meanings.get(f"{model}.{base}", meanings.get(base, base.replace("_", " ")))
        axes.set_ylabel(_style.wrapped(meaning, 30), size=_style.SMALL_PT)
    figure.align_ylabels()
    return figure, _history_table(histories)


def _distinct(history: pd.DataFrame) -> pd.DataFrame:
    """Without a loss that is the error alone."""
    same = {"loss", "error"} <= set(history) and history["loss"].equals(history["error"])
    return history.drop(columns="loss") if same else history


def _panels(histories: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], list[str]]:
    """(model, quantity) -> its columns."""
    panels: dict[tuple[str, str], list[str]] = {}
    for model, history in histories.items():
        for column in history.columns.drop("iteration"):
            panels.setdefault((model, _base(column)), []).append(column)
    return panels


def _base(column: str) -> str:
    for prefix in _HELD_OUT:
        column = column.removeprefix(prefix)
    return column


def _draw_panel(axes: Axes, history: pd.DataFrame, columns: list[str]) -> None:
    shown = pd.concat([_draw_curve(axes, history, c, i) for i, c in enumerate(columns)])
    if len(shown) and shown.min() > 0 and shown.max() > 20 * shown.min():
        axes.set_yscale("log")
    axes.grid(True)
    axes.set_xlabel("iteration", size=_style.SMALL_PT)
    axes.tick_params(labelsize=_style.SMALL_PT)
    axes.locator_params(axis="x", nbins=4)
    if len(columns) > 1:
        axes.legend()
    if not len(shown):
        _style.say(axes, "no finite value")


def _draw_curve(axes: Axes, history: pd.DataFrame, column: str, index: int) -> pd.Series:
    points = history[np.isfinite(history[column])]
    x, y = points["iteration"].to_numpy(), points[column]
    look = {"color": _style.COLOURS[index], "linestyle": _style.LINES[index]}
    name = "held out" if column != _base(column) else "trained on"
    if len(y) < _SMOOTH_FROM:
        axes.plot(x, y, label=name, **look, marker="o" if len(y) == 1 else "")
        return y
    axes.plot(x, y, color=look["color"], alpha=0.3, linewidth=0.8)
    smooth = y.rolling(len(y) // 20, center=True, min_periods=1).mean()
    axes.plot(x, smooth, label=name, **look)
    return y


def _history_table(histories: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    parts = [
        history.melt("iteration", var_name="quantity").dropna().assign(model=model)
        for model, history in histories.items()
    ]
    columns = ["model", "iteration", "quantity", "value"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)[columns]


_MOST, _HEAD_IN, _TOP_IN = 36, 0.35, 0.1


@_style.styled
def draw_samples(samples: np.ndarray, reals: np.ndarray) -> tuple[Figure, pd.DataFrame]:
    """Draw generated images on the left and as many real ones on the right.

    Parameters
    ----------
    samples, reals
        uint8 (n, y, x, c), c of 1 or 3; at most 36 of each are shown.

    Returns
    -------
    figure
        Two square grids.
    table
        kind ("generated" or "real"), position, mean and standard deviation (0-255) of each image.
    """
    samples, reals = samples[:_MOST], reals[:_MOST]
    side = int(np.ceil(np.sqrt(max(len(samples), len(reals), 1))))
    half = (_style.WIDTH_IN - 0.4) / 2
    cell = min(half / side, 1.6)
    height = side * cell * _style.aspect([samples])
    figure = _style.new_figure(_TOP_IN + _HEAD_IN + height + 0.1)
    for left, title, images in (
        (0.1, "(a) generated from random latents", samples),
        (0.3 + half, "(b) real, drawn at random", reals),
    ):
        axes = _style.axes_at(figure, left, _TOP_IN + _HEAD_IN, side * cell, height, title=title)
        rows = [images[i : i + side] for i in range(0, len(images), side)]
        if rows:
            _style.image_rows(axes, rows, columns=side)
        else:
            _style.say(axes, "no image to show")
    return figure, _samples_table(samples, reals)


def _samples_table(samples: np.ndarray, reals: np.ndarray) -> pd.DataFrame:
    rows = [
        (kind, position + 1, float(image.mean()), float(image.std()))
        for kind, images in (("generated", samples), ("real", reals))
        for position, image in enumerate(images)
    ]
    return pd.DataFrame(rows, columns=["kind", "position", "mean", "standard_deviation"])
