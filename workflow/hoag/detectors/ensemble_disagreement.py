"""What the networks of a deep ensemble disagree about (Lakshminarayanan et al. 2017)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hoag.predicted import Predicted, entropy

TAKES = "predictions"
NEEDS_MEMBERS = True


@dataclass(frozen=True)
class Options:
    """Nothing to choose."""


def fit(
    found: Predicted, options: Options, seed: int, *, classes: np.ndarray
) -> dict[str, np.ndarray]:
    """Nothing is fitted.

    Raises
    ------
    ValueError
        If there are fewer than two networks.
    """
    if found.members.shape[1] < 2:
        raise ValueError(
            f"found {found.members.shape[1]} networks, allowed: 2 or more (the classifier's "
            "n_members)"
        )
    return {}


def score(found: Predicted, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """Entropy of the members' mean less the mean of their entropies, (n,), nat."""
    return entropy(found.members.mean(axis=1)) - entropy(found.members).mean(axis=1)
