"""The configuration, checked and resolved before any job starts.

`make_plan` turns the user's YAML into a `Plan` or raises a `ConfigError` of one line. It imports
plug-ins but none of the heavy libraries, so that planning stays fast.
"""

import dataclasses
import math
import os
import re
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from hoag import catalogue, registry
from hoag.active import protocol
from hoag.active.experiments import Experiment, build_experiments
from hoag.colours import Colour, resolve
from hoag.digests import digest
from hoag.files import atomic
from hoag.images.chain import Chain, build_chain
from hoag.metrics import Truth
from hoag.models._shape import check_shape
from hoag.options import ConfigError, as_identity, as_plain, build, unknown
from hoag.schema import check_schema
from hoag.scores import AGGREGATES, ALONE, score_name
from hoag.splits import check_classes
from hoag.surveys._types import FEATURES, IMAGES, INPUTS, draws, lists_objects
from hoag.uncertainty.trainings import Trainings, build_trainings

SCHEMA = Path(__file__).parents[2] / "config" / "schemas" / "config.schema.yaml"
COUNTS = Path("resources/counts")  # of sources that take long to count, such as a large tar.xz
LONG_COUNT_S = 1.0
COLUMN_KEYS = ("id_column", "ra_column", "dec_column", "ra_unit", "dec_unit", "label_column")
BATCH_KEYS = ("name", "catalogue", "select", *COLUMN_KEYS)
DETECTOR_KEYS = ("features",)
EMBEDDING_KEYS = ("features", "objects", "max_fit", "min_group", "colour_by")
CATALOGUE_COLUMNS = ("label", "split", "ra_deg", "dec_deg")  # of every catalogue, beside its own


@dataclass(frozen=True)
class Batch:
    """One list of objects: the workflow's keys, the survey's own, and its number of shards."""

    name: str
    keys: dict[str, Any]
    options: Any
    n_shards: int

    @property
    def shards(self) -> list[str]:
        return [f"{i:03d}" for i in range(self.n_shards)]

    @property
    def sources(self) -> list[str]:
        """Local files and folders that the batch is read from."""
        catalogue = self.keys["catalogue"]
        return [*([catalogue] if catalogue else []), *_paths(self.options)]


@dataclass(frozen=True)
class Entry:
    """One named plug-in of the configuration."""

    kind: str
    module: ModuleType
    options: Any
    keys: dict[str, Any]

    @property
    def plain(self) -> dict[str, Any]:
        return as_plain(self.options)

    @property
    def section(self) -> dict[str, Any]:
        """Kind and options, with defaults, as the configuration would have them."""
        return {"kind": self.kind, **self.plain}


@dataclass(frozen=True)
class Aggregate:
    """A detector that combines the ranks of others."""

    of: list[tuple[str, str]]  # (features, detector)
    how: str


@dataclass(frozen=True)
class Plan:
    """All that the rules need to know."""

    config: dict[str, Any]
    survey: Entry
    kind: str  # of object
    batches: dict[str, Batch]
    chain: Chain | None
    display: Chain | None  # None: people see what networks see
    models: dict[str, Any]
    features: dict[str, Entry]
    detectors: dict[str, Entry]
    aggregates: dict[str, Aggregate]
    embeddings: dict[str, Entry]
    similar: dict[str, dict[str, Any]]  # searches in plain values, all ids as text
    colours: dict[str, list[Colour]]  # of each embedding
    experiments: dict[str, Experiment]
    uncertainty: Trainings | None
    truth: Truth | None
    fit_batches: list[str]
    reference_batches: list[str]
    main: tuple[str, str]  # (features, detector)
    residuals_of: str | None

    @property
    def has_pictures(self) -> bool:
        """Can objects be shown? Those that are images, or of which a plot is drawn."""
        return self.kind != FEATURES

    @property
    def scores(self) -> list[tuple[str, str]]:
        """Every (features, detector); an image detector's features are called "images", those of
        an aggregate "aggregates"."""
        own = _spaces_and_names(self.detectors)
        return [*own, *((AGGREGATES, name) for name in self.aggregates)]

    def looks_with(self, space: str) -> Entry:
        """The feature space whose network looks at the objects: mostly the space itself."""
        return _network_of(self.features[space], self.features) or self.features[space]


def make_plan(config: Mapping[str, Any]) -> Plan:
    """Check the whole configuration and resolve its defaults.

    Raises
    ------
    ConfigError
        For the first fault found: the key's path, the value found, the values allowed.
    """
    config = _expand(check_schema(config, SCHEMA))
    survey = _entry("surveys", config["survey"], "survey", ())
    for path in _paths(survey.options):
        if not os.path.exists(path):
            raise ConfigError(f"survey: found no file or folder {path!r}")
    kind = survey.module.object_kind(survey.options)
    batches = _batches(config, survey)
    for name in ("size_column", "redshift_column"):
        if column := getattr(survey.options, name, None):
            for batch in batches.values():
                _known([column], _columns_of(batch, survey), f"survey.{name}")
    chain = _chain(config, survey, kind, "images")
    features = {
        name: _feature(section, f"features.{name}", survey, batches, chain)
        for name, section in config["features"].items()
    }
    for name, entry in features.items():
        _check_network(entry, f"features.{name}", features)
    detectors = {
        name: _detector(
            section, f"detectors.{name}", kind, features, chain.shape if chain else None
        )
        for name, section in config["detectors"].items()
    }
    _check_prepared(features)
    _check_names(features, detectors, config["aggregates"])
    models = _models(config, detectors, chain)
    # a space that has learned from labels knows what held-out objects are
    unsupervised = [n for n, f in features.items() if not getattr(f.module, "NEEDS_LABELS", False)]
    plan = Plan(
        config=config,
        survey=survey,
        kind=kind,
        batches=batches,
        chain=chain,
        display=_chain(config, survey, kind, "display") if "display" in config else None,
        models=models,
        features=features,
        detectors=detectors,
        embeddings=_embeddings(config, features),
        similar=_similar(config, features),
        colours={},
        experiments=build_experiments(
            config, unsupervised, image_shape=chain.shape if chain else None
        ),
        truth=build(Truth, config["truth"], "truth") if "truth" in config else None,
        fit_batches=_known(config.get("fit_batches", list(batches)[:1]), batches, "fit_batches"),
        reference_batches=[],
        main=("", ""),
        residuals_of=_residuals_of(config, detectors, features),
        uncertainty=build_trainings(config, features, detectors, chain.shape if chain else None),
        aggregates=_aggregates(config["aggregates"], detectors),
    )
    _check_labels(plan)
    _check_truth(plan)
    _check_classifiers(plan)
    reference = config.get("reference_batches", plan.fit_batches)
    _known(config["purity"], unsupervised, "purity")
    _known(config["retrieval"], unsupervised, "retrieval")
    _known(config["claim"], features, "claim")
    return dataclasses.replace(
        plan,
        reference_batches=_known(reference, batches, "reference_batches"),
        main=_main(config["ranking"], plan),
        colours=_colours(plan),
    )


def _expand(value: Any, path: str = "") -> Any:
    """Replace ``$NAME``, ``${NAME}`` and ``~`` in all text of the configuration."""
    if isinstance(value, dict):
        return {k: _expand(v, f"{path}.{k}") for k, v in value.items()}
    if isinstance(value, list):
        return [_expand(v, f"{path}[{i}]") for i, v in enumerate(value)]
    if isinstance(value, str) and ("$" in value or value.startswith("~")):
        expanded = os.path.expanduser(os.path.expandvars(value))
        if match := re.search(r"\$\{?(\w+)", expanded):
            raise ConfigError(
                f"{path[1:]}: found {value!r}, but the environment variable {match[1]} is not set"
            )
        return expanded
    return value


def _entry(family: str, section: Mapping[str, Any], key: str, besides: tuple[str, ...]) -> Entry:
    module, options = registry.plugin(family, section, key, besides=besides)
    return Entry(section["kind"], module, options, {k: section[k] for k in besides if k in section})


def _batches(config: Mapping[str, Any], survey: Entry) -> dict[str, Batch]:
    batches: dict[str, Batch] = {}
    for i, section in enumerate(config["batches"]):
        key = f"batches[{i}]"
        if section["name"] in batches:
            raise ConfigError(f"{key}.name: found {section['name']!r} twice, allowed: once")
        keys = {k: section[k] for k in BATCH_KEYS}
        own = {k: v for k, v in section.items() if k not in BATCH_KEYS}
        n_objects = _count(keys, own, survey, key)
        if keys["catalogue"] and draws(survey.module):
            own["n_objects"] = n_objects
        options = build(survey.module.Batch, own, key)
        n_shards = max(1, math.ceil(n_objects / config["shard_size"]))
        batches[section["name"]] = Batch(section["name"], keys, options, n_shards)
    return batches


def _count(keys: dict[str, Any], own: dict[str, Any], survey: Entry, key: str) -> int:
    """Objects in a batch, counted fast; both the catalogue and the survey's source are checked."""
    for name in own:
        if name not in (names := survey.module.Batch.__dataclass_fields__):
            raise ConfigError(unknown(f"{key}.{name}", name, [*BATCH_KEYS, *names]))
    if not keys["catalogue"]:
        if not lists_objects(survey.module):
            raise ConfigError(f"{key}.catalogue: required by survey {survey.kind!r}, found nothing")
        for name in COLUMN_KEYS:
            if keys[name] is not None:
                raise ConfigError(
                    f"{key}.{name}: found {keys[name]!r}, allowed: nothing without a catalogue"
                )
    elif draws(survey.module):
        for name, value in {"label_column": keys["label_column"], **own}.items():
            if name in ("label_column", "n_objects") and value is not None:
                raise ConfigError(
                    f"{key}.{name}: found {value!r}, allowed: nothing with a catalogue, since "
                    f"survey {survey.kind!r} draws one labelled object for each row"
                )
    try:
        n_objects = 0
        if keys["catalogue"]:
            columns = {k: keys[k] for k in COLUMN_KEYS}
            needed = getattr(survey.module, "NEEDS_POSITION", False)
            n_objects = catalogue.count(
                keys["catalogue"], keys["select"], **columns, need_position=needed
            )
        if lists_objects(survey.module) and not (keys["catalogue"] and draws(survey.module)):
            options = build(survey.module.Batch, own, key)
            listed = _count_listed(survey, options, keys["name"])
            n_objects = n_objects or listed
        return n_objects
    except ConfigError as error:
        text = str(error)
        named = text.startswith((key, "batches."))
        raise ConfigError(text if named else f"{key}: {text}") from None


def _count_listed(survey: Entry, options: Any, name: str) -> int:
    """Objects that a survey lists; a count that took long is kept for the next planning."""
    sources = [path for path in _paths(options) if os.path.exists(path)]
    facts = [(p, os.stat(p).st_size, os.stat(p).st_mtime_ns) for p in sources if os.path.isfile(p)]
    asked = as_identity(survey.options), as_plain(options)
    identity = digest(survey.kind, survey.module.FORMAT_VERSION, *asked, facts)
    kept = COUNTS / identity
    if len(facts) == len(sources) and kept.is_file():
        return int(kept.read_text())
    started = time.monotonic()
    n_objects = survey.module.count(options, survey.options, name=name)
    if len(facts) == len(sources) and time.monotonic() - started > LONG_COUNT_S:
        with atomic(kept) as private:
            private.write_text(str(n_objects))
    return n_objects


def _columns_of(batch: Batch, survey: Entry) -> list[str]:
    """Columns of a batch's catalogue: those that the survey knows, and the user's."""
    own = getattr(survey.module, "known_columns", lambda _: ())(survey.options)
    path = batch.keys["catalogue"]
    return [*own, *(catalogue.column_names(path) if path else ())]


def _paths(options: Any) -> list[str]:
    """Local files and folders among a batch's options."""
    fields = dataclasses.fields(options)
    values = [getattr(options, f.name) for f in fields if f.metadata["unit"] == "path"]
    return [path for path in values if path]


def _chain(config: Mapping[str, Any], survey: Entry, kind: str, key: str) -> Chain | None:
    if kind not in IMAGES:
        if config[key]:
            raise ConfigError(
                f"{key}: found {len(config[key])} transforms, allowed: none, "
                f"since survey {survey.kind!r} yields {kind}"
            )
        return None
    bands = survey.module.bands(survey.options)
    shape = survey.module.image_shape(survey.options)
    try:
        return build_chain(config[key], kind=kind, shape=shape, bands=bands, key=key)
    except ConfigError as error:
        if shape is None and hasattr(survey.options, "crop_px"):
            raise ConfigError(f"{error}; or give survey.crop_px") from None
        raise


def _feature(
    section: Mapping[str, Any],
    key: str,
    survey: Entry,
    batches: Mapping[str, Batch],
    chain: Chain | None,
) -> Entry:
    entry = _entry("features", section, key, ())
    named = getattr(entry.options, "columns", ())
    if entry.module.INPUT == "catalogue" and (path := getattr(entry.options, "path", None)):
        _known(named, catalogue.column_names(path), f"{key}.columns")
    elif named and (not lists_objects(survey.module) or hasattr(survey.module, "known_columns")):
        for batch in batches.values():
            columns = dict.fromkeys([*_columns_of(batch, survey), "ra_deg", "dec_deg"])
            _known(named, list(columns), f"{key}.columns")
    kind = survey.module.object_kind(survey.options)
    if entry.module.INPUT not in INPUTS[kind]:
        taken = {n: registry.load("features", n).INPUT for n in registry.names("features")}
        allowed = [n for n, takes in taken.items() if takes in INPUTS[kind]]
        raise ConfigError(
            f"{key}.kind: found {entry.kind!r}, which takes {_words(entry.module.INPUT)}, "
            f"allowed for objects of kind {kind}: {', '.join(allowed)}"
        )
    if hasattr(entry.module, "check") and chain is not None:
        entry.module.check(chain.shape, entry.options, key)
    return entry


def _network_of(entry: Entry, features: Mapping[str, Entry]) -> Entry | None:
    """The feature space whose network another one asks, if it does."""
    if not getattr(entry.module, "NEEDS_NETWORK", False):
        return None
    return features[entry.options.network]


def _check_network(entry: Entry, key: str, features: Mapping[str, Entry]) -> None:
    """A space that asks another's network needs one that can tell losses."""
    if getattr(entry.module, "NEEDS_NETWORK", False):
        able = [name for name, other in features.items() if hasattr(other.module, "loss_names")]
        if entry.options.network not in able:
            raise ConfigError(unknown(f"{key}.network", entry.options.network, able))


def _words(name: str) -> str:
    return name.replace("_", " ")


def _detector(
    section: Mapping[str, Any],
    key: str,
    kind: str,
    features: Mapping[str, Entry],
    shape: tuple[int, int, int] | None,
) -> Entry:
    entry = _entry("detectors", section, key, DETECTOR_KEYS)
    takes_images = entry.module.TAKES == "images"
    if takes_images and kind not in IMAGES:
        allowed = [
            n
            for n in registry.names("detectors")
            if registry.load("detectors", n).TAKES != "images"
        ]
        raise ConfigError(
            f"{key}.kind: found {entry.kind!r}, which takes images, "
            f"allowed for objects of kind {kind}: {', '.join(allowed)}"
        )
    if takes_images and "features" in entry.keys:
        raise ConfigError(
            f"{key}.features: found {entry.keys['features']!r}, allowed: nothing, "
            f"since {entry.kind!r} takes images"
        )
    if not takes_images:
        if "features" not in entry.keys:
            raise ConfigError(f"{key}.features: required, found nothing")
        _known(entry.keys["features"], features, f"{key}.features")
        for space in entry.keys["features"]:
            _check_predictions(entry, key, features, space)
            _check_columns(entry, key, features[space], features, shape)
    return entry


def _check_predictions(
    detector: Entry, key: str, features: Mapping[str, Entry], space: str
) -> None:
    """A detector of predictions needs a classifier's; some need several networks."""
    if detector.module.TAKES != "predictions":
        return
    able = [n for n, f in features.items() if getattr(f.module, "GIVES", "") == "predictions"]
    if getattr(detector.module, "NEEDS_MEMBERS", False):
        able = [n for n in able if features[n].options.n_members > 1]
    if space not in able:
        allowed = ", ".join(able) or "a feature space of kind 'classifier'" + (
            " with n_members of 2 or more"
            if getattr(detector.module, "NEEDS_MEMBERS", False)
            else ""
        )
        raise ConfigError(f"{key}.features: found {space!r}, allowed: {allowed}")
    options = features[space].options
    needs_passes = getattr(detector.module, "NEEDS_PASSES", False)
    if needs_passes and (options.dropout == 0 or options.n_passes < 2):
        raise ConfigError(
            f"{key}.features: found {space!r}, whose passes don't differ, allowed: dropout above 0 "
            "and n_passes of 2 or more"
        )


def _check_columns(
    detector: Entry,
    key: str,
    space: Entry,
    features: Mapping[str, Entry],
    shape: tuple[int, int, int] | None,
) -> None:
    """Let a detector that names columns see those that are known before the fit."""
    if hasattr(detector.module, "check"):
        names = _column_names(space, shape, features)
        if names is None:
            return
        try:
            detector.module.check(detector.options, names)
        except ConfigError as error:
            raise ConfigError(f"{key}.{error}") from None


def _column_names(
    space: Entry, shape: tuple[int, int, int] | None, features: Mapping[str, Entry]
) -> list[str] | None:
    """Names of a feature space's columns; None where they come from the data."""
    known = {"image_shape": np.array(shape)}
    if network := _network_of(space, features):
        known |= space.module.described(network.section)
    try:
        return space.module.names(space.options, known)
    except KeyError:
        return None


def _check_prepared(features: Mapping[str, Entry]) -> None:
    """A space made of others needs spaces that are neither so themselves nor know the labels."""
    able = [
        name
        for name, entry in features.items()
        if entry.module.INPUT != "features" and not getattr(entry.module, "NEEDS_LABELS", False)
    ]
    for name, entry in features.items():
        if entry.module.INPUT == "features":
            _known(entry.options.of, able, f"features.{name}.of")


def _spaces_and_names(detectors: Mapping[str, Entry]) -> list[tuple[str, str]]:
    return [
        (space, name)
        for name, entry in detectors.items()
        for space in entry.keys.get("features", ["images"])
    ]


def _label_counts(plan: Plan, batches: Iterable[Batch]) -> dict[str, int] | None:
    """Objects of each label, where that is known while planning."""
    known = getattr(plan.survey.module, "label_counts", None)
    # a catalogue may select, and have labels of its own
    if known is None or any(b.keys["catalogue"] for b in batches):
        return None
    counts = [known(batch.options, plan.survey.options) for batch in batches]
    return None if None in counts else dict(sum((Counter(own) for own in counts), Counter()))


def _check_classifiers(plan: Plan) -> None:
    """Whether there is what classifiers are to learn from: labels, and a published split."""
    own = {
        f"features.{name}": entry.options
        for name, entry in plan.features.items()
        if getattr(entry.module, "NEEDS_LABELS", False)
    }
    if not own:
        return
    batches = [plan.batches[name] for name in plan.fit_batches]
    available = _label_counts(plan, batches)
    for key, options in own.items():
        if available is not None:
            try:
                check_classes(options.classes, sorted(available))
            except ConfigError as error:
                raise ConfigError(f"{key}.{error}") from None
    splits = {f"{key}.split": options.split for key, options in own.items()}
    if plan.uncertainty is not None:
        splits |= {
            f"uncertainty.settings.{name}.options.split": setting.options["split"]
            for name, setting in plan.uncertainty.settings.items()
            if "split" in setting.options
        }
    has_split = any(
        hasattr(b.options, "split") or "split" in _columns_of(b, plan.survey) for b in batches
    )
    for key, split in splits.items():
        if split == "published" and not has_split:
            raise ConfigError(
                f"{key}: found 'published', allowed: stratified, folds, since survey "
                f"{plan.survey.kind!r} has no split of its own"
            )


def _check_labels(plan: Plan) -> None:
    """Whether there are as many objects of each label as experiments take, where that is known."""
    available = _label_counts(plan, plan.batches.values()) if plan.experiments else None
    if available is None:
        return
    for name, experiment in plan.experiments.items():
        try:
            protocol.needed(build(protocol.Protocol, experiment.protocol, "protocol"), available)
        except ConfigError as error:
            raise ConfigError(f"experiments.{name}: protocol: {error}") from None


def _check_truth(plan: Plan) -> None:
    """Whether objects can have the labels that the truth names, where the survey knows them all."""
    known = getattr(plan.survey.module, "known_labels", None)
    if (
        plan.truth is None
        or known is None
        or any(b.keys["catalogue"] for b in plan.batches.values())
    ):
        return
    for group in ("normal", "anomalies", "faults"):
        _known(getattr(plan.truth, group), known(plan.survey.options), f"truth.{group}")


def _check_names(
    features: Mapping[str, Entry], detectors: Mapping[str, Entry], aggregates: Iterable[str]
) -> None:
    """Names that would stand for two things in paths or columns."""
    for name in ALONE:
        if name in features:
            raise ConfigError(f"features.{name}: found {name!r}, allowed: any other name")
    columns: dict[str, str] = {}
    named = [(f"detectors.{n}", score_name(space, n)) for space, n in _spaces_and_names(detectors)]
    named += [(f"aggregates.{n}", score_name(AGGREGATES, n)) for n in aggregates]
    for key, label in named:
        if label in columns:
            raise ConfigError(
                f"{key}: its column {label!r} is also that of {columns[label]}, "
                "allowed: another name"
            )
        columns[label] = key


def _aggregates(
    sections: Mapping[str, Any], detectors: Mapping[str, Entry]
) -> dict[str, Aggregate]:
    """Which scores each aggregate takes; its detectors are named as their columns are."""
    pairs = {score_name(space, name): (space, name) for space, name in _spaces_and_names(detectors)}
    result = {}
    for name, section in sections.items():
        of = _known(section.get("of", list(pairs)), pairs, f"aggregates.{name}.of")
        if len(of) < 2:
            raise ConfigError(
                f"aggregates.{name}: found {len(of)} score to combine, allowed: 2 or more"
            )
        result[name] = Aggregate([pairs[label] for label in of], section["how"])
    return result


def _models(
    config: Mapping[str, Any], detectors: Mapping[str, Entry], chain: Chain | None
) -> dict[str, Any]:
    """Options of the networks that some detector needs."""
    needed = {m for d in detectors.values() for m in getattr(d.module, "MODELS", ())}
    if needed and chain is not None:
        check_shape(chain.shape, "images")
    return {
        name: build(
            registry.load("models", name).Options, config["models"].get(name, {}), f"models.{name}"
        )
        for name in sorted(needed | set(config["models"]))
    }


def _residuals_of(
    config: Mapping[str, Any], detectors: Mapping[str, Entry], features: Mapping[str, Entry]
) -> str | None:
    allowed = [n for n, d in detectors.items() if d.module.TAKES == "images"]
    wanted = config.get("residuals_of", allowed[0] if allowed else None)
    if wanted is not None and wanted not in allowed:
        raise ConfigError(unknown("residuals_of", wanted, allowed))
    for name, entry in features.items():
        space = getattr(entry.options, "input", "images")
        if space != "images" and wanted is None:
            raise ConfigError(
                f"features.{name}.input: found {space!r}, allowed: images, "
                "since no detector here reconstructs images"
            )
    return wanted


def _main(section: Mapping[str, Any], plan: Plan) -> tuple[str, str]:
    name = section.get("detector", next(iter(plan.detectors)))
    spaces = [s for s, d in plan.scores if d == name]
    if not spaces:
        allowed = [*plan.detectors, *plan.aggregates]
        raise ConfigError(unknown("ranking.detector", name, allowed))
    space = section.get("features", spaces[0])
    if space not in spaces:
        raise ConfigError(unknown("ranking.features", space, spaces))
    return space, name


def _embeddings(config: Mapping[str, Any], features: Mapping[str, Entry]) -> dict[str, Entry]:
    result = {}
    for name, section in config["embeddings"].items():
        key = f"embeddings.{name}"
        result[name] = _entry("embeddings", section, key, EMBEDDING_KEYS)
        _known([section["features"]], features, f"{key}.features")
    return result


def _similar(config: Mapping[str, Any], features: Mapping[str, Entry]) -> dict[str, dict[str, Any]]:
    result = {}
    for name, section in config["similar"].items():
        key = f"similar.{name}"
        _known([section["features"]], features, f"{key}.features")
        ids = {k: [str(i) for i in section[k]] for k in ("objects", "unlike")}
        for both in set(ids["objects"]) & set(ids["unlike"]):
            raise ConfigError(f"{key}.unlike: found {both!r}, which is one of {key}.objects")
        together = section["together"]
        other = "farthest" if together else "unlike"
        if section[other]:
            raise ConfigError(
                f"{key}.{other}: found {section[other]!r}, allowed: only with "
                f"together: {'false' if together else 'true'}"
            )
        result[name] = section | ids
    return result


def _colours(plan: Plan) -> dict[str, list[Colour]]:
    """What each map is coloured by; columns are checked where they are known before any job."""
    shape = plan.chain.shape if plan.chain else None
    named = {c.partition(".")[0] for e in plan.embeddings.values() for c in e.keys["colour_by"]}
    features = {
        name: _column_names(entry, shape, plan.features) if name in named else None
        for name, entry in plan.features.items()
    }
    for name, entry in plan.embeddings.items():
        for column in {"object_id", "x", "y"} & set(entry.keys["colour_by"]):
            raise ConfigError(
                f"embeddings.{name}.colour_by: found {column!r}, which the map itself has, "
                "allowed: another column"
            )
    scores = {
        (space, name): getattr(plan.detectors[name].module, "COMPONENTS", ())
        if name in plan.detectors
        else ()
        for space, name in plan.scores
    }
    columns = None
    if not lists_objects(plan.survey.module):  # else the survey may add some of its own
        sources = (batch.keys["catalogue"] for batch in plan.batches.values())
        own = [name for source in sources for name in catalogue.column_names(source)]
        columns = list(dict.fromkeys([*CATALOGUE_COLUMNS, *own]))
    return {
        name: [
            resolve(
                column,
                f"embeddings.{name}.colour_by",
                features=features,
                scores=scores,
                catalogue=columns,
            )
            for column in entry.keys["colour_by"]
        ]
        for name, entry in plan.embeddings.items()
    }


def _known(found: Iterable[str], allowed: Collection[str], key: str) -> list[str]:
    for name in found:
        if name not in allowed:
            raise ConfigError(unknown(key, name, allowed))
    return list(found)


def source_identity(path: str) -> str:
    """What stands for the content of a local source: a file's bytes; the size and time of change
    of a large one, or of every file in a folder."""
    import hashlib

    if os.path.isdir(path):
        files = sorted(os.path.join(folder, f) for folder, _, fs in os.walk(path) for f in fs)
        stats = ((f, os.stat(f)) for f in files if os.path.exists(f))
        return digest([(f, s.st_size, s.st_mtime_ns) for f, s in stats])
    stat = os.stat(path)
    if stat.st_size > 2**28:
        return digest(path, stat.st_size, stat.st_mtime_ns)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
