"""Trainings of a classifier that are to be compared: seeds, folds, and sweeps of options."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import numpy as np

from hoag.options import ConfigError, build, option, unknown
from hoag.seeds import generator

_MISSING = ("null", "nan", "none")  # what tables read as no name
FEWEST = 5  # trainings of a sweep, which is explained in as many folds
# The same in all trainings of a run, so that they can be compared.
FIXED = ("classes", "fold", "n_members", "n_passes", "calibrate")


@dataclass(frozen=True)
class Setting:
    """Trainings that differ by their seeds, and by options drawn from ranges.

    Attributes
    ----------
    seeds
        How many trainings, numbered from 0.
    options
        Of the classifier, where they differ from the feature space's.
    ranges
        Option -> lowest and highest value of a Latin hypercube over the trainings (McKay, Beckman
        & Conover 1979); a range whose ends differ by a factor of ten or more is sampled in
        logarithms.
    """

    seeds: int = option(20, doc="Trainings, numbered from 0.", minimum=1)
    options: dict[str, Any] = option(  # noqa: RUF009 (the fields' own helper)
        {}, doc="Options of the classifier that differ from the feature space's."
    )
    ranges: dict[str, Any] = option(  # noqa: RUF009
        {},
        doc="Option -> lowest and highest value of a Latin hypercube over the trainings, in "
        "logarithms where they differ by a factor of ten or more.",
    )

    def __post_init__(self) -> None:
        for name, ends in self.ranges.items():
            is_pair = isinstance(ends, list | tuple) and len(ends) == 2
            numbers = [_number(end) for end in ends] if is_pair else [None]
            if None in numbers:
                raise ConfigError(f"ranges.{name}: found {ends!r}, allowed: a list of two numbers")
            if not numbers[0] < numbers[1]:
                raise ConfigError(f"ranges.{name}: found {ends!r}, allowed: the lower one first")
        for section, fixed in (("options", FIXED), ("ranges", (*FIXED, "n_folds", "split"))):
            for name in fixed:
                if name in getattr(self, section):
                    raise ConfigError(f"{section}: found {name!r}, allowed: what may differ")
        if self.ranges and self.seeds < FEWEST:
            raise ConfigError(f"seeds: found {self.seeds}, allowed with ranges: {FEWEST} or more")


def _number(value: Any) -> float | None:
    """None for what is none; YAML 1.1 reads 1e-4 as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def build_setting(
    section: Mapping[str, Any],
    start: Mapping[str, Any],
    key: str,
    shape: tuple[int, int, int] | None = None,
) -> Setting:
    """A setting whose options, and both ends of its ranges, the classifier takes.

    Parameters
    ----------
    section
        Of the configuration.
    start
        Options of the feature space.
    key
        Path of the section, for messages.
    shape
        Of one image, (y, x, channel).

    Raises
    ------
    ConfigError
        For the first fault found.
    """
    from hoag.features.classifier import Options, check

    setting = build(Setting, section, key)
    ends = [{n: pair[end] for n, pair in setting.ranges.items()} for end in (0, 1)]
    for name, changes in (("options", {}), ("ranges", ends[0]), ("ranges", ends[1])):
        own = build(Options, {**start, **setting.options, **changes}, f"{key}.{name}")
        if own.split == "stratified" and own.test_fraction == 0:
            raise ConfigError(f"{key}.{name}.test_fraction: found 0, allowed: above 0")
        if own.dropout == 0:
            raise ConfigError(
                f"{key}: found a dropout of 0, its own or the feature space's, allowed: above 0"
            )
        if shape is not None:
            check(shape, own, f"{key}.{name}")
    return setting


@dataclass(frozen=True)
class Trainings:
    """The section ``uncertainty`` of the configuration.

    Attributes
    ----------
    features
        Name of the classifier's feature space.
    options
        Its options, plain.
    measure
        The detector that is compared with the others.
    measures
        Name -> kind and options of every detector of its predictions, and of the disagreement
        of ensembles, which the trainings make.
    settings
        By name.
    """

    features: str
    options: dict[str, Any]
    measure: str
    measures: dict[str, dict[str, Any]]
    settings: dict[str, Setting]


def build_trainings(
    config: Mapping[str, Any],
    features: Mapping[str, Any],
    detectors: Mapping[str, Any],
    shape: tuple[int, int, int] | None,
) -> Trainings | None:
    """The section ``uncertainty``, None without one.

    Parameters
    ----------
    config
        The whole configuration.
    features, detectors
        Entries of the plan, by name.
    shape
        Of one image, (y, x, channel).

    Raises
    ------
    ConfigError
        For the first fault found.
    """
    section = config.get("uncertainty")
    if section is None:
        return None
    able = [n for n, f in features.items() if getattr(f.module, "GIVES", "") == "predictions"]
    space = section["features"]
    if space not in able:
        raise ConfigError(unknown("uncertainty.features", space, able))
    measures = {
        name: {"kind": d.kind, "options": d.plain}
        for name, d in detectors.items()
        if d.module.TAKES == "predictions" and space in d.keys["features"]
    }
    if section["measure"] not in measures:
        raise ConfigError(unknown("uncertainty.measure", section["measure"], measures))
    # the trainings are an ensemble anyway
    measures.setdefault("ensemble_disagreement", {"kind": "ensemble_disagreement", "options": {}})
    options = features[space].plain
    labels = [
        label
        for own in options["classes"].values()
        for label in ([own] if isinstance(own, str) else own)
    ]
    for label in section["confident"]:
        if label not in labels:
            raise ConfigError(unknown("uncertainty.confident", label, labels))
    most = options["n_passes"]
    if most < 2:
        raise ConfigError(f"features.{space}.n_passes: found {most}, allowed: 2 or more")
    for n in section["n_passes"]:
        if n > most:
            raise ConfigError(
                f"uncertainty.n_passes: found {n}, allowed: 2..{most}, the n_passes of {space!r}"
            )
    settings = {
        name: build_setting(own, options, f"uncertainty.settings.{name}", shape)
        for name, own in section["settings"].items()
    }
    needs_members = getattr(detectors[section["measure"]].module, "NEEDS_MEMBERS", False)
    for name, setting in settings.items():
        if name in _MISSING:
            raise ConfigError(f"uncertainty.settings: found {name!r}, allowed: any other name")
        if needs_members and setting.ranges:
            raise ConfigError(
                f"uncertainty.settings.{name}.ranges: found {len(setting.ranges)} options, allowed "
                f"with measure {section['measure']!r}: none, since networks that differ by them "
                "make no ensemble"
            )
    return Trainings(space, options, section["measure"], measures, settings)


def drawn_options(setting: Setting, seed: int) -> list[dict[str, Any]]:
    """What differs in each training from the setting's options, one mapping each.

    Parameters
    ----------
    setting
        Its ``ranges``; options that are whole numbers take each value as often as any other.
    seed
        Draws; more ``seeds`` make another draw of all.
    """
    from hoag.features.classifier import Options

    n, kinds = setting.seeds, get_type_hints(Options)
    drawn: list[dict[str, Any]] = [{} for _ in range(n)]
    for name, ends in setting.ranges.items():
        rng = generator(seed, "latin hypercube", name)
        share = (rng.permutation(n) + rng.random(n)) / n
        is_whole = kinds[name] is int
        low, high = (float(end) for end in ends)
        logarithmic = low > 0 and high / low >= 10
        high += is_whole  # each whole number stands for all up to the next
        if logarithmic:
            values = low * np.exp(share * math.log(high / low))
        else:
            values = low + share * (high - low)
        for mapping, value in zip(drawn, values, strict=True):
            mapping[name] = int(value) if is_whole else float(value)
    return drawn
