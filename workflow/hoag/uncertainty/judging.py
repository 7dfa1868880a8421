"""What classifiers' measures of uncertainty are worth."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from hoag import tables
from hoag.predicted import UNKNOWN, Predicted
from hoag.splits import OUTSIDE, TEST, TRAINING, UNLABELLED
from hoag.uncertainty.calibration import calibration

SIGMAS = 3.0  # the poster's line for local entropy
HIGH_ENTROPY = 0.6 / math.log(2)  # its bin of high entropies, above 0.6 nat of ln 2


ENSEMBLE = 5  # networks of one ensemble
SCORE, FLOORED = "score_", "floored_"  # before a measure's name, in tables
HEAD = ["training", "fold", "object_id", "label", "role", "class"]


@dataclass
class Network:
    """What one training of a classifier says of all objects.

    Attributes
    ----------
    objects
        The columns of `HEAD`.
    logits : (m, n, k)
        Its own, and after `add_ensembles` those of the other networks of its ensemble.
    passes : (t, n, k)
        Logits of its draws of dropout.
    latent : (n, d)
    temperatures : (m,)
        Fitted in validation, for each network.
    """

    objects: pd.DataFrame
    logits: np.ndarray
    passes: np.ndarray
    latent: np.ndarray
    temperatures: np.ndarray

    def predicted(self, n_passes: int, *, scaled: bool) -> Predicted:
        """From the first passes, with or without the temperature."""
        scales = self.temperatures if scaled else np.ones(len(self.logits))
        passes = self.passes[:n_passes]
        return Predicted.from_draws(self.logits, passes, self.latent, temperatures=scales)

    @property
    def learned(self) -> np.ndarray:
        """Class numbers of the objects it learned from, `UNKNOWN` for others, (n,)."""
        role, classes = self.objects["role"], self.objects["class"]
        return np.where(role == TRAINING, classes, UNKNOWN)


def networks(path: str | Path, facts: pd.DataFrame) -> Iterator[Network]:
    """The networks of one table ``predictions``; ``facts`` are those of ``trainings``."""
    table = tables.read("predictions", path)
    temperatures = facts.set_index(["training", "fold"])["temperature"]
    columns = list(table.columns)
    logits = [c for c in columns if c.startswith("logit_")]
    passes = [c for c in columns if c.startswith("pass_")]
    latent = [c for c in columns if c.startswith("latent_")]
    for key, rows in table.groupby(["training", "fold"]):
        n, k = len(rows), len(logits)
        yield Network(
            objects=rows[HEAD].reset_index(drop=True),
            logits=rows[logits].to_numpy(float)[None],
            passes=rows[passes].to_numpy(float).reshape(n, -1, k).swapaxes(0, 1),
            latent=rows[latent].to_numpy(float),
            temperatures=np.array([temperatures[key]]),
        )


def add_ensembles(found: Sequence[Network]) -> None:
    """Make ensembles, in place, of each five trainings in turn that tested the same objects.

    The first of the five holds all, so that each ensemble is judged once. Those left over stay
    alone, and so do trainings whose tests differ, as those of folds do.
    """
    for start in range(0, len(found) - ENSEMBLE + 1, ENSEMBLE):
        group = range(start, start + ENSEMBLE)
        tested = [tuple(found[i].objects.loc[found[i].objects["role"] == TEST, "object_id"])
                  for i in group]  # fmt: skip
        if len(set(tested)) > 1 or len({found[i].objects["training"][0] for i in group}) < ENSEMBLE:
            continue
        first = found[start]
        first.logits = np.concatenate([found[i].logits for i in group])
        first.temperatures = np.concatenate([found[i].temperatures for i in group])


def measured(
    network: Network,
    measures: Mapping[str, tuple[ModuleType, Any]],
    n_passes: Sequence[int],
) -> pd.DataFrame:
    """Every measure of every object, by number of passes and with or without the temperature.

    Parameters
    ----------
    network
        Of `networks`.
    measures
        Name -> detector of predictions and its options. Those of ensembles give NaN where there is
        none.
    n_passes
        Each at most as many as there are.

    Returns
    -------
    DataFrame
        Table ``judged_objects``: the columns of `HEAD`, n_passes, scaled, wrong (whether the mean
        softmax names another class; False for outliers), entropy, confidence, the logits with
        dropout off, a column ``score_<name>`` for each measure, and ``floored_<name>`` (1 or 0) for
        those that divide by a spread which has a least value.
    """
    parts = []
    for n in n_passes:
        for scaled in (False, True):
            found = network.predicted(n, scaled=scaled)
            wrong = (found.p.argmax(axis=1) != network.objects["class"]) & (
                network.objects["class"] != UNKNOWN
            )
            columns = {"n_passes": n, "scaled": scaled, "wrong": wrong}
            columns |= {"entropy": found.entropy(), "confidence": found.p.max(axis=1)}
            columns |= {f"logit_{i}": column for i, column in enumerate(found.logits.T)}
            for name, (module, options) in measures.items():
                if getattr(module, "NEEDS_MEMBERS", False) and len(network.logits) < 2:
                    columns[SCORE + name] = np.nan
                    continue
                state = module.fit(found, options, 0, classes=network.learned)
                columns[SCORE + name] = module.score(found, options, state)
                if hasattr(module, "floored"):
                    columns[FLOORED + name] = module.floored(found, options, state).astype(float)
            parts.append(network.objects.assign(**columns))
    return pd.concat(parts, ignore_index=True)


def described(network: Network, confident: Sequence[str]) -> dict[str, Any]:
    """Accuracy, calibration and the bin of high entropies of one network; see `describe`."""
    plain, scaled = (network.predicted(len(network.passes), scaled=s) for s in (False, True))
    objects = network.objects
    return {
        "training": int(objects["training"][0]),
        "fold": int(objects["fold"][0]),
        **describe(
            plain.p,
            scaled.p,
            plain.entropy(),
            objects["class"].to_numpy(),
            objects["role"].to_numpy(),
            objects["label"].isin(confident).to_numpy(),
        ),
    }


def measures_of(objects: pd.DataFrame) -> list[str]:
    """Names of the measures of a table ``judged_objects``."""
    return [c.removeprefix(SCORE) for c in objects.columns if c.startswith(SCORE)]


def judged(
    objects: pd.DataFrame,
    *,
    of_ensembles: Collection[str] = (),
    in_sigmas: Collection[str] = (),
) -> pd.DataFrame:
    """What each measure of each training is worth.

    Folds of a training are judged together: an object of the classes by the network that did not
    learn from it, an outlier by one of them, dealt in turn. So each object is judged once.

    Parameters
    ----------
    objects
        Of `measured`, all networks of a setting. Objects without a label count in nothing.
    of_ensembles
        Measures that only the first network of each ensemble has.
    in_sigmas
        Measures that count standard deviations; of others nothing is ``beyond`` any number of them.

    Returns
    -------
    DataFrame
        Table ``judged`` but for the setting: training, n_passes, scaled, measure, what `judge`,
        `among_all` and `beyond` give (``beyond_outliers``, ...), and ``n_floored``, of all objects
        with a label, a network's mean.
    """
    names = measures_of(objects)
    rows = []
    for (training, n_passes, scaled), part in objects.groupby(["training", "n_passes", "scaled"]):
        folds = np.sort(part["fold"].unique())
        outside = part["role"] == OUTSIDE
        order = {o: i for i, o in enumerate(sorted(part.loc[outside, "object_id"].unique()))}
        dealt = folds[part["object_id"].map(order).fillna(0).astype(int) % len(folds)]
        own = np.where(outside, part["fold"] == dealt, part["role"] == TEST).astype(bool)
        tested = part[own]
        for name in names:
            score = part[SCORE + name].to_numpy()
            if name in of_ensembles and np.isnan(score).all():
                continue
            roles = part["role"].to_numpy()
            counts = beyond(score, roles, len(folds))
            if name not in in_sigmas:
                counts = dict.fromkeys(counts, np.nan)
            floored = part.get(FLOORED + name, pd.Series(np.nan, part.index))
            known = part["role"] != UNLABELLED
            rows.append(
                {"training": training, "n_passes": n_passes, "scaled": scaled, "measure": name}
                | judge(score[own], (tested["role"] == OUTSIDE).to_numpy())
                | among_all(score, roles, part["fold"].to_numpy())
                | {f"beyond_{k}": v for k, v in counts.items()}
                | {"n_floored": floored[known].sum(min_count=1) / len(folds)}
            )
    return pd.DataFrame(rows)


def main_variant(judged: pd.DataFrame) -> pd.DataFrame:
    """Rows with the most passes and no temperature."""
    return judged[(judged["n_passes"] == judged["n_passes"].max()) & ~judged["scaled"]]


def judge(score: np.ndarray, is_outlier: np.ndarray) -> dict[str, float]:
    """How a measure parts outliers from objects of the classes.

    Parameters
    ----------
    score : (n,)
        Of outliers and of objects that nobody learned from; NaN counts as least anomalous.
    is_outlier : (n,) bool

    Returns
    -------
    dict
        ``auroc``; ``flagged``: outliers above all others, the most that one can have without a
        false flag; ``false_flags``: others at or above the least anomalous outlier, which finding
        all would cost; ``n_outliers``, ``n_others``; ``false_rate_limit``: 95 % upper limit of the
        rate of false flags, of which none was seen among the others (1 - 0.05^(1/n));
        ``n_undefined``: how many scores are NaN.
    """
    n_undefined = float(np.isnan(score).sum())
    score = np.where(np.isnan(score), -np.inf, score)
    outliers, others = np.sort(score[is_outlier]), np.sort(score[~is_outlier])
    n = len(others)
    if not len(outliers) or not n:
        raise ValueError(f"found {len(outliers)} outliers and {n} others, allowed: 1 or more each")
    below = np.searchsorted(others, outliers, "left")
    equal = np.searchsorted(others, outliers, "right") - below
    return {
        "auroc": float((below + 0.5 * equal).mean() / n),
        "flagged": float((outliers > others[-1]).sum()),
        "false_flags": float((others >= outliers[0]).sum()),
        "n_outliers": float(len(outliers)),
        "n_others": float(n),
        "false_rate_limit": float(1 - 0.05 ** (1 / n)),
        "n_undefined": n_undefined,
    }


def among_all(score: np.ndarray, role: np.ndarray, fold: np.ndarray) -> dict[str, float]:
    """`judge` with every object of the classes among the others, as the poster counts.

    Parameters
    ----------
    score, role, fold : (n,)
        Of one training; a network for each fold.

    Returns
    -------
    dict
        ``flagged_all`` and ``false_flags_all``, a network's mean. Those that were learned from are
        less uncertain than those that were not: worth beside published counts alone.
    """
    known = role != UNLABELLED
    found = [
        judge(score[own], role[own] == OUTSIDE)
        for own in (known & (fold == number) for number in np.unique(fold))
    ]
    keys = ("flagged", "false_flags")
    return {f"{key}_all": float(np.mean([one[key] for one in found])) for key in keys}


def describe(
    p: np.ndarray,
    calibrated: np.ndarray,
    entropies: np.ndarray,
    classes: np.ndarray,
    role: np.ndarray,
    is_confident: np.ndarray,
) -> dict[str, float]:
    """Accuracy, calibration, and the composition of the bin of high entropies.

    Parameters
    ----------
    p, calibrated : (n, k)
        Mean softmax as it is, and with the temperature fitted in validation.
    entropies : (n,)
        Predictive entropy, nat.
    classes : (n,) int
        -1 for outliers.
    role : (n,)
        See `hoag.splits`.
    is_confident : (n,) bool
        Objects whose label is sure.

    Returns
    -------
    dict
        ``accuracy_test``, ``accuracy_test_confident``, ``accuracy_all`` (of all objects of the
        classes, those learned from included, as the poster counts); ``calibration_error`` and
        ``calibration_error_scaled`` in the test; ``high_outliers``, ``high_wrong``, ``high_right``:
        objects with an entropy above .866 of the greatest, ln k: 0.6 nat for two classes.
    """
    right = p.argmax(axis=1) == classes
    outside, test = role == OUTSIDE, role == TEST
    known = ~outside & (role != UNLABELLED)
    high = entropies > HIGH_ENTROPY * np.log(p.shape[1])
    return {
        "accuracy_test": _mean(right[test]),
        "accuracy_test_confident": _mean(right[test & is_confident]),
        "accuracy_all": _mean(right[known]),
        "calibration_error": calibration(p[test], classes[test]).error,
        "calibration_error_scaled": calibration(calibrated[test], classes[test]).error,
        "high_outliers": float((high & outside).sum()),
        "high_wrong": float((high & known & ~right).sum()),
        "high_right": float((high & known & right).sum()),
    }


def beyond(score: np.ndarray, role: np.ndarray, n_networks: int = 1) -> dict[str, float]:
    """Objects above 3: ``outliers``, ``test``, ``learned`` and ``all`` of the classes.

    A network's mean but for the test: an object is tested by one network.
    """
    above = score > SIGMAS
    return {
        "outliers": float((above & (role == OUTSIDE)).sum()) / n_networks,
        "test": float((above & (role == TEST)).sum()),
        "learned": float((above & (role == TRAINING)).sum()) / n_networks,
        "all": float((above & ~np.isin(role, [OUTSIDE, UNLABELLED])).sum()) / n_networks,
    }


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan
