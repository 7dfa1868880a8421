"""Does the place in a space of codes tell the score, and do the known classes keep together?

Numbers behind the claim of Storey-Fisher et al. (2020, section 4.1) that residuals order the
anomalies better than the images themselves.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hoag.figures import _style

VALUES = ["spearman", "low", "high", "difference", "difference_low", "difference_high"]


@_style.styled
def draw_neighbour_prediction(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw how well the score follows from an object's neighbours, for each space of features.

    Parameters
    ----------
    table
        Table ``neighbour_prediction``: Spearman's correlation of the score with the mean score of
        the nearest neighbours, with a 95 % interval, and what the first space has more than each.

    Returns
    -------
    figure
        One row per feature space, one mark per detector; small marks are the seeds; the
        difference from the first space at the right.
    table
        features, detector, spearman, low, high, difference, difference_low, difference_high
        (means over seeds), n_objects, n_seeds.
    """
    known = table[table["spearman"].notna()]
    means = _means(known, ["features", "detector"], VALUES)
    spaces = list(dict.fromkeys(means["features"]))
    detectors = list(dict.fromkeys(means["detector"]))
    step = 0.76 / max(len(detectors), 1)
    height = 1.5 + len(spaces) * max(0.45, 0.16 * len(detectors) + 0.15) + 0.25
    figure = _style.new_figure(height, layout="constrained")
    axes = figure.subplots()
    if not spaces:
        _style.say(axes, "too few objects to tell")
        return figure, means
    for row in means.itertuples():
        place = detectors.index(row.detector)
        y = spaces.index(row.features) + (place - (len(detectors) - 1) / 2) * step
        same = (known["features"] == row.features) & (known["detector"] == row.detector)
        seeds = known.loc[same, "spearman"]
        _style.interval_dot(axes, row.spearman, row.low, row.high, y, seeds, place)
        if row.features != spaces[0]:
            less = f"{row.difference:+.2f} [{row.difference_low:+.2f}, {row.difference_high:+.2f}]"
            axes.annotate(
                less.replace("-", "\N{MINUS SIGN}"),
                (1.01, y),
                xycoords=("axes fraction", "data"),
                va="center",
                size=_style.SMALL_PT,
            )
    axes.axvline(0, color=_style.GREY, linestyle=(0, (2, 2)), linewidth=1.2)
    _name_rows(axes, [_style.shortened(s, 30) for s in spaces])
    axes.set_title("How well an object's score follows from its neighbours, by feature space")
    if len(spaces) > 1:
        axes.annotate(
            f"{_style.shortened(spaces[0], 18)}\nminus this one",
            (1.01, 0),
            xycoords=("axes fraction", "data"),
            va="center",
            size=_style.SMALL_PT,
        )
    axes.set_xlabel("Spearman correlation of the score with its neighbours' mean score")
    keys = [
        _style.key(f"score: {_style.plain(d)}", **{**_style.look(i), "linestyle": "-"})
        for i, d in enumerate(detectors)
    ]
    keys.append(_style.key("no relation", color=_style.GREY, linestyle=(0, (2, 2))))
    _style.key_below(figure, keys)
    return figure, means


def _means(table: pd.DataFrame, keys: list[str], values: list[str]) -> pd.DataFrame:
    grouped = table.groupby(keys, sort=False, dropna=False)
    means = grouped[values].mean()
    means["n_objects"] = grouped["n_objects"].max()
    means["n_seeds"] = grouped.size()
    return means.reset_index()


def _name_rows(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(True, axis="x")


@_style.styled
def draw_purity(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw how pure the neighbourhood of each class is, one panel per space of features.

    Parameters
    ----------
    table
        Table ``purity``: mean share of an object's nearest neighbours that are of its class, with
        a 95 % interval, and the same under permuted labels (mean and upper 97.5 % level).

    Returns
    -------
    figure
        Filled marks lie above the permuted level, open ones don't; the grey bar runs from the mean
        to the upper level of permuted labels.
    table
        features, label, purity, low, high, chance, chance_high (means over seeds), n_objects,
        n_seeds.
    """
    values = ["purity", "low", "high", "chance", "chance_high"]
    known = table[table["purity"].notna()]
    means = _means(known, ["features", "label"], values)
    spaces = list(dict.fromkeys(means["features"]))
    labels = list(dict.fromkeys(means.sort_values("n_objects", ascending=False)["label"]))
    across = min(max(len(spaces), 1), 3)
    down = -(-len(spaces) // across) or 1
    figure = _style.new_figure(
        down * (0.9 + 0.36 * max(len(labels), 3)) + 0.4, layout="constrained"
    )
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    for axes in grid[max(len(spaces), 1) :]:
        axes.set_axis_off()
    if not spaces:
        _style.say(grid[0], "no labelled objects")
        return figure, means
    for index, (axes, space) in enumerate(zip(grid, spaces, strict=False)):
        seeds = known[known["features"] == space]
        _draw_space(axes, means[means["features"] == space], seeds, labels)
        _style.letter(axes, index, _style.shortened(space, 22))
        if index + across >= len(spaces):
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("neighbours of the same class", size=_style.SMALL_PT)
    sizes = means.groupby("label")["n_objects"].max()
    _name_rows(grid[0], [f"{_style.shortened(name, 24)} ({sizes[name]:,})" for name in labels])
    _purity_legend(figure)
    return figure, means


def _draw_space(axes: Axes, means: pd.DataFrame, known: pd.DataFrame, labels: list[str]) -> None:
    for row in means.itertuples():
        y = labels.index(row.label)
        axes.plot([row.chance, row.chance_high], [y, y], color=_style.PALE, linewidth=9,
                  solid_capstyle="butt", zorder=1)  # fmt: skip
        axes.plot([row.chance] * 2, [y - 0.3, y + 0.3], color=_style.GREY, linewidth=1.5)
        seeds = known.loc[known["label"] == row.label, "purity"]
        beaten = not row.purity > row.chance_high
        _style.interval_dot(axes, row.purity, row.low, row.high, y, seeds, 0, hollow=beaten)
    axes.set_xlim(-0.03, 1.03)
    axes.grid(True, axis="x")
    axes.tick_params(axis="y", length=0)


def _purity_legend(figure: Figure) -> None:
    mark = {"color": _style.COLOURS[0], "marker": "o", "markersize": 7}
    keys = [
        _style.key("purity, above chance", **mark),
        _style.key("not above chance", **mark, markerfacecolor="white"),
        _style.key("labels permuted: mean to 97.5 %", color=_style.PALE, linewidth=9),
    ]
    _style.key_below(figure, keys)
