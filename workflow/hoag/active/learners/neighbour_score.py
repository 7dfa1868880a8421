"""Learner ``neighbour_score``: Astronomaly's active score, a forest's blended with a regression.

Lochner & Bassett 2021, Astronomy and Computing 36, 100481, with the constants of Astronomaly 2's
code.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.active.contract import Answers, Predictions
from hoag.forests import anomaly_score
from hoag.options import option
from hoag.vectors import spread

TAKES = ("vectors",)
GIVES = ()
_LOW, _HIGH = 0.1, 5.0  # of the predicted interest
_FLOOR, _SLOPE = 0.1, 0.85  # interest 0..5 -> factor 0.1..0.95
_CHUNK = 2**16  # objects scored at a time
_BLOCK = 2**9  # objects whose distances to all answers are held at a time: they stay in the cache
_OF_OBJECTS = ("n_objects", "mean", "scale", "sample", "forest_seed", "anomaly_range")


@dataclass(frozen=True)
class Options:
    """The forests and the blend."""

    alpha: float = option(
        1.0, doc="How fast the answers' influence fades with distance.", minimum=0
    )
    n_trees: int = option(200, doc="Trees of the isolation forest and the regression.", minimum=1)
    n_first: int = option(
        0,
        doc="Answers, known objects included, below which the anomaly score alone ranks.",
        minimum=0,
    )


def learn(
    x: np.ndarray,
    answers: Answers,
    options: Options,
    *,
    seed: int,
    previous: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Keep what the scores are made of: the scale of the columns, a sample, the answers.

    Objects known at the start are answers as well. The anomaly score stays as it is until further
    objects arrive.
    """
    if previous is not None and int(previous["n_objects"]) == len(x):
        state = {name: previous[name] for name in _OF_OBJECTS}
    else:
        state = _of_objects(x, options, seed)
    learned = len(answers) >= options.n_first
    index = answers.index if learned else answers.index[:0]
    state |= {
        "answered": _scaled(x[index], state["mean"], state["scale"]),
        "interest": answers.as_interest({})[: len(index)],
        "seed": np.array(seed % 2**32),
    }
    return state | {"mean_distance": np.array(_distance(state["sample"], state).mean())}


def _of_objects(x: np.ndarray, options: Options, seed: int) -> dict[str, np.ndarray]:
    """What doesn't depend on the answers."""
    mean, scale = x.mean(axis=0, dtype=np.float64), spread(x)
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(x), min(len(x), 20_000), replace=False))
    state = {
        "n_objects": np.array(len(x)),
        "mean": mean,
        "scale": scale,
        "sample": _scaled(x[rows], mean, scale),
        "forest_seed": np.array(seed % 2**32),
    }
    anomaly = _anomaly(state["sample"], options, state)
    return state | {"anomaly_range": np.array([anomaly.min(), anomaly.max()])}


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """The blended score, from 0 to 5: see `blended`.

    The anomaly score is scaled to 0..5, a regression forest predicts the interest, and the distance
    is that to the nearest answered object, in units of the mean one.
    """
    from sklearn.ensemble import RandomForestRegressor

    regression = None
    if len(state["interest"]):
        regression = RandomForestRegressor(options.n_trees, random_state=int(state["seed"]))
        regression.fit(state["answered"], state["interest"])
    score = np.empty(len(x))
    for start in range(0, len(x), _CHUNK):
        rows = slice(start, start + _CHUNK)
        scaled = _scaled(x[rows], state["mean"], state["scale"])
        anomaly = converted(_anomaly(scaled, options, state), *state["anomaly_range"])
        interest = np.full(len(scaled), _LOW)
        if regression is not None:
            interest = np.clip(regression.predict(scaled), _LOW, _HIGH)
        distance = _distance(scaled, state) / max(float(state["mean_distance"]), 1e-12)
        score[rows] = blended(anomaly, interest, distance, options.alpha)
    return Predictions(score=score)


def converted(anomaly: np.ndarray, low: float, high: float) -> np.ndarray:
    """Anomaly scores, (n,), laid on Astronomaly's range of 0 to 5; those beyond its ends clipped.

    Its ``ScoreConverter``, without the rounding.
    """
    return _HIGH * np.clip((anomaly - low) / max(high - low, 1e-12), 0, 1)


def blended(
    anomaly: np.ndarray, interest: np.ndarray, distance: np.ndarray, alpha: float
) -> np.ndarray:
    """``anomaly * tanh(exp(alpha d) - 1 + artanh(0.1 + 0.85 u / 5))``, (n,).

    Next to an answer the interest counts, far from all of them the anomaly score alone.

    Parameters
    ----------
    anomaly : (n,)
        0 to 5.
    interest : (n,)
        u, 0.1 to 5.
    distance : (n,)
        d, to the nearest answer, 1 on average.
    alpha
        How fast the answers' influence fades.
    """
    factor = np.arctanh(_FLOOR + _SLOPE * interest / _HIGH)
    return anomaly * np.tanh(np.expm1(np.minimum(alpha * distance, 50.0)) + factor)


def _scaled(x: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return ((x - mean) / scale).astype(np.float32)


def _anomaly(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """The isolation forest's score of scaled vectors, as Astronomaly grows it, with repeats."""
    seed = int(state["forest_seed"])
    return anomaly_score(x, state["sample"], seed, n_trees=options.n_trees, bootstrap=True)


def _distance(x: np.ndarray, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """To the nearest answered object, (n,); 1 for all without any.

    A product in single precision says which it is, the difference how far: 0 stays 0.
    """
    answered = state["answered"]
    if not len(answered):
        return np.ones(len(x))
    half = 0.5 * np.square(answered).sum(axis=1)
    out = np.empty(len(x))
    for start in range(0, len(x), _BLOCK):
        some = x[start : start + _BLOCK]
        product = some @ answered.T
        nearest = answered[np.subtract(half, product, out=product).argmin(axis=1)]
        out[start : start + _BLOCK] = np.sqrt(np.square(some - nearest).sum(axis=1))
    return out
