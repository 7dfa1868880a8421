"""Learner ``hoag``: support vector machines and nearest neighbours in a space that is good already.

A few answers can't train a network, but they can draw a boundary in a space such as that of the
features ``pretrained``. What lies far from all that was called normal counts too, most while there
are few answers. Before the first anomaly is found, objects rank by that and by how far they lie
from their nearest others, whether known or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.active.contract import BORING, RESERVE, Answers, Predictions
from hoag.options import option
from hoag.vectors import spread

TAKES = ("vectors",)
GIVES = ("classes",)
# The reserve class takes nothing from the others, and no logit of theirs outweighs its novelty.
_NEVER, _NOVELTY = -1e9, 1e6
_N_OF_CLASS, _N_OTHERS = 3, 10  # neighbours that nearness is measured by
_N_SAMPLE = 1000  # objects that isolation is measured by
_ROWS = 4096  # objects at a time in predictions


@dataclass(frozen=True)
class Options:
    """The machines, nearness and novelty. All vectors are directions from the objects' mean."""

    penalty: float = option(
        0.1,
        doc="Cost C of an object on the wrong side, for each answer in the class: the fewer there "
        "are, the smoother its boundary.",
        minimum=1e-9,
    )
    gamma: float = option(
        0.5, doc="Of the kernel exp(-gamma d^2) between directions.", minimum=1e-9
    )
    nearness: float = option(
        2.0,
        doc="What an object's mean cosine to its 3 nearest of the class, less that to its 10 "
        "nearest others, adds to the machines' decision function.",
        minimum=0,
    )
    sharpness: float = option(
        5.0, doc="Logits per unit of the machines' decision function.", minimum=1e-9
    )
    n_neighbours: int = option(
        5,
        doc="Nearest known objects whose mean cosine distance is an object's novelty.",
        minimum=1,
    )
    isolation: float = option(
        1.0,
        doc="Weight in the novelty, until an anomaly of interest is found, of the mean cosine "
        "distance to as many nearest of all objects (1,000 of them).",
        minimum=0,
        maximum=100,
    )
    remoteness: float = option(
        0.0,
        doc="Weight in the novelty, until an anomaly of interest is found, of the logarithm of an "
        "object's distance from the mean of all, in units of the median one: 0.1 helps where "
        "measured features are among the vectors.",
        minimum=0,
        maximum=100,
    )
    standardise: bool = option(
        False, doc="Divide each column by its standard deviation: for measured features."
    )


def learn(
    x: np.ndarray,
    answers: Answers,
    options: Options,
    *,
    seed: int,
    previous: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Part each class of interest from all others (Cortes & Vapnik 1995), balanced by weights."""
    from sklearn.svm import SVC

    labels = answers.as_classes().astype(str)
    if not len(labels):
        raise ValueError("found no labelled object to learn from, allowed: 1 or more")
    classes = sorted(set(labels))
    mean = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    scale = (spread(x) if options.standardise else np.ones(x.shape[1])).astype(np.float32)
    known = _directions(x[answers.index], mean, scale)
    coefficients = np.zeros((len(known), len(classes)))
    intercepts = np.zeros(len(classes))
    wanted = {c for c, i in zip(labels, answers.interest, strict=True) if not i <= 0} - {BORING}
    if wanted and len(classes) > 1:
        similar = _similar(known @ known.T, options)
        for i, name in ((i, c) for i, c in enumerate(classes) if c in wanted):
            of_class = labels == name
            penalty = options.penalty * of_class.sum()
            machine = SVC(C=penalty, kernel="precomputed", class_weight="balanced")
            machine.fit(similar, of_class)
            coefficients[machine.support_, i] = machine.dual_coef_[0]
            intercepts[i] = machine.intercept_[0]
    n_sample = 0 if wanted or not options.isolation else min(len(x), _N_SAMPLE)
    sample = np.sort(np.random.default_rng(seed).choice(len(x), n_sample, replace=False))
    return {
        "classes": np.array([*classes, RESERVE]),
        "known": known,
        "sample": _directions(x[sample], mean, scale),
        "labels": labels,
        "coefficients": coefficients,
        "intercepts": intercepts,
        "mean": mean,
        "scale": scale,
        "typical_length": np.median(_lengths(x, mean, scale)),
        "found": np.array(bool(wanted)),
    }


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """The machines' decision functions and nearness; the reserve class ranks by novelty alone.

    A class without interest has logit 0: what is sure of none of those of interest belongs to it.
    """
    known, labels, coefficients = (state[k] for k in ("known", "labels", "coefficients"))
    logits = np.empty((len(x), len(state["classes"])))
    for start in range(0, len(x), _ROWS):
        rows = slice(start, start + _ROWS)
        directions = _directions(x[rows], state["mean"], state["scale"])
        cosines = directions @ known.T
        decided = _similar(cosines, options) @ coefficients + state["intercepts"]
        n_most = max(_N_OTHERS, options.n_neighbours)
        nearest = None
        for i in np.flatnonzero(coefficients.any(axis=0)):
            of_class = labels == state["classes"][i]
            near = _largest(cosines[:, of_class], n_most)
            others = _largest(cosines[:, ~of_class], n_most)
            excess = near[:, :_N_OF_CLASS].mean(axis=1) - others[:, :_N_OTHERS].mean(axis=1)
            decided[:, i] += options.nearness * excess
            nearest = np.concatenate([near, others], axis=1)
        nearest = _largest(cosines if nearest is None else nearest, options.n_neighbours)
        novelty = -nearest.mean(axis=1)
        if len(state["sample"]) > 1:
            novelty += options.isolation * _isolation(directions @ state["sample"].T, options)
        if options.remoteness and not state["found"]:
            away = _lengths(x[rows], state["mean"], state["scale"]) / state["typical_length"]
            novelty += options.remoteness * np.log(away)
        logits[rows, :-1] = options.sharpness * decided
        logits[rows, -1] = _NEVER + _NOVELTY * novelty
    return Predictions(tuple(str(c) for c in state["classes"]), logits)


def _similar(cosines: np.ndarray, options: Options) -> np.ndarray:
    """exp(-gamma d^2) float64, from the cosines of directions."""
    return np.exp(-2 * options.gamma * (1 - cosines), dtype=np.float64)


def _isolation(cosines: np.ndarray, options: Options) -> np.ndarray:
    """Less the mean cosine to the nearest of the sample, (n,); one that coincides is left out."""
    nearest = _largest(cosines, options.n_neighbours + 1)
    is_own = nearest[:, :1] > 1 - 1e-5  # single precision
    return -np.where(is_own, nearest[:, 1:], nearest[:, :-1]).mean(axis=1)


def _largest(cosines: np.ndarray, n: int) -> np.ndarray:
    """The n largest of each row, falling, float64; all if there are fewer."""
    n = min(n, cosines.shape[1])
    return -np.sort(-np.partition(cosines, -n, axis=1)[:, -n:], axis=1).astype(np.float64)


def _directions(x: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Unit vectors from the mean of all objects, float32; 0 for what lies there."""
    return (x - mean) / scale / _lengths(x, mean, scale)[:, None]


def _lengths(x: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Distances from the mean of all objects, (n,) float32; 1e-12 for what lies there."""
    return np.maximum(np.sqrt(np.square((x - mean) / scale).sum(axis=1)), np.float32(1e-12))
