"""Who is learned from, who says when it is learned, and who is kept for the test."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from hoag.options import ConfigError, unknown
from hoag.seeds import generator

TRAINING, VALIDATION, TEST = "training", "validation", "test"
OUTSIDE, UNLABELLED = "outside", "unlabelled"  # of another label; of none
SPARE = "spare"  # of a class, not kept for the test and not learned from
KINDS = ("published", "stratified", "folds")


def class_numbers(labels: np.ndarray, classes: Mapping[str, Any]) -> np.ndarray:
    """Place of each object's class in ``classes`` (class -> labels), (n,); -1 for other labels.

    Raises
    ------
    ConfigError
        If no object has some label.
    """
    there = sorted({str(label) for label in labels if label})
    check_classes(classes, there)
    numbers = np.full(len(labels), -1)
    for i, own in enumerate(classes.values()):
        numbers[np.isin(labels, [own] if isinstance(own, str) else list(own))] = i
    return numbers


def check_classes(classes: Mapping[str, Any], there: Collection[str]) -> None:
    """Raise `ConfigError` for a label of ``classes`` that is not among those ``there``.

    An object whose label no class names counts as an outlier: a mistyped label would make some.
    """
    for name, own in classes.items():
        for label in [own] if isinstance(own, str) else own:
            if label not in there:
                raise ConfigError(unknown(f"classes.{name}", label, there))


def roles(
    labels: np.ndarray,
    published: np.ndarray,
    *,
    classes: Mapping[str, Any],
    train_labels: Sequence[str],
    split: str,
    test_fraction: float,
    n_folds: int,
    fold: int,
    validation_fraction: float,
    seed: int,
    test_seed: int | None = None,
) -> np.ndarray:
    """The role of each object, (n,) text.

    Parameters
    ----------
    labels : (n,)
        Labels of all objects, "" where there is none.
    published : (n,)
        Their split as published, "train" or "test"; used where ``split`` is published.
    classes
        Class -> labels; objects of other labels are outside and touch no training.
    train_labels
        Labels that may be learned from, all of the classes' if empty; what else is not kept for the
        test is spare.
    split
        Published, stratified (a share of each label drawn by the seed) or folds (that share in
        turn).
    test_fraction, n_folds, fold
        Of stratified splits and of folds.
    validation_fraction
        Share of what isn't test that decides when to stop, of each label.
    seed
        Draws; folds of one seed share their draw.
    test_seed
        Draws the test of a stratified split, ``seed`` if None: trainings that share it can be
        compared, and make ensembles.

    Raises
    ------
    ConfigError
        If a class is left without an object to learn from.
    """
    numbers = class_numbers(labels, classes)
    inside = numbers >= 0
    role = np.where(labels == "", UNLABELLED, OUTSIDE).astype(object)
    role[inside] = TEST
    if split == "stratified" and test_seed is not None:
        place = _places(labels, inside, test_seed, "test")
    else:
        place = _places(labels, inside, seed, "test")
    if split == "published":
        fits = inside & (published == "train")
    elif split == "stratified":
        fits = inside & (place >= test_fraction)
    else:
        fits = inside & (np.floor(place * n_folds).astype(int) % n_folds != fold)
    role[fits] = SPARE
    if train_labels:
        fits &= np.isin(labels, list(train_labels))
    role[fits] = TRAINING
    again = _places(labels, fits, seed, "validation")
    role[fits & (again < validation_fraction)] = VALIDATION
    for wanted in (TRAINING, VALIDATION):
        for i, name in enumerate(classes):
            if not ((numbers == i) & (role == wanted)).any():
                raise ConfigError(
                    f"classes.{name}: found 0 objects for {wanted} ({split} split), allowed: 1 or "
                    "more"
                )
    return role


def _places(labels: np.ndarray, rows: np.ndarray, seed: int, purpose: str) -> np.ndarray:
    """Evenly spaced numbers in [0, 1) within each label, in a random order, (n,)."""
    place = np.zeros(len(labels))
    for label in sorted({str(label) for label in labels[rows]}):
        own = np.flatnonzero(rows & (labels == label))
        order = generator(seed, "split", purpose, label).permutation(len(own))
        place[own] = (order + 0.5) / len(own)
    return place
