"""Who is learned from, who says when it is learned, and who is kept for the test."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hoag.options import ConfigError, unknown
from hoag.seeds import generator

TRAINING, VALIDATION, TEST = "training", "validation", "test"
OUTSIDE, UNLABELLED = "outside", "unlabelled"  # of another label; of none
KINDS = ("published", "stratified", "folds")


def class_numbers(labels: np.ndarray, classes: Mapping[str, Any]) -> np.ndarray:
    """Place of each object's class in ``classes`` (class -> labels), (n,); -1 for other labels.

    Raises
    ------
    ConfigError
        If no object has some class.
    """
    numbers = np.full(len(labels), -1)
    for i, (name, own) in enumerate(classes.items()):
        own = [own] if isinstance(own, str) else [str(label) for label in own]
        numbers[np.isin(labels, own)] = i
        if not (numbers == i).any():
            there = sorted({str(label) for label in labels if label})
            raise ConfigError(unknown(f"classes.{name}", ", ".join(own), there))
    return numbers


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
        Labels that may be learned from, all of the classes' if empty; the rest is test.
    split
        Published, stratified (a share of each label drawn by the seed) or folds (that share in
        turn).
    test_fraction, n_folds, fold
        Of stratified splits and of folds.
    validation_fraction
        Share of what isn't test that decides when to stop, of each label.
    seed
        Draws; folds of one seed share their draw.

    Raises
    ------
    ConfigError
        If a class is left without an object to learn from.
    """
    numbers = class_numbers(labels, classes)
    inside = numbers >= 0
    role = np.where(labels == "", UNLABELLED, OUTSIDE).astype(object)
    role[inside] = TEST
    place = _places(labels, inside, seed, "test")
    if split == "published":
        fits = inside & (published == "train")
    elif split == "stratified":
        fits = inside & (place >= test_fraction)
    else:
        fits = inside & (np.floor(place * n_folds).astype(int) % n_folds != fold)
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
