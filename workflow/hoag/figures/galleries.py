"""Galleries of images in the order of their scores."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hoag.figures import _style, scores

ACROSS, FIRST = 5, 10  # images across a gallery, and of each detector beside the others
_HEAD_IN, _LINE_IN = 0.5, 0.175
_SPREAD_IN, _BARS_IN = 1.75, 1.15  # the histogram with its axis, and its bars alone
_NAME_IN, _LABEL_LINES, _LABEL_WIDTH = 1.8, 2, 10


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
    images: np.ndarray,
    titles: Sequence[str],
    heading: str,
    *,
    numbers: pd.DataFrame | None = None,
    among: pd.Series | None = None,
) -> tuple[Figure, pd.DataFrame]:
    """Draw images five across, each under its title, below a histogram of all scores.

    Parameters
    ----------
    images
        uint8 (n, y, x, c), c of 1 or 3, in the order in which they are shown; n may be 0.
    titles
        One per image, at most a few lines (`title_lines` makes them).
    heading
        What the gallery shows.
    numbers
        Further columns of the returned table, one row per image; with ``among`` sigma is one.
    among
        Sigma of all objects of which these are some (NaN: no score, left out). The bars are those
        of `hoag.figures.scores.draw_histogram`; None draws no histogram.

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
    top = _HEAD_IN if among is None else _HEAD_IN + _SPREAD_IN
    figure = _style.new_figure(top + n_rows * step)
    _style.head(figure, heading)
    if among is not None:
        _draw_spread(figure, among, numbers["sigma"])
    for row in range(n_rows):
        shown = slice(row * ACROSS, (row + 1) * ACROSS)
        axes = _style.axes_at(
            figure, 0.1, top + row * step + lines * _LINE_IN + 0.04, cell * ACROSS, cell
        )
        if len(images):
            _style.image_rows(axes, [images[shown]], columns=ACROSS, titles=titles[shown])
        else:
            _style.say(axes, "no object to show")
    return figure, _table(titles, numbers)


@_style.styled
def draw_first(
    strips: Sequence[tuple[str, pd.DataFrame, np.ndarray]], heading: str
) -> tuple[Figure, pd.DataFrame]:
    """Draw what each of several detectors finds first, a row of at most ten images for each.

    Parameters
    ----------
    strips
        Name of a detector, its first objects (columns rank, object_id, sigma and label, null where
        unknown) and their images, uint8 (n, y, x, c).
    heading
        What the figure shows.

    Returns
    -------
    figure
        As high as it needs to be.
    table
        detector and the columns of the objects, one row for each image.
    """
    cell = (_style.WIDTH_IN - _NAME_IN - 0.1) / FIRST
    aspect = max([_style.aspect([images]) for *_, images in strips], default=1.0)
    step = cell * aspect + _LABEL_LINES * _LINE_IN + 0.1
    figure = _style.new_figure(_HEAD_IN + max(1, len(strips)) * step)
    _style.head(figure, heading)
    for row, (name, objects, images) in enumerate(strips):
        axes = _style.axes_at(
            figure,
            _NAME_IN,
            _HEAD_IN + row * step + _LABEL_LINES * _LINE_IN,
            cell * FIRST,
            cell * aspect,
        )
        if len(images):
            titles = ["" if pd.isna(v) else _narrow(v) for v in objects["label"]]
            names = [_style.wrapped(name, 22)]
            _style.image_rows(axes, [images], columns=FIRST, names=names, titles=titles)
        else:
            _style.say(axes, f"{name}: no object to show")
    columns = ["rank", "object_id", "sigma", "label"]
    parts = [objects[columns].assign(detector=name) for name, objects, _ in strips]
    none = pd.DataFrame(columns=["detector", *columns])
    return figure, pd.concat(parts, ignore_index=True)[list(none)] if parts else none


def _narrow(label: str) -> str:
    """A label in lines as narrow as a small image."""
    text = str(label).replace("_", " ")
    lines = _style.wrapped(text, _LABEL_WIDTH).split("\n")
    if len(lines) > _LABEL_LINES:
        return _style.shortened(text, _LABEL_WIDTH)
    return "\n".join(lines)


def _draw_spread(figure: Figure, among: pd.Series, shown: pd.Series) -> None:
    """Where the shown objects lie among all that have a score."""
    across, down = figure.get_size_inches()
    box = 0.75 / across, 1 - (_HEAD_IN + _BARS_IN) / down, 1 - 0.85 / across, _BARS_IN / down
    axes = figure.add_axes(box)
    sigma, shown = among[np.isfinite(among)], shown[np.isfinite(shown)]
    edges = scores.bins(sigma, 0.0)
    everyone, some = scores.heights(sigma, edges), scores.heights(shown, edges)
    axes.stairs(everyone, edges, fill=True, color="#9DB7CC",
                label=_style.counted(len(sigma), "object"))  # fmt: skip
    axes.stairs(some, edges, fill=True, color=_style.COLOURS[1], label=f"the {len(shown)} below")
    axes.set(yscale="log", ylim=(0.6, max(everyone.max() * 2, 20)), xlim=(edges[0], edges[-1]))
    axes.set_xlabel("anomaly score (σ above the mean)", size=_style.SMALL_PT)
    axes.set_ylabel("objects", size=_style.SMALL_PT)
    axes.tick_params(labelsize=_style.SMALL_PT)
    axes.legend(loc="upper right", fontsize=_style.SMALL_PT)


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
