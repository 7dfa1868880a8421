"""Objects that were asked about beside those found like them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hoag.figures import _style

ACROSS = 8
_HEAD_IN, _NAME_IN, _LINE_IN, _LINES = 0.45, 0.25, 0.165, 3


@_style.styled
def draw(
    strips: Sequence[tuple[str, pd.DataFrame, np.ndarray]], heading: str
) -> tuple[Figure, pd.DataFrame]:
    """Draw strips of images, each under its name, eight across.

    Parameters
    ----------
    strips
        Name of a strip, its objects (columns object_id, label, rank and distance; the last two
        null for an object that was asked about) and their images, uint8 (n, y, x, c).
    heading
        What was looked for, and how.

    Returns
    -------
    figure
        As high as it needs to be.
    table
        strip, and the columns of the objects, one row for each image.
    """
    cell = _style.WIDTH_IN / ACROSS - 0.02
    aspect = max([_style.aspect([images]) for *_, images in strips], default=1.0)
    step = cell * aspect + _LINES * _LINE_IN + 0.08
    n_lines = [max(1, -(-len(rows) // ACROSS)) for _, rows, _ in strips]
    figure = _style.new_figure(_HEAD_IN + sum(_NAME_IN + n * step for n in n_lines))
    _style.head(figure, heading)
    top = _HEAD_IN
    for (name, rows, images), n in zip(strips, n_lines, strict=True):
        down = figure.get_size_inches()[1]
        figure.text(0.01, 1 - top / down, _style.plain(name), va="top", color=_style.GREY)
        top += _NAME_IN
        titles = [_title(row) for row in rows.itertuples()]
        for line in range(n):
            shown = slice(line * ACROSS, (line + 1) * ACROSS)
            axes = _style.axes_at(
                figure, 0.08, top + _LINES * _LINE_IN, cell * ACROSS, cell * aspect
            )
            if len(images):
                _style.image_rows(axes, [images[shown]], columns=ACROSS, titles=titles[shown])
            else:
                _style.say(axes, "no object with an image")
            top += step
    columns = ["strip", "rank", "object_id", "label", "distance"]
    parts = [rows.assign(strip=name)[columns] for name, rows, _ in strips]
    return figure, pd.concat(parts, ignore_index=True)


def _title(row: Any) -> str:
    """Rank and distance where the object was found, label where there is one, identifier."""
    words = ["asked about" if pd.isna(row.rank) else f"{row.rank:.0f}:  {row.distance:.3g}"]
    words += [] if pd.isna(row.label) else [_style.shortened(row.label, 14)]
    return "\n".join([*words, _style.shortened(row.object_id, 14)])
