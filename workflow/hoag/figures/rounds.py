"""How active learning goes: what rankings are worth and what was found, round by round."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from hoag.figures import _style

TITLES = {
    "pool_mcc": "MCC of all that has arrived\n(asked objects included)",
    "pool_auroc": "area under the ROC curve,\nall that has arrived",
    "held_out_mcc": "MCC of held-out objects",
    "held_out_auroc": "area under the ROC curve,\nheld-out objects",
    "held_out_average_precision": "average precision,\nheld-out objects",
    "true_candidates": "anomalies among\nthe round's questions",
    "n_found": "anomalies found, median",
}
PANELS = ("pool_mcc", "held_out_mcc", "held_out_auroc", "n_found")
_MOST_BANDS = 6  # experiments, above which bands hide one another


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
        Four panels for each class of anomalies, two where nothing is held out: medians over
        trials, with the band of 68 % of them where at most six experiments are drawn.
    table
        The rows that are drawn.
    """
    known = rounds["quantity"].isin(PANELS) & rounds["median"].notna()
    held_out = rounds.loc[known, "quantity"].str.startswith("held_out").any()
    shown = [q for q in PANELS if held_out or not q.startswith("held_out")]
    table = rounds[rounds["quantity"].isin(shown)].reset_index(drop=True)
    experiments = list(dict.fromkeys(table["experiment"]))
    classes = list(dict.fromkeys(table["class"]))
    down = len(shown) // 2  # rows of panels for a class
    height = 2.9 * down * max(len(classes), 1) + 0.4 + _style.key_height(experiments)
    figure = _style.new_figure(height, layout="constrained")
    if not classes:
        _style.say(figure.subplots(), "no trial was run")
        return figure, table
    panels = figure.subplots(down * len(classes), 2, squeeze=False, sharex=True)
    for row, name in enumerate(classes):
        of_class = table[table["class"] == name]
        for i, quantity in enumerate(shown):
            axes = panels[down * row + i // 2, i % 2]
            _draw(axes, of_class[of_class["quantity"] == quantity], experiments)
            prefix = f"{_style.shortened(name)}: " if len(classes) > 1 else ""
            _style.letter(axes, len(shown) * row + i, prefix + TITLES[quantity])
    for axes in panels[-1]:
        axes.set_xlabel("round")
    figure.suptitle("Active learning, round by round")
    _style.key_below(figure, _keys(experiments))
    return figure, table


@_style.styled
def draw_datasets(
    rounds: Mapping[str, pd.DataFrame | None],
    title: str,
    experiments: Sequence[str],
    quantities: Sequence[str],
) -> tuple[Figure, pd.DataFrame]:
    """Draw some experiments of several data sets side by side (AHUNT, Figs. 3, 5 and 6).

    Parameters
    ----------
    rounds
        Data set -> table ``rounds``; None where it wasn't run.
    title
        Heading.
    experiments
        Those that are drawn, where a data set has them.
    quantities
        Of `TITLES`, one row of panels each.

    Returns
    -------
    figure
        A column for each data set and class of anomalies: medians over trials, with the band of
        68 % of them where at most six experiments are drawn. Data sets that have none of the
        experiments are named below the title.
    table
        The rows that are drawn, with their data set.

    Raises
    ------
    ValueError
        If no data set has any of the experiments.
    """
    parts = [t.assign(dataset=name) for name, t in rounds.items() if t is not None]
    table = pd.concat(parts, ignore_index=True)
    allowed = ", ".join(dict.fromkeys(table["experiment"]))
    table = table[table["experiment"].isin(experiments) & table["quantity"].isin(quantities)]
    table = table.reset_index(drop=True)
    if table.empty:
        raise ValueError(f"found experiments {list(experiments)}, allowed: {allowed}")
    columns = list(table[["dataset", "class"]].drop_duplicates().itertuples(index=False, name=None))
    absent = [name for name, own in rounds.items() if own is None]
    lacking = [n for n in rounds if n not in absent and n not in set(table["dataset"])]
    height = 2.6 * len(quantities) + 0.5 + _style.key_height(experiments)
    figure = _style.new_figure(height, layout="constrained")
    notes = {"not run": absent, "without these experiments": lacking}
    told = [f"{note}: {', '.join(names)}" for note, names in notes.items() if names]
    figure.suptitle(_style.plain("\n".join([title, *told])))
    panels = figure.subplots(len(quantities), len(columns), squeeze=False, sharex="col")
    for j, (name, c) in enumerate(columns):
        of_class = table[(table["dataset"] == name) & (table["class"] == c)]
        for i, quantity in enumerate(quantities):
            axes = panels[i, j]
            heading = f"{_style.shortened(name, 24)},\n{_style.shortened(c, 24)}"
            _style.letter(axes, i * len(columns) + j, heading)
            if j == 0:
                axes.set_ylabel(TITLES[quantity])
            _draw(axes, of_class[of_class["quantity"] == quantity], experiments)
            if i == len(quantities) - 1:
                axes.set_xlabel("round")
    _style.key_below(figure, _keys(experiments))
    return figure, table


def _keys(experiments: Sequence[str]) -> list[Line2D]:
    return [
        _style.key(_style.plain(e), **{**_style.look(i), "marker": ""})
        for i, e in enumerate(experiments)
    ]


def _draw(axes: Axes, part: pd.DataFrame, experiments: Sequence[str]) -> None:
    for place, experiment in enumerate(experiments):
        line = part[part["experiment"] == experiment].sort_values("round")
        look = {**_style.look(place), "marker": ""}
        if len(experiments) <= _MOST_BANDS:
            band = {"color": look["color"], "alpha": 0.15, "linewidth": 0}
            axes.fill_between(line["round"], line["low"], line["high"], **band)
        axes.plot(line["round"], line["median"], **look)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(True)
