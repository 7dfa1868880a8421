"""A classifier's uncertainty: where it is high, for whom, and how reliable its measures are."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hoag.figures import _style
from hoag.splits import OUTSIDE, TEST
from hoag.uncertainty.calibration import calibration
from hoag.uncertainty.judging import HIGH_ENTROPY, SCORE, SIGMAS

GROUPS = ("right", "wrong", "of no class")
_NAMES = {"auroc": "area under\nthe ROC curve", "flagged": "outliers flagged\nwithout a false flag"}
_BY = {True: "by options", False: "with the rest"}
_OUTCOMES = _NAMES | {
    "beyond_outliers": "outliers above 3 sigma",
    "beyond_all": "objects of the classes above 3 sigma",
}


def group_of(objects: pd.DataFrame) -> pd.Series:
    """Which of `GROUPS` each object belongs to; rows of table ``judged_objects``."""
    found = np.where(objects["wrong"], GROUPS[1], GROUPS[0])
    return pd.Series(np.where(objects["role"] == "outside", GROUPS[2], found), objects.index)


@_style.styled
def draw_objects(
    objects: pd.DataFrame, measure: str, classes: Sequence[str]
) -> tuple[Figure, pd.DataFrame]:
    """Draw one network's entropies, logits, and excess over the neighbours (poster's figures).

    Parameters
    ----------
    objects
        Table ``judged_objects`` of one network, number of passes and temperature.
    measure
        Name of the local measure, in standard deviations.
    classes
        Names of the first two classes, for the axes.

    Returns
    -------
    figure
        (a) entropies by group, those of the first class shaded, (b) the first two logits, (c)
        entropy against their difference, (d) the measure, of the test and of outliers.
    table
        object_id, group, class (its number), role, entropy, the logits, the measure.
    """
    table = objects.assign(group=group_of(objects))
    logits = ["logit_0", "logit_1"]
    table = table[["object_id", "group", "class", "role", "entropy", *logits, SCORE + measure]]
    table = table.reset_index(drop=True)
    figure = _style.new_figure(8.2, layout="constrained")
    panels = figure.subplots(2, 2).ravel()
    most = np.log(sum(c.startswith("logit_") for c in objects.columns))
    parts = {g: table[table["group"] == g] for g in GROUPS}
    colours = [_style.COLOURS[i] for i in (5, 4, 1)]
    axes = panels[0]
    edges = np.linspace(0, most, 15)
    for part, colour in zip(parts.values(), colours, strict=True):
        axes.hist(part["entropy"], edges, color=colour, histtype="step", linewidth=1.8)
        first = part.loc[part["class"] == 0, "entropy"]
        axes.hist(first, edges, color=colour, alpha=0.25)
    line = HIGH_ENTROPY * most
    axes.axvline(line, color=_style.GREY, linestyle="--")
    high = table[table["entropy"] > line]["group"].value_counts()
    words = ", ".join(f"{high.get(g, 0)} {g}" for g in GROUPS)
    shade = f"shaded: {_style.shortened(classes[0])}"
    axes.set(xlabel=f"predictive entropy [nat]; {shade}", ylabel="objects")
    _count_axis(axes)
    _style.letter(axes, 0, f"above {line:.2f}: {words}")
    for axes, (x, y) in zip(
        panels[1:3], ((table["logit_0"], table["logit_1"]), (None, table["entropy"])), strict=True
    ):
        x = table["logit_0"] - table["logit_1"] if x is None else x
        for i, g in enumerate(GROUPS):
            rows = table["group"] == g
            axes.scatter(
                x[rows], y[rows], s=(7, 12, 22)[i], color=colours[i], marker="os^"[i], linewidth=0
            )
        axes.grid(True)
    first, second = (_style.shortened(c) for c in classes[:2])
    panels[1].locator_params(axis="x", nbins=6)
    panels[1].set(xlabel=f"logit of {first}", ylabel=f"logit of {second}")
    _style.letter(panels[1], 1, "where they lie")
    panels[2].set(xlabel=f"logit of {first} - logit of {second}", ylabel="predictive entropy [nat]")
    _style.letter(panels[2], 2, "entropy against place")
    _draw_excess(panels[3], table[table["role"].isin([TEST, OUTSIDE])], measure)
    keys = [
        _style.key(g, color=c, marker=m, linestyle="")
        for g, c, m in zip(GROUPS, colours, "os^", strict=True)
    ]
    _style.key_below(figure, keys)
    return figure, table


def _draw_excess(axes: Axes, table: pd.DataFrame, measure: str) -> None:
    shown = table.assign(value=table[SCORE + measure].clip(upper=15))
    edges = np.linspace(min(0.0, shown["value"].min()), 15, 31)
    inside, outside = (shown[(shown["group"] == GROUPS[2]) == o]["value"] for o in (False, True))
    axes.hist(inside, edges, color=_style.COLOURS[5], alpha=0.9)
    axes.hist(outside, edges, color=_style.COLOURS[1], histtype="step", linewidth=1.8)
    axes.axvline(SIGMAS, color=_style.GREY, linestyle="--")
    n = [(v > SIGMAS).sum() for v in (outside, inside)]
    axes.set(xlabel=f"{_style.words(measure)} (15 and more in the last bin)", ylabel="objects")
    _count_axis(axes)
    _style.letter(axes, 3, f"test; above {SIGMAS:.0f}: {n[0]} of no class, {n[1]} of the classes")


def _count_axis(axes: Axes) -> None:
    """Logarithmic, and down to 0."""
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(bottom=0)


@_style.styled
def draw_spread(judged: pd.DataFrame, summary: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw what every measure is worth, training by training.

    Parameters
    ----------
    judged, summary
        Tables ``judged`` and ``uncertainty``, with one number of passes and without temperature.

    Returns
    -------
    figure
        Two panels for each setting, with the number of its trainings: medians with the band of
        68 %, small marks the trainings.
    table
        The rows of the summary that are drawn.
    """
    table = summary[summary["quantity"].isin(_NAMES)].reset_index(drop=True)
    settings = list(dict.fromkeys(table["setting"]))
    measures = list(dict.fromkeys(table["measure"]))
    across = min(2, len(settings))  # settings side by side
    down = -(-len(settings) // across)
    height = 0.6 + down * (0.9 + 0.23 * len(measures))
    figure = _style.new_figure(height, layout="constrained")
    panels = figure.subplots(down, 2 * across, squeeze=False, sharey=True)
    for axes in panels.ravel()[2 * len(settings) :]:
        axes.set_axis_off()
    for i, setting in enumerate(settings):
        for j, quantity in enumerate(_NAMES):
            axes = panels.ravel()[2 * i + j]
            for at, measure in enumerate(measures):
                own = (judged["setting"] == setting) & (judged["measure"] == measure)
                row = table[
                    (table["setting"] == setting)
                    & (table["measure"] == measure)
                    & (table["quantity"] == quantity)
                ]
                if len(row):
                    (row,) = row.itertuples()
                    points = judged.loc[own, quantity]
                    _style.interval_dot(axes, row.median, row.low, row.high, -at, points, at)
            axes.set_yticks(
                [-at for at in range(len(measures))], [_style.words(m) for m in measures]
            )
            axes.set_ylim(0.6 - len(measures), 0.6)
            axes.locator_params(axis="x", nbins=4)
            axes.grid(True, axis="x")
            n = table.loc[table["setting"] == setting, "n_trainings"].max()
            _style.letter(axes, 2 * i + j, "" if j else f"{_style.words(setting)} ({n})")
            if i + across >= len(settings):
                axes.set_xlabel(_NAMES[quantity])
    return figure, table


@_style.styled
def draw_reliability(objects: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw accuracy against confidence, without and with the temperature, over all trainings.

    Parameters
    ----------
    objects
        Table ``judged_objects`` of one number of passes; only objects of the test count.

    Returns
    -------
    figure
        Two panels; bars of accuracy, the diagonal being perfect.
    table
        scaled, low, high, confidence, accuracy, n.
    """
    tested = objects[objects["role"] == "test"]
    n_classes = sum(c.startswith("logit_") for c in objects.columns)
    figure = _style.new_figure(4.4, layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    parts = []
    for i, (axes, scaled) in enumerate(zip(panels, (False, True), strict=True)):
        part = tested[tested["scaled"] == scaled]
        # calibration wants probabilities: those of the named class, and of all others together
        p = np.zeros((len(part), n_classes))
        p[:, 0] = part["confidence"]
        found = calibration(p, part["wrong"].astype(int).to_numpy())
        table = pd.DataFrame(
            {
                "scaled": scaled,
                "low": found.low,
                "high": found.high,
                "confidence": found.confidence,
                "accuracy": found.accuracy,
                "n": found.n,
            }
        )
        parts.append(table)
        width = found.high - found.low
        axes.bar(found.low, found.accuracy, width, align="edge", color=_style.COLOURS[5],
                 edgecolor="white")  # fmt: skip
        axes.plot([found.low[0], 1], [found.low[0], 1], color=_style.GREY, linestyle="--")
        axes.plot(found.confidence, found.accuracy, "o", color=_style.COLOURS[0])
        axes.set(xlabel="confidence", ylabel="accuracy" if i == 0 else "", ylim=(0, 1))
        words = "with the temperature" if scaled else "as trained"
        _style.letter(axes, i, f"{words}: calibration error {found.error:.3f}")
    return figure, pd.concat(parts, ignore_index=True)


@_style.styled
def draw_explained(explained: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw what a measure's worth goes with: partial correlations and importances.

    Parameters
    ----------
    explained
        Table ``explained``; may be empty.

    Returns
    -------
    figure
        A row of panels for each outcome.
    table
        As given.
    """
    outcomes = list(dict.fromkeys(explained["outcome"]))
    n = explained["predictor"].nunique()
    figure = _style.new_figure(0.8 + max(len(outcomes), 1) * (0.9 + 0.3 * n), layout="constrained")
    if not outcomes:
        _style.say(figure.subplots(), "no sweep in this run")
        return figure, explained
    panels = figure.subplots(len(outcomes), 2, squeeze=False, sharey="row")
    for i, outcome in enumerate(outcomes):
        rows = explained[explained["outcome"] == outcome].reset_index(drop=True)
        places = -np.arange(len(rows))
        for at, row in zip(places, rows.itertuples(), strict=True):
            place = 0 if row.is_option else 1
            _style.interval_dot(
                panels[i, 0], row.correlation, row.low, row.high, at, pd.Series(), place
            )
            ends = row.importance - row.importance_spread, row.importance + row.importance_spread
            _style.interval_dot(panels[i, 1], row.importance, *ends, at, pd.Series(), place)
        for axes in panels[i]:
            axes.locator_params(axis="x", nbins=6)
            axes.axvline(0, color=_style.GREY, linewidth=1)
            axes.grid(True, axis="x")
            axes.set_yticks(places, [_style.words(p) for p in rows["predictor"]])
        r2 = rows.groupby("is_option")["forest_r2"].first()
        found = [f"{r2[k]:.2f} {words}" for k, words in _BY.items() if k in r2]
        words = "the same in all trainings" if r2.isna().all() else f"R² {', '.join(found)}"
        _style.letter(panels[i, 0], 2 * i, _OUTCOMES[outcome].replace("\n", " "))
        _style.letter(panels[i, 1], 2 * i + 1, words)
    panels[-1, 0].set_xlabel("partial rank correlation")
    panels[-1, 1].set_xlabel("importance [share of the variance]")
    return figure, explained.reset_index(drop=True)
