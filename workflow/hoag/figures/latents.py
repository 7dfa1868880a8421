"""How a latent space evolves (AHUNT: Vafaei Sadr, Bassett & Sekyi 2022, Fig. 1)."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hoag.figures import _style

_ACROSS = 3


@_style.styled
def draw(points: pd.DataFrame, title: str) -> tuple[Figure, pd.DataFrame]:
    """Draw the plane of each round, coloured by true class, the rarest on top.

    Parameters
    ----------
    points
        Table ``latent_map``: round, class, asked, x, y. Each round has a plane of its own.
    title
        The experiment.

    Returns
    -------
    figure
        A panel for each round; objects that were asked about have a dark rim.
    table
        All objects that are drawn.
    """
    rounds = sorted(set(points["round"]))
    classes = list(points["class"].value_counts().sort_index(ascending=False).sort_values().index)
    across = min(len(rounds), _ACROSS)
    down = -(-len(rounds) // across)
    figure = _style.new_figure(0.9 + 3.4 * down, layout="constrained")
    figure.suptitle(f"Latent space of {_style.plain(title)}")
    panels = figure.subplots(down, across, squeeze=False).ravel()
    for axes in panels[len(rounds) :]:
        axes.set_axis_off()
    for i, (axes, r) in enumerate(zip(panels, rounds, strict=False)):
        _draw(axes, points[points["round"] == r], classes[::-1])
        _style.letter(axes, i, f"round {r}")
    last = points[points["round"] == rounds[-1]]["class"].value_counts()
    keys = [
        _style.key(
            f"{_style.shortened(name)} ({last.get(name, 0):,})",
            **{**_style.look(i), "linestyle": "", "marker": "o"},
        )
        for i, name in enumerate(classes[::-1])
    ]
    asked = {"linestyle": "", "marker": "o", "color": "white", "markeredgecolor": "black"}
    _style.key_below(figure, [*keys, _style.key("asked about", **asked)])
    return figure, points.reset_index(drop=True)


def _draw(axes: Axes, points: pd.DataFrame, classes: list[str]) -> None:
    for i, name in enumerate(classes):
        members = points[points["class"] == name]
        colour = _style.look(i)["color"]
        axes.scatter(
            members["x"], members["y"], s=4 if i < len(classes) - 1 else 14, color=colour,
            linewidths=0, rasterized=True,
        )  # fmt: skip
    asked = points[points["asked"]]
    axes.scatter(
        asked["x"],
        asked["y"],
        s=16,
        facecolors="none",
        edgecolors="black",
        linewidths=0.3,
        alpha=0.6,
    )
    axes.set(xticks=[], yticks=[])
