"""How active learning goes: what rankings are worth and what was found, round by round."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hoag.figures import _style

PANELS = {
    "pool_mcc": "MCC of all that has arrived\n(asked objects included)",
    "held_out_mcc": "MCC of held-out objects",
    "held_out_auroc": "area under the ROC curve,\nheld-out objects",
    "n_found": "anomalies found",
}


@_style.styled
def draw_rounds(rounds: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw MCC and AUC per round, and the anomalies found, of every experiment.

    Parameters
    ----------
    rounds
        Table ``rounds``.

    Returns
    -------
    figure
        A row of four panels for each class of anomalies: medians over trials, with the band of
        68 % of them.
    table
        The rows that are drawn.
    """
    table = rounds[rounds["quantity"].isin(PANELS)].reset_index(drop=True)
    experiments = list(dict.fromkeys(table["experiment"]))
    classes = list(dict.fromkeys(table["class"]))
    height = 2.9 * 2 * max(len(classes), 1) + 0.4 + _style.key_height(experiments)
    figure = _style.new_figure(height, layout="constrained")
    if not classes:
        _style.say(figure.subplots(), "no trial was run")
        return figure, table
    panels = figure.subplots(2 * len(classes), 2, squeeze=False, sharex=True)
    for row, name in enumerate(classes):
        of_class = table[table["class"] == name]
        for i, (quantity, title) in enumerate(PANELS.items()):
            axes = panels[2 * row + i // 2, i % 2]
            _draw(axes, of_class[of_class["quantity"] == quantity], experiments)
            prefix = f"{_style.shortened(name)}: " if len(classes) > 1 else ""
            _style.letter(axes, 4 * row + i, prefix + title)
    for axes in panels[-1]:
        axes.set_xlabel("round")
    figure.suptitle("Active learning, round by round")
    keys = [
        _style.key(_style.plain(e), **{**_style.look(i), "marker": ""})
        for i, e in enumerate(experiments)
    ]
    _style.key_below(figure, keys)
    return figure, table


def _draw(axes: Axes, part: pd.DataFrame, experiments: list[str]) -> None:
    for place, experiment in enumerate(experiments):
        line = part[part["experiment"] == experiment].sort_values("round")
        look = {**_style.look(place), "marker": ""}
        axes.fill_between(
            line["round"], line["low"], line["high"], color=look["color"], alpha=0.15, linewidth=0
        )
        axes.plot(line["round"], line["median"], **look)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(True)
