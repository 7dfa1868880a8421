"""What all figures share: fonts, colours, rows of images, and saving the same bytes each time.

Every function of this room takes arrays and tables and returns ``(figure, table)``, the table
holding the numbers in the picture. Figures are made without pyplot, so that nothing outlives
the call.
"""

import functools
import textwrap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hoag.files import atomic
from hoag.scores import ALONE

# Okabe & Ito's palette without its yellow, which is lost on white; black comes last
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "h")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
GREY, PALE = "#767676", "#C9C9C9"
WIDTH_IN, SMALL_PT, DPI = 10.0, 9.5, 150

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same picture on every machine
    "font.size": 11,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#E2E2E2",
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "pdf.fonttype": 42,
}

P, R = ParamSpec("P"), TypeVar("R")


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` under the house style, whatever the user's own matplotlib settings."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.style.context(["default", _STYLE]):
            return function(*args, **kwargs)

    return wrapper


@styled
def save(figure: Figure, png: str | Path, pdf: str | Path) -> None:
    """Write the figure as PNG (150 dpi) and PDF, the same bytes whenever the numbers are the same.

    Parameters
    ----------
    figure
        Any figure of this room.
    png, pdf
        The two files; each appears under its name when it is complete.
    """
    with atomic(png) as private:
        figure.savefig(private, format="png", metadata={"Software": None})
    with atomic(pdf) as private:
        figure.savefig(private, format="pdf", metadata={"CreationDate": None, "Producer": None})


def new_figure(height_in: float, *, layout: str | None = None) -> Figure:
    """Make an empty figure that draws with Agg and belongs to no window."""
    figure = Figure(figsize=(WIDTH_IN, height_in), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def axes_at(
    figure: Figure, left: float, top: float, width: float, height: float, *, title: str = ""
) -> Axes:
    """Add bare axes for images, placed in inches from the top left corner."""
    across, down = figure.get_size_inches()
    axes = figure.add_axes(
        (left / across, 1 - (top + height) / down, width / across, height / down)
    )
    axes.set_axis_off()
    if title:
        figure.text(left / across, 1 - top / down, title, va="bottom", weight="bold")
    return axes


def plain(text: Any) -> str:
    """Give the user's own words as matplotlib must get them: no formulae, no hidden legends."""
    words = str(text).replace("$", r"\$")
    return f" {words}" if words.startswith("_") else words


def shortened(text: Any, length: int = 20) -> str:
    """Cut long words in the middle; both ends of an identifier tell more than its middle."""
    words = str(text)
    if len(words) <= length:
        return plain(words)
    tail = (length - 1) // 2
    return plain(f"{words[: length - 1 - tail]}…{words[-tail:]}")


def sigmas(value: float) -> str:
    """A score in standard deviations above the mean, for a title."""
    return f"{value:z.1f} σ" if np.isfinite(value) else "no score"


def by_object(values: pd.Series, object_ids: Iterable[str]) -> pd.Series:
    """Values of a series indexed by object_id, in the order of ``object_ids`` (missing: null)."""
    return values.reindex(pd.Index(object_ids, dtype=values.index.dtype))


def series_name(features: Any, detector: str) -> str:
    """What a detector is called in a legend: those of vectors name their feature space.

    >>> series_name("codes", "knn"), series_name("images", "wgan")
    ('knn on codes', 'wgan')
    """
    if pd.isna(features) or features in ("", *ALONE):
        return plain(detector)
    return plain(f"{detector} on {features}")


def wrapped(text: str, width: int) -> str:
    """Break a long label into lines."""
    return "\n".join(textwrap.wrap(plain(text), width))


def words(name: str) -> str:
    """Turn a column's name into the words of an axis label."""
    return plain(name.replace("_", " "))


def look(index: int) -> dict[str, Any]:
    """Colour, marker and line of the n-th series: any two differ in more than their colour."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index % len(MARKERS)],
        "linestyle": LINES[index % len(LINES)],
    }


def key(name: str, **kwargs: Any) -> Line2D:
    """One entry of a legend, drawn by hand."""
    return Line2D([], [], label=name, **kwargs)


def head(figure: Figure, heading: str) -> None:
    """Write a heading at the top left of a figure of images."""
    across, down = figure.get_size_inches()
    figure.text(0.1 / across, 1 - 0.12 / down, plain(heading), va="top", weight="bold")


def key_columns(names: Sequence[str]) -> int:
    """How many columns of a key fit across the page."""
    return int(np.clip(100 // (8 + max([len(n) for n in names], default=1)), 1, 3))


def key_height(names: Sequence[str]) -> float:
    """Inches that `key_below` will take."""
    return 0.24 * -(-len(names) // key_columns(names)) + 0.1


def key_below(figure: Figure, handles: Sequence[Line2D]) -> None:
    """Put the key under the panels of a figure with constrained layout."""
    columns = key_columns([str(h.get_label()) for h in handles])
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)


def letter(axes: Axes, index: int, title: str) -> None:
    """Head a panel with its letter and title."""
    axes.set_title(f"({chr(ord('a') + index % 26)}) {title}")


def say(axes: Axes, message: str) -> None:
    """Write a message where there is nothing to draw."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, message, transform=axes.transAxes, ha="center", va="center", color=GREY)


def counted(n: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun, e.g. "1 object" or "1,204 objects"."""
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"


def interval_dot(
    axes: Axes,
    value: float,
    low: float,
    high: float,
    at: float,
    seeds: pd.Series,
    place: int,
    *,
    hollow: bool = False,
    upright: bool = False,
) -> None:
    """Draw a value with its interval at row ``at``, small marks being the seeds if several.

    ``place`` picks colour and marker as in `look`; a NaN end leaves the bar out; ``upright`` has
    the value on the y axis and ``at`` on the x axis.
    """
    look_of = look(place)
    colour, marker = look_of["color"], look_of["marker"]

    def draw(values: Sequence[float], places: Sequence[float], **kwargs: Any) -> None:
        axes.plot(*((places, values) if upright else (values, places)), color=colour, **kwargs)

    if np.isfinite([low, high]).all():
        draw([low, high], [at, at], linewidth=1.6)
    if len(seeds) > 1:
        draw(list(seeds), [at] * len(seeds), linestyle="", marker=marker, markersize=3.5,
             markeredgewidth=0, alpha=0.55)  # fmt: skip
    face = "white" if hollow else colour
    draw([value], [at], marker=marker, markersize=7.5, markerfacecolor=face, zorder=3)


def image_rows(
    axes: Axes,
    rows: Sequence[np.ndarray],
    *,
    columns: int,
    names: Sequence[str] = (),
    titles: Sequence[str] = (),
) -> None:
    """Draw rows of images into one set of axes, each on the full range 0-255.

    Parameters
    ----------
    axes
        Fills the place of ``columns`` images across and ``len(rows)`` down.
    rows
        Arrays (k, y, x, c), uint8, c of 1 (shown in grey) or 3; k at most ``columns``.
    columns
        Places across, so that rows of few images keep the others' scale.
    names
        A name left of each row.
    titles
        A line or more above each column.
    """
    axes.set_axis_off()
    height = aspect(rows)
    gap = 0.03
    for down, images in enumerate(rows):
        for across, image in enumerate(images):
            box = (across + gap, across + 1 - gap, (down + 1 - gap) * height, (down + gap) * height)
            if image.shape[-1] == 1:
                axes.imshow(image[..., 0], cmap="gray", vmin=0, vmax=255, extent=box)
            else:
                axes.imshow(image, extent=box)
    for down, name in enumerate(names):
        axes.text(-0.06, (down + 0.5) * height, name, ha="right", va="center", size=SMALL_PT)
    for across, title in enumerate(titles):
        axes.text(across + 0.5, -0.02, title, ha="center", va="bottom", size=SMALL_PT)
    axes.set(xlim=(0, columns), ylim=(len(rows) * height, 0), aspect="equal", anchor="NW")


def aspect(rows: Sequence[np.ndarray]) -> float:
    """Height over width of the images of `image_rows`."""
    shape = rows[0].shape if rows else (0, 1, 1, 1)
    return shape[1] / shape[2] if shape[1] and shape[2] else 1.0
