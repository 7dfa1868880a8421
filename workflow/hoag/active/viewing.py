"""What is found for how much looking: curves of anomalies against objects viewed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hoag import seeds
from hoag.active.comparison import summarised
from hoag.statistics import mean_interval

if TYPE_CHECKING:
    import pandas as pd

QUANTITIES = ("n_found", "area")
_CURVE = ["trial", "objects", "class"]


def by_depth(trials: Mapping[str, "pd.DataFrame"], *, seed: int) -> "pd.DataFrame":
    """Mean with its interval, median and the band of 68 % of the trials, after each round.

    Parameters
    ----------
    trials
        Experiment -> table ``trials``.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        As the schema ``viewed``: for each number of objects viewed ``n_found``, the anomalies among
        them, and ``area``, that below the curve so far (straight lines between rounds, from no
        object viewed and none found), over the number viewed: the mean number found on the way.
        Twice as high is twice as good; what is found late counts little.
    """
    curves = {experiment: _curves(table) for experiment, table in trials.items()}
    return summarised(curves, "n_viewed", QUANTITIES, seed=(seed, "viewed"))


def against_first(trials: Mapping[str, "pd.DataFrame"], *, seed: int) -> "pd.DataFrame":
    """Every later experiment minus the first one, trial by trial, at each depth that both have.

    As in `hoag.active.comparison.in_pairs`, trials whose objects differ are left out.

    Parameters
    ----------
    trials
        Experiment -> table ``trials``; the first one is what others are measured against.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        As the schema ``viewed_pairs``.
    """
    import pandas as pd

    curves = {e: _curves(table).set_index([*_CURVE, "n_viewed"]) for e, table in trials.items()}
    reference = next(iter(curves), None)
    rows = []
    for experiment in list(curves)[1:]:
        both = curves[experiment].join(curves[reference], how="inner", rsuffix="_of_reference")
        for (name, n_viewed), part in both.groupby(level=["class", "n_viewed"]):
            for quantity in QUANTITIES:
                values = (part[quantity] - part[f"{quantity}_of_reference"]).to_numpy(dtype=float)
                rng = seeds.generator(seed, "viewed pairs", name, n_viewed, quantity)
                found = mean_interval(values, rng)
                rows.append((experiment, reference, name, n_viewed, quantity, len(values), *found))
    columns = ("experiment", "reference", "class", "n_viewed", "quantity", "n_trials")
    return pd.DataFrame(rows, columns=[*columns, "difference", "low", "high"])


def _curves(trials: "pd.DataFrame") -> "pd.DataFrame":
    """Each trial's curve: trial, objects, class, n_viewed, n_found, area."""
    import pandas as pd

    parts = [trials.iloc[:0][[*_CURVE, "n_found"]].assign(n_viewed=0, area=0.0)]
    for _, part in trials.groupby(_CURVE, sort=False):
        # a pool that is used up has rounds without a question
        part = part.sort_values("round").drop_duplicates("n_asked")
        part = part[part["n_asked"] > 0].rename(columns={"n_asked": "n_viewed"})
        n, found = (np.r_[0, part[c].to_numpy(dtype=float)] for c in ("n_viewed", "n_found"))
        below = np.cumsum(np.diff(n) * (found[1:] + found[:-1]) / 2)
        parts.append(part[[*_CURVE, "n_viewed", "n_found"]].assign(area=below / n[1:]))
    return pd.concat(parts, ignore_index=True)
