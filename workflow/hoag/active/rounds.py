"""One step of active learning, and the rounds of a simulated trial made of such steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from hoag import seeds
from hoag.active.contract import Answers, Lesson, Predictions, State
from hoag.active.evaluation import MIN_POSITIVES, measure
from hoag.active.interest import split_questions, weights_of
from hoag.active.oracle import Labels
from hoag.active.protocol import Draw, Protocol, draw


@dataclass(frozen=True)
class Plugin:
    """A learner or a strategy with its options."""

    module: ModuleType
    options: Any


@dataclass(frozen=True)
class Situation:
    """What a step goes on from.

    Attributes
    ----------
    x
        All objects seen so far.
    answers
        What is known of them; the interest in classes goes to the learner with them.
    weights
        Class, or reserve -> share of the questions.
    n_questions
        How many to ask.
    candidates : (n,) bool
        Who may be asked about.
    state
        Of the step before; None at the start.
    seed
        Of this step.
    others
        Objects that are predicted besides and never learned from or asked about.
    """

    x: np.ndarray
    answers: Answers
    weights: Mapping[str, float]
    n_questions: int
    candidates: np.ndarray
    state: State | None
    seed: int
    others: np.ndarray | None = None

    @property
    def lesson(self) -> Lesson:
        """What there is to learn."""
        a = self.answers
        known = Answers(a.index, a.classes, a.as_interest(self.weights))
        return Lesson(self.x, known, seeds.sequence(self.seed, "learn"), self.state)


@dataclass(frozen=True)
class Step:
    """What a step gives.

    Attributes
    ----------
    state
        The learner's, to go on from; plain arrays that can be saved.
    predictions
        For all objects.
    questions
        Class -> rows to ask about on its behalf.
    others
        Predictions for the other objects.
    """

    state: State
    predictions: Predictions
    questions: dict[str, np.ndarray]
    others: Predictions


def step(learner: Plugin, strategy: Plugin, situation: Situation) -> Step:
    """Learn from all that is known, predict all objects, choose what to ask next.

    The machine's rounds call it in memory, a person's as jobs of the workflow; the same state,
    labels and seed give the same questions.
    """
    lesson = situation.lesson
    state = learner.module.learn(
        lesson.x, lesson.answers, learner.options, seed=lesson.seed, previous=lesson.previous
    )
    return _asked(learner, strategy, situation, state)


def steps(learner: Plugin, strategy: Plugin, situations: Sequence[Situation]) -> list[Step]:
    """A step in each of several situations, learned in one go."""
    states = learner.module.learn_together([s.lesson for s in situations], learner.options)
    pairs = zip(situations, states, strict=True)
    return [_asked(learner, strategy, situation, state) for situation, state in pairs]


def _asked(learner: Plugin, strategy: Plugin, situation: Situation, state: State) -> Step:
    """Predictions and questions of a learner that has learned."""
    x, others = situation.x, situation.others
    both = x if others is None else np.concatenate([x, others])
    everything = learner.module.predict(both, learner.options, state)
    predictions = everything.rows(slice(len(x)))
    rng = seeds.generator(situation.seed, "ask")
    left, questions = situation.candidates.copy(), {}
    for target, n in split_questions(situation.n_questions, situation.weights).items():
        chosen = strategy.module.select(predictions, target, n, left, strategy.options, rng)
        questions[target] = chosen
        left[chosen] = False
    return Step(state, predictions, questions, everything.rows(slice(len(x), None)))


@dataclass(frozen=True)
class Round:
    """One round of a trial, for who watches it.

    Attributes
    ----------
    trial
        Its number.
    number
        1 for the first round; 0 before any question was asked.
    rows : (n,) int
        The pool: rows of the data.
    classes : (n,) object
        Their true classes.
    asked : (n,) bool
        Whether they have been asked about.
    state, predictions
        Of the learner, for the pool.
    """

    trial: int
    number: int
    rows: np.ndarray
    classes: np.ndarray
    asked: np.ndarray
    state: State
    predictions: Predictions


def run_trial(
    data: np.ndarray,
    labels: np.ndarray,
    protocol: Protocol,
    learner: Plugin,
    strategy: Plugin,
    *,
    seed: int,
    trial: int,
    watch: Callable[[Round], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """All rounds of one trial, with an oracle that knows the labels.

    Parameters
    ----------
    data : (n, ...)
        Images (uint8) or vectors (float32) of all objects there are.
    labels : (n,) object
        Their labels.
    protocol
        What arrives when, who is known, what is asked.
    learner, strategy
        Who learns and who asks.
    seed, trial
        They alone decide what is drawn; objects depend on the trial's number and not on learner or
        strategy, so that those can be compared trial by trial.
    watch
        Called after each round.

    Returns
    -------
    list of dict
        One for each round and class of anomalies, as the schema ``trials`` has it.

    Notes
    -----
    Round r is measured after its answers have been learned. By then the objects of round r + 1 are
    there too, without labels; they count in no measure of round r.
    """
    running = _Trial(data, labels, protocol, seed=seed, trial=trial)
    for _ in range(protocol.n_rounds + 1):
        watch(running.take(step(learner, strategy, running.situation())))
    return running.rows


def run_trials(
    data: np.ndarray,
    labels: np.ndarray,
    protocol: Protocol,
    learner: Plugin,
    strategy: Plugin,
    *,
    seed: int,
    trials: Sequence[int],
    watch: Callable[[Round], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Several trials side by side, whose learner learns all of them in one go; see `run_trial`."""
    running = [_Trial(data, labels, protocol, seed=seed, trial=trial) for trial in trials]
    for _ in range(protocol.n_rounds + 1):
        taken = steps(learner, strategy, [r.situation() for r in running])
        for one, its_step in zip(running, taken, strict=True):
            watch(one.take(its_step))
    return [row for one in running for row in one.rows]


class _Trial:
    """One trial between two rounds: all that has been asked and found so far."""

    def __init__(
        self, data: np.ndarray, labels: np.ndarray, protocol: Protocol, *, seed: int, trial: int
    ) -> None:
        self.protocol, self.seed, self.trial = protocol, seed, trial
        self.objects = draw_objects(data, labels, protocol, seed=seed, trial=trial)
        n_known, classes = self.objects.plan.n_known, self.objects.classes
        rng = seeds.generator(seed, "trial", trial, "oracle")
        self.oracle = Labels(classes, protocol.error_rate, rng)
        self.answers = Answers.of_classes(np.arange(n_known), classes[:n_known])
        self.asked = np.zeros(len(classes), bool)
        self.questions: dict[str, np.ndarray] = {}
        self.state: State | None = None
        self.round = 0
        self.rows: list[dict[str, Any]] = []

    def situation(self) -> Situation:
        """Before the step that learns this round's answers."""
        protocol, plan, r = self.protocol, self.objects.plan, self.round
        n_now = plan.ends[min(r, protocol.n_rounds - 1)]
        candidates = ~self.asked[:n_now]
        candidates[: plan.n_known] = False
        if protocol.pool == "nightly" and r:
            candidates[: plan.ends[r - 1]] = False
        found = list(dict.fromkeys(self.answers.classes[plan.n_known :].tolist()))
        return Situation(
            x=self.objects.x[:n_now],
            answers=self.answers,
            weights=weights_of(protocol.interest, r + 1, protocol.anomalies, found),
            n_questions=protocol.n_questions if r < protocol.n_rounds else 0,
            candidates=candidates,
            state=self.state,
            seed=seeds.sequence(self.seed, "trial", self.trial, "round", r),
            others=self.objects.held_x,
        )

    def take(self, taken: Step) -> Round:
        """Measure the step and answer its questions."""
        plan, classes, r = self.objects.plan, self.objects.classes, self.round
        pool = _pool(plan, self.protocol, r)
        inside = taken.predictions.rows(pool)
        if r:
            self.rows += [
                {"trial": self.trial, "round": r, "class": c}
                | _counted(c, self.questions, self.answers, plan.n_known, classes)
                | _measured(
                    c,
                    inside,
                    classes[pool],
                    self.asked[pool],
                    taken.others,
                    self.objects.held_classes,
                )
                for c in self.protocol.anomalies
            ]
        asked = self.asked[pool].copy()
        seen = Round(self.trial, r, plan.order[pool], classes[pool], asked, taken.state, inside)
        self.state, self.questions = taken.state, taken.questions
        for chosen in self.questions.values():
            self.asked[chosen] = True
            self.answers = self.answers.and_(self.oracle.answer(chosen))
        self.round += 1
        return seen


@dataclass(frozen=True)
class Objects:
    """A trial's objects, in the order in which they arrive, and those held out."""

    plan: Draw
    x: np.ndarray
    classes: np.ndarray
    held_x: np.ndarray
    held_classes: np.ndarray


def draw_objects(
    data: np.ndarray, labels: np.ndarray, protocol: Protocol, *, seed: int, trial: int
) -> Objects:
    """Draw a trial's objects and add the protocol's noise to images."""
    plan = draw(protocol, labels, seed=seed, trial=trial)
    classes = np.array([protocol.class_of(label) for label in labels], dtype=object)
    x, held_x = data[plan.order], data[plan.held_out]
    if protocol.noise and x.dtype == np.uint8:
        rng = seeds.generator(seed, "trial", trial, "noise")
        x, held_x = (_noisy(part, protocol.noise, rng) for part in (x, held_x))
    return Objects(plan, x, classes[plan.order], held_x, classes[plan.held_out])


def _noisy(images: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    drawn = rng.normal(0, 255 * noise, images.shape).astype(np.float32)
    return np.clip(np.rint(images + drawn), 0, 255).astype(np.uint8)


def _pool(plan: Draw, protocol: Protocol, r: int) -> slice:
    """Objects that the measures of round r count: all that have arrived, or the round's own."""
    end = plan.ends[r - 1] if r else plan.n_known
    if protocol.pool == "nightly" and r > 1:
        return slice(plan.ends[r - 2], end)
    return slice(plan.n_known, end)


def _counted(
    name: str,
    questions: Mapping[str, np.ndarray],
    answers: Answers,
    n_known: int,
    classes: np.ndarray,
) -> dict[str, Any]:
    """How many questions were asked by now and in this round, and what they brought."""
    asked = classes[answers.index[n_known:]]
    aimed = questions.get(name, np.empty(0, int))
    this_round = np.concatenate([*questions.values(), np.empty(0, int)]).astype(int)
    return {
        "n_asked": len(asked),
        "n_found": int((asked == name).sum()),
        "n_aimed": len(aimed),
        "n_hit": int((classes[aimed] == name).sum()),
        "true_candidates": float((classes[this_round] == name).mean())
        if len(this_round)
        else np.nan,
    }


def _measured(
    name: str,
    pool: Predictions,
    classes: np.ndarray,
    asked: np.ndarray,
    held: Predictions,
    held_classes: np.ndarray,
) -> dict[str, Any]:
    """The measures of the pool, of those of it that nobody asked about, and of the held-out."""
    score, positive = pool.of(name), classes == name
    parts = {
        "pool": measure(score, positive),
        "held_out": measure(held.of(name), held_classes == name),
    }
    rest = measure(score[~asked], positive[~asked])
    row = {}
    for part, values in parts.items():
        for field in ("n_positive", "mcc", "auroc", "average_precision", "rank_weighted"):
            row[f"{part}_{field}"] = getattr(values, field)
    enough = rest.n_positive >= MIN_POSITIVES
    row["unlabelled_n_positive"] = rest.n_positive
    row["unlabelled_auroc"] = rest.auroc if enough else np.nan
    row["unlabelled_average_precision"] = rest.average_precision if enough else np.nan
    return row
