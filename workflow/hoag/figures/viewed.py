"""How much is found for how much looking: anomalies found against objects viewed."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hoag.figures import _style

_MOST_BANDS = 8  # experiments in a panel, above which bands hide one another
_START = pd.DataFrame({"n_viewed": [0], "mean": [0.0], "low": [0.0], "high": [0.0]})
_REFERENCE = {"color": _style.GREY, "linestyle": "--", "linewidth": 2.2}


@_style.styled
def draw(viewed: pd.DataFrame, spaces: Mapping[str, str]) -> tuple[Figure, pd.DataFrame]:
    """Draw the curve of every experiment, a panel for each space that is learned from.

    Parameters
    ----------
    viewed
        Table ``viewed``.
    spaces
        Experiment -> what it learns from, in words. The first experiment, against which the others
        are measured, is drawn in every panel of its class of anomalies, grey and dashed.

    Returns
    -------
    figure
        Panels for each class of anomalies: means over trials, with the band of 68 % of them where
        a panel has at most eight experiments.
    table
        The rows that are drawn, with their space.
    """
    table = viewed[viewed["quantity"] == "n_found"].reset_index(drop=True)
    table = table.assign(space=table["experiment"].map(spaces))
    panels = list(table[["class", "space"]].drop_duplicates().itertuples(index=False, name=None))
    reference = next(iter(spaces), None)
    rows = max(1, -(-len(panels) // 2))
    figure = _style.new_figure(3.4 * rows + 0.5, layout="constrained")
    if not panels:
        _style.say(figure.subplots(), "no object was viewed")
        return figure, table
    grid = figure.subplots(rows, 2, squeeze=False, sharex=True)
    for axes in grid.flat[len(panels) :]:
        axes.remove()
    n_classes = table["class"].nunique()
    for i, (name, space) in enumerate(panels):
        axes = grid.flat[i]
        of_class = table[table["class"] == name]
        own = of_class.loc[of_class["space"] == space, "experiment"].unique()
        own = [e for e in own if e != reference]
        # the looks that they have in other figures, where those don't repeat
        places = list(spaces) if len(spaces) <= _MOST_BANDS else own
        looks = {e: {**_style.look(places.index(e)), "marker": ""} for e in own}
        if reference in set(of_class["experiment"]):
            looks[reference] = _REFERENCE
        _draw(axes, of_class, looks)
        prefix = f"{_style.shortened(name)}: " if n_classes > 1 else ""
        _style.letter(axes, i, prefix + _style.shortened(space, 40))
        axes.set_ylabel("anomalies found, mean")
        if i + 2 >= len(panels):
            axes.set_xlabel("objects viewed")
            axes.tick_params(labelbottom=True)
    figure.suptitle("Anomalies found against objects viewed")
    return figure, table


def _draw(axes: Axes, of_class: pd.DataFrame, looks: Mapping[str, Mapping[str, Any]]) -> None:
    for experiment, look in looks.items():
        line = of_class[of_class["experiment"] == experiment].sort_values("n_viewed")
        line = pd.concat([_START, line[list(_START)]])
        if len(looks) <= _MOST_BANDS:
            band = {"color": look["color"], "alpha": 0.12, "linewidth": 0}
            axes.fill_between(line["n_viewed"], line["low"], line["high"], **band)
        axes.plot(line["n_viewed"], line["mean"], label=_style.plain(experiment), **look)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    top = max(of_class[["mean", "high"]].max().max(), 1)
    axes.set(xlim=(0, None), ylim=(-0.02 * top, 1.05 * top))  # a line at 0 is seen
    axes.grid(True)
    small = {"fontsize": _style.SMALL_PT - 1.5, "handlelength": 2.2}
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), **small)  # the curves need all the room
