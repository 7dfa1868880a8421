"""Many networks of the same shape trained at once, on a GPU where there is one.

A small network leaves a GPU idle between its steps. Here the weights of all trials are stacked,
and a step of all of them is one call (`torch.func.vmap`), with Adam's step for each (Kingma & Ba
2015, algorithm 1). Each trial draws from its own seed, so that what is drawn does not depend on
which others run beside it; sums may be rounded otherwise.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap
from torch.nn.utils.rnn import pad_sequence

from hoag.active.contract import Lesson
from hoag.active.learners import _network as networks
from hoag.models import _augment as augment
from hoag.seeds import sequence

Stack = dict[str, Tensor]  # of parameters, by name
BETAS, EPSILON = (0.9, 0.999), 1e-7


def learn_together(
    lessons: Sequence[Lesson], options: Any, *, frozen: bool = False
) -> list[dict[str, np.ndarray]]:
    """Train on each lesson as `_network.learn` does, all in one go.

    Parameters
    ----------
    lessons
        Objects, answers, seed and state of each trial.
    options : NetworkOptions
        Network and training.
    frozen
        From the second training on change the last layer alone.

    Returns
    -------
    list of dict
        States as `_network.learn` gives them.
    """
    pupils = [_Pupil(lesson, options, frozen=frozen) for lesson in lessons]
    groups = defaultdict(list)
    for pupil in pupils:
        groups[len(pupil.classes), tuple(sorted(pupil.trained)), pupil.n_epochs].append(pupil)
    for group in groups.values():
        _train(group, options)
    return [pupil.state() for pupil in pupils]


class _Pupil:
    """One trial's network, what it learns from, and its random numbers."""

    def __init__(self, lesson: Lesson, options: Any, *, frozen: bool) -> None:
        self.options = options
        self.generator = torch.Generator().manual_seed(sequence(lesson.seed, "batches"))
        with networks.seeded(lesson.seed):
            network, moments, self.classes, self.target = networks.prepared(
                lesson.x, lesson.answers, options, lesson.previous, frozen=frozen
            )
        device = networks.device_of(options)
        self.network = network.to(device).train()
        self.network.trunk.onednn = False
        self.data = networks.as_tensor(lesson.x[lesson.answers.index], device)
        named = dict(network.named_parameters())
        self.trained = {k: p.detach() for k, p in named.items() if p.requires_grad}
        self.fixed = {k: p.detach() for k, p in named.items() if not p.requires_grad}
        self.moments = {
            key: {
                k: moments.get(f"{k}/{key}", torch.zeros(p.shape)).to(device)
                for k, p in self.trained.items()
            }
            for key in ("exp_avg", "exp_avg_sq")
        }
        steps = [moments[f"{k}/step"] for k in self.trained if f"{k}/step" in moments]
        self.n_steps = (steps[0] if steps else torch.zeros(())).to(device)
        first = lesson.previous is None and options.first_epochs
        self.n_epochs = options.first_epochs if first else options.epochs

    def batches(self) -> list[Tensor]:
        """Rows of each step of one pass."""
        self.network.load_state_dict(self.trained | self.fixed)
        return networks.batches(self.network, self.data, self.target, self.options, self.generator)

    def state(self) -> dict[str, np.ndarray]:
        """As `_network.learn` gives it."""
        arrays = {f"w/{name}": value for name, value in (self.trained | self.fixed).items()}
        for name in self.trained:
            arrays[f"m/{name}/step"] = self.n_steps
            for key, values in self.moments.items():
                arrays[f"m/{name}/{key}"] = values[name]
        classes = {"classes": np.array(self.classes, dtype=str)}
        return classes | {name: value.cpu().numpy().copy() for name, value in arrays.items()}


@dataclass(frozen=True)
class _Draws:
    """The batches of one pass of b networks, (b, step, object); shorter ones are filled up.

    Attributes
    ----------
    rows
        Of each network's own data.
    weight
        In the sum of losses: 0 for what fills up.
    keep
        Factors for the latent units, (b, step, object, n_latent).
    change
        Of the images.
    """

    rows: Tensor
    weight: Tensor
    keep: Tensor
    change: augment.Moves

    @classmethod
    def of(cls, group: Sequence[_Pupil], options: Any) -> "_Draws":
        """Each network's batches, from its own generator."""
        plans = [pupil.batches() for pupil in group]
        shape = (max(map(len, plans)), max(len(plan[0]) for plan in plans))
        parts = []
        for pupil, plan in zip(group, plans, strict=True):
            rows = torch.zeros(shape, dtype=torch.long)
            weight = torch.zeros(shape)
            size = len(plan[0])
            rows[: len(plan), :size] = torch.stack(plan)
            weight[: len(plan), :size] = 1 / size
            filled, n = weight > 0, len(plan) * size
            odds = torch.full((n, options.n_latent), 1 - options.dropout)
            keep = torch.bernoulli(odds, generator=pupil.generator) / (1 - options.dropout)
            change = networks.moves_of(n, options, pupil.generator)
            moves = (_placed(getattr(change, f.name), filled) for f in fields(change))
            parts.append((rows, weight, _placed(keep, filled), *moves))
        device = networks.device_of(options)
        stacked = [torch.stack(part).to(device) for part in zip(*parts, strict=True)]
        return cls(*stacked[:3], augment.Moves(*stacked[3:]))

    def batch(self, data: Tensor, step: int) -> Tensor:
        """Objects of one step, (b, object, ...), changed at random if they are images."""
        which = torch.arange(len(data), device=data.device)[:, None]
        x = data[which, self.rows[:, step]]
        if x.ndim == 3:
            return x
        parts = (getattr(self.change, f.name)[:, step].flatten(0, 1) for f in fields(self.change))
        return augment.moved(x.flatten(0, 1), augment.Moves(*parts)).view(x.shape)


def _placed(values: Tensor, where: Tensor) -> Tensor:
    """Values for the objects that there are, zeros elsewhere."""
    placed = torch.zeros(*where.shape, *values.shape[1:])
    placed[where] = values
    return placed


def _train(group: Sequence[_Pupil], options: Any) -> None:
    """All epochs of some networks of the same shape."""
    network = group[0].network

    def loss(trained: Stack, fixed: Stack, x: Tensor, keep: Tensor, y: Tensor, w: Tensor) -> Tensor:
        logits = functional_call(network, trained | fixed, (x, keep))
        return (networks.losses_of(logits, y, options.loss) * w).sum()

    slopes_of = vmap(grad(loss))
    fixed = _stacked([pupil.fixed for pupil in group])
    data = pad_sequence([pupil.data for pupil in group], batch_first=True)
    target = pad_sequence([pupil.target for pupil in group], batch_first=True).to(data.device)
    for _ in range(group[0].n_epochs):
        draws = _Draws.of(group, options)
        trained = _stacked([pupil.trained for pupil in group])
        moments = {k: _stacked([pupil.moments[k] for pupil in group]) for k in group[0].moments}
        counts = torch.stack([pupil.n_steps for pupil in group])
        for step in range(draws.rows.shape[1]):
            rows, weight = draws.rows[:, step], draws.weight[:, step]
            x, y = draws.batch(data, step), target.gather(1, rows)
            slopes = slopes_of(trained, fixed, x, draws.keep[:, step], y, weight)
            counts += weight.any(1)
            _adam(trained, moments, slopes, counts, weight.any(1), options.learning_rate)
        for i, pupil in enumerate(group):
            pupil.trained = {k: v[i] for k, v in trained.items()}
            pupil.moments = {key: {k: v[i] for k, v in m.items()} for key, m in moments.items()}
            pupil.n_steps = counts[i]


def _adam(
    trained: Stack,
    moments: Mapping[str, Stack],
    slopes: Stack,
    counts: Tensor,
    learns: Tensor,
    rate: float,
) -> None:
    """A step of Adam for each of b networks, in place, but for those that don't learn in it."""
    for name, value in trained.items():
        first, second = moments["exp_avg"][name], moments["exp_avg_sq"][name]
        by_network = (-1, *[1] * (value.ndim - 1))
        learns_here, n = learns.float().view(by_network), counts.clamp(min=1).view(by_network)
        first.lerp_(slopes[name], (1 - BETAS[0]) * learns_here)
        second.lerp_(slopes[name] ** 2, (1 - BETAS[1]) * learns_here)
        spread = (second / (1 - BETAS[1] ** n)).sqrt() + EPSILON
        value -= learns_here * rate * first / (1 - BETAS[0] ** n) / spread


def _stacked(parts: Sequence[Stack]) -> Stack:
    return {name: torch.stack([part[name] for part in parts]) for name in parts[0]}
