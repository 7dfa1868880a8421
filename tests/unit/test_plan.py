"""Planning: faults are named in one line, defaults are resolved, shards are few."""

import copy
import os
import time
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from hoag import plan
from hoag.options import ConfigError, build
from hoag.plan import make_plan, source_identity
from hoag.schema import check_text
from hoag.surveys import simulated

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"


def config_of(name):
    return yaml.safe_load((DATA / f"{name}.yaml").read_text())


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The working directory: a feature table, a catalogue, an empty one, and ten pictures."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(30, 3)), columns=["u", "v", "w"])
    frame.insert(0, "name", [f"object-{i}" for i in range(30)])
    frame.to_csv("objects.csv", index=False)
    sky = {"object_id": range(40), "ra": np.linspace(0, 9, 40), "dec": 0.0, "i_mag": 20.0}
    pd.DataFrame(sky).to_csv("stars.csv", index=False)
    pd.DataFrame(sky).iloc[:0].to_csv("empty.csv", index=False)
    curves = {"object_id": [f"star-{i // 9}" for i in range(90)], "time_mjd": range(90)}
    curves |= {"value": 15.0, "error": 0.1, "filter": "g"}
    pd.DataFrame(curves).to_csv("curves.csv.gz", index=False)
    labels = {"object_id": ["star-1", "star-2"], "label": ["quiet", "burst"]}
    pd.DataFrame(labels).to_csv("labels.csv", index=False)
    Path("pictures").mkdir()
    for i in range(10):
        Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(f"pictures/galaxy-{i}.png")
    return tmp_path


def changed(name, path, value):
    """A configuration with one value replaced, added, or (value `...`) removed."""
    config = copy.deepcopy(config_of(name))
    *parents, last = path
    section = config
    for key in parents:
        section = section[key]
    if value is ...:
        del section[last]
    else:
        section[last] = value
    return config


FAULTS = {
    # what is wrong: (configuration, path of the key, value, parts of the message in order)
    "unknown top-level key": (
        "small",
        ["detector"],
        {},
        ["detector: found 'detector', allowed: aggregates, batches, ", "did you mean 'detectors'?"],
    ),
    "misspelt option": (
        "small",
        ["detectors", "forest", "n_tress"],
        5,
        ["detectors.forest.n_tress: found 'n_tress', allowed: ", "did you mean 'n_trees'?"],
    ),
    "misspelt option of a transform": (
        "small",
        ["images", 0, "strech"],
        1,
        ["images[0].strech: found 'strech', allowed: ", "did you mean 'stretch'?"],
    ),
    "misspelt option of a network": (
        "small",
        ["models", "wgan", "widht"],
        4,
        ["models.wgan.widht: found 'widht'", "did you mean 'width'?"],
    ),
    "unknown network": ("small", ["models", "gan"], {}, ["models.gan: found 'gan', allowed: enc"]),
    "wrong type in the schema": (
        "small",
        ["shard_size"],
        "many",
        ["shard_size: found 'many', allowed: a whole number"],
    ),
    "wrong type of an option": (
        "small",
        ["detectors", "forest", "n_trees"],
        "many",
        ["detectors.forest.n_trees: found 'many', allowed: a whole number"],
    ),
    "truth value for a number": (
        "small",
        ["models", "wgan", "width"],
        True,
        ["models.wgan.width: found True, allowed: a whole number"],
    ),
    "beyond the limits": (
        "small",
        ["survey", "star_fraction"],
        1.5,
        ["survey.star_fraction: found 1.5, allowed: 0..1"],
    ),
    "unknown survey": (
        "small",
        ["survey"],
        {"kind": "simulate"},
        ["survey.kind: found 'simulate', allowed: ", "did you mean 'simulated'?"],
    ),
    "unknown detector": (
        "small",
        ["detectors", "forest", "kind"],
        "forest",
        ["detectors.forest.kind: found 'forest', allowed: column, "],
    ),
    "no kind": (
        "small",
        ["detectors", "forest"],
        {"features": ["residual_codes"]},
        ["detectors.forest.kind: required, found nothing"],
    ),
    "unknown feature space": (
        "small",
        ["detectors", "forest", "features"],
        ["residuals"],
        [
            "detectors.forest.features: found 'residuals', allowed: ",
            "classifier, joint, joint_losses, residual_codes",
        ],
    ),
    "detector without features": (
        "small",
        ["detectors", "forest", "features"],
        ...,
        ["detectors.forest.features: required, found nothing"],
    ),
    "features for a detector of images": (
        "small",
        ["detectors", "wgan", "features"],
        ["residual_codes"],
        ["detectors.wgan.features: found ['residual_codes'], allowed: nothing"],
    ),
    "detector of images on a table": (
        "features",
        ["detectors", "wgan"],
        {"kind": "wgan"},
        ["detectors.wgan.kind: found 'wgan', which takes images, allowed ", "isolation_forest"],
    ),
    "features of images on a table": (
        "features",
        ["features", "numbers"],
        {"kind": "pixels"},
        ["features.numbers.kind: found 'pixels', which takes images, allowed ", "columns"],
    ),
    "transforms on a table": (
        "features",
        ["images"],
        [{"kind": "lupton"}],
        ["images: found 1 transforms, allowed: none, since survey 'table' yields features"],
    ),
    "transforms on light curves": (
        "curves",
        ["images"],
        [{"kind": "resize", "size_px": 64}],
        ["images: found 1 transforms, allowed: none, since survey 'light_curves' yields light_cur"],
    ),
    "features of images on light curves": (
        "curves",
        ["features", "shapes"],
        {"kind": "autoencoder"},
        [
            "features.shapes.kind: found 'autoencoder', which takes images, allowed for objects "
            "of kind light_curve: columns, light_curve_features",
        ],
    ),
    "features of spectra on light curves": (
        "curves",
        ["features", "shapes"],
        {"kind": "line_indices"},
        ["features.shapes.kind: found 'line_indices', which takes spectra, allowed "],
    ),
    "features of light curves on images": (
        "small",
        ["features", "residual_codes"],
        {"kind": "light_curve_features"},
        ["features.residual_codes.kind: found 'light_curve_features', which takes light curves"],
    ),
    "detector of images on light curves": (
        "curves",
        ["detectors", "forest"],
        {"kind": "wgan"},
        ["detectors.forest.kind: found 'wgan', which takes images, allowed ", "light_curve"],
    ),
    "learner on plots of light curves": (
        "curves",
        ["experiments", "scored"],
        {"learner": {"kind": "ahunt"}},
        ["experiments.scored.features: required, since this run has no images"],
    ),
    "column of light curves that is not there": (
        "curves",
        ["survey", "value_column"],
        "mag",
        ["batches.first.source: curves.csv.gz: column: found 'mag', allowed: error, "],
    ),
    "several filters without their column": (
        "curves",
        ["survey", "filter_column"],
        None,
        ["survey: filters: found ['g', 'r'], allowed: one name"],
    ),
    "redshifts that nobody gives": (
        "curves",
        ["survey"],
        {
            "kind": "spectra",
            "layout": "table",
            "wavelength_column": "time_mjd",
            "flux_column": "value",
            "redshift_column": "z",
        },
        ["survey.redshift_column: found 'z', allowed: nothing"],
    ),
    "spectra without a layout": (
        "curves",
        ["survey"],
        {"kind": "spectra"},
        ["survey.layout: required, found nothing"],
    ),
    "lupton on rendered images": (
        "pictures",
        ["images"],
        [{"kind": "lupton"}],
        ["images[0].kind: found 'lupton', which does not take ", "allowed here: asinh, "],
    ),
    "no transform on flux images": (
        "small",
        ["images"],
        [],
        ["images: found a chain that ends in linear flux, allowed: one that holds one of "],
    ),
    "size that the networks can't take": (
        "small",
        ["survey", "size_px"],
        40,
        ["images: found ", "40", "allowed: ", "16"],
    ),
    "residuals without a reconstruction": (
        "small",
        ["detectors"],
        {"forest": {"kind": "isolation_forest", "features": ["residual_codes"]}},
        ["features.residual_codes.input: found 'residuals', allowed: images, since no detector"],
    ),
    "missing catalogue": (
        "small",
        ["batches", 0],
        {"name": "first", "catalogue": "absent.fits"},
        ["batches[0]", "absent.fits"],
    ),
    "missing table": (
        "features",
        ["batches", 0, "catalogue"],
        "absent.csv",
        ["batches", "absent.csv"],
    ),
    "missing folder": ("pictures", ["batches", 0, "source"], "absent", ["batches", "absent"]),
    "empty catalogue": (
        "small",
        ["batches", 0],
        {"name": "first", "catalogue": "empty.csv"},
        ["batches[0]: empty.csv: found no row"],
    ),
    "unknown column in a selection": (
        "small",
        ["batches", 0],
        {"name": "first", "catalogue": "stars.csv", "select": ["i_mag < 21", "r_mag > 3"]},
        ["batches[0]: ", "r_mag", "allowed: ", "i_mag"],
    ),
    "selection that leaves nothing": (
        "small",
        ["batches", 0],
        {"name": "first", "catalogue": "stars.csv", "select": ["i_mag > 25"]},
        ["batches[0]: ", "stars.csv", "i_mag > 25"],
    ),
    "unset variable": (
        "features",
        ["batches", 0, "catalogue"],
        "$HOAG_NOWHERE/objects.csv",
        ["batches[0].catalogue: found '$HOAG_NOWHERE/objects.csv'", "HOAG_NOWHERE is not set"],
    ),
    "batch without what its survey needs": (
        "small",
        ["batches", 0],
        {"name": "first"},
        ["batches[0].n_objects: required, found nothing"],
    ),
    "unknown key of a batch": (
        "small",
        ["batches", 0, "n_object"],
        5,
        ["batches[0].n_object: found 'n_object'", "did you mean 'n_objects'?"],
    ),
    "batch named twice": (
        "small",
        ["batches"],
        [{"name": "first", "n_objects": 3}, {"name": "first", "n_objects": 3}],
        ["batches[1].name: found 'first' twice"],
    ),
    "no batch": ("small", ["batches"], [], ["batches: found [], allowed: at least 1 item(s)"]),
    "name that is no file name": (
        "small",
        ["run"],
        "../other",
        ["run: found '../other', allowed: text like "],
    ),
    "seed given twice": ("small", ["seeds"], [1, 1], ["seeds: found [1, 1], allowed: each value"]),
    "unknown fit batch": (
        "small",
        ["fit_batches"],
        ["second"],
        ["fit_batches: found 'second', allowed: first"],
    ),
    "unknown reference batch": (
        "small",
        ["reference_batches"],
        ["second"],
        ["reference_batches: found 'second', allowed: first"],
    ),
    "unknown detector to rank by": (
        "small",
        ["ranking"],
        {"detector": "florest"},
        [
            "ranking.detector: found 'florest', allowed: consensus, forest, ",
            "did you mean 'forest'?",
        ],
    ),
    "aggregate of an unknown score": (
        "small",
        ["aggregates", "consensus", "of"],
        ["wgan", "forest"],
        ["aggregates.consensus.of: found 'forest', allowed: forest_residual_codes, "],
    ),
    "aggregate of an aggregate": (
        "small",
        ["aggregates", "other"],
        {"of": ["wgan", "consensus"]},
        ["aggregates.other.of: found 'consensus', allowed: forest_residual_codes, "],
    ),
    "aggregate of one": (
        "features",
        ["aggregates"],
        {"all": {}},
        ["aggregates.all: found 1 score to combine, allowed: 2 or more"],
    ),
    "aggregate by another name of the mean": (
        "small",
        ["aggregates", "consensus", "how"],
        "borda",
        ["aggregates.consensus.how: found 'borda', allowed: fisher, mean, max"],
    ),
    "aggregate with a detector's name": (
        "small",
        ["aggregates", "wgan"],
        {},
        ["aggregates.wgan: its column 'wgan' is also that of detectors.wgan, allowed: another"],
    ),
    "feature space with a name that is taken": (
        "small",
        ["features", "aggregates"],
        {"kind": "pixels"},
        ["features.aggregates: found 'aggregates', allowed: any other name"],
    ),
    "unknown space to rank in": (
        "small",
        ["ranking"],
        {"detector": "forest", "features": "pixels"},
        ["ranking.features: found 'pixels', allowed: residual_codes"],
    ),
    "residuals of no image detector": (
        "small",
        ["residuals_of"],
        "forest",
        ["residuals_of: found 'forest', allowed: wgan"],
    ),
    "map of an unknown space": (
        "small",
        ["embeddings", "sample", "features"],
        "codes",
        [
            "embeddings.sample.features: found 'codes', allowed: ",
            "classifier, joint, joint_losses, residual_codes",
        ],
    ),
    "map of unknown objects": (
        "small",
        ["embeddings", "sample", "objects"],
        "odd",
        ["embeddings.sample.objects: found 'odd', allowed: all, flagged"],
    ),
    "objects like others in an unknown space": (
        "small",
        ["similar", "each", "features"],
        "codes",
        ["similar.each.features: found 'codes', allowed: classifier, "],
    ),
    "objects like none": (
        "small",
        ["similar", "each", "objects"],
        [],
        ["similar.each.objects: found [], allowed: at least 1 item(s)"],
    ),
    "objects like and unlike one": (
        "small",
        ["similar", "several", "unlike"],
        ["sim-first-0000007"],
        ["similar.several.unlike: found 'sim-first-0000007', which is one of similar.several.obj"],
    ),
    "counter-examples of one object": (
        "small",
        ["similar", "each", "unlike"],
        [4],
        ["similar.each.unlike: found [4], allowed: only with together: true"],
    ),
    "the farthest from several objects": (
        "small",
        ["similar", "several", "farthest"],
        True,
        ["similar.several.farthest: found True, allowed: only with together: false"],
    ),
    "examples in an unknown space": (
        "small",
        ["retrieval"],
        ["codes"],
        ["retrieval: found 'codes', allowed: joint, "],
    ),
    "losses of a network that is none": (
        "small",
        ["features", "joint_losses", "network"],
        "classifier",
        ["features.joint_losses.network: found 'classifier', allowed: joint, residual_codes"],
    ),
    "losses of a network that isn't there": (
        "small",
        ["features", "joint_losses", "network"],
        "join",
        ["features.joint_losses.network: found 'join'", "did you mean 'joint'?"],
    ),
    "loss that the network does not have": (
        "small",
        ["features", "joint_losses", "network"],
        "residual_codes",
        ["detectors.odd_pair.column: found 'columns_given_image', allowed: reconstruction_error"],
    ),
    "no column beside the images": (
        "small",
        ["features", "joint", "columns"],
        [],
        ["features.joint: columns: found none, allowed: one numeric column or more"],
    ),
    "map coloured by an unknown feature": (
        "small",
        ["embeddings", "sample", "colour_by"],
        ["label", "residual_codes.code_99"],
        [
            "embeddings.sample.colour_by: column of residual_codes: found 'code_99', ",
            "allowed: code_00, code_01, ",
        ],
    ),
    "map coloured by an unknown column": (
        "features",
        ["embeddings", "map", "colour_by"],
        ["lable"],
        ["embeddings.map.colour_by: found 'lable', allowed: ", "did you mean 'label'?"],
    ),
    "claim in an unknown space": (
        "small",
        ["claim"],
        ["codes"],
        ["claim: found 'codes', allowed: classifier, joint, joint_losses, residual_codes"],
    ),
    "no catalogue for a survey without a list": (
        "features",
        ["batches", 0],
        {"name": "first"},
        ["batches[0].catalogue: required by survey 'table', found nothing"],
    ),
    "column of a catalogue that is not there": (
        "small",
        ["batches", 0, "ra_unit"],
        "hourangle",
        ["batches[0].ra_unit: found 'hourangle', allowed: nothing without a catalogue"],
    ),
    "labels in no column": (
        "features",
        ["batches", 0, "label_column"],
        "clas",
        ["batches[0]: objects.csv: label_column: found 'clas', allowed: name, u, v, w"],
    ),
    "label column beside drawn labels": (
        "small",
        ["batches", 0],
        {"name": "first", "catalogue": "stars.csv", "label_column": "i_mag"},
        ["batches[0].label_column: found 'i_mag', allowed: nothing with a catalogue"],
    ),
    "number of objects beside a catalogue": (
        "small",
        ["batches", 0],
        {"name": "first", "catalogue": "stars.csv", "n_objects": 5},
        ["batches[0].n_objects: found 5, allowed: nothing with a catalogue"],
    ),
    "missing folder beside a catalogue": (
        "pictures",
        ["batches", 0],
        {"name": "first", "catalogue": "stars.csv", "source": "absent"},
        ["batches", "absent"],
    ),
    "features in no column": (
        "features",
        ["features", "numbers"],
        {"kind": "columns", "columns": ["u", "x"]},
        ["features.numbers.columns: found 'x', allowed: ", "u, v, w"],
    ),
    "label that means two things": (
        "small",
        ["truth", "faults"],
        ["merger"],
        ["truth: found 'merger' more than once"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_named_in_one_line(fault):
    name, path, value, parts = FAULTS[fault]
    with pytest.raises(ConfigError) as raised:
        make_plan(changed(name, path, value))
    message = str(raised.value)
    assert "\n" not in message and len(message) < 600
    assert message.startswith(parts[0])
    place = 0
    for part in parts:
        assert part in message[place:], message
        place = message.index(part, place) + len(part)


@pytest.mark.parametrize("kind", ["image_statistics", "residual_norm", "spiral_arms"])
def test_a_score_in_a_column_that_no_fit_will_give_is_named(kind):
    config = changed("small", ["features", "space"], {"kind": kind})
    config["detectors"]["flux"] = {"kind": "column", "features": ["space"], "column": "flux_c3"}
    with pytest.raises(ConfigError, match=r"^detectors\.flux\.column: found 'flux_c3', allowed: "):
        make_plan(config)


def test_columns_of_a_table_are_those_of_the_prepared_one():
    config = changed("features", ["batches", 0], {"name": "first", "catalogue": "stars.csv"})
    config["features"]["numbers"]["columns"] = ["ra_deg", "i_mag"]
    assert make_plan(config).features["numbers"].options.columns == ("ra_deg", "i_mag")


def test_a_column_beside_the_images_is_looked_for_in_the_catalogue():
    config = changed("small", ["survey"], {"kind": "legacy", "bands": ["g", "r", "i"]})
    config["batches"] = [{"name": "first", "catalogue": "stars.csv"}]
    config["survey"]["size_px"] = 32
    assert make_plan(config).features["joint"].options.columns == ("i_mag",)
    config["features"]["joint"]["columns"] = ["i_mga"]
    with pytest.raises(ConfigError, match=r"^features\.joint\.columns: found 'i_mga'.*'i_mag'\?$"):
        make_plan(config)


@pytest.mark.parametrize("column", ["i_mga", "label"])
def test_the_simulated_survey_knows_its_columns(column):
    config = changed("small", ["features", "joint", "columns"], ["i_mag", column])
    with pytest.raises(ConfigError, match=rf"^features\.joint\.columns: found '{column}', allowed"):
        make_plan(config)


def test_a_misspelt_label_of_the_truth_is_named():
    config = changed("small", ["truth", "normal"], ["galaxies", "star"])
    with pytest.raises(ConfigError, match=r"^truth\.normal: found 'galaxies', allowed: .*'galaxy'"):
        make_plan(config)


@pytest.mark.parametrize("label_types", [False, True])
def test_objects_have_the_labels_that_the_simulated_survey_says(label_types):
    options = build(simulated.Options, {"label_types": label_types}, "survey")
    listed = simulated.list_objects(simulated.Batch(4000), options, seed=1, name="first")
    assert set(simulated.known_labels(options)) == set(listed["label"])


def test_what_the_simulated_survey_says_of_its_columns_is_so():
    options = build(simulated.Options, {}, "survey")
    listed = simulated.list_objects(simulated.Batch(5), options, seed=1, name="first")
    numbers = listed.select_dtypes("number").columns
    assert set(simulated.known_columns(options)) == set(numbers)


def test_a_score_in_a_column_that_the_data_decide_is_left_to_the_fit():
    config = changed("features", ["detectors", "flux"], {"kind": "column", "features": ["numbers"]})
    config["detectors"]["flux"]["column"] = "x"
    assert ("numbers", "flux") in make_plan(config).scores
    config["features"]["numbers"]["columns"] = ["u", "v"]
    with pytest.raises(ConfigError, match=r"^detectors\.flux\.column: found 'x', allowed: u, v"):
        make_plan(config)


@pytest.mark.parametrize("name", ["small", "features", "pictures"])
def test_the_tests_own_configurations_are_right(name):
    plan = make_plan(config_of(name))
    assert plan.config["run"] == name and list(plan.batches) == ["first"]
    assert (plan.chain is None) == (name == "features")


def test_default_run_is_right():
    plan = make_plan(yaml.safe_load((ROOT / "config" / "config.yaml").read_text()))
    assert plan.config["run"] == "demo" and plan.main == ("images", "wgan")


@pytest.mark.parametrize(
    ("text", "key", "lines"),
    [
        ("run: a\nseeds: [1]\nrun: b\n", "run", "1 and 3"),
        ("names: {yes: odd, true: even}\n", "True", "1 and 1"),
        ("run: a\nseen: [{kind: pixels, size_px: 8, kind: hog}]\n", "kind", "2 and 2"),
    ],
)
def test_a_key_that_is_there_twice_is_named(tmp_path, text, key, lines):
    path = tmp_path / "twice.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"found '?{key}'? in lines {lines}, allowed: once$"):
        check_text(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: &x {b: 1}\nc: {<<: *x, b: 2}\nd: *x\n",
        "a: {b: 1}\nc: {b: 1}\n",
        'names: {"1": odd, 1: even}\n',
        '{\n\t"run": "json with tabs"\n}\n',
    ],
)
def test_keys_that_are_there_once_each_pass(tmp_path, text):
    path = tmp_path / "once.yaml"
    path.write_text(text)
    check_text(path)


@pytest.mark.parametrize(("value", "read"), [("0123", "83"), ("-1:30", "-90")])
def test_a_number_that_isnt_what_it_looks_like_is_named(tmp_path, value, read):
    path = tmp_path / "octal.yaml"
    path.write_text(f"run: a\nids: [1, 0, 123, 0x1F, '{value}', {value}]\n")
    with pytest.raises(ConfigError, match=f"found {value} in line 2, which YAML reads as {read},"):
        check_text(path)


def test_an_empty_configuration_asks_for_a_run():
    with pytest.raises(ConfigError, match=r"^run: required, found nothing$"):
        make_plan({})


def test_defaults_are_resolved():
    plan = make_plan(config_of("small"))
    assert plan.config["seeds"] == [1] and plan.config["strict"] is False
    assert plan.config["ranking"]["flag_above_sigma"] == 3
    assert plan.embeddings["sample"].keys["objects"] == "all"
    assert plan.fit_batches == plan.reference_batches == ["first"]
    assert plan.residuals_of == "wgan" and plan.kind == "flux_image"
    assert plan.chain.shape == (32, 32, 3)
    assert plan.scores == [
        ("images", "wgan"),
        ("residual_codes", "forest"),
        ("residual_codes", "neighbours"),
        ("joint_losses", "odd_pair"),
        ("classifier", "local_entropy"),
        ("aggregates", "consensus"),
    ]


def test_colours_of_a_map_are_found():
    colours = make_plan(config_of("small")).colours["sample"]
    assert [(c.features, c.detector, c.column) for c in colours] == [
        ("residual_codes", "", "code_00"),
        ("images", "wgan", "sigma"),
        ("", "", "label"),
    ]


def test_an_aggregate_can_order_the_table():
    config = changed("small", ["ranking"], {"detector": "consensus"})
    config["aggregates"]["all"] = {}
    plan = make_plan(config)
    assert plan.main == ("aggregates", "consensus")
    assert plan.aggregates["consensus"].of == [("images", "wgan"), ("residual_codes", "neighbours")]
    assert plan.aggregates["all"].of == plan.scores[:5]


def test_the_user_s_configuration_is_left_as_it_is():
    config = config_of("small")
    before = copy.deepcopy(config)
    make_plan(config)
    assert config == before


def test_plain_values_everywhere():
    """What becomes a rule's parameter must be plain, or Snakemake doesn't follow it."""
    plan = make_plan(config_of("small"))
    families = (plan.features, plan.detectors, plan.embeddings)
    for entry in (plan.survey, *(e for family in families for e in family.values())):
        assert yaml.safe_load(yaml.safe_dump(entry.plain)) == entry.plain


def test_searches_have_their_ids_as_text_and_all_keys():
    section = {"features": "residual_codes", "objects": [930469, "b"]}
    search = make_plan(changed("small", ["similar"], {"mine": section})).similar["mine"]
    assert search["objects"] == ["930469", "b"] and search["unlike"] == []
    assert (search["n"], search["distance"], search["together"]) == (25, "euclidean", False)


def test_ranking_by_a_detector_of_vectors():
    plan = make_plan(changed("small", ["ranking"], {"detector": "neighbours"}))
    assert plan.main == ("residual_codes", "neighbours")


def test_environment_variables_are_filled_in(monkeypatch, folder):
    monkeypatch.setenv("HOAG_SOMEWHERE", str(folder))
    plan = make_plan(
        changed("features", ["batches", 0, "catalogue"], "${HOAG_SOMEWHERE}/objects.csv")
    )
    assert plan.batches["first"].keys["catalogue"] == str(folder / "objects.csv")


@pytest.mark.parametrize(
    ("n_objects", "shard_size", "n_shards"),
    [(1, 5000, 1), (5000, 5000, 1), (5001, 5000, 2), (1_000_000, 5000, 200), (10, 1, 10)],
)
def test_number_of_shards(n_objects, shard_size, n_shards):
    config = changed("small", ["batches", 0, "n_objects"], n_objects)
    batch = make_plan(config | {"shard_size": shard_size}).batches["first"]
    assert batch.n_shards == len(batch.shards) == n_shards
    assert batch.shards[0] == "000" and batch.shards == sorted(batch.shards)


def test_at_most_200_shards_at_a_million_by_default():
    config = changed("small", ["batches", 0, "n_objects"], 1_000_000)
    del config["shard_size"]
    assert make_plan(config).batches["first"].n_shards <= 200


def test_shards_of_a_catalogue_count_what_the_selection_leaves():
    n = 20_000
    sky = {"object_id": np.arange(n), "ra": np.linspace(0, 359, n), "dec": 0.0}
    pd.DataFrame(sky | {"i_mag": np.linspace(18, 22, n)}).to_csv("many.csv", index=False)
    config = changed("small", ["batches", 0], {"name": "first", "catalogue": "many.csv"})
    config["shard_size"] = 1000
    started = time.monotonic()
    assert make_plan(config).batches["first"].n_shards == 20
    config["batches"][0]["select"] = ["i_mag < 20"]
    batch = make_plan(config).batches["first"]
    assert batch.n_shards == 10 and batch.options.n_objects == 10_000
    assert time.monotonic() - started < 10


def test_sources_of_a_batch_are_known():
    plan = make_plan(config_of("features"))
    assert plan.batches["first"].sources == ["objects.csv"]
    assert make_plan(config_of("pictures")).batches["first"].sources == ["pictures"]
    assert make_plan(config_of("small")).batches["first"].sources == []


def test_a_count_that_took_long_is_not_taken_again(folder, monkeypatch):
    archive = folder / "pictures.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(Path("pictures").iterdir()):
            file.write(path)
    config = changed("pictures", ["batches", 0, "source"], "pictures.zip") | {"shard_size": 4}
    assert make_plan(config).batches["first"].n_shards == 3
    assert not plan.COUNTS.exists(), "quick counts leave nothing behind"
    monkeypatch.setattr(plan, "LONG_COUNT_S", 0.0)
    assert make_plan(config).batches["first"].n_shards == 3
    (kept,) = plan.COUNTS.iterdir()
    kept.write_text("20")
    assert make_plan(config).batches["first"].n_shards == 5
    with zipfile.ZipFile(archive, "a") as file:
        file.write("pictures/galaxy-0.png", "pictures/another.png")
    assert make_plan(config).batches["first"].n_shards == 3


def test_identity_of_a_file_is_its_content(folder):
    path = folder / "stars.csv"
    before = source_identity(str(path))
    os.utime(path, (1, 1))
    assert source_identity(str(path)) == before
    path.write_text(path.read_text().replace("20.0", "20.5", 1))
    assert source_identity(str(path)) != before


def test_identity_of_a_folder_follows_every_file_in_it(tmp_path):
    inside = tmp_path / "deep" / "a.png"
    inside.parent.mkdir()
    inside.write_bytes(b"1")
    seen = {source_identity(str(tmp_path))}
    inside.write_bytes(b"12")  # overwritten in place
    seen.add(source_identity(str(tmp_path)))
    (inside.parent / "b.png").write_bytes(b"3")  # added in a subfolder
    seen.add(source_identity(str(tmp_path)))
    assert len(seen) == 3


# --- experiments of active learning

PROTOCOL = {
    "start": {"galaxy": 5},
    "arrivals": [{"counts": {"galaxy": 3, "ring": 1}}],
    "n_questions": 2,
}


def with_experiment(**section):
    found = config_of("small")
    found["features"]["codes"] = {"kind": "pixels"}
    return found | {"protocol": PROTOCOL, "experiments": {"try": section}}


def test_an_experiment_takes_the_common_protocol_and_its_own_changes():
    found = with_experiment(learner={"kind": "ahunt"}, trials=3)
    found["experiments"]["try"]["protocol"] = {"n_questions": 2}
    plan = make_plan(found).experiments["try"]
    assert (plan.n_trials, plan.features) == (3, "images")
    assert plan.protocol["n_questions"] == 2 and plan.protocol["anomalies"] == ["ring"]
    assert plan.strategy == {"kind": "most_anomalous", "options": {}}


@pytest.mark.parametrize(
    ("batch", "counts", "message"),
    [
        ({}, {"0": 100, "2": 5}, None),
        ({}, {"0": 100, "two": 5}, "label: found 'two', allowed: 0, 1, 2, 3,"),
        ({"classes": ["0", "1"]}, {"0": 100, "2": 5}, "label: found '2', allowed: 0, 1"),
        (
            {"split": "test"},
            {"0": 40, "2": 5},
            "found 980 objects with label '0', allowed: 1234 or more",
        ),
    ],
)
def test_a_labelled_dataset_must_have_the_objects_of_an_experiment(batch, counts, message):
    found = {
        "run": "digits",
        "survey": {"kind": "mnist"},
        "batches": [{"name": "all", **batch}],
        "features": {"pixels": {"kind": "pixels"}},
        "detectors": {"forest": {"kind": "isolation_forest", "features": ["pixels"]}},
        "protocol": {"start": {"0": 10}, "arrivals": [{"counts": counts}]},
        "experiments": {"try": {"learner": {"kind": "ahunt"}}},
    }
    if message is None:
        assert make_plan(found).experiments["try"].protocol["anomalies"] == ["2"]
        return
    with pytest.raises(ConfigError, match=f"experiments.try: protocol: {message}"):
        make_plan(found)


def test_labels_of_a_folder_are_known_while_planning(tmp_path):
    for i in range(60):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{i}.png")
    rows = "".join(f"{i}.png,{'ring' if i > 55 else 'plain'}\n" for i in range(60))
    (tmp_path / "labels.csv").write_text("object_id,label\n" + rows)
    found = {
        "run": "folder",
        "survey": {"kind": "images", "crop_px": 8},
        "batches": [
            {"name": "all", "source": str(tmp_path), "labels": str(tmp_path / "labels.csv")}
        ],
        "features": {"pixels": {"kind": "pixels"}},
        "detectors": {"forest": {"kind": "isolation_forest", "features": ["pixels"]}},
        "protocol": {
            "start": {"plain": 10},
            "arrivals": [{"counts": {"plain": 20, "ring": 2}}],
            "n_rounds": 1,
            "min_held_out": 1,
        },
        "experiments": {"try": {"learner": {"kind": "ahunt"}}},
    }
    make_plan(found)
    found["protocol"]["arrivals"] = [{"counts": {"plain": 20, "rings": 2}}]
    with pytest.raises(ConfigError, match="'rings', allowed: plain, ring; did you mean 'ring'"):
        make_plan(found)


def test_labels_are_counted_over_all_batches(tmp_path):
    for number, labels in enumerate((["plain"] * 40, ["plain"] * 30 + ["ring"] * 6)):
        for i, label in enumerate(labels):
            folder = tmp_path / str(number) / label
            folder.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (number, i, 0)).save(folder / f"{i}.png")
    batches = [
        {
            "name": name,
            "source": str(tmp_path / str(number)),
            "id_prefix": name,
            "label_from_folder": True,
        }
        for number, name in enumerate("ab")
    ]
    found = {
        "run": "folders",
        "survey": {"kind": "images", "crop_px": 8},
        "batches": batches,
        "features": {"pixels": {"kind": "pixels"}},
        "detectors": {"forest": {"kind": "isolation_forest", "features": ["pixels"]}},
        "protocol": {
            "start": {"plain": 45},
            "arrivals": [{"counts": {"ring": 2}}],
            "n_questions": 2,
            "n_rounds": 1,
            "min_held_out": 1,
        },
        "experiments": {"try": {"learner": {"kind": "ahunt"}}},
    }
    make_plan(found)
    found["protocol"]["start"] = {"plain": 71}
    with pytest.raises(ConfigError, match="found 70 objects with label 'plain', allowed: 71"):
        make_plan(found)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"learner": {"kind": "ahnut"}}, "experiments.try.learner.kind: found 'ahnut'"),
        (
            {"learner": {"kind": "hoag"}},
            "try.features: found 'images', allowed for learner 'hoag': residual_codes, ",
        ),
        (
            {"learner": {"kind": "hoag"}, "features": "code"},
            "try.features: found 'code', allowed: codes, images, ",
        ),
        (
            {"learner": {"kind": "ahunt"}, "strategy": {"kind": "bald"}},
            "needs passes; learner 'ahunt' gives classes, latent; give learner.n_passes, 2 or",
        ),
        (
            {"learner": {"kind": "iforest_raw"}, "strategy": {"kind": "margin"}},
            "needs classes; learner 'iforest_raw' gives scores alone",
        ),
        (
            {"learner": {"kind": "ahunt"}, "protocol": {"n_round": 3}},
            "try: protocol.n_round: found 'n_round'",
        ),
        ({"learner": {"kind": "ahunt"}, "trials": 0}, "trials: found 0, allowed: 1 or more"),
        (
            {"learner": {"kind": "hoag"}, "features": {"codes": 1, "images": 1}},
            "try.features: found 'images', allowed: codes, ",
        ),
        (
            {"learner": {"kind": "ahunt"}, "features": {"codes": 0}},
            "try.features.codes: found 0, allowed: more than 0",
        ),
        (
            {"learner": {"kind": "ahunt", "filters": [8] * 6}},
            "learner.filters: found 6 convolutions, allowed for images of 32 px: 5 or fewer",
        ),
        (
            {"learner": {"kind": "hoag"}, "features": "codes", "protocol": {"noise": 0.1}},
            "try.protocol.noise: found 0.1, allowed for images only",
        ),
        (
            {"learner": {"kind": "iforest_raw"}, "latent_rounds": [1]},
            "latent_rounds: found [1], allowed: nothing, since learner 'iforest_raw' has no latent",
        ),
        (
            {"learner": {"kind": "ahunt"}, "latent_rounds": [1, 31]},
            "latent_rounds: found 31, allowed: 1 to 30",
        ),
    ],
)
def test_an_experiment_that_cannot_be_is_refused(section, message):
    with pytest.raises(ConfigError) as caught:
        make_plan(with_experiment(**section))
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_passes_that_cannot_be_had_are_not_suggested():
    section = {"learner": {"kind": "hoag"}, "features": "codes", "strategy": {"kind": "bald"}}
    with pytest.raises(ConfigError, match=r"needs passes; learner 'hoag' gives [a-z, ]*$"):
        make_plan(with_experiment(**section))


def test_passes_can_be_had():
    section = {"learner": {"kind": "ahunt", "n_passes": 5}, "strategy": {"kind": "bald"}}
    assert make_plan(with_experiment(**section)).experiments["try"].strategy["kind"] == "bald"


UNCERTAIN = {
    "a space that is no classifier's": (
        ["features"],
        "residual_codes",
        "uncertainty.features: found 'residual_codes', allowed: classifier",
    ),
    "a measure that isn't one": (
        ["measure"],
        "forest",
        "uncertainty.measure: found 'forest', allowed: local_entropy",
    ),
    "more passes than there are": (
        ["n_passes"],
        [7],
        "uncertainty.n_passes: found 7, allowed: 2..6",
    ),
    "an option that doesn't exist": (
        ["settings", "sweep", "options"],
        {"dropuot": 0.1},
        "uncertainty.settings.sweep.options.dropuot: found 'dropuot'",
    ),
    "a name that tables read as none": (
        ["settings"],
        {"null": {"seeds": 2}},
        "uncertainty.settings: found 'null', allowed: any other name",
    ),
    "a split that nothing has": (
        ["settings", "sweep", "options"],
        {"split": "published"},
        "uncertainty.settings.sweep.options.split: found 'published', allowed: stratified, folds",
    ),
}


def test_networks_that_differ_are_no_ensemble():
    config = changed("small", ["features", "classifier", "n_members"], 2)
    kind = {"kind": "ensemble_disagreement", "features": ["classifier"]}
    config["detectors"]["apart"] = kind
    config["uncertainty"]["measure"] = "apart"
    message = "settings.sweep.ranges: found 2 options, allowed with measure 'apart': none"
    with pytest.raises(ConfigError, match=message):
        make_plan(config)


def digits(**classifier):
    return {
        "run": "digits",
        "survey": {"kind": "mnist"},
        "batches": [{"name": "all", "classes": ["0", "1", "2"]}],
        "features": {"classifier": {"kind": "classifier", **classifier}},
        "detectors": {"energy": {"kind": "energy", "features": ["classifier"]}},
    }


def test_labels_of_a_classifier_are_known_while_planning():
    make_plan(digits(classes={"zero": ["0"], "one": ["1"]}))
    with pytest.raises(
        ConfigError, match=r"^features.classifier.classes.one: found 'I', allowed: 0"
    ):
        make_plan(digits(classes={"zero": ["0"], "one": ["1", "I"]}))


@pytest.mark.parametrize("fault", UNCERTAIN)
def test_a_fault_of_the_trainings_is_named(fault):
    path, value, message = UNCERTAIN[fault]
    with pytest.raises(ConfigError) as caught:
        make_plan(changed("small", ["uncertainty", *path], value))
    assert str(caught.value).startswith(message)


def test_detectors_of_predictions_need_a_classifier():
    section = {"kind": "energy", "features": ["residual_codes"]}
    with pytest.raises(ConfigError, match="found 'residual_codes', allowed: classifier"):
        make_plan(changed("small", ["detectors", "energy"], section))
    section = {"kind": "ensemble_disagreement", "features": ["classifier"]}
    with pytest.raises(ConfigError, match=r"'classifier' with n_members of 2 or more"):
        make_plan(changed("small", ["detectors", "apart"], section))
    config = changed("small", ["features", "classifier", "n_passes"], 1)
    del config["uncertainty"]
    config["detectors"]["unsure"] = {"kind": "mutual_information", "features": ["classifier"]}
    with pytest.raises(
        ConfigError, match=r"unsure.features: found 'classifier', whose passes don't"
    ):
        make_plan(config)


def test_classifiers_need_images_that_are_large_enough():
    with pytest.raises(ConfigError, match=r"features.classifier.filters: found 5 convolutions"):
        make_plan(changed("small", ["features", "classifier", "filters"], [4] * 5))


def test_spaces_that_learn_from_labels_are_kept_from_learners():
    section = {"learner": {"kind": "hoag"}, "features": "classifier"}
    with pytest.raises(ConfigError, match="found 'classifier', allowed: images, "):
        make_plan(changed("small", ["experiments", "try"], section))
    with pytest.raises(ConfigError, match="purity: found 'classifier', allowed: "):
        make_plan(changed("small", ["purity"], ["classifier"]))


def prepared(**section):
    return changed("features", ["features", "ready"], {"kind": "prepared", **section})


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"of": ["nmbers"]}, "features.ready.of: found 'nmbers', allowed: numbers; did you mean"),
        ({"of": ["ready"]}, "features.ready.of: found 'ready', allowed: numbers"),
        ({}, "features.ready.of: required"),
    ],
)
def test_a_space_made_of_others_needs_those(section, message):
    with pytest.raises(ConfigError) as error:
        make_plan(prepared(**section))
    assert str(error.value).startswith(message)


def test_a_space_that_learned_from_labels_is_no_part_of_another():
    config = changed("small", ["features", "ready"], {"kind": "prepared", "of": ["classifier"]})
    with pytest.raises(ConfigError, match=r"ready\.of: found 'classifier', allowed: joint, "):
        make_plan(config)


def test_people_may_see_other_images_than_networks():
    config = config_of("small")
    plan = make_plan(config)
    assert [s.kind for s in plan.chain.steps] == ["lupton"]
    assert [s.kind for s in plan.display.steps] == ["legacy_colours"]
    del config["display"]
    assert make_plan(config).display is None


@pytest.mark.parametrize(
    ("name", "display", "message"),
    [
        (
            "small",
            [{"kind": "lupton", "red": "u"}],
            r"display\[0\]\.red: found 'u', allowed: g, i, r",
        ),
        ("features", [{"kind": "lupton"}], "display: found 1 transforms, allowed: none"),
    ],
)
def test_a_fault_of_the_chain_for_people_is_named(name, display, message):
    with pytest.raises(ConfigError, match=message):
        make_plan(changed(name, ["display"], display))
