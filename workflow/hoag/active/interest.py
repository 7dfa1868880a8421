"""How much each class interests the user, round by round, and how that splits the questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hoag.active.contract import RESERVE
from hoag.options import ConfigError, option


@dataclass(frozen=True)
class Weights:
    """Weights that hold from a round on, or from when some classes have been found."""

    weights: dict[str, float] = option(doc="Class, or reserve -> share of the questions.")  # noqa: RUF009 (the fields' own helper)
    from_round: int = option(1, doc="First round in which they hold.", minimum=1)
    found: tuple[str, ...] = option((), doc="Classes that must have been answered by then.")

    def __post_init__(self) -> None:
        for name, weight in self.weights.items():
            if isinstance(weight, bool) or not isinstance(weight, int | float) or weight < 0:
                raise ConfigError(f"weights.{name}: found {weight!r}, allowed: 0 or more")
        if not sum(self.weights.values()):
            raise ConfigError(f"weights: found {self.weights}, allowed: at least one above 0")


def weights_of(
    rules: Sequence[Weights], round_number: int, anomalies: Sequence[str], found: Sequence[str]
) -> dict[str, float]:
    """The weights for a round's questions.

    Parameters
    ----------
    rules
        The last one whose conditions are met holds. None: the paper's (section 4), all questions
        for the reserve class until an anomaly is found, then all for the first class found.
    round_number
        1 for the first round of questions.
    anomalies
        Classes that are of interest.
    found
        Classes answered so far, in the order in which they came.
    """
    met = [
        rule.weights
        for rule in rules
        if round_number >= rule.from_round and set(rule.found) <= set(found)
    ]
    if met:
        return {c: w for c, w in met[-1].items() if w > 0}
    first = next((c for c in found if c in anomalies), RESERVE)
    return {first: 1.0}


def split_questions(n_questions: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers of questions in proportion to the weights, which sum to ``n_questions``.

    Each class gets the whole part of its share, and what is left goes to the largest remainders.
    """
    shares = np.array(list(weights.values()), dtype=float)
    exact = n_questions * shares / shares.sum()
    numbers = np.floor(exact + 1e-9).astype(int)
    rest = np.argsort(-(exact - numbers), kind="stable")[: n_questions - numbers.sum()]
    numbers[rest] += 1
    return dict(zip(weights, numbers.tolist(), strict=True))
