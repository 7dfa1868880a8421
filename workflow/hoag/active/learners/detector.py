"""Learner ``detector``: any detector of vectors; it learns from no answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag import registry
from hoag.active.contract import Answers, Predictions
from hoag.options import ConfigError, option

TAKES = ("vectors",)
GIVES = ()


@dataclass(frozen=True)
class Options:
    """The detector."""

    detector: dict[str, Any] = option(  # noqa: RUF009 (the fields' own helper)
        doc="`kind` and options of a detector that works on vectors alone."
    )

    def __post_init__(self) -> None:
        module, _ = registry.plugin("detectors", self.detector, "detector")
        if module.TAKES != "vectors" or getattr(module, "NEEDS_NAMES", False):
            raise ConfigError(
                f"detector.kind: found {self.detector['kind']!r}, allowed: a detector that works "
                "on vectors alone, such as isolation_forest"
            )


def learn(
    x: np.ndarray,
    answers: Answers,
    options: Options,
    *,
    seed: int,
    previous: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Fit the detector to all objects seen so far; anew only when objects have arrived."""
    if previous is not None and int(previous["n_objects"]) == len(x):
        return dict(previous)
    module, chosen = registry.plugin("detectors", options.detector, "detector")
    return module.fit(x, chosen, seed) | {"n_objects": np.array(len(x))}


def predict(x: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> Predictions:
    """The detector's score; rows that it can't score come last."""
    module, chosen = registry.plugin("detectors", options.detector, "detector")
    score = module.score(x, chosen, state)
    return Predictions(score=np.where(np.isnan(score), -np.inf, score))
