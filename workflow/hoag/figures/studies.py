"""Small studies of the score: its weight lambda, the start of the search, the number of steps."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hoag.figures import _style

_ACROSS = 2
_TITLES = {
    "lambda": "weight of the critic's features",
    "start": "where the search begins",
    "steps": "steps of the search",
}
_AXES = {"lambda": "λ", "start": "start of the search", "steps": "step number"}
_QUANTITIES = {
    "spearman": "Spearman correlation\nwith the chosen setting",
    "mean_score": "mean score\n(lower: better reconstructed)",
    "ratio_50": "score / score from encoder\n(bar: 16 to 84 %)",
}


@_style.styled
def draw(study: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw every study of the table, one panel for each of its quantities.

    Parameters
    ----------
    study
        Table ``study``: study ("lambda", "start", "steps", or another), setting (text, drawn as a
        number on the axis of "steps"), seed (may be missing), quantity, value. Quantities x_16,
        x_50 and x_84 are drawn as one mark with a bar. A row of setting "chosen" in "lambda" marks
        the value in use.

    Returns
    -------
    figure
        Marks are means over seeds, small marks the seeds.
    table
        study, setting, quantity, value, low, high (means over seeds; low and high are the 16 and
        84 percentiles where the table holds them), n_seeds.
    """
    chosen = study["setting"] == "chosen"
    means = _means(study[~chosen & study["value"].notna()])
    panels = list(dict.fromkeys(zip(means["study"], means["quantity"], strict=True)))
    down = -(-len(panels) // _ACROSS) or 1
    figure = _style.new_figure(3.3 * down, layout="constrained")
    grid = figure.subplots(down, _ACROSS, squeeze=False).ravel()
    for axes in grid[max(len(panels), 1) :]:
        axes.set_axis_off()
    if not panels:
        _style.say(grid[0], "no study in this run")
    for index, (axes, (name, quantity)) in enumerate(zip(grid, panels, strict=False)):
        rows = means[(means["study"] == name) & (means["quantity"] == quantity)]
        seeds = study[(study["study"] == name) & (study["quantity"] == quantity) & ~chosen]
        used = study.loc[(study["study"] == name) & chosen, "value"]
        (_draw_path if name == "steps" else _draw_marks)(axes, rows, seeds, used)
        _style.letter(axes, index, _TITLES.get(name, _style.words(name)))
        axes.set_xlabel(_AXES.get(name, "setting"))
        axes.set_ylabel(_QUANTITIES.get(quantity, _style.words(quantity)), size=10)
        axes.grid(True, axis="y")
        low, high = rows["value"].min(), rows["value"].max()
        if 0 < low < high / 20:
            axes.set_yscale("log")
    return figure, means


def _means(study: pd.DataFrame) -> pd.DataFrame:
    keys = ["study", "setting", "quantity"]
    grouped = study.groupby(keys, sort=False)["value"]
    table = pd.DataFrame({"value": grouped.mean(), "n_seeds": grouped.size()})
    lookup = table["value"].to_dict()
    table = table.reset_index()
    for name, suffix in (("low", "_16"), ("high", "_84")):
        places = zip(table["study"], table["setting"], table["quantity"], strict=True)
        found = [lookup.get((s, at, f"{q[:-3]}{suffix}"), np.nan) if q.endswith("_50") else np.nan
                 for s, at, q in places]  # fmt: skip
        table[name] = np.asarray(found, dtype=float)
    folded = table["quantity"].str.endswith(("_16", "_84"))
    return table.loc[~folded, [*keys, "value", "low", "high", "n_seeds"]].reset_index(drop=True)


def _draw_marks(axes: Axes, rows: pd.DataFrame, seeds: pd.DataFrame, used: pd.Series) -> None:
    """Settings side by side, in the order of the table."""
    settings = list(rows["setting"])
    for at, row in enumerate(rows.itertuples()):
        points = seeds.loc[seeds["setting"] == row.setting, "value"]
        _style.interval_dot(axes, row.value, row.low, row.high, at, points, 0, upright=True)
    marked = [at for at, s in enumerate(settings) if _number(s) in set(used)]
    for at in marked:
        axes.axvline(at, color=_style.COLOURS[1], linestyle="--", linewidth=1.3, zorder=1)
        axes.annotate(" in use", (at, 0.03), xycoords=("data", "axes fraction"),
                      color=_style.COLOURS[1], size=_style.SMALL_PT)  # fmt: skip
    axes.set_xticks(range(len(settings)), [_style.shortened(s, 12) for s in settings])
    axes.set_xlim(-0.6, len(settings) - 0.4)


def _draw_path(axes: Axes, rows: pd.DataFrame, seeds: pd.DataFrame, _: pd.Series) -> None:
    x = rows["setting"].astype(float)
    axes.plot(x, rows["value"], **{**_style.look(0), "linestyle": "-"}, markersize=5)
    if rows["n_seeds"].max() > 1:
        axes.plot(seeds["setting"].astype(float), seeds["value"], ".", color=_style.COLOURS[0],
                  markersize=4, alpha=0.6)  # fmt: skip


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan
