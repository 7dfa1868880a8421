"""Free energy of the logits (Liu et al. 2020, eq. 4)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.options import option
from hoag.predicted import Predicted

TAKES = "predictions"


@dataclass(frozen=True)
class Options:
    """How logits are scaled."""

    temperature: float = option(1.0, doc="Divides the logits.", minimum=1e-6)


def fit(
    found: Predicted, options: Options, seed: int, *, classes: np.ndarray
) -> dict[str, np.ndarray]:
    """Nothing is fitted."""
    return {}


def score(found: Predicted, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """-T ln sum exp(logit / T), dropout off, (n,); high where no class has a large logit."""
    scaled = found.logits / options.temperature
    highest = scaled.max(axis=1)
    return -options.temperature * (highest + np.log(np.exp(scaled - highest[:, None]).sum(axis=1)))
