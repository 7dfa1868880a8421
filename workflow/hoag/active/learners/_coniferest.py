"""Forests of coniferest as learners: trees that are weighted or chosen by the answers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hoag.active.contract import INTERESTING_FROM, Answers, Predictions


def kept(x: np.ndarray, answers: Answers, seed: int) -> dict[str, np.ndarray]:
    """What a forest is grown from again: objects, answers (-1 anomaly, 1 regular), seed."""
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(x), min(len(x), 20_000), replace=False))
    interest = answers.as_interest({})
    return {
        "sample": x[rows].astype(np.float32),
        "answered": x[answers.index].astype(np.float32),
        "labels": np.where(interest >= INTERESTING_FROM, -1, 1),
        "seed": np.array(seed % 2**31),
    }


def predictions(
    kind: type, x: np.ndarray, options: Mapping[str, Any], state: Mapping[str, np.ndarray]
) -> Predictions:
    """Scores of the forest that the state grows, higher is more anomalous."""
    options = dict(options, n_subsamples=min(options["n_subsamples"], len(state["sample"])))
    forest = kind(n_jobs=1, random_seed=int(state["seed"]), **options)
    known = (state["answered"], state["labels"]) if len(state["labels"]) else (None, None)
    forest.fit_known(state["sample"], *known)
    if not len(x):
        return Predictions(score=np.empty(0))
    return Predictions(score=-forest.score_samples(np.ascontiguousarray(x, dtype=np.float32)))
