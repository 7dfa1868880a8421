"""What learners and strategies hand to one another.

A learner is a module in ``learners/`` with

``Options``
    Its options, a frozen dataclass of `hoag.options.option` fields.
``TAKES``
    The kinds of data that it works on, of ``"images"`` (uint8 (n, y, x, channel)) and
    ``"vectors"`` (float32 (n, d)).
``GIVES``
    What its `Predictions` hold besides a score for each object, of ``"classes"``, ``"latent"`` and
    ``"passes"``.
``learn(x, answers, options, *, seed, previous=None)``
    Everything that is known by now -> state, a dict of numpy arrays. ``x`` holds all objects seen
    so far, ``answers`` what is known of some of them, ``previous`` the state of the round before.
``predict(x, options, state)``
    `Predictions` for any objects of the same kind; each object's are its own alone.
``learn_together(lessons, options)``, if it can
    What ``learn`` would make of each `Lesson`, in one go; called where ``options.together`` is set.

A strategy is a module in ``strategies/`` with ``Options``, ``NEEDS`` (a subset of what learners
give) and

``select(predictions, target, n, candidates, options, rng)``
    Which n objects to ask about, of those that are ``candidates`` (a mask), the most wanted first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

IMAGES = "images"  # what is learned from, where it is no feature space
RESERVE = "reserve"  # the class of what belongs to no known class
NO_CLASS = ""
INTERESTING, BORING = "interesting", "boring"  # classes of answers that give an interest alone
MOST_INTEREST = 5.0
INTERESTING_FROM = 3.0


@dataclass(frozen=True)
class Answers:
    """What is known of some objects.

    Attributes
    ----------
    index : (m,) int
        Rows of ``x``, each once.
    classes : (m,) object
        Names; `NO_CLASS` where the answer gives only an interest.
    interest : (m,) float
        0 to 5; NaN where the answer gives only a class.
    """

    index: np.ndarray
    classes: np.ndarray
    interest: np.ndarray

    @classmethod
    def of_classes(cls, index: np.ndarray, classes: np.ndarray) -> "Answers":
        """Answers that give classes alone."""
        classes = np.asarray(classes, dtype=object)
        return cls(np.asarray(index, dtype=int), classes, np.full(len(classes), np.nan))

    @classmethod
    def none(cls) -> "Answers":
        """No answers."""
        return cls.of_classes(np.empty(0, int), np.empty(0, object))

    def __len__(self) -> int:
        return len(self.index)

    def and_(self, later: "Answers") -> "Answers":
        """These answers and later ones."""
        parts = {
            f.name: np.concatenate([getattr(self, f.name), getattr(later, f.name)])
            for f in fields(self)
        }
        return Answers(**parts)

    def as_classes(self) -> np.ndarray:
        """A class for each answer, (m,): its own, or interesting (3 and more) or boring."""
        derived = np.where(self.interest >= INTERESTING_FROM, INTERESTING, BORING)
        return np.where(self.classes == NO_CLASS, derived, self.classes).astype(object)

    def as_interest(self, weights: Mapping[str, float]) -> np.ndarray:
        """An interest of 0 to 5 for each answer, (m,).

        Where none was given it is 5 times the weight of the class, relative to the largest one
        of a class that an answer can have; 0 for classes without a weight.
        """
        largest = max((w for c, w in weights.items() if c != RESERVE), default=0.0) or 1.0
        of_class = [MOST_INTEREST * weights.get(c, 0.0) / largest for c in self.classes]
        return np.where(np.isnan(self.interest), np.array(of_class, dtype=float), self.interest)


State = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Lesson:
    """What ``learn`` is given, the options apart."""

    x: np.ndarray
    answers: Answers
    seed: int
    previous: State | None


@dataclass(frozen=True)
class Predictions:
    """What a learner says of n objects.

    Attributes
    ----------
    classes
        Names of the k classes; empty for a learner that gives one score.
    logits : (n, k) float64
        Unnormalised log-probabilities of the classes.
    score : (n,) float64 or None
        What ranks the objects where that is not the classes: higher is more interesting.
    acquisition : (n,) float64 or None
        What the learner itself would ask by, where that is not its score.
    latent : (n, d) float32 or None
        Where the objects lie in the learner's own space.
    passes : (t, n, k) float32 or None
        Probabilities from several draws of the network (Monte Carlo dropout or an ensemble).
    """

    classes: tuple[str, ...] = ()
    logits: np.ndarray | None = None
    score: np.ndarray | None = None
    acquisition: np.ndarray | None = None
    latent: np.ndarray | None = None
    passes: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.logits if self.logits is not None else self.score)

    def probabilities(self) -> np.ndarray:
        """Softmax of the logits, (n, k)."""
        e = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def of(self, target: str) -> np.ndarray:
        """A number that ranks objects as members of a class, (n,) float64, higher is more so.

        The score, whatever the target, where there is one; else the log-odds.
        """
        return self.odds(target) if self.score is None else self.score

    def odds(self, target: str) -> np.ndarray:
        """Log-odds of ``target``, of the reserve class while the learner has no such class, (n,).

        They order objects as probabilities do, without the ties at 1.0.
        """
        column = self.classes.index(target if target in self.classes else RESERVE)
        others = np.delete(self.logits, column, axis=1)
        highest = others.max(axis=1)
        rest = highest + np.log(np.exp(others - highest[:, None]).sum(axis=1))
        return self.logits[:, column] - rest

    def rows(self, which: np.ndarray | slice) -> "Predictions":
        """Those of some objects."""
        found = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                found[field.name] = value[:, which] if field.name == "passes" else value[which]
        return replace(self, **found)


def class_order(known: Sequence[str], answered: Sequence[str]) -> list[str]:
    """Classes in the order in which a network gets them: known ones, reserve, then new ones.

    Parameters
    ----------
    known
        Classes of the round before, reserve included; empty in the first round.
    answered
        Class of each answer, in the order of the answers.
    """
    if not known:
        known = [*sorted(set(answered)), RESERVE]
    new = [c for c in dict.fromkeys(answered) if c not in known]
    return [*known, *new]
