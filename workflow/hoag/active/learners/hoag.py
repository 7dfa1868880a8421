"""Learner ``hoag``: a class-balanced logistic regression in a space that is good already.

A few answers can't train a network, but they can draw a line in a space such as that of the
features ``pretrained``. Before the first anomaly is found, objects rank by how far they are from
what is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.active.contract import RESERVE, Answers, Predictions
from hoag.options import option

TAKES = ("vectors",)
GIVES = ("classes",)
_NEVER = -1e3  # log-probability of the reserve class


@dataclass(frozen=True)
class Options:
    """The regression, and novelty."""

    regularisation: float = option(
        0.03, doc="Inverse strength C of the penalty on the weights.", minimum=1e-9
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
    """Fit a multinomial regression to all that is known, each class with the same weight in all."""
    from sklearn.linear_model import LogisticRegression

    labels = answers.as_classes()
    if not len(labels):
        raise ValueError("found no labelled object to learn from, allowed: 1 or more")
    classes = sorted(set(labels))
    known = x[answers.index].astype(np.float64)
    weights = np.zeros((len(classes), x.shape[1] + 1))
    if len(classes) > 1:
        regression = LogisticRegression(
            C=options.regularisation, class_weight="balanced", max_iter=500
        ).fit(known, labels.astype(str))
        found = np.column_stack([regression.coef_, regression.intercept_])
        weights[-len(found) :] = found  # of two classes there is one row, the second one's
    return {
        "classes": np.array([*classes, RESERVE]),
        "weights": weights,
        "known": known.astype(np.float32),
    }


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """Log-probabilities of the known classes.

    The reserve class has next to none, so that it takes nothing from the others, and ranks by the
    novelty alone.
    """
    from scipy.special import log_softmax

    weights = state["weights"]
    logits = x.astype(np.float64) @ weights[:, :-1].T + weights[:, -1]
    reserve = _NEVER + _novelty(x, options, state)
    logits = np.column_stack([log_softmax(logits, axis=1), reserve])
    return Predictions(tuple(str(c) for c in state["classes"]), logits)


def _novelty(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    k = min(options.n_neighbours, len(state["known"]))
    near = NearestNeighbors(n_neighbors=k, metric="cosine").fit(state["known"])
    return near.kneighbors(x)[0].mean(axis=1) if len(x) else np.empty(0)
