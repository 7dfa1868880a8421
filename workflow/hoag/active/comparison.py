"""Trials of several experiments put together: round by round, and against one another."""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hoag import seeds
from hoag.statistics import mean_interval

if TYPE_CHECKING:
    import pandas as pd

QUANTITIES = (
    "pool_mcc",
    "pool_auroc",
    "pool_average_precision",
    "pool_rank_weighted",
    "held_out_mcc",
    "held_out_auroc",
    "held_out_average_precision",
    "held_out_rank_weighted",
    "unlabelled_auroc",
    "unlabelled_average_precision",
    "true_candidates",
    "n_found",
    "n_aimed",
    "n_hit",
)
COMPARED = (
    "pool_mcc",
    "held_out_mcc",
    "held_out_auroc",
    "held_out_average_precision",
    "n_found",
    "found_per_question",
)


def by_round(trials: Mapping[str, "pd.DataFrame"], *, seed: int) -> "pd.DataFrame":
    """Mean with its interval, median and the band of 68 % of the trials, for every quantity.

    Parameters
    ----------
    trials
        Experiment -> table ``trials``.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        As the schema ``rounds``; trials in which a quantity is undefined are left out of it.
    """
    return summarised(trials, "round", QUANTITIES, seed=(seed, "rounds"))


def summarised(
    trials: Mapping[str, "pd.DataFrame"],
    step: str,
    quantities: Sequence[str],
    *,
    seed: tuple[int, str],
) -> "pd.DataFrame":
    """Spread of every quantity over trials, at each value of the column ``step``, by class.

    Parameters
    ----------
    trials
        Experiment -> table with trial, class, ``step`` and the quantities.
    step, quantities
        Columns; values that aren't finite are left out.
    seed
        Of the bootstrap, and a word that keeps its draws apart from those of others.

    Returns
    -------
    DataFrame
        experiment, class, ``step``, quantity, n_trials, and what `_spread` gives: mean, mean_low,
        mean_high, median, low, high.
    """
    import pandas as pd

    rows = []
    for experiment, table in trials.items():
        for (name, at), part in table.groupby(["class", step], sort=True):
            for quantity in quantities:
                values = part[quantity].to_numpy(dtype=float)
                values = values[np.isfinite(values)]
                found = _spread(values, seeds.generator(*seed, name, at, quantity))
                rows.append((experiment, name, at, quantity, len(values), *found))
    columns = ("experiment", "class", step, "quantity", "n_trials", "mean", "mean_low")
    return pd.DataFrame(rows, columns=[*columns, "mean_high", "median", "low", "high"])


def in_pairs(trials: Mapping[str, "pd.DataFrame"], *, seed: int) -> "pd.DataFrame":
    """Last round of every experiment minus that of each one before it, over trials that both have.

    The objects of a trial depend on its number alone, so that a difference is that of the learners
    on the same objects; trials whose objects differ, since a protocol or a feature space does, are
    left out. Values on unlabelled objects are not compared: a learner that finds the
    easy ones keeps only hard ones.

    Parameters
    ----------
    trials
        Experiment -> table ``trials``.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        As the schema ``comparisons``.
    """
    import pandas as pd

    ends = {name: _last(table) for name, table in trials.items()}
    rows = []
    for reference, experiment in itertools.combinations(ends, 2):
        both = ends[experiment].join(ends[reference], how="inner", rsuffix="_of_reference")
        for name, part in both.groupby(level="class"):
            for quantity in COMPARED:
                values = part[quantity] - part[f"{quantity}_of_reference"]
                values = values.to_numpy(dtype=float)
                values = values[np.isfinite(values)]
                rng = seeds.generator(seed, "comparison", name, quantity)
                mean, low, high = mean_interval(values, rng)
                rows.append((experiment, reference, name, quantity, len(values), mean, low, high))
    columns = ("experiment", "reference", "class", "quantity", "n_trials", "difference")
    return pd.DataFrame(rows, columns=[*columns, "low", "high"])


TABLED = (
    "pool_mcc",
    "held_out_mcc",
    "held_out_auroc",
    "held_out_average_precision",
    "n_found",
)


def beside_published(
    rounds: Mapping[str, "pd.DataFrame | None"], published: "pd.DataFrame | None"
) -> "pd.DataFrame":
    """Last round of every experiment of several data sets, beside published numbers.

    Parameters
    ----------
    rounds
        Data set -> table ``rounds``, None where it wasn't run.
    published
        Columns dataset, experiment, quantity, value.

    Returns
    -------
    DataFrame
        As the schema ``collected``: what is published and wasn't run has 0 trials.
    """
    import pandas as pd

    key = ["dataset", "experiment", "quantity"]
    columns = ["class", "n_trials", "mean", "low", "high"]
    parts = []
    for dataset, table in rounds.items():
        if table is not None:
            ends = table.groupby("experiment")["round"].transform("max")
            last = table[(table["round"] == ends) & table["quantity"].isin(TABLED)]
            last = last.drop(columns=["low", "high"]).rename(
                columns={"mean_low": "low", "mean_high": "high"}
            )
            parts.append(last.assign(dataset=dataset)[[*key, *columns]])
    ours = pd.concat(parts, ignore_index=True)
    if published is None:
        return ours.assign(published=np.nan, difference=np.nan)
    published = published[[*key, "value"]].rename(columns={"value": "published"})
    published = published[published["dataset"].isin(list(rounds))]
    both = ours.merge(published, on=key, how="left")
    both["difference"] = both["mean"] - both["published"]
    alone = published.merge(ours[key], on=key, how="left", indicator=True)
    alone = alone[alone["_merge"] == "left_only"].assign(n_trials=0).reindex(columns=both.columns)
    return pd.concat([both, alone], ignore_index=True)


def _last(table: "pd.DataFrame") -> "pd.DataFrame":
    """Last round, by trial, drawn objects and class."""
    last = table[table["round"] == table["round"].max()].set_index(["trial", "objects", "class"])
    return last.assign(found_per_question=last["n_found"] / last["n_asked"])


def _spread(values: np.ndarray, rng: np.random.Generator) -> tuple[float, ...]:
    """Mean and its 95 % interval (low, high), median, and the ends of the band of 68 %.

    Of values (n,) without NaN; NaN, six times, where there is none.
    """
    if not len(values):
        return (np.nan,) * 6
    low, median, high = np.percentile(values, [16, 50, 84])
    return (*mean_interval(values, rng), median, low, high)
