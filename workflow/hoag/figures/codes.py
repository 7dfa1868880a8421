"""What a code stands for: rows of images made from changing codes, and columns read from images."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hoag.figures import _style

Rows = Mapping[str, np.ndarray]  # name of a row -> its images, uint8 (k, y, x, c)
_LEFT_IN, _TOP_IN, _HEAD_IN = 1.5, 0.35, 0.45


def numbered(values: list[float]) -> dict[float, str]:
    """What stands beside each value: four digits, or as many as tell them apart."""
    for digits in range(4, 18):
        says = {v: f"{v:.{digits}g}" for v in values}
        if len(set(says.values())) == len(says):
            break
    return says


@_style.styled
def draw_rows(
    panels: Mapping[str, Rows], heading: str, *, titles: Sequence[str] = ()
) -> tuple[Figure, pd.DataFrame]:
    """Draw panels of named rows of images.

    Parameters
    ----------
    panels
        Title -> rows, from the top; rows may differ in length.
    heading
        What the figure shows.
    titles
        A line above each column of every panel.

    Returns
    -------
    figure
        One block of rows for each panel.
    table
        panel, row, column, mean and standard_deviation (0-255) of each image.
    """
    columns = max([len(r) for rows in panels.values() for r in rows.values()], default=0) or 1
    cell = min((_style.WIDTH_IN - _LEFT_IN - 0.1) / columns, 1.1)
    shown = [images for rows in panels.values() for images in rows.values() if len(images)]
    aspect = _style.aspect(shown[:1])
    head = _HEAD_IN + (0.2 if titles else 0)
    heights = [max(len(rows), 1) * cell * aspect for rows in panels.values()]
    figure = _style.new_figure(max(_TOP_IN + sum(heights) + head * len(panels) + 0.1, 1.2))
    _style.head(figure, heading)
    top, (across, down) = _TOP_IN, figure.get_size_inches()
    for index, ((title, rows), height) in enumerate(zip(panels.items(), heights, strict=True)):
        axes = _style.axes_at(figure, _LEFT_IN, top + head, cell * columns, height)
        letter = f"({chr(ord('a') + index % 26)}) " if len(panels) > 1 else ""
        place = 0.1 / across, 1 - (top + 0.3) / down
        figure.text(*place, letter + _style.plain(title), va="bottom", weight="bold")
        names = [_style.plain(name) for name in rows]
        _style.image_rows(axes, list(rows.values()), columns=columns, names=names, titles=titles)
        top += head + height
    if not shown:
        figure.text(0.5, 0.3, "no object to show", color=_style.GREY, ha="center")
    return figure, _table_of_rows(panels)


def _table_of_rows(panels: Mapping[str, Rows]) -> pd.DataFrame:
    rows = [
        (title, name, column + 1, float(image.mean()), float(image.std()))
        for title, panel in panels.items()
        for name, images in panel.items()
        for column, image in enumerate(images)
    ]
    return pd.DataFrame(rows, columns=["panel", "row", "column", "mean", "standard_deviation"])


@_style.styled
def draw_predictions(known: pd.DataFrame, predicted: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw columns that were read from images alone against the catalogue's.

    Parameters
    ----------
    known, predicted
        The same columns of the same objects, index object_id; NaN where there is none.

    Returns
    -------
    figure
        A panel for each column, with the line on which both are the same and Spearman's rank
        correlation.
    table
        object_id, column, catalogue, predicted; objects that lack the column left out.
    """
    across = min(3, max(1, known.shape[1]))
    down = -(-max(1, known.shape[1]) // across)
    figure = _style.new_figure(3.4 * down, layout="constrained")
    grid = figure.subplots(down, across, squeeze=False).ravel()
    parts = []
    for axes in grid[known.shape[1] :]:
        axes.set_axis_off()
    for index, (axes, name) in enumerate(zip(grid, known.columns, strict=False)):
        pair = pd.DataFrame({"catalogue": known[name], "predicted": predicted[name]}).dropna()
        _draw_prediction(axes, pair)
        _style.letter(axes, index, _style.words(name))
        pair = pair.rename_axis("object_id").reset_index()
        parts.append(pair.assign(column=name))
    columns = ["object_id", "column", "catalogue", "predicted"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return figure, table[columns]


def _draw_prediction(axes: Axes, pair: pd.DataFrame) -> None:
    if pair.empty:
        _style.say(axes, "no object with this column")
        return
    axes.plot(
        pair["catalogue"], pair["predicted"], linestyle="", marker="o", markersize=3,
        markeredgewidth=0, alpha=0.5, color=_style.COLOURS[0],
    )  # fmt: skip
    ends = [pair.min(axis=None), pair.max(axis=None)]
    axes.plot(ends, ends, color=_style.GREY, linewidth=1)
    ranks = pair.rank()
    if (ranks.std() > 0).all():
        text = f"rank correlation {ranks['catalogue'].corr(ranks['predicted']):.2f}"
        axes.text(0.04, 0.95, text, transform=axes.transAxes, va="top", size=_style.SMALL_PT)
    axes.set(xlabel="catalogue", ylabel="from the image alone")
    axes.grid(True)
