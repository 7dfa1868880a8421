"""Originals, reconstructions and residuals at rising scores (Storey-Fisher et al. 2020, Fig. 1)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hoag.figures import _style

Panel = tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
ROWS = ("original", "reconstruction", "residual")
_LEFT_IN, _TOP_IN, _HEAD_IN = 1.35, 0.35, 0.65


@_style.styled
def draw(panels: Sequence[Panel], score: str) -> tuple[Figure, pd.DataFrame]:
    """Draw panels of images with what the model makes of them, the score above each column.

    Parameters
    ----------
    panels
        (title, originals, reconstructions, residuals, sigma) each: images uint8 (k, y, x, c),
        c of 1 or 3; sigma (k,), standard deviations above the mean score. k may be 0 (no object
        in this range) and may differ between panels.
    score
        What the scores are, as in "score of wgan".

    Returns
    -------
    figure
        One block of three rows (original, reconstruction, residual) for each panel.
    table
        One row per column of images: panel, column, sigma, mean_residual (mean absolute
        difference, 0-255).
    """
    columns = max([len(p[4]) for p in panels], default=0) or 1
    shown = next((p[1:4] for p in panels if len(p[4])), ())
    cell = min((_style.WIDTH_IN - _LEFT_IN - 0.1) / columns, 1.4)
    block = len(ROWS) * cell * _style.aspect(shown)
    heights = [block if len(p[4]) else 0.4 for p in panels]
    total = _TOP_IN + sum(heights) + _HEAD_IN * len(panels) + 0.1
    figure = _style.new_figure(max(total, 1.2))
    _style.head(figure, f"{score[:1].upper()}{score[1:]} above each column, in σ above the mean")
    top = _TOP_IN
    for index, (panel, height) in enumerate(zip(panels, heights, strict=True)):
        _draw_panel(figure, panel, index, top=top + _HEAD_IN, cell=cell, columns=columns)
        top += _HEAD_IN + height
    if not panels:
        figure.text(0.5, 0.3, "no object to show", color=_style.GREY, ha="center")
    return figure, _table(panels)


def _draw_panel(
    figure: Figure, panel: Panel, index: int, *, top: float, cell: float, columns: int
) -> None:
    title, *rows, sigma = panel
    height = len(ROWS) * cell * _style.aspect(rows) if len(sigma) else 0.4
    axes = _style.axes_at(figure, _LEFT_IN, top, cell * columns, height)
    across, down = figure.get_size_inches()
    heading = f"({chr(ord('a') + index % 26)}) {_style.plain(title)}"
    figure.text(0.1 / across, 1 - (top - 0.3) / down, heading, va="bottom", weight="bold")
    if len(sigma):
        titles = [_style.sigmas(s) for s in sigma]
        _style.image_rows(axes, rows, columns=columns, names=ROWS, titles=titles)
    else:
        axes.text(0, 0.5, "no object in this range", color=_style.GREY, va="center")


def _table(panels: Sequence[Panel]) -> pd.DataFrame:
    rows = [
        (_title, column + 1, float(value), float(residuals[column].mean()))
        for _title, _, _, residuals, sigma in panels
        for column, value in enumerate(sigma)
    ]
    return pd.DataFrame(rows, columns=["panel", "column", "sigma", "mean_residual"])
