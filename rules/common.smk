# Functions for the rules; no rules here.
from pathlib import Path

from hoag import catalogue
from hoag.digests import digest
from hoag.environment import has_gpu
from hoag.options import as_identity, as_plain
from hoag.plan import make_plan, source_identity
from hoag.scores import AGGREGATES, ALONE
from hoag.surveys._types import draws
from hoag.uncertainty.trainings import drawn_options

try:
    PLAN = make_plan(config)
except ConfigError as error:
    sys.exit(f"hoag: {error}")

CONFIG = PLAN.config
RUN = CONFIG["run"]
SEED = CONFIG["seeds"][0]  # figures and maps show the first seed
SURVEY_SEED = SEED if draws(PLAN.survey.module) else 0  # others don't depend on it
THREADS = CONFIG["training_threads"]
SIDE_BY_SIDE = 8  # processes that measure the objects of one shard, where that is slow
# Only where there is one do jobs queue for it; a cluster's profile says it for the nodes.
GPU = int(has_gpu())
RESULTS = f"results/{RUN}"
MAIN = dict(features=PLAN.main[0], detector=PLAN.main[1])


wildcard_constraints:
    run=RUN,
    batch="|".join(PLAN.batches),
    shard=r"\d+",
    seed=r"\d+",
    features="|".join([*ALONE, *PLAN.features]),
    detector="|".join([*PLAN.detectors, *PLAN.aggregates]),
    aggregate="|".join(PLAN.aggregates) or "none",
    embedding="|".join(PLAN.embeddings) or "none",
    model="|".join(PLAN.models) or "none",
    experiment="|".join(PLAN.experiments) or "none",
    search="|".join(PLAN.similar) or "none",
    setting="|".join(PLAN.uncertainty.settings if PLAN.uncertainty else ["none"]),
    block=r"\d+",


# --- what a result depends on besides its inputs and options


def code_of_transforms(script, chain):
    return code(script, *(("transforms", t["kind"]) for t in transforms(chain)))


def code_of_features(script):
    def of_wildcards(wc):
        kinds = {entry.kind for entry in (PLAN.features[wc.features], looks_with(wc))}
        return code(script, *(("features", kind) for kind in sorted(kinds)))

    return of_wildcards


def code_of_detector(script):
    return lambda wc: code(script, ("detectors", PLAN.detectors[wc.detector].kind))


def code_of_embedding(script):
    return lambda wc: code(script, ("embeddings", PLAN.embeddings[wc.embedding].kind))


def plugin_of(family):
    """Kind and options of the plug-in that a wildcard names, as plain values."""
    entries, wildcard = getattr(PLAN, family), {"features": "features"}.get(
        family, family[:-1]
    )

    def section(wc):
        entry = entries[getattr(wc, wildcard)]
        return dict(kind=entry.kind, options=entry.plain)

    return section


def transforms(chain):
    """A chain of transforms as plain values, with defaults, however the user wrote them."""
    steps = chain.steps if chain else []
    return [dict(kind=step.kind, **as_plain(step.options)) for step in steps]


def downloads():
    """Connections of a fetching job; all that there are where a rate is kept, so that one job at a
    time keeps it."""
    options = PLAN.survey.options
    if getattr(options, "requests_per_minute", None):
        return 1000
    return getattr(options, "connections", 0)


# --- batches and shards


def batch_request(wc):
    """A batch's name and the survey's own keys, as plain values: all that fetching needs."""
    batch = PLAN.batches[wc.batch]
    return dict(name=batch.name, options=as_plain(batch.options))


def batch_section(wc):
    """All that a batch's keys say, as plain values; a key that is not given is left out, so that a
    new one changes nothing."""
    keys = {k: v for k, v in PLAN.batches[wc.batch].keys.items() if v}
    return dict(keys=keys, **batch_request(wc))


def batch_sources(wc):
    """Files that a batch is read from; folders are followed by their identity instead."""
    return [p for p in PLAN.batches[wc.batch].sources if Path(p).is_file()]


@functools.cache
def batch_identity(name):
    return digest([source_identity(path) for path in PLAN.batches[name].sources])


def request_identity(wc):
    """Stands for the survey, a batch's sources, the seed and hand-raised versions of the code.

    One text, since Snakemake compares the set of a job's params: a number that changes would go
    unseen where other parameters already have its old and its new value.
    """
    survey = PLAN.survey
    versions = catalogue.FORMAT_VERSION, survey.module.FORMAT_VERSION
    asked = survey.kind, as_identity(survey.options)
    return digest(asked, batch_identity(wc.batch), versions, SURVEY_SEED)


def earlier_catalogues(wc):
    names = list(PLAN.batches)
    earlier = names[: names.index(wc.batch)]
    return [f"{RESULTS}/catalogue/{name}.parquet" for name in earlier]


def n_shards(wc):
    return PLAN.batches[wc.batch].n_shards


def shards(pattern, batches=None, **values):
    """Paths of all shards of some batches (all of them by default)."""
    return [
        path
        for name in (batches or PLAN.batches)
        for path in expand(
            pattern,
            run=RUN,
            batch=name,
            shard=PLAN.batches[name].shards,
            allow_missing=True,
            **values,
        )
    ]


IMAGES = "results/{run}/images/{batch}/shard-{shard}.h5"
# what people look at
PICTURES = "results/{run}/display/{batch}/shard-{shard}.h5" if PLAN.display else IMAGES
CUTOUTS = "results/{run}/cutouts/{batch}/shard-{shard}.h5"
MANIFEST = "results/{run}/cutouts/{batch}/shard-{shard}.manifest.parquet"
RECONSTRUCTIONS = (
    "results/{run}/reconstructions/{detector}/seed-{seed}/{batch}/shard-{shard}.h5"
)
FEATURES = "results/{run}/features/{features}/seed-{seed}/{batch}/shard-{shard}.parquet"
FAILURES = "results/{run}/features/{features}/seed-{seed}/{batch}/shard-{shard}.failures.parquet"
SCORES = "results/{run}/scores/{features}/{detector}/seed-{seed}/{batch}/shard-{shard}.parquet"


# --- inputs that depend on what a feature space looks at


def looks_with(wc):
    """The feature space itself, or that whose network it asks."""
    return PLAN.looks_with(wc.features)


def asked_network(wc):
    """Section of the feature space whose network another one asks; empty for all others."""
    entry = looks_with(wc)
    return {} if entry is PLAN.features[wc.features] else entry.section


def feature_view(wc):
    """What a feature space looks at: catalogue, features, light_curves, spectra, images, residuals or
    unit_residuals."""
    entry = looks_with(wc)
    if entry.module.INPUT != "images":
        return entry.module.INPUT
    return getattr(entry.options, "input", "images")


def handed_columns(wc):
    """Columns of the catalogue that a feature space of images is given besides."""
    entry = looks_with(wc)
    needed = getattr(entry.module, "NEEDS_COLUMNS", False)
    return list(entry.options.columns) if needed else []


def catalogues_of_columns(wc):
    """Catalogues of the fit batches, where columns are handed over."""
    batches = PLAN.fit_batches if handed_columns(wc) else []
    return [f"{RESULTS}/catalogue/{name}.parquet" for name in batches]


def own_file(wc):
    """The file that a feature space reads besides, followed as an input."""
    path = getattr(PLAN.features[wc.features].options, "path", None)
    return {"file": path} if path else {}


def features_to_fit(wc):
    """Inputs of a feature space's fit: all shards of the fit batches."""
    view, inputs = feature_view(wc), own_file(wc)
    if view == "catalogue":
        return dict(
            catalogue=expand(f"{RESULTS}/catalogue/{{b}}.parquet", b=PLAN.fit_batches),
            **inputs,
        )
    if view == "features":
        return {
            f"space_{name}": shards(
                FEATURES, PLAN.fit_batches, features=name, seed=wc.seed
            )
            for name in PLAN.features[wc.features].options.of
        }
    if view in ("light_curves", "spectra"):
        return dict(traces=shards(CUTOUTS, PLAN.fit_batches))
    inputs["images"] = shards(IMAGES, PLAN.fit_batches)
    if asked_network(wc):
        space = PLAN.features[wc.features].options.network
        inputs["network"] = f"{RESULTS}/features/{space}/seed-{wc.seed}/fit.npz"
    labels = getattr(PLAN.features[wc.features].module, "NEEDS_LABELS", False)
    if labels or handed_columns(wc):
        inputs["catalogue"] = expand(
            f"{RESULTS}/catalogue/{{b}}.parquet", b=PLAN.fit_batches
        )
    if view != "images":
        inputs["reconstructions"] = shards(
            RECONSTRUCTIONS, PLAN.fit_batches, detector=PLAN.residuals_of, seed=wc.seed
        )
    return inputs


def features_to_extract(wc):
    """Inputs of a feature space for one shard."""
    view = feature_view(wc)
    if view == "catalogue":
        return dict(catalogue=f"{RESULTS}/catalogue/{wc.batch}.parquet", **own_file(wc))
    if view == "features":
        return {
            f"space_{name}": expand(FEATURES, **{**wc, "features": name})
            for name in PLAN.features[wc.features].options.of
        }
    if view in ("light_curves", "spectra"):
        return dict(traces=expand(CUTOUTS, **wc))
    inputs = dict(images=expand(IMAGES, **wc), **own_file(wc))
    if handed_columns(wc):
        inputs["catalogue"] = f"{RESULTS}/catalogue/{wc.batch}.parquet"
    if view != "images":
        inputs["reconstructions"] = expand(
            RECONSTRUCTIONS, **{**wc, "detector": PLAN.residuals_of}
        )
    return inputs


def embedding_features(wc):
    space = PLAN.embeddings[wc.embedding].keys["features"]
    return shards(FEATURES, features=space, seed=wc.seed)


def similar_features(wc):
    return shards(FEATURES, features=PLAN.similar[wc.search]["features"], seed=SEED)


def embedding_section(wc):
    """The workflow's keys that shape a map; how it is coloured is no part of it."""
    keys = PLAN.embeddings[wc.embedding].keys
    return {k: v for k, v in keys.items() if k != "colour_by"}


def embedding_option(name, default):
    """An option that only some embeddings have."""
    return lambda wc: getattr(PLAN.embeddings[wc.embedding].options, name, default)


def lattice(wc):
    """Columns and rows of a map that is a lattice of units, else None."""
    embedding = PLAN.embeddings[wc.embedding]
    of = getattr(embedding.module, "lattice", None)
    return of and list(of(embedding.options))


def colour_tables(wc):
    """For each column by which a map is coloured the tables that have it."""

    def tables_of(colour):
        if colour.detector:
            return [
                f"{RESULTS}/scores/{colour.features}/{colour.detector}/seed-{SEED}.parquet"
            ]
        if colour.features:
            return shards(FEATURES, features=colour.features, seed=SEED)
        return expand(f"{RESULTS}/catalogue/{{b}}.parquet", b=PLAN.batches)

    colours = PLAN.colours[wc.embedding]
    return {f"column_{i}": tables_of(colour) for i, colour in enumerate(colours)}


def claim_features(key):
    """Feature tables of every space that a section of the configuration names, for every seed."""
    return [
        path
        for space in CONFIG[key]
        for seed in CONFIG["seeds"]
        for path in shards(FEATURES, features=space, seed=seed)
    ]


def manifests(wc):
    return shards(MANIFEST) if PLAN.has_pictures else []


def cutouts(wc):
    return shards(CUTOUTS) if PLAN.has_pictures else []


def all_scores(seeds):
    """Merged score tables of every detector in every space."""
    return [
        f"{RESULTS}/scores/{space}/{name}/seed-{seed}.parquet"
        for space, name in PLAN.scores
        for seed in seeds
    ]


def aggregated_scores(wc):
    """Merged score tables that an aggregate combines."""
    pattern = "results/{run}/scores/{space}/{name}/seed-{seed}.parquet"
    pairs = PLAN.aggregates[wc.aggregate].of
    return [pattern.format(space=s, name=n, **wc) for s, n in pairs]


def score_names(seeds):
    return [[space, name, seed] for space, name in PLAN.scores for seed in seeds]


def model_options(name):
    """Options of a network; none where no detector needs it."""
    return as_plain(PLAN.models[name]) if name in PLAN.models else {}


# --- experiments of active learning


def learns_together(wc):
    """Whether a job's trials are trained at once, which is for GPUs."""
    return PLAN.experiments[wc.experiment].learner["options"].get("together", False)


def experiment_section(wc):
    """What an experiment's trials depend on, as plain values."""
    found = PLAN.experiments[wc.experiment]
    return dict(
        learner=found.learner,
        strategy=found.strategy,
        features=found.features,
        protocol=found.protocol,
    )


def code_of_experiment(script):
    def of_wildcards(wc):
        found = PLAN.experiments[wc.experiment]
        plugins = [
            ("learners", found.learner["kind"]),
            ("strategies", found.strategy["kind"]),
        ]
        if "detector" in found.learner["options"]:
            plugins.append(("detectors", found.learner["options"]["detector"]["kind"]))
        return code(script, *plugins)

    return of_wildcards


def trial_blocks(name):
    """Block -> numbers of its trials."""
    n, size = PLAN.experiments[name].n_trials, CONFIG["trials_per_block"]
    starts = range(0, n, size)
    return {
        f"{i:03d}": list(range(start, min(start + size, n)))
        for i, start in enumerate(starts)
    }


def trial_numbers(wc):
    return trial_blocks(wc.experiment)[wc.block]


def trial_objects(wc):
    """Images or feature vectors of all objects."""
    spaces = PLAN.experiments[wc.experiment].features
    if spaces == "images":
        return dict(objects=shards(IMAGES))
    spaces = [spaces] if isinstance(spaces, str) else spaces
    return dict(
        objects=[p for s in spaces for p in shards(FEATURES, features=s, seed=SEED)]
    )


def trial_names():
    """Experiment of each block, in the order of `all_trials`."""
    return [name for name in PLAN.experiments for _ in trial_blocks(name)]


def spaces_of_experiments():
    """Experiment -> what it learns from, in words."""
    return {
        name: " + ".join([e.features] if isinstance(e.features, str) else e.features)
        for name, e in PLAN.experiments.items()
    }


def all_trials():
    return [
        f"{RESULTS}/active/{name}/trials-{block}.parquet"
        for name in PLAN.experiments
        for block in trial_blocks(name)
    ]


def active_figures():
    latents = [name for name, e in PLAN.experiments.items() if e.latent_rounds]
    figures = ["rounds", "viewed", *(f"latents-{name}" for name in latents)]
    return figures if PLAN.experiments else []


# --- a classifier's uncertainty


def first_setting():
    return next(iter(PLAN.uncertainty.settings)) if PLAN.uncertainty else "none"


def setting_blocks(name):
    """Block -> numbers of its trainings."""
    n, size = (
        PLAN.uncertainty.settings[name].seeds,
        CONFIG["uncertainty"]["trainings_per_block"],
    )
    starts = range(0, n, size)
    return {
        f"{i:03d}": list(range(start, min(start + size, n)))
        for i, start in enumerate(starts)
    }


def options_of_trainings(wc):
    """Options that all trainings of a setting share."""
    return {
        **PLAN.uncertainty.options,
        **PLAN.uncertainty.settings[wc.setting].options,
    }


def options_by_training(wc):
    """Number and drawn options of each training of a block; more trainings change no other."""
    drawn = drawn_options(PLAN.uncertainty.settings[wc.setting], SEED)
    return [[n, drawn[n]] for n in setting_blocks(wc.setting)[wc.block]]


def training_blocks(pattern):
    """Paths of all blocks of a setting."""
    return lambda wc: expand(
        pattern, run=RUN, setting=wc.setting, block=setting_blocks(wc.setting)
    )


def every_setting(name):
    settings = PLAN.uncertainty.settings if PLAN.uncertainty else []
    return [f"{RESULTS}/uncertainty/{setting}/{name}" for setting in settings]


def numbers_of_passes():
    """Numbers of passes that measures are taken from, all of them last."""
    if not PLAN.uncertainty:
        return []
    most = PLAN.uncertainty.options["n_passes"]
    return sorted({*CONFIG["uncertainty"]["n_passes"], most})


def code_of_measures(script):
    def of_wildcards(wc):
        kinds = {m["kind"] for m in PLAN.uncertainty.measures.values()}
        return code(script, *(("detectors", kind) for kind in sorted(kinds)))

    return of_wildcards


def uncertainty_figures():
    names = ("objects", "flagged", "spread", "reliability", "explained")
    return [f"uncertainty-{name}" for name in names] if PLAN.uncertainty else []


# --- figures and targets


def title_of(wc):
    """A detector's name as figures show it."""
    return scored(getattr(wc, "features", "images"), wc.detector)


def scored(features, detector):
    return detector if features in ALONE else f"{detector} on {features}"


def title_of_map(wc):
    map_ = PLAN.embeddings[wc.embedding]
    objects, features = map_.keys["objects"], map_.keys["features"]
    return f"{wc.embedding}: {map_.kind} of {features}, {objects} objects"


def all_images():
    """Training images, and what people look at."""
    if not PLAN.has_pictures:
        return []
    return shards(IMAGES) + (shards(PICTURES) if PLAN.display else [])


def map_images(wc):
    """Pictures of a map's objects; the images themselves where residuals are taken from them."""
    if not PLAN.has_pictures:
        return []
    return shards(IMAGES if PLAN.residuals_of else PICTURES)


def map_reconstructions(wc):
    if PLAN.residuals_of is None:
        return []
    return shards(RECONSTRUCTIONS, detector=PLAN.residuals_of, seed=SEED)


def failures_of_features():
    """Tables of the objects that lack features which a detector works in, of the first seed."""
    spaces = {name for name, _ in PLAN.scores if name in PLAN.features}
    for name in list(spaces):
        spaces |= set(getattr(PLAN.features[name].options, "of", ()))
    return {
        f"space_{name}": shards(FAILURES, features=name, seed=SEED)
        for name in PLAN.features
        if name in spaces
    }


def trains(wc):
    """Is the fit of a feature space the training of a network?"""
    return wc.features in trained_features()


def applies(wc):
    """Is a trained network applied to the objects?"""
    return hasattr(looks_with(wc).module, "MODEL")


def measures_slowly(wc):
    """Does measuring one object take so long that several processes are worth their start?"""
    return getattr(PLAN.features[wc.features].module, "SLOW", False)


def trained_features():
    """Feature spaces whose fit is a trained network."""
    return [name for name, e in PLAN.features.items() if hasattr(e.module, "MODEL")]


def training_histories():
    """Histories of the networks that are no feature spaces."""
    if not image_detectors():
        return []
    return expand(
        "results/{run}/models/{model}/seed-{seed}/history.csv",
        run=RUN,
        model=["wgan", "encoder"],
        seed=SEED,
    )


def image_detectors():
    return [name for name, e in PLAN.detectors.items() if e.module.TAKES == "images"]


def checked_models():
    """Written checks of all trainings that have some."""
    if not image_detectors():
        return []
    return expand(
        "results/{run}/models/wgan/seed-{seed}/checks.csv",
        run=RUN,
        seed=CONFIG["seeds"],
    )


def evaluated(path):
    return [path] if PLAN.truth else []


def autoencoder_figures():
    """What autoencoders of images make of them, draw, and know of columns."""
    figures = []
    for name, entry in PLAN.features.items():
        view = getattr(entry.options, "input", "images")
        if hasattr(entry.module, "loss_names") and view == "images":
            figures.append(f"rebuilt-{name}")
            if getattr(entry.module, "GENERATES", False):
                figures.append(f"generated-{name}")
            if getattr(entry.module, "NEEDS_COLUMNS", False):
                figures.append(f"attributes-{name}")
    return figures


def all_figures():
    """Every figure that this configuration gives rise to."""
    names = [f"scores-{space}-{detector}" for space, detector in PLAN.scores]
    if PLAN.has_pictures:
        names += [f"gallery-{space}-{detector}-top" for space, detector in PLAN.scores]
        names.append("first")
        names += [f"similar-{name}" for name in PLAN.similar]
    names += embedding_figures()
    if image_detectors():
        names += ["samples", f"reconstructions-{PLAN.residuals_of}"]
        if CONFIG["studies"].get("n_objects"):
            names.append(f"studies-{PLAN.residuals_of}")
    if image_detectors() or trained_features():
        names.append("training")
    names += autoencoder_figures()
    if PLAN.truth:
        names += [
            f"metric-{metric}" for metric in ("auroc", "recall_at_3_sigma", "mcc")
        ]
        names += [
            f"{figure}-{g}"
            for figure in ("curves", "spaces")
            for g in ("anomalies", "faults")
            if getattr(PLAN.truth, g)
        ]
    names += [key for key in ("claim", "purity") if CONFIG[key]]
    names += active_figures()
    names += uncertainty_figures()
    survey = PLAN.survey.module
    if draws(survey) or getattr(survey, "NEEDS_POSITION", False):
        names.append("coverage")
    return [f"{RESULTS}/figures/{name}.png" for name in names]


def embedding_figures():
    """Names of all that shows the maps."""
    names = [f"embedding-{name}" for name in PLAN.embeddings]
    names += [f"colours-{name}" for name, colours in PLAN.colours.items() if colours]
    if PLAN.has_pictures:
        names += [f"{f}-{n}" for f in ("groups", "mosaic") for n in PLAN.embeddings]
    return names


def ranking_tables():
    return [f"{RESULTS}/ranked.parquet", *evaluated(f"{RESULTS}/tables/metrics.csv")]


def similar_tables():
    searches = [f"{RESULTS}/tables/similar-{name}.csv" for name in PLAN.similar]
    return searches + [f"{RESULTS}/tables/retrieval.csv"] * bool(CONFIG["retrieval"])


def similar_results():
    """Tables of all searches, and their figures where there are images."""
    drawn = PLAN.similar if PLAN.has_pictures else []
    return [*similar_tables(), *(f"{RESULTS}/figures/similar-{n}.png" for n in drawn)]


def all_results():
    return [
        *all_figures(),
        *ranking_tables(),
        *similar_tables(),
        f"{RESULTS}/summary.txt",
    ]
