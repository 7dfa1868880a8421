"""What a classifier with Monte Carlo dropout says of images (Porter & Scaife 2023).

Columns: logits with dropout off, mean logits and mean softmax over the passes, expected entropy,
the penultimate layer. Detectors of predictions turn them into measures of uncertainty.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.models.classifier import Options as ModelOptions
from hoag.options import ConfigError, option, unknown
from hoag.splits import KINDS

if TYPE_CHECKING:
    from hoag.images.store import ImageStore
    from hoag.predicted import Predicted

INPUT = "images"
MODEL = "classifier"
GIVES = "predictions"
NEEDS_LABELS = True
HISTORY = ("iteration", "loss", "validation_loss", "validation_accuracy")
_ROWS = 128  # images at a time


@dataclass(frozen=True)
class Options(ModelOptions):
    """The classes, who is learned from, the network, and the passes."""

    classes: dict[str, Any] = option(  # noqa: RUF009 (the fields' own helper)
        {}, doc="Class -> its labels, two classes or more. Objects of other labels are no part."
    )
    train_labels: tuple[str, ...] = option(
        (), doc="Labels that may be learned from; empty: all of the classes'."
    )
    split: str = option(
        "published",
        doc="What is kept for the test: the survey's own part, a share of each label, or one of "
        "several folds.",
        choices=KINDS,
    )
    test_fraction: float = option(
        0.2, doc="Share kept by a stratified split.", minimum=0, maximum=0.9
    )
    n_folds: int = option(5, doc="Number of folds.", minimum=2)
    fold: int = option(0, doc="Which fold is kept, from 0.", minimum=0)
    validation_fraction: float = option(
        0.2, doc="Share of the rest that says when to stop.", minimum=0.01, maximum=0.9
    )
    n_members: int = option(1, doc="Networks; the passes are those of the first.", minimum=1)
    n_passes: int = option(100, doc="Draws of dropout for each object.", minimum=1)
    calibrate: bool = option(
        False, doc="Divide logits by a temperature fitted in validation (Guo et al. 2017)."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.classes) < 2:
            raise ConfigError(f"classes: found {len(self.classes)} classes, allowed: 2 or more")
        labels: list[str] = []
        for name, own in self.classes.items():
            own = [own] if isinstance(own, str) else own
            if not isinstance(own, list | tuple) or not all(isinstance(o, str) for o in own):
                raise ConfigError(
                    f"classes.{name}: found {own!r}, allowed: a label or a list of labels, as text"
                )
            labels += own
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ConfigError(f"classes: found {twice[0]!r} more than once, allowed: once")
        for label in self.train_labels:
            if label not in labels:
                raise ConfigError(unknown("train_labels", label, labels))
        if self.fold >= self.n_folds:
            raise ConfigError(f"fold: found {self.fold}, allowed: 0..{self.n_folds - 1}")


def check(shape: tuple[int, int, int], options: Options, key: str) -> None:
    """Raise `ConfigError` where convolutions leave nothing of an image (y, x, c)."""
    side = min(shape[:2])
    for i, _ in enumerate(options.filters):
        side = (side + 3 - options.kernel_px) // 2
        if side < 1:
            raise ConfigError(
                f"{key}.filters: found {len(options.filters)} convolutions of "
                f"{options.kernel_px} px, allowed for images of {min(shape[:2])} px: {i}"
            )


def fit(
    store: "ImageStore",
    options: Options,
    seed: int,
    *,
    labels: np.ndarray,
    splits: np.ndarray,
    test_seed: int | None = None,
    say: Callable[[str], None] | None = None,
) -> dict[str, np.ndarray]:
    """Train the classifier, or several that differ by their seeds, each on one thread.

    Parameters
    ----------
    store
        Images of all objects of the fit batches.
    options
        See `Options`.
    seed
        Of the split, the weights, the order of the images and the passes.
    labels, splits : (n,) object
        Of the store's objects.
    test_seed
        As of `hoag.splits.roles`.
    say
        Called with a line on the progress.

    Returns
    -------
    dict
        Weights as ``{member}/{name}``, ``mean`` and ``deviation`` of the pixels, ``temperatures``
        of the members, ``passes_seed``, ``trained_on`` (ids) and ``trained_as`` (class numbers),
        ``validated_on``, and ``history`` (n, 4) of the first with its ``history_names``.
    """
    from hoag import splits as roles_of
    from hoag.models.classifier.training import Sample, train
    from hoag.seeds import sequence
    from hoag.uncertainty.scaling import temperature

    role = role_of(labels, splits, options, seed, test_seed)
    numbers = roles_of.class_numbers(labels, options.classes)
    rows = {r: np.flatnonzero(role == r) for r in (roles_of.TRAINING, roles_of.VALIDATION)}
    training, validation = (Sample(store.read(own), numbers[own]) for own in rows.values())
    state: dict[str, np.ndarray] = {}
    for member in range(options.n_members):
        own_seed = seed if member == 0 else sequence(seed, "member", member)
        trained = train(training, validation, len(options.classes), options, own_seed)
        if say:
            say(f"network {member + 1} of {options.n_members}: {len(trained.history)} epochs")
        state |= {
            f"{member}/{k}": v.detach().cpu().numpy()
            for k, v in trained.network.state_dict().items()
        }
        if member == 0:
            state["history"] = trained.history
            state["history_names"] = np.array(HISTORY)
    state |= {"mean": np.array(trained.mean), "deviation": np.array(trained.deviation)}
    state["passes_seed"] = np.array(sequence(seed, "passes"))
    state["temperatures"] = np.ones(options.n_members)
    if options.calibrate:
        logits, passes, _ = draws(validation.images, options, state)
        own = [passes, *logits[1:, None]]  # of the first, the passes are what it is asked for
        state["temperatures"] = np.array([temperature(o, validation.classes) for o in own])
    ids = np.asarray(store.object_ids).astype(str)
    return state | {
        "trained_on": ids[rows[roles_of.TRAINING]],
        "trained_as": training.classes,
        "validated_on": ids[rows[roles_of.VALIDATION]],
    }


def role_of(
    labels: np.ndarray,
    published: np.ndarray,
    options: Options,
    seed: int,
    test_seed: int | None = None,
) -> np.ndarray:
    """Each object's role in `fit`; see `hoag.splits.roles`."""
    from hoag.splits import roles

    return roles(
        labels,
        published,
        classes=options.classes,
        train_labels=options.train_labels,
        split=options.split,
        test_fraction=options.test_fraction,
        n_folds=options.n_folds,
        fold=options.fold,
        validation_fraction=options.validation_fraction,
        seed=seed,
        test_seed=test_seed,
    )


def predict(images: np.ndarray, options: Options, state: dict[str, np.ndarray]) -> "Predicted":
    """What the networks say of ``images`` (n, y, x, c)."""
    from hoag.predicted import Predicted

    drawn = draws(images, options, state)
    return Predicted.from_draws(*drawn, temperatures=state["temperatures"])


def draws(
    images: np.ndarray, options: Options, state: dict[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits without any temperature and latent vectors; on a GPU where there is one.

    Returns
    -------
    logits : (n_members, n, k)
        Of each network, with dropout off.
    passes : (n_passes, n, k)
        Of each draw of dropout in the first network.
    latent : (n, d)
        Its penultimate layer.
    """
    import torch

    from hoag.models._layers import as_tensor, best_device, freeze

    device = best_device()
    networks = [load(images.shape[1:], options, state, i) for i in range(options.n_members)]
    for network in networks:
        freeze(network, device)
    first = networks[0]
    parts = []
    with torch.inference_mode():
        for part in torch.as_tensor(images).split(_ROWS):
            x = (as_tensor(part, device) - float(state["mean"])) / float(state["deviation"])
            hidden = first.trunk(x)
            passes = first.passes(hidden, options.n_passes, int(state["passes_seed"]))
            logits = torch.stack([network(x) for network in networks])
            parts.append([t.double().cpu().numpy() for t in (logits, passes, first.latent(hidden))])
    logits, passes, latent = zip(*parts, strict=True)
    return np.concatenate(logits, 1), np.concatenate(passes, 1), np.concatenate(latent)


def load(
    shape: tuple[int, int, int], options: Options, state: dict[str, np.ndarray], member: int
) -> Any:
    """One of the networks, in evaluation mode."""
    import torch

    from hoag.models.classifier.networks import Classifier

    network = Classifier(options, shape, len(options.classes))
    prefix = f"{member}/"
    weights = {
        k.removeprefix(prefix): torch.as_tensor(v) for k, v in state.items() if k.startswith(prefix)
    }
    network.load_state_dict(weights)
    return network.eval()


def transform(images: np.ndarray, options: Options, state: dict[str, np.ndarray]) -> np.ndarray:
    """Columns of `hoag.predicted.Predicted`, (n, d) float32."""
    if not len(images):
        return np.empty((0, len(names(options, state))), np.float32)
    columns = predict(images, options, state).columns(list(options.classes))
    return np.stack(list(columns.values()), axis=1).astype(np.float32)


def names(options: Options, state: dict[str, np.ndarray]) -> list[str]:
    """logit_FRI, ..., mean_logit_FRI, ..., p_FRI, ..., expected_entropy, latent_00, ..."""
    from hoag.predicted import Predicted

    k, m = len(options.classes), options.n_members
    empty = np.empty((0, k))
    none = Predicted(
        logits=empty,
        mean_logits=empty,
        p=empty,
        expected_entropy=np.empty(0),
        latent=np.empty((0, options.hidden[-1])),
        members=np.empty((0, m if m > 1 else 0, k)),
    )
    return list(none.columns(list(options.classes)))
