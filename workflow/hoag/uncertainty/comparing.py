"""Trainings put together: how reliable each measure is, and what makes it work."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hoag import seeds
from hoag.statistics import mean_interval
from hoag.uncertainty.judging import main_variant

QUANTITIES = (
    *("auroc", "flagged", "false_flags", "flagged_all", "false_flags_all"),
    *("beyond_outliers", "beyond_test", "beyond_learned", "beyond_all", "n_undefined", "n_floored"),
)
OF_NETWORKS = (
    *("accuracy_test", "accuracy_test_confident", "accuracy_all"),
    *("calibration_error", "calibration_error_scaled", "temperature", "validation_loss"),
    *("high_outliers", "high_wrong", "high_right", "n_iterations"),
)
PAIRED = ("auroc", "flagged", "false_flags")
EXPLAINED = ("auroc", "flagged", "beyond_outliers", "beyond_all")
_VARIANT = ["setting", "n_passes", "scaled"]


def summarised(judged: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Median, band of 68 % and mean over trainings of every quantity of every measure.

    Parameters
    ----------
    judged
        Table ``judged`` of all settings.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        Table ``uncertainty``.
    """
    return _summarised(judged, [*_VARIANT, "measure"], QUANTITIES, seed)


def summarised_networks(classifiers: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """The same of what is known of the networks themselves, folds of a training put together.

    Parameters
    ----------
    classifiers
        Table ``classifiers`` of all settings.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        Table ``networks``.
    """
    each = classifiers.groupby(["setting", "training"], sort=False)[list(OF_NETWORKS)].mean()
    return _summarised(each.reset_index(), ["setting"], OF_NETWORKS, seed)


def _summarised(
    table: pd.DataFrame, by: Sequence[str], quantities: Sequence[str], seed: int
) -> pd.DataFrame:
    rows = []
    for key, part in table.groupby(list(by), sort=False):
        for quantity in quantities:
            values = part[quantity].dropna().to_numpy(dtype=float)
            if not len(values):
                continue
            low, median, high = np.percentile(values, [16, 50, 84])
            mean = mean_interval(values, seeds.generator(seed, "uncertainty", *key, quantity))
            rows.append((*key, quantity, len(values), median, low, high, *mean))
    names = [*by, "quantity", "n_trainings", "median", "low", "high"]
    return pd.DataFrame(rows, columns=[*names, "mean", "mean_low", "mean_high"])


def paired(judged: pd.DataFrame, measure: str, *, seed: int) -> pd.DataFrame:
    """One measure minus each other one, training by training, with all passes and no temperature.

    Parameters
    ----------
    judged
        Table ``judged`` of all settings.
    measure
        Which one.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        Table ``uncertainty_pairs``: means with 95 % intervals.
    """
    plain = main_variant(judged)
    rows = []
    for setting, part in plain.groupby("setting", sort=False):
        for quantity in PAIRED:
            wide = part.pivot(index="training", columns="measure", values=quantity)
            for reference in wide.columns.drop(measure, errors="ignore"):
                if measure not in wide:
                    continue
                values = (wide[measure] - wide[reference]).dropna().to_numpy()
                rng = seeds.generator(seed, "pairs", setting, quantity, reference)
                found = mean_interval(values, rng)
                rows.append((setting, measure, reference, quantity, len(values), *found))
    names = ["setting", "measure", "reference", "quantity", "n_trainings", "difference"]
    return pd.DataFrame(rows, columns=[*names, "low", "high"])


def explained(
    judged: pd.DataFrame,
    classifiers: pd.DataFrame,
    measure: str,
    options: Sequence[str],
    *,
    seed: int,
) -> pd.DataFrame:
    """What a measure's worth goes with, over the trainings of a sweep.

    Two answers for each predictor: its rank correlation with the outcome when the sweep's other
    options are held fixed (partial Spearman correlation; the bootstrap gives 95 %), and by how much
    the error of a random forest on trainings it has not seen grows when it is shuffled.

    Parameters
    ----------
    judged, classifiers
        Tables of one setting.
    measure
        Whose worth is explained, as each of ``EXPLAINED`` has it.
    options
        Columns of ``classifiers`` that the sweep drew. Accuracy, calibration, temperature and
        length of training are looked at besides: they come of the options and of chance.
    seed
        Of the bootstrap and the forest.

    Returns
    -------
    DataFrame
        Table ``explained``.
    """
    besides = ["accuracy_test", "calibration_error", "temperature", "validation_loss"]
    besides.append("n_iterations")
    facts = classifiers.groupby("training")[[*options, *besides]].mean()
    rows = main_variant(judged)
    rows = rows[rows["measure"] == measure].set_index("training")
    facts, setting = facts.loc[rows.index], judged["setting"].iloc[0]
    parts = []
    for outcome in EXPLAINED:
        y = rows[outcome].to_numpy(dtype=float)
        if np.isnan(y).any():  # the measure counts no sigmas
            continue
        for names, is_option in ((list(options), True), ([*options, *besides], False)):
            importance, spread, r2 = _forest(facts[names].to_numpy(), y, seed)
            for i, name in enumerate(names):
                if is_option != (name in options):
                    continue
                others = [o for o in options if o != name]
                found = _partial(facts[name].to_numpy(), y, facts[others].to_numpy(), seed)
                parts.append(
                    (setting, measure, outcome, name, is_option, len(y), *found,
                     importance[i], spread[i], r2)
                )  # fmt: skip
    names = ["setting", "measure", "outcome", "predictor", "is_option", "n_trainings"]
    names += ["correlation", "low", "high", "importance", "importance_spread", "forest_r2"]
    return pd.DataFrame(parts, columns=names)


def _partial(
    x: np.ndarray, y: np.ndarray, others: np.ndarray, seed: int
) -> tuple[float, float, float]:
    """Partial rank correlation of x and y given others, and its 95 % interval."""
    whole = _partial_once(x, y, others)
    if np.isnan(whole):
        return np.nan, np.nan, np.nan
    rng = seeds.generator(seed, "partial")
    draws = [rng.integers(0, len(y), len(y)) for _ in range(500)]
    values = [_partial_once(x[d], y[d], others[d]) for d in draws]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return whole, float(max(low, -1)), float(min(high, 1))


def _partial_once(x: np.ndarray, y: np.ndarray, others: np.ndarray) -> float:
    """NaN where one of the two doesn't vary, or only as the others do."""
    from scipy.stats import rankdata

    given = np.column_stack([np.ones(len(y)), *(rankdata(o) for o in others.T)])
    left = []
    for values in (rankdata(x), rankdata(y)):
        coefficients, *_ = np.linalg.lstsq(given, values, rcond=None)
        left.append(values - given @ coefficients)
    scale = np.sqrt((left[0] ** 2).sum() * (left[1] ** 2).sum())
    return float(left[0] @ left[1] / scale) if scale > 1e-9 else np.nan


def _forest(x: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Permutation importances in held-out folds (shares of the variance), spread, and R^2."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold

    if np.ptp(y) == 0:  # nothing to be explained
        return np.zeros(x.shape[1]), np.zeros(x.shape[1]), np.nan
    state = seeds.sequence(seed, "forest") % 2**32
    found, predicted = [], np.empty(len(y))
    for fit, test in KFold(5, shuffle=True, random_state=state).split(x):
        forest = RandomForestRegressor(100, min_samples_leaf=3, random_state=state)
        forest.fit(x[fit], y[fit])
        predicted[test] = forest.predict(x[test])
        shuffled = permutation_importance(
            forest,
            x[test],
            y[test],
            n_repeats=20,
            random_state=state,
            scoring="neg_mean_squared_error",
        )
        found.append(shuffled.importances_mean / max(y.var(), 1e-12))
    total = ((y - y.mean()) ** 2).sum()
    r2 = 1 - ((y - predicted) ** 2).sum() / total
    return np.mean(found, axis=0), np.std(found, axis=0), float(r2)
