"""Galleries of images in the order of their scores."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hoag.figures import _style

ACROSS = 5
_HEAD_IN, _LINE_IN = 0.5, 0.175


def title_lines(rows: pd.DataFrame) -> list[str]:
    """Titles for `draw`: rank and sigma, label where there is one, shortened object_id.

    Parameters
    ----------
    rows
        Columns rank, object_id, sigma and, if known, label (null where unknown).
    """
    labels = rows["label"] if "label" in rows else pd.Series(None, rows.index, dtype=object)
    titles = []
    for rank, name, sigma, label in zip(
        rows["rank"], rows["object_id"], rows["sigma"], labels, strict=True
    ):
        words = [f"{rank}:  {_style.sigmas(sigma)}"]
        words += [] if pd.isna(label) else [_style.shortened(label, 22)]
        titles.append("\n".join([*words, _style.shortened(name, 22)]))
    return titles


@_style.styled
def draw(
    images: np.ndarray, titles: Sequence[str], heading: str, *, numbers: pd.DataFrame | None = None
) -> tuple[Figure, pd.DataFrame]:
    """Draw images five across, each under its title.

    Parameters
    ----------
    images
        uint8 (n, y, x, c), c of 1 or 3, in the order in which they are shown; n may be 0.
    titles
        One per image, at most a few lines (`title_lines` makes them).
    heading
        What the gallery shows.
    numbers
        Further columns of the returned table, one row per image.

    Returns
    -------
    figure
        The gallery, as high as it needs to be.
    table
        position, title (on one line), and the columns of ``numbers``.
    """
    lines = max([t.count("\n") + 1 for t in titles], default=1)
    cell = _style.WIDTH_IN / ACROSS - 0.04
    step = cell * _style.aspect([images]) + lines * _LINE_IN + 0.12
    n_rows = -(-len(images) // ACROSS) or 1
    figure = _style.new_figure(_HEAD_IN + n_rows * step)
    _style.head(figure, heading)
    for row in range(n_rows):
        shown = slice(row * ACROSS, (row + 1) * ACROSS)
        axes = _style.axes_at(
            figure, 0.1, _HEAD_IN + row * step + lines * _LINE_IN + 0.04, cell * ACROSS, cell
        )
        if len(images):
            _style.image_rows(axes, [images[shown]], columns=ACROSS, titles=titles[shown])
        else:
            _style.say(axes, "no object to show")
    return figure, _table(titles, numbers)


def _table(titles: Sequence[str], numbers: pd.DataFrame | None) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "position": np.arange(1, len(titles) + 1),
            "title": pd.Series([" | ".join(t.split("\n")) for t in titles], dtype=str),
        }
    )
    if numbers is None:
        return table
    return pd.concat([table, numbers.reset_index(drop=True)], axis=1)
