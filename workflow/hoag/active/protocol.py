"""What a trial's objects are and when they arrive (AHUNT, Table 1), drawn from labelled ones."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hoag import seeds
from hoag.active.contract import RESERVE
from hoag.active.interest import Weights
from hoag.options import ConfigError, build, option, unknown

HELD_OUT_LEAST = 0.1  # share of the normal objects that the fractions of the pool ask for


@dataclass(frozen=True)
class Arrivals:
    """What arrives in each round from a round on."""

    counts: dict[str, int] = option(doc="Label -> objects that arrive in a round.")  # noqa: RUF009 (the fields' own helper)
    from_round: int = option(1, doc="First round of these counts; others end there.", minimum=1)


@dataclass(frozen=True)
class Protocol:
    """How a trial goes."""

    start: dict[str, int] = option(doc="Label -> objects whose class is known before round 1.")  # noqa: RUF009 (the fields' own helper)
    arrivals: tuple[Any, ...] = option(
        doc="What arrives in each round: mappings with `counts` and `from_round`."
    )
    n_rounds: int = option(30, doc="Rounds of questions.", minimum=1)
    n_questions: int = option(10, doc="Questions in a round.", minimum=1)
    pool: str = option(
        "cumulative",
        doc="Ask about everything that has arrived, or about the round's own objects.",
        choices=("cumulative", "nightly"),
    )
    classes: dict[str, Any] = option(  # noqa: RUF009 (the fields' own helper)
        {},
        doc="Class -> labels that it lumps together; a label that none names is a class by itself.",
    )
    anomalies: tuple[str, ...] = option(
        (), doc="Classes of interest; empty: all that are not there at the start."
    )
    interest: tuple[Any, ...] = option(
        (),
        doc="Weights of the classes: mappings with `weights`, `from_round` and `found`; empty: all "
        "for the reserve class, then all for the first anomaly found.",
    )
    error_rate: float = option(0.0, doc="Share of answers that are wrong.", minimum=0, maximum=1)
    noise: float = option(
        0.0, doc="Standard deviation of noise on images, of their full range.", minimum=0
    )
    min_held_out: int = option(
        30, doc="Anomalies of each class that are held out for the metrics; 0: none.", minimum=0
    )

    def __post_init__(self) -> None:
        _set(self, "arrivals", [build(Arrivals, _mapping(a), "arrivals") for a in self.arrivals])
        _set(self, "interest", [build(Weights, _mapping(w), "interest") for w in self.interest])
        if not self.arrivals:
            raise ConfigError("arrivals: found nothing, allowed: one entry or more")
        self._check_labels()
        if not any(n > 0 for n in self.start.values()):
            raise ConfigError("start: found no object, allowed: 1 or more")
        starts = {self.class_of(label) for label, n in self.start.items() if n}
        arriving = {self.class_of(label) for label, n in self.totals().items() if n}
        found = dict.fromkeys(self.class_of(x) for a in self.arrivals for x in a.counts)
        own = [c for c in found if c in arriving - starts]
        _set(self, "anomalies", self.anomalies or own)
        for name in self.anomalies:
            if name not in arriving or name in starts:
                raise ConfigError(
                    f"anomalies: found {name!r}, allowed: {sorted(arriving - starts)}, "
                    "which arrive and are not there at the start"
                )
        if not self.anomalies:
            raise ConfigError("arrivals: found no class that is not there at the start")
        known = [*dict.fromkeys(self.class_of(label) for label in self.labels()), RESERVE]
        for name in (n for rule in self.interest for n in (*rule.weights, *rule.found)):
            if name not in known:
                raise ConfigError(f"interest: found {name!r}, allowed: {', '.join(known)}")
        n_arriving = sum(self.totals().values())
        if self.n_rounds * self.n_questions > n_arriving:
            raise ConfigError(
                f"n_questions: found {self.n_questions} in each of {self.n_rounds} rounds, "
                f"allowed: {n_arriving} in all rounds together, as many as arrive"
            )

    def _check_labels(self) -> None:
        counts = [("start", self.start)] + [("arrivals.counts", a.counts) for a in self.arrivals]
        for key, own in counts:
            for label, n in own.items():
                if isinstance(n, bool) or not isinstance(n, int) or n < 0:
                    raise ConfigError(f"{key}.{label}: found {n!r}, allowed: 0 or more, whole")
                if not isinstance(label, str) or label == RESERVE:
                    raise ConfigError(
                        f"found label {label!r}, allowed: text (in quotes, if it is a number) "
                        f"other than {RESERVE!r}"
                    )
        for name, lumped in self.classes.items():
            for label in lumped if isinstance(lumped, list | tuple) and lumped else [lumped]:
                if label not in self.labels() or name == RESERVE:
                    raise ConfigError(
                        f"classes.{name}: found {label!r}, allowed: {', '.join(self.labels())}"
                    )

    def class_of(self, label: str) -> str:
        """The class that a label belongs to."""
        for name, labels in self.classes.items():
            if label in ([labels] if isinstance(labels, str) else labels):
                return name
        return label

    def counts(self, round_number: int) -> dict[str, int]:
        """Label -> objects that arrive in a round, 1 being the first."""
        held = [a for a in self.arrivals if round_number >= a.from_round]
        return dict(held[-1].counts) if held else {}

    def totals(self) -> dict[str, int]:
        """Label -> objects in the pool of the last round."""
        totals: dict[str, int] = {}
        for r in range(1, self.n_rounds + 1):
            for label, n in self.counts(r).items():
                totals[label] = totals.get(label, 0) + n
        return totals

    def labels(self) -> list[str]:
        """All labels that take part."""
        return list(dict.fromkeys([*self.start, *self.totals()]))


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"found {value!r}, allowed: a mapping")
    return value


def _set(protocol: Protocol, name: str, values: list[Any]) -> None:
    object.__setattr__(protocol, name, tuple(values))


@dataclass(frozen=True)
class Draw:
    """The objects of one trial.

    Attributes
    ----------
    order : (n,) int
        Rows of the data: the known ones, then what arrives, round by round, shuffled in each.
    n_known : int
        How many are known at the start.
    ends : tuple of int
        For each round, how many of ``order`` are there by then.
    held_out : (m,) int
        Rows that no learner sees.
    """

    order: np.ndarray
    n_known: int
    ends: tuple[int, ...]
    held_out: np.ndarray


def needed(protocol: Protocol, available: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Label -> objects that a trial needs, and those that it holds out besides.

    What is held out has the fractions of the last round's pool and ``protocol.min_held_out`` of
    each class of anomalies. Where a normal label has too few objects left for that, all normal
    ones are fewer in proportion, down to a tenth; the anomalies stay as many.

    Raises
    ------
    ConfigError
        If there are too few objects of a label, or none.
    """
    totals, anomalies = protocol.totals(), protocol.anomalies
    of_class = {
        c: sum(n for label, n in totals.items() if protocol.class_of(label) == c) for c in anomalies
    }
    wanted = max(protocol.min_held_out / n for n in of_class.values())
    normal = {c: n for c, n in totals.items() if n and protocol.class_of(c) not in anomalies}
    used = {c: protocol.start.get(c, 0) + totals.get(c, 0) for c in protocol.labels()}
    left = {label: available.get(label, 0) - used[label] for label in used}
    factor = min([wanted, *(max(left[label], 0) / n for label, n in normal.items())])
    factor = max(factor, HELD_OUT_LEAST * wanted)
    numbers = {}
    for label, n in used.items():
        if n and not available.get(label, 0):
            raise ConfigError(unknown("label", label, [c for c, m in available.items() if m]))
        share = factor if label in normal else wanted
        held = int(np.ceil(share * totals.get(label, 0) - 1e-9))
        if left[label] < held:
            raise ConfigError(
                f"found {available.get(label, 0)} objects with label {label!r}, "
                f"allowed: {n + held} or more ({n} for the rounds, {held} held out)"
            )
        numbers[label] = n, held
    return numbers


def draw(protocol: Protocol, labels: np.ndarray, *, seed: int, trial: int) -> Draw:
    """Draw a trial's objects; they depend on the seed and the trial's number alone.

    Parameters
    ----------
    protocol
        What arrives when.
    labels : (n,) object
        Of all objects there are.
    seed, trial
        Which draw.

    Raises
    ------
    ConfigError
        If there are too few objects.
    """
    names, numbers = np.unique(labels.astype(str), return_counts=True)
    available = dict(zip(names.tolist(), numbers.tolist(), strict=True))
    queues, held_out = {}, []
    for label, (_, held) in needed(protocol, available).items():
        rows = np.flatnonzero(labels == label)
        rows = seeds.generator(seed, "trial", trial, label).permutation(rows)
        held_out.append(rows[:held])
        queues[label] = iter(rows[held:].tolist())
    rng = seeds.generator(seed, "trial", trial, "order")

    def take(counts: Mapping[str, int]) -> np.ndarray:
        rows = [r for label, n in counts.items() for r in itertools.islice(queues[label], n)]
        return rng.permutation(np.array(rows, dtype=int))

    parts = [take(protocol.start)]
    parts += [take(protocol.counts(r)) for r in range(1, protocol.n_rounds + 1)]
    order = np.concatenate(parts)
    ends = tuple(np.cumsum([len(p) for p in parts])[1:].tolist())
    return Draw(order, len(parts[0]), ends, np.concatenate(held_out))
