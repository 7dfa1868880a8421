"""Experiments of the configuration, checked while the run is being planned."""

import dataclasses
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hoag import registry
from hoag.active.contract import IMAGES
from hoag.active.protocol import Protocol
from hoag.options import ConfigError, as_plain, build, unknown


@dataclass(frozen=True)
class Experiment:
    """One learner and one strategy under one protocol, in plain values.

    Attributes
    ----------
    learner, strategy
        ``kind`` and ``options``.
    features
        Feature space that is learned from, or "images"; or several with their weights.
    protocol
        Options of `Protocol`.
    n_trials
        How many trials, numbered from 0.
    latent_rounds
        Rounds of trial 0 whose latent space is kept.
    """

    learner: dict[str, Any]
    strategy: dict[str, Any]
    features: str | dict[str, float]
    protocol: dict[str, Any]
    n_trials: int
    latent_rounds: tuple[int, ...]


def build_experiments(
    config: Mapping[str, Any],
    spaces: Collection[str],
    *,
    image_shape: tuple[int, int, int] | None,
) -> dict[str, Experiment]:
    """All experiments, by name.

    Parameters
    ----------
    config
        The whole configuration: ``protocol`` and ``trials`` hold for every entry of
        ``experiments`` that doesn't say otherwise.
    spaces
        Names of the feature spaces.
    image_shape
        (y, x, channel) of the run's images, None where its objects have none.

    Raises
    ------
    ConfigError
        For the first fault found.
    """
    return {
        name: _experiment(section, f"experiments.{name}", config, spaces, image_shape=image_shape)
        for name, section in config["experiments"].items()
    }


def _experiment(
    section: Mapping[str, Any],
    key: str,
    config: Mapping[str, Any],
    spaces: Collection[str],
    *,
    image_shape: tuple[int, int, int] | None,
) -> Experiment:
    learner = _plugin("learners", section["learner"], f"{key}.learner")
    strategy = _plugin("strategies", section["strategy"], f"{key}.strategy")
    features = section.get("features", IMAGES)
    for name in features if isinstance(features, Mapping) else [features]:
        if name not in spaces and (name != IMAGES or features != IMAGES):
            allowed = spaces if isinstance(features, Mapping) else [IMAGES, *spaces]
            raise ConfigError(unknown(f"{key}.features", name, allowed))
    if features == IMAGES and image_shape is None:
        raise ConfigError(f"{key}.features: required, since this run has no images")
    takes = learner.module.TAKES
    if ("images" if features == IMAGES else "vectors") not in takes:
        allowed = ", ".join(spaces) or "a feature space" if "vectors" in takes else IMAGES
        raise ConfigError(
            f"{key}.features: found {features!r}, allowed for learner {learner.kind!r}: {allowed}"
        )
    _check_needs(learner, strategy, key)
    merged = dict(config["protocol"]) | dict(section.get("protocol", {}))
    try:
        protocol = build(Protocol, merged, "protocol")
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from None
    if features == IMAGES:
        _check_depth(learner, image_shape, key)
    elif protocol.noise:
        raise ConfigError(f"{key}.protocol.noise: found {protocol.noise}, allowed for images only")
    latent_rounds = tuple(sorted(section["latent_rounds"]))
    if latent_rounds and "latent" not in learner.module.GIVES:
        raise ConfigError(
            f"{key}.latent_rounds: found {list(latent_rounds)}, allowed: nothing, since learner "
            f"{learner.kind!r} has no latent space"
        )
    if latent_rounds and latent_rounds[-1] > protocol.n_rounds:
        raise ConfigError(
            f"{key}.latent_rounds: found {latent_rounds[-1]}, allowed: 1 to {protocol.n_rounds}"
        )
    return Experiment(
        learner=learner.plain,
        strategy=strategy.plain,
        features=features,
        protocol=_plain_protocol(protocol),
        n_trials=section.get("trials", config["trials"]),
        latent_rounds=latent_rounds,
    )


@dataclass(frozen=True)
class _Plugin:
    kind: str
    module: Any
    options: Any

    @property
    def plain(self) -> dict[str, Any]:
        return {"kind": self.kind, "options": as_plain(self.options)}


def _plugin(family: str, section: Mapping[str, Any], key: str) -> _Plugin:
    module, options = registry.plugin(family, section, key)
    return _Plugin(section["kind"], module, options)


def _check_depth(learner: _Plugin, shape: tuple[int, int, int], key: str) -> None:
    """Each convolution is followed by pooling, which halves the side."""
    most = int(math.log2(min(shape[:2])))
    n = len(getattr(learner.options, "filters", ()))
    if n > most:
        raise ConfigError(
            f"{key}.learner.filters: found {n} convolutions, allowed for images of "
            f"{min(shape[:2])} px: {most} or fewer"
        )


def _check_needs(learner: _Plugin, strategy: _Plugin, key: str) -> None:
    """What the strategy needs must be what the learner gives, as its options have it."""
    gives = set(learner.module.GIVES)
    drops = getattr(learner.options, "dropout", 1) > 0
    if "passes" in gives and not (drops and getattr(learner.options, "n_passes", 2) >= 2):
        gives.remove("passes")
    lacking = [n for n in strategy.module.NEEDS if n not in gives]
    if lacking:
        could = lacking == ["passes"] and hasattr(learner.options, "n_passes")
        hint = "; give learner.n_passes, 2 or more, and dropout" if could else ""
        raise ConfigError(
            f"{key}.strategy: found {strategy.kind!r}, which needs {lacking[0]}; learner "
            f"{learner.kind!r} gives {', '.join(sorted(gives)) or 'scores alone'}{hint}"
        )


def _plain_protocol(protocol: Protocol) -> dict[str, Any]:
    plain = as_plain(protocol)
    for name in ("arrivals", "interest"):
        plain[name] = [dataclasses.asdict(part) for part in getattr(protocol, name)]
    return plain
