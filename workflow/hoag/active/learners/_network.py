"""The network of AHUNT, its training in rounds, and its state as plain arrays.

Vafaei Sadr, Bassett & Sekyi 2022, section 2. A round's training is a fraction of a second of many
small steps, so it is a bare loop: a trainer's own set-up would cost more than the steps.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from hoag.active.contract import RESERVE, Answers, Predictions, class_order
from hoag.active.learners._options import NetworkOptions
from hoag.active.learners._pretraining import pretrain
from hoag.models import _augment as augment

# Objects at a time in predictions: more would not fit into a processor's cache.
_ROWS = {"cpu": 256, "cuda": 8192}


class Trunk(nn.Module):
    """Objects -> latent vectors.

    Images: convolutions of 3 x 3 with ReLU, each followed by pooling by 2, then a dense layer.
    Vectors: dense layers alone. Weights start as Glorot & Bengio's (2010) uniform, biases at 0.
    """

    def __init__(self, shape: Sequence[int], options: NetworkOptions) -> None:
        super().__init__()
        convolutions: list[nn.Module] = []
        layers: list[nn.Module] = []
        if len(shape) == 3:
            y, x, channels = shape
            for n in options.filters:
                # ReLU after pooling is the same function of a quarter of the values
                convolutions += [nn.Conv2d(channels, n, 3, padding=1), nn.MaxPool2d(2), nn.ReLU()]
                channels, y, x = n, y // 2, x // 2
            width = channels * y * x
        else:
            (width,) = shape
            for n in options.hidden:
                layers += [nn.Linear(width, n), nn.ReLU()]
                width = n
        # oneDNN's own layout: half the time of ordinary tensors with so few channels
        self.onednn = torch.backends.mkldnn.is_available()
        self.convolutions = nn.Sequential(*convolutions)
        self.layers = nn.Sequential(*layers, nn.Linear(width, options.n_latent), nn.ReLU())
        for part in self.modules():
            if isinstance(part, nn.Linear | nn.Conv2d):
                nn.init.xavier_uniform_(part.weight)
                nn.init.zeros_(part.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, ...) -> (n, n_latent)."""
        if x.ndim == 4 and self.onednn and x.is_cpu:
            x = self.convolutions(x.to_mkldnn()).to_dense()
        else:
            x = self.convolutions(x)
        return self.layers(x.flatten(1))


class LinearHead(nn.Module):
    """Logits by a dense layer."""

    def __init__(self, n_latent: int, n_classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(n_classes, n_latent)))
        self.bias = nn.Parameter(torch.zeros(n_classes))

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """(n, n_latent) -> (n, n_classes)."""
        return functional.linear(latent, self.weight, self.bias)


class IsoMaxHead(nn.Module):
    """Logits that are distances to class prototypes (IsoMax+: Macedo & Ludermir 2021, eq. 6).

    Latent vectors and prototypes have unit length; training sharpens the logits by the entropic
    scale of 10, which is left out afterwards.
    """

    ENTROPIC_SCALE = 10.0

    def __init__(self, n_latent: int, n_classes: int) -> None:
        super().__init__()
        self.prototypes = nn.Parameter(torch.randn(n_classes, n_latent))
        self.distance_scale = nn.Parameter(torch.ones(1))

    def forward(self, latent: torch.Tensor) -> torch.Tensor:
        """(n, n_latent) -> (n, n_classes)."""
        apart = torch.cdist(functional.normalize(latent), functional.normalize(self.prototypes))
        scale = self.ENTROPIC_SCALE if self.training else 1.0
        return -scale * self.distance_scale.abs() * apart


class Network(nn.Module):
    """Trunk, dropout and head."""

    def __init__(self, shape: Sequence[int], n_classes: int, options: NetworkOptions) -> None:
        super().__init__()
        head = IsoMaxHead if options.loss == "isomax" else LinearHead
        self.trunk = Trunk(shape, options)
        self.dropout = nn.Dropout(options.dropout)
        self.head = head(options.n_latent, n_classes)

    def forward(self, x: torch.Tensor, keep: torch.Tensor | None = None) -> torch.Tensor:
        """(n, ...) -> logits (n, n_classes); ``keep`` (n, n_latent) takes the place of dropout."""
        latent = self.trunk(x)
        return self.head(self.dropout(latent) if keep is None else latent * keep)

    def grow(self, n_classes: int) -> None:
        """Add classes to the head; what it has stays, bit for bit."""
        old = self.head
        self.head = type(old)(self.trunk.layers[-2].out_features, n_classes)
        with torch.no_grad():
            for name, value in old.named_parameters():
                new = getattr(self.head, name)
                if name == "distance_scale":
                    new.copy_(value)
                else:
                    new[: len(value)] = value


def losses_of(logits: torch.Tensor, target: torch.Tensor, kind: str) -> torch.Tensor:
    """Cross-entropy of each object, or focal loss (Lin et al. 2017, eq. 4, gamma 2, alpha 1)."""
    if kind != "focal":
        return functional.cross_entropy(logits, target, reduction="none")
    log_p = functional.log_softmax(logits, 1).gather(1, target[:, None])[:, 0]
    return -((1 - log_p.exp()) ** 2) * log_p


def learn(
    x: np.ndarray,
    answers: Answers,
    options: Any,
    *,
    seed: int,
    previous: Mapping[str, np.ndarray] | None = None,
    frozen: bool = False,
) -> dict[str, np.ndarray]:
    """Train on what is known.

    Parameters
    ----------
    x, answers
        Objects, and what is known of some of them.
    options : NetworkOptions
        Network and training.
    seed
        Draws the first weights, the batches and the augmentation.
    previous
        State of the round before.
    frozen
        From the second training on change the last layer alone.

    Returns
    -------
    dict
        ``classes``, the network's parameters under their names, and Adam's moments.

    Raises
    ------
    ValueError
        If nothing is known, or an answer is the reserve class.
    """
    with seeded(seed), _one_thread():
        network, moments, classes, target = prepared(x, answers, options, previous, frozen=frozen)
        optimizer = _optimizer(network, options, moments)
        data = as_tensor(x[answers.index])
        first = previous is None and options.first_epochs
        network.train()
        for _ in range(options.first_epochs if first else options.epochs):
            _epoch(network, optimizer, data, target, options)
    return _state(network, optimizer, classes)


def prepared(
    x: np.ndarray,
    answers: Answers,
    options: Any,
    previous: Mapping[str, np.ndarray] | None,
    *,
    frozen: bool,
) -> tuple[Network, dict[str, torch.Tensor], list[str], torch.Tensor]:
    """What training starts from: network, Adam's moments, classes, class number of each answer.

    Raises
    ------
    ValueError
        If nothing is known, or an answer is the reserve class.
    """
    labels = answers.as_classes()
    if not len(labels):
        raise ValueError("found no labelled object to learn from, allowed: 1 or more")
    if RESERVE in labels:
        raise ValueError(f"found an answer {RESERVE!r}, allowed: any other class")
    known = [str(c) for c in previous["classes"]] if previous is not None else []
    classes = class_order(known, labels.tolist())
    start = previous if options.warm_start or frozen else None
    network, moments = _restored(x.shape[1:], classes, options, start)
    if start is None and options.pretraining_epochs:
        pretrain(network.trunk, as_tensor(x), options)
    if frozen and previous is not None:
        network.trunk.requires_grad_(False)
    number = {c: i for i, c in enumerate(classes)}
    return network, moments, classes, torch.tensor([number[c] for c in labels])


def predict(x: np.ndarray, options: Any, state: Mapping[str, np.ndarray]) -> Predictions:
    """Logits, latent vectors and Monte Carlo passes of any objects, dropout off in the first two.

    Parameters
    ----------
    x
        Objects like those learned from.
    options, state
        As learned.
    """
    classes = tuple(str(c) for c in state["classes"])
    network, _ = _restored(x.shape[1:], classes, options, state)
    network.eval()
    device = device_of(options)
    logits, latents = [], []
    with torch.inference_mode(), _one_thread():
        trunk = network.trunk.to(device)
        for start in range(0, len(x), _ROWS[device]):
            latent = trunk(as_tensor(x[start : start + _ROWS[device]], device)).cpu()
            latents.append(latent)
            logits.append(network.head(latent).double())
        empty = torch.empty(0, options.n_latent)
        latent = torch.cat(latents) if latents else empty
        passes = None
        if options.n_passes:
            draws = [_pass(network, latent, i) for i in range(options.n_passes)]
            passes = torch.stack(draws).numpy()
    logits = torch.cat(logits).numpy() if logits else np.empty((0, len(classes)))
    return Predictions(classes, logits, latent=latent.numpy(), passes=passes)


def _pass(network: Network, latent: torch.Tensor, number: int) -> torch.Tensor:
    """Probabilities of one draw of dropout, the same units dropped for all objects.

    So a pass is one network of the ensemble that dropout stands for, and no object's value depends
    on which others are asked for (Kirsch et al. 2019, consistent dropout).
    """
    rng = torch.Generator().manual_seed(number)
    keep = 1 - network.dropout.p
    mask = torch.bernoulli(torch.full((latent.shape[1],), keep), generator=rng) / keep
    return network.head(latent * mask).softmax(1)


def device_of(options: Any) -> str:
    """One trial by itself is as fast on a processor; many at once belong on a GPU."""
    return "cuda" if options.together and torch.cuda.is_available() else "cpu"


def as_tensor(x: np.ndarray, device: str = "cpu") -> torch.Tensor:
    """Images as float32 (n, channel, y, x) from 0 to 1; vectors as they are."""
    if x.ndim == 2:
        return torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32)).to(device)
    tensor = torch.from_numpy(np.ascontiguousarray(x)).to(device).permute(0, 3, 1, 2)
    tensor = tensor.to(torch.float32, memory_format=torch.contiguous_format)
    return tensor / 255 if x.dtype == np.uint8 else tensor


def _epoch(
    network: Network,
    optimizer: torch.optim.Optimizer,
    data: torch.Tensor,
    target: torch.Tensor,
    options: Any,
) -> None:
    """One pass over the labelled objects."""
    for rows in batches(network, data, target, options):
        batch = data[rows]
        if data.ndim == 4:
            batch = augment.moved(batch, moves_of(len(batch), options))
        optimizer.zero_grad(set_to_none=True)
        losses_of(network(batch), target[rows], options.loss).mean().backward()
        optimizer.step()


def batches(
    network: Network,
    data: torch.Tensor,
    target: torch.Tensor,
    options: Any,
    generator: torch.Generator | None = None,
) -> list[torch.Tensor]:
    """Rows of each step of one pass, whole batches only (one batch if there are fewer)."""
    order = balanced(target, options.balance)
    if options.duplicate_hard:
        hard = _is_hard(network, data, target.to(data.device)).cpu()
        order = torch.cat([order, order[hard[order]]])
    order = order[torch.randperm(len(order), generator=generator)]
    size = min(options.batch_size, len(order))
    return list(order[: len(order) // size * size].split(size))


def moves_of(n: int, options: Any, generator: torch.Generator | None = None) -> augment.Moves:
    """Random changes for n training images."""
    return augment.moves(
        n,
        options.rotation_deg,
        options.shift,
        options.zoom,
        flips=options.flips,
        generator=generator,
    )


def balanced(target: torch.Tensor, balance: bool) -> torch.Tensor:
    """Rows for one pass: each class repeated until it is as large as the largest one."""
    if not balance:
        return torch.arange(len(target))
    counts = torch.bincount(target)
    rows = []
    for c in counts.nonzero()[:, 0]:
        members = (target == c).nonzero()[:, 0]
        rows.append(members.repeat(int(-(-counts.max() // len(members))))[: int(counts.max())])
    return torch.cat(rows)


def _is_hard(network: Network, data: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Objects whose 1 + squared error is at least twice the smallest one (the code's ``ivc``)."""
    network.eval()
    with torch.inference_mode():
        p = torch.cat([network(part).softmax(1) for part in data.split(_ROWS[data.device.type])])
    network.train()
    error = 1 + ((functional.one_hot(target, p.shape[1]) - p) ** 2).sum(1)
    return error / error.min() >= 2


def _restored(
    shape: Sequence[int],
    classes: Sequence[str],
    options: Any,
    state: Mapping[str, np.ndarray] | None,
) -> tuple[Network, dict[str, torch.Tensor]]:
    """The network of a state, grown to all classes; the optimiser's moments if they still fit."""
    if state is None:
        return Network(shape, len(classes), options), {}
    network = Network(shape, len(state["classes"]), options)
    network.load_state_dict(
        {k[2:]: torch.from_numpy(v.copy()) for k, v in state.items() if k.startswith("w/")}
    )
    if len(classes) > len(state["classes"]):
        network.grow(len(classes))
        return network, {}
    moments = {k[2:]: torch.from_numpy(v.copy()) for k, v in state.items() if k.startswith("m/")}
    return network, moments


def _optimizer(
    network: Network, options: Any, moments: Mapping[str, torch.Tensor]
) -> torch.optim.Optimizer:
    parameters = {k: p for k, p in network.named_parameters() if p.requires_grad}
    optimizer = torch.optim.Adam(
        parameters.values(), lr=options.learning_rate, eps=1e-7, fused=True
    )
    for name, parameter in parameters.items():
        if f"{name}/step" in moments:
            optimizer.state[parameter] = {
                key: moments[f"{name}/{key}"] for key in ("step", "exp_avg", "exp_avg_sq")
            }
    return optimizer


def _state(
    network: Network, optimizer: torch.optim.Optimizer, classes: Sequence[str]
) -> dict[str, np.ndarray]:
    state = {"classes": np.array(classes, dtype=str)}
    for name, value in network.state_dict().items():
        state[f"w/{name}"] = value.detach().numpy().copy()
    names = {id(p): name for name, p in network.named_parameters()}
    for parameter, kept in optimizer.state.items():
        for key, value in kept.items():
            state[f"m/{names[id(parameter)]}/{key}"] = value.detach().numpy().copy()
    return state


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Sums are grouped by threads; trials, not their steps, run side by side."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's random numbers from a seed; afterwards they are as before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed % 2**63)
        yield
