"""Learner ``hoag``: support vector machines in a space that is good already.

A few answers can't train a network, but they can draw a boundary in a space such as that of the
features ``pretrained``. Before the first anomaly is found, objects rank by how far they are from
what is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.active.contract import BORING, RESERVE, Answers, Predictions
from hoag.options import option

TAKES = ("vectors",)
GIVES = ("classes",)
# The reserve class takes nothing from the others, and no logit of theirs outweighs its novelty.
_NEVER, _NOVELTY = -1e9, 1e6
_ROWS = 4096  # objects at a time in predictions


@dataclass(frozen=True)
class Options:
    """The machines, and novelty."""

    penalty: float = option(10.0, doc="Cost C of an object on the wrong side.", minimum=1e-9)
    gamma: float = option(
        0.5,
        doc="Of the kernel exp(-gamma d^2), with distances d in units of the vectors' root mean "
        "square length.",
        minimum=1e-9,
    )
    sharpness: float = option(
        5.0, doc="Logits per unit of the machines' decision function.", minimum=1e-9
    )
    n_neighbours: int = option(
        5, doc="Known objects whose mean cosine distance is an object's novelty.", minimum=1
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
    scale = np.sqrt(np.square(x, dtype=np.float64).sum(axis=1).mean()) or 1.0
    known = (x[answers.index] / scale).astype(np.float32)
    coefficients = np.zeros((len(known), len(classes)))
    intercepts = np.zeros(len(classes))
    wanted = {c for c, i in zip(labels, answers.interest, strict=True) if not i <= 0} - {BORING}
    if wanted and len(classes) > 1:
        similar = _similar(known, known, known @ known.T, options)
        for i, name in ((i, c) for i, c in enumerate(classes) if c in wanted):
            machine = SVC(C=options.penalty, kernel="precomputed", class_weight="balanced")
            machine.fit(similar, labels == name)
            coefficients[machine.support_, i] = machine.dual_coef_[0]
            intercepts[i] = machine.intercept_[0]
    return {
        "classes": np.array([*classes, RESERVE]),
        "known": known,
        "coefficients": coefficients,
        "intercepts": intercepts,
        "scale": np.array(scale, dtype=np.float32),
    }


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """The machines' decision functions; the reserve class ranks by novelty alone.

    A class without interest has logit 0: what is sure of none of those of interest belongs to it.
    """
    known = state["known"]
    k = min(options.n_neighbours, len(known))
    logits = np.empty((len(x), len(state["classes"])))
    for start in range(0, len(x), _ROWS):
        rows = slice(start, start + _ROWS)
        part = (x[rows] / state["scale"]).astype(np.float32)
        products = part @ known.T  # distances of both kinds come from them
        decided = _similar(part, known, products, options) @ state["coefficients"]
        logits[rows, :-1] = options.sharpness * (decided + state["intercepts"])
        cosines = products / (_lengths(part)[:, None] * _lengths(known))
        nearest = 1 - np.partition(cosines, -k, axis=1)[:, -k:]
        logits[rows, -1] = _NEVER + _NOVELTY * nearest.mean(axis=1, dtype=np.float64)
    return Predictions(tuple(str(c) for c in state["classes"]), logits)


def _similar(
    x: np.ndarray, known: np.ndarray, products: np.ndarray, options: Options
) -> np.ndarray:
    """exp(-gamma d^2), (n, m) float64, from the vectors' inner products."""
    squared = _lengths(x)[:, None] ** 2 + _lengths(known) ** 2 - 2 * products
    return np.exp(-options.gamma * np.maximum(squared, 0), dtype=np.float64)


def _lengths(x: np.ndarray) -> np.ndarray:
    """(n,); not quite 0, so that one can divide by products of them."""
    return np.maximum(np.sqrt(np.square(x).sum(axis=1)), np.float32(1e-12))
