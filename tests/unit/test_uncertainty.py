"""The classifier with dropout, its splits, and the measures of uncertainty."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from scipy.stats import entropy as scipy_entropy

from hoag import registry, splits
from hoag.detectors import latent_neighbours, local_entropy
from hoag.features import classifier
from hoag.models.classifier import Options
from hoag.models.classifier.networks import Classifier, SpectralBound
from hoag.models.classifier.training import Sample, train
from hoag.options import ConfigError, build
from hoag.predicted import UNKNOWN, Predicted, entropy, softmax
from hoag.uncertainty import comparing, judging
from hoag.uncertainty.calibration import calibration
from hoag.uncertainty.scaling import temperature
from hoag.uncertainty.trainings import build_setting, drawn_options

ON_PREDICTIONS = [
    kind
    for kind in registry.names("detectors")
    if registry.load("detectors", kind).TAKES == "predictions"
]
SHAPE = (20, 20, 1)
ROOT = Path(__file__).parents[2]


def options(**changes):
    small = {"filters": [3, 4], "hidden": [10, 6], "epochs": 3, "batch_size": 8}
    return build(Options, small | changes, "models.classifier")


def images(n=12, seed=0):
    return torch.rand(n, 1, 20, 20, generator=torch.Generator().manual_seed(seed))


# --- the network


def test_the_default_is_the_published_lenet():
    network = Classifier(build(Options, {}, "x"), (150, 150, 1), 2)
    sizes = [tuple(p.shape) for p in network.parameters() if p.ndim > 1]
    assert sizes == [(6, 1, 5, 5), (16, 6, 5, 5), (120, 16 * 36 * 36), (84, 120), (2, 84)]
    assert len(network.tops) == 1, "one dropout, before the last layer"


@pytest.mark.parametrize("layers", [1, 2])
def test_passes_are_what_single_networks_would_say(layers):
    """Against loops over passes and layers with the same masks."""
    network = Classifier(options(dropout_layers=layers, dropout=0.4), SHAPE, 3).eval()
    hidden = network.trunk(images())
    found = network.passes(hidden, 7, seed=5)
    assert found.shape == (7, 12, 3)
    widths = [hidden.shape[1], 6][:layers]
    for t in range(7):
        x = hidden
        for i, (top, width) in enumerate(zip(network.tops, widths, strict=True)):
            rng = torch.Generator().manual_seed(5 + i)
            keep = (torch.rand(7, width, generator=rng) < 0.6).float()[t]
            x = top(x * keep / 0.6)
        torch.testing.assert_close(found[t], x)


def test_passes_differ_and_their_mean_nears_the_network_without_dropout():
    network = Classifier(options(dropout=0.3), SHAPE, 2, seed=1).eval()
    hidden = network.trunk(images())
    found = network.passes(hidden, 4000, seed=2)
    assert (found.std(0) > 0).all(), "dropout is on"
    torch.testing.assert_close(found.mean(0), network.logits(hidden), atol=0.02, rtol=0)
    assert network.passes(hidden, 3, 2).equal(network.passes(hidden, 3, 2))


def test_a_pass_depends_on_its_number_and_no_object_on_the_others():
    network = Classifier(options(dropout_layers=2), SHAPE, 2).eval()
    hidden = network.trunk(images())
    torch.testing.assert_close(network.passes(hidden, 9, 3)[:4], network.passes(hidden, 4, 3))
    torch.testing.assert_close(
        network.passes(hidden, 4, 3)[:, 5:7], network.passes(hidden[5:7], 4, 3)
    )


@pytest.mark.parametrize("coefficient", [0.5, 2.0, 50.0])
def test_the_spectral_norm_is_bounded_and_smaller_ones_stay(coefficient):
    weight = torch.randn(8, 5, generator=torch.Generator().manual_seed(0))
    bound = SpectralBound(weight, coefficient, torch.Generator().manual_seed(1)).eval()
    norm = torch.linalg.matrix_norm(weight, 2)
    expected = min(float(norm), coefficient)
    assert torch.linalg.matrix_norm(bound(weight), 2) == pytest.approx(expected, rel=1e-3)


def test_all_layers_are_bounded_after_training():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (24, 20, 20, 1)).astype(np.uint8)
    y = np.arange(24) % 2
    changes = {"spectral_coefficient": 0.7, "epochs": 6, "learning_rate": 0.01}
    free = options(**changes | {"spectral_coefficient": None})
    norms = []
    for chosen in (options(**changes), free):
        network = train(Sample(x, y), Sample(x[:8], y[:8]), 2, chosen, 1).network
        layers = [m for m in network.modules() if isinstance(m, torch.nn.Linear | torch.nn.Conv2d)]
        norms.append([torch.linalg.matrix_norm(m.weight.flatten(1), 2).item() for m in layers])
    assert max(norms[0]) < 0.7 * 1.1 and max(norms[1]) > 0.7


def test_training_learns_keeps_the_best_and_is_the_same_again():
    rng = np.random.default_rng(1)
    y = np.arange(80) % 2
    x = rng.integers(0, 60, (80, 20, 20, 1))
    x[y == 1, 5:15, 5:15] += 120
    x = x.astype(np.uint8)
    chosen = options(epochs=40, learning_rate=3e-3, patience=5)
    first, again = (
        train(Sample(x[:60], y[:60]), Sample(x[60:], y[60:]), 2, chosen, 4) for _ in "ab"
    )
    np.testing.assert_array_equal(first.history, again.history)
    for name, value in first.network.state_dict().items():
        assert value.equal(again.network.state_dict()[name]), name
    assert first.history[:, 3].max() > 0.95
    z = (torch.as_tensor(x[60:]).permute(0, 3, 1, 2) / 255 - first.mean) / first.deviation
    loss = torch.nn.functional.cross_entropy(first.network(z), torch.as_tensor(y[60:]))
    assert loss.item() == pytest.approx(first.history[:, 2].min(), rel=1e-4)
    last = int(first.history[:, 2].argmin())
    assert len(first.history) in (40, last + 1 + 5), "it ends when validation stops to improve"
    few = dataclasses.replace(chosen, epochs=last + 4, patience=99, keep="last")
    trained = train(Sample(x[:60], y[:60]), Sample(x[60:], y[60:]), 2, few, 4)
    np.testing.assert_array_equal(trained.history, first.history[: last + 4])
    loss = torch.nn.functional.cross_entropy(trained.network(z), torch.as_tensor(y[60:]))
    assert loss.item() == pytest.approx(trained.history[-1, 2], rel=1e-4)
    assert loss.item() > trained.history[:, 2].min() * 1.001, "the last one isn't the best"


def test_a_training_that_diverges_says_so():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, (24, 20, 20, 1)).astype(np.uint8)
    y = np.arange(24) % 2
    chosen = options(epochs=6, learning_rate=1e30, keep="last")
    with pytest.raises(
        ValueError, match=r"^the loss in epoch \d is no finite number.*learning_rate"
    ):
        train(Sample(x, y), Sample(x[:8], y[:8]), 2, chosen, 1)


# --- splits


def split(labels, **changes):
    keywords = {
        "classes": {"one": ["a", "A"], "two": ["b"]},
        "train_labels": (),
        "split": "stratified",
        "test_fraction": 0.2,
        "n_folds": 5,
        "fold": 0,
        "validation_fraction": 0.25,
        "seed": 3,
    }
    return splits.roles(labels, np.array(["train"] * len(labels)), **keywords | changes)


LABELS = np.array(["a"] * 50 + ["A"] * 10 + ["b"] * 40 + ["hybrid"] * 7, dtype=object)


def test_hybrids_touch_no_training_and_labels_keep_their_shares():
    role = split(LABELS)
    assert set(role[LABELS == "hybrid"]) == {splits.OUTSIDE}
    for label, n in (("a", 50), ("A", 10), ("b", 40)):
        own = role[label == LABELS]
        assert (own == splits.TEST).sum() == n * 0.2
        assert abs((own == splits.VALIDATION).sum() - n * 0.2) <= 1
    assert not np.array_equal(role, split(LABELS, seed=4))


def test_objects_without_a_label_have_a_role_of_their_own():
    labels = np.append(LABELS, ["", ""]).astype(object)
    role = split(labels)
    assert set(role[-2:]) == {splits.UNLABELLED} and set(role[-9:-2]) == {splits.OUTSIDE}


def test_folds_test_each_object_once():
    tested = sum(
        (split(LABELS, split="folds", fold=i) == splits.TEST).astype(int) for i in range(5)
    )
    np.testing.assert_array_equal(tested, LABELS != "hybrid")


def test_only_some_labels_are_learned_from():
    role, whole = split(LABELS, train_labels=("a", "b")), split(LABELS)
    assert set(role[LABELS == "A"]) == {splits.TEST, splits.SPARE}
    np.testing.assert_array_equal(role == splits.TEST, whole == splits.TEST)
    assert splits.SPARE not in whole


def test_trainings_with_a_common_seed_of_the_test_share_it():
    one, other = (split(LABELS, seed=s, test_seed=9) for s in (3, 4))
    np.testing.assert_array_equal(one == splits.TEST, other == splits.TEST)
    assert not np.array_equal(one, other)


def test_a_class_without_objects_is_named():
    with pytest.raises(ConfigError, match=r"classes.two: found 'c', allowed: A, a, b, hybrid"):
        split(LABELS, classes={"one": ["a"], "two": ["c"]})
    with pytest.raises(ConfigError, match=r"classes.one: found 'aa', allowed: A, a, b, hybrid"):
        split(LABELS, classes={"one": ["a", "aa"], "two": ["b"]})
    with pytest.raises(ConfigError, match=r"classes.one: found 0 objects for training"):
        split(LABELS, train_labels=("b",))


# --- what follows from predictions


def predicted(n=60, k=3, d=5, members=3, seed=0):
    rng = np.random.default_rng(seed)
    passes = rng.normal(0, 2, (20, n, k))
    p = softmax(passes)
    return Predicted(
        logits=rng.normal(0, 2, (n, k)),
        mean_logits=passes.mean(0),
        p=p.mean(0),
        expected_entropy=entropy(p).mean(0),
        latent=rng.normal(0, 1, (n, d)),
        members=softmax(rng.normal(0, 2, (n, members, k))),
    )


def score(kind, found, classes, rows=None, **changes):
    module, chosen = registry.plugin("detectors", {"kind": kind, **changes}, "detectors")
    state = module.fit(found, chosen, 1, classes=classes)
    assert all(isinstance(v, np.ndarray) and v.dtype != object for v in state.values())
    return module.score(found if rows is None else found.rows(rows), chosen, state)


def some_classes(n=60, k=3):
    return np.where(np.arange(n) < n // 2, np.arange(n) % k, UNKNOWN)


@pytest.mark.parametrize("kind", ON_PREDICTIONS)
def test_every_measure_gives_one_number_for_each_object_by_itself(kind):
    found, classes = predicted(), some_classes()
    classes[:30] = found.p[:30].argmax(1)
    whole = score(kind, found, classes)
    assert whole.shape == (60,) and whole.dtype == np.float64 and np.isfinite(whole).all()
    part = score(kind, found, classes, slice(10, 20))
    np.testing.assert_allclose(part, whole[10:20], rtol=1e-9)
    assert score(kind, found, classes, slice(0, 0)).shape == (0,)


@pytest.mark.parametrize("kind", ON_PREDICTIONS)
def test_every_measure_survives_its_columns(kind):
    found, classes = predicted(), some_classes()
    classes[:30] = found.p[:30].argmax(1)
    columns = found.columns(["x", "y", "z"])
    again = Predicted.of(np.stack(list(columns.values()), axis=1), list(columns))
    np.testing.assert_allclose(score(kind, again, classes), score(kind, found, classes))


def test_columns_of_another_space_are_refused():
    with pytest.raises(ValueError, match=r"found columns code_00, allowed: those of a feature"):
        Predicted.of(np.zeros((2, 1)), ["code_00"])


def test_entropies_are_those_of_scipy_and_of_the_poster():
    found = predicted()
    np.testing.assert_allclose(
        score("predictive_entropy", found, None), scipy_entropy(found.p, axis=1)
    )
    assert entropy(np.array([0.5, 0.5])) == pytest.approx(np.log(2))
    assert entropy(np.array([1.0, 0.0])) == 0
    information = score("mutual_information", found, None)
    np.testing.assert_allclose(
        information,
        score("predictive_entropy", found, None) - score("expected_entropy", found, None),
    )
    assert (information >= 0).all(), "an entropy of means is no less than the mean of entropies"


def test_energy_and_disagreement_are_their_formulas():
    found = predicted()
    expected = -2 * np.log(np.exp(found.logits / 2).sum(1))
    np.testing.assert_allclose(score("energy", found, None, temperature=2.0), expected)
    mean = scipy_entropy(found.members.mean(1), axis=1)
    spread = scipy_entropy(found.members, axis=2).mean(1)
    np.testing.assert_allclose(score("ensemble_disagreement", found, None), mean - spread)
    alone = predicted(members=1)
    with pytest.raises(ValueError, match="found 1 networks, allowed: 2 or more"):
        score("ensemble_disagreement", alone, None)


def test_mahalanobis_distance_is_that_of_the_nearest_class():
    rng = np.random.default_rng(0)
    n = 4000
    classes = np.arange(n) % 2
    latent = rng.normal(0, [1.0, 3.0], (n, 2)) + np.where(classes[:, None], [20, 0], [0, 0])
    base = predicted(n)
    found = Predicted(**{**vars(base), "latent": latent})
    probe = found.rows(slice(0, 3))
    probe = Predicted(**{**vars(probe), "latent": np.array([[2.0, 0], [20, 6], [10, 0]])})
    module, chosen = registry.plugin("detectors", {"kind": "mahalanobis"}, "detectors")
    state = module.fit(found, chosen, 1, classes=classes)
    np.testing.assert_allclose(module.score(probe, chosen, state), [2, 2, 10], rtol=0.05)


def test_a_training_object_is_not_its_own_neighbour_whatever_the_layout():
    found, classes = predicted(300, d=84), np.zeros(300, int)
    columns = found.columns(["x", "y", "z"])
    again = Predicted.of(np.stack(list(columns.values()), axis=1), list(columns))
    nearest = score("latent_neighbours", again, classes, k=1)
    directions = found.latent / np.linalg.norm(found.latent, axis=1, keepdims=True)
    apart = np.linalg.norm(directions[:, None] - directions, axis=2) + 9 * np.eye(300)
    np.testing.assert_allclose(nearest, apart.min(axis=1))


def local_case():
    """A line of logits: neighbours of entropies around .3, and four objects to judge."""
    rng = np.random.default_rng(0)
    n = 41
    place = np.linspace(-1, 1, n)
    p1 = 0.9 + rng.normal(0, 0.01, n)
    p = np.stack([p1, 1 - p1], axis=1)
    base = predicted(n, k=2)
    logits = np.stack([place, np.zeros(n)], axis=1)
    found = Predicted(**{**vars(base), "logits": logits, "p": p})
    classes = np.where(np.arange(n) < 37, 0, UNKNOWN)
    found.logits[37:] = [[-0.5, 0.003], [-0.2, 0.003], [0.3, 0.003], [0.6, 0.003]]
    found.p[37:] = [[0.9, 0.1], [0.5, 0.5], [0.999, 0.001], [0.2, 0.8]]
    return found, classes


def test_local_entropy_by_hand():
    found, classes = local_case()
    value = score("local_entropy", found, classes, k=10, sides="above", least_spread=1e-9)
    known = np.flatnonzero(classes == 0)
    for i in (37, 38, 39, 40, 5):
        others = known[known != i]
        distance = np.linalg.norm(found.logits[others] - found.logits[i], axis=1)
        near = found.entropy()[others[np.argsort(distance)[:10]]]
        expected = (found.entropy()[i] - near.mean()) / near.std(ddof=1)
        assert value[i] == pytest.approx(expected), i
    both = score("local_entropy", found, classes, k=10, sides="both", least_spread=1e-9)
    np.testing.assert_allclose(both, np.abs(value))
    assert value[38] > 3 and value[39] < -3 and both[39] > 3 and abs(value[37]) < 3


def test_neighbours_are_correctly_classified_training_objects():
    found, classes = local_case()
    wrong = classes.copy()
    wrong[:10] = 1  # the mean softmax says 0
    module, chosen = registry.plugin("detectors", {"kind": "local_entropy"}, "detectors")
    state = module.fit(found, chosen, 1, classes=wrong)
    assert len(state["places"]) == 27
    np.testing.assert_array_equal(state["places"], found.logits[10:37])


def test_the_floor_the_global_spread_and_the_radius_of_local_entropy():
    found, classes = local_case()
    found.p[:37] = [0.95, 0.05]  # all neighbours alike
    floored = score("local_entropy", found, classes, least_spread=0.05)
    excess = np.abs(found.entropy()[38] - entropy(np.array([0.95, 0.05])))
    assert floored[38] == pytest.approx(excess / 0.05)
    found, classes = local_case()
    module, chosen = registry.plugin(
        "detectors", {"kind": "local_entropy", "spread": "global", "least_spread": 1e-9}, "x"
    )
    state = module.fit(found, chosen, 1, classes=classes)
    known = np.arange(37)
    means = []
    for i in (*known, 38):
        others = known[known != i]
        distance = np.linalg.norm(found.logits[others] - found.logits[i], axis=1)
        means.append(found.entropy()[others[np.argsort(distance)[:10]]].mean())
    deviation = np.std(found.entropy()[:37] - means[:37])
    assert state["deviation"] == pytest.approx(deviation)
    expected = abs(found.entropy()[38] - means[-1]) / deviation
    assert module.score(found, chosen, state)[38] == pytest.approx(expected)
    far = Predicted(**{**vars(found.rows(slice(37, 38))), "logits": np.array([[9.0, 0.0]])})
    for radius, n in ((None, 10), (1.0, 3)):
        module, chosen = registry.plugin(
            "detectors", {"kind": "local_entropy", "radius": radius, "least_spread": 1e-9}, "x"
        )
        state = module.fit(found, chosen, 1, classes=classes)
        near = found.entropy()[36 - np.arange(n)]
        expected = abs(far.entropy()[0] - near.mean()) / near.std(ddof=1)
        assert module.score(far, chosen, state)[0] == pytest.approx(expected)


def test_too_few_neighbours_give_no_score():
    found, classes = predicted(), np.full(60, UNKNOWN)
    classes[:4] = found.p[:4].argmax(1)
    assert np.isnan(score("local_entropy", found, classes, k=10)).all()


# --- calibration


def test_calibration_by_hand():
    p1 = np.array([0.55, 0.58, 0.72, 0.99, 0.97, 1.0])
    p = np.stack([p1, 1 - p1], axis=1)
    classes = np.array([0, 1, 0, 0, 0, 1])
    found = calibration(p, classes, n_bins=5)
    np.testing.assert_array_equal(found.n, [2, 0, 1, 0, 3])
    np.testing.assert_allclose(found.accuracy[[0, 2, 4]], [0.5, 1, 2 / 3])
    np.testing.assert_allclose(found.confidence[[0, 2, 4]], [0.565, 0.72, 0.98666667])
    expected = (2 * 0.065 + 1 * 0.28 + 3 * 0.32) / 6
    assert found.error == pytest.approx(expected, rel=1e-3)
    assert np.isnan(found.accuracy[1])


@pytest.mark.parametrize("true", [0.5, 1.0, 4.0])
def test_the_temperature_that_made_the_logits_is_found(true):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (20_000, 3))
    classes = (softmax(logits).cumsum(1) > rng.random((20_000, 1))).argmax(1)
    assert temperature(logits[None] * true, classes) == pytest.approx(true, rel=0.05)


def test_the_temperature_is_that_of_the_mean_softmax():
    rng = np.random.default_rng(0)
    passes = rng.normal(0, 3, (500, 2)) + rng.normal(0, 2, (30, 500, 2))
    classes = (softmax(passes).mean(0)[:, 1] > rng.random(500)).astype(int)

    def loss(t):
        return -np.log(softmax(passes / t).mean(0)[np.arange(500), classes]).mean()

    found = temperature(passes, classes)
    assert loss(found) <= min(loss(t) for t in (0.5, 0.8, 0.9, 1.0, 1.1, 1.25, 2.0))
    assert found < temperature(passes.mean(0)[None], classes) + 0.5


# --- trainings, and what they say together


def setting(**section):
    start = {"classes": {"one": ["a"], "two": ["b"]}}
    return build_setting(section, start, "uncertainty.settings.x")


def test_a_latin_hypercube_fills_every_stratum():
    ranges = {"spectral_coefficient": [0.1, 10.0], "dropout": [0.2, 0.6], "epochs": [1, 5]}
    drawn = drawn_options(setting(seeds=20, ranges=ranges), seed=1)
    assert len(drawn) == 20 and all(set(d) == set(ranges) for d in drawn)
    logs = np.sort([np.log(d["spectral_coefficient"] / 0.1) / np.log(100) for d in drawn])
    linear = np.sort([(d["dropout"] - 0.2) / 0.4 for d in drawn])
    for share in (logs, linear):
        np.testing.assert_array_equal(np.floor(share * 20), np.arange(20))
    assert all(isinstance(d["epochs"], int) for d in drawn)
    assert drawn == drawn_options(setting(seeds=20, ranges=ranges), seed=1)
    counts = np.bincount([d["epochs"] for d in drawn])
    np.testing.assert_array_equal(counts, [0, 4, 4, 4, 4, 4])


def test_whether_a_range_is_of_whole_numbers_is_the_options_matter():
    ranges = {"epochs": [20.0, 300.0], "spectral_coefficient": [1, 5], "learning_rate": ["1e-4", 1]}
    drawn = drawn_options(setting(seeds=20, ranges=ranges), seed=1)
    assert all(type(d["epochs"]) is int and 20 <= d["epochs"] <= 300 for d in drawn)
    assert all(d["spectral_coefficient"] % 1 for d in drawn)
    assert all(1e-4 <= d["learning_rate"] <= 1 for d in drawn)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"options": {"dropuot": 0.5}}, r"x.options.dropuot: found 'dropuot'.*mean 'dropout'"),
        ({"ranges": {"dropout": [0.1, 1.5]}}, r"x.ranges.dropout: found 1.5, allowed: 0..0.99"),
        (
            {"ranges": {"dropout": [0.5, 0.1]}},
            r"ranges.dropout: found \[0.5, 0.1\], allowed: the lo",
        ),
        ({"options": {"n_passes": 3}}, r"options: found 'n_passes', allowed: what may differ"),
        ({"ranges": {"rotate": [False, True]}}, r"ranges.rotate: found \[False, True\], allowed"),
        ({"ranges": {"dropout": 0.5}}, r"ranges.dropout: found 0.5, allowed: a list of two"),
        ({"options": {"dropout": 0}}, r"x: found a dropout of 0, its own or .* allowed: above 0"),
        ({"ranges": {"dropout": [0.1, "much"]}}, r"found \[0.1, 'much'\], allowed: a list of two"),
        ({"ranges": {"dropout": [0.1, 0.5]}, "seeds": 4}, r"x: seeds: found 4, allowed with ran"),
    ],
)
def test_a_faulty_setting_is_named(section, message):
    with pytest.raises(ConfigError, match=message):
        setting(**section)


def test_worth_of_a_measure_by_hand():
    score = np.array([1.0, 2, 3, 4, 5, 6, np.nan, 4])
    is_outlier = np.array([0, 0, 0, 0, 1, 1, 0, 1], bool)
    found = judging.judge(score, is_outlier)
    assert found["flagged"] == 2 and found["false_flags"] == 1
    assert found["auroc"] == pytest.approx((5 + 5 + 4.5) / 15)
    assert found["false_rate_limit"] == pytest.approx(1 - 0.05 ** (1 / 5))
    assert found["n_undefined"] == 1
    with pytest.raises(ValueError, match="found 3 outliers and 0 others"):
        judging.judge(score[is_outlier], np.ones(3, bool))


def test_the_bin_of_high_entropies_and_accuracies_by_hand():
    p = np.array([[0.9, 0.1], [0.45, 0.55], [0.5, 0.5], [0.55, 0.45], [0.2, 0.8]])
    found = judging.describe(
        p,
        p,
        entropy(p),
        np.array([0, 0, -1, 0, 1]),
        np.array(["training", "test", "outside", "test", "test"]),
        np.array([True, False, False, True, True]),
    )
    assert found["accuracy_all"] == 0.75 and found["accuracy_test"] == pytest.approx(2 / 3)
    assert found["accuracy_test_confident"] == 1
    high = [found[f"high_{k}"] for k in ("outliers", "wrong", "right")]
    assert high == [1, 1, 1]


def network(training, fold=0, test=range(6, 9), n=12, seed=0):
    rng = np.random.default_rng([seed, training, fold])
    role = np.array(["training"] * 9 + ["outside"] * 3, dtype=object)
    role[list(test)] = "test"
    objects = pd.DataFrame(
        {
            "training": training,
            "fold": fold,
            "object_id": [f"o{i}" for i in range(n)],
            "label": "x",
            "role": role,
            "class": np.where(np.arange(n) < 9, np.arange(n) % 2, -1),
        }
    )
    parts = rng.normal(0, 2, (1, n, 2)), rng.normal(0, 2, (8, n, 2)), rng.normal(size=(n, 3))
    return judging.Network(objects, *parts, temperatures=np.array([2.0]))


MEASURES = {
    name: registry.plugin("detectors", {"kind": name}, "detectors")
    for name in ("predictive_entropy", "ensemble_disagreement")
}


def test_ensembles_hold_five_trainings_of_the_same_test():
    found = [network(i) for i in range(7)]
    own = [n.logits.copy() for n in found]
    judging.add_ensembles(found)
    assert [len(n.logits) for n in found] == [5] + [1] * 6
    np.testing.assert_array_equal(found[0].logits, np.concatenate(own[:5]))
    np.testing.assert_array_equal(found[0].temperatures, [2.0] * 5)
    objects = pd.concat([judging.measured(n, MEASURES, [8]) for n in found])
    worth = judging.judged(objects, of_ensembles=["ensemble_disagreement"])
    plain = worth[~worth["scaled"]].groupby("measure")["training"].apply(list)
    assert plain["ensemble_disagreement"] == [0] and plain["predictive_entropy"] == list(range(7))
    p = softmax(np.concatenate(own[:5]))
    expected = judging.judge((entropy(p.mean(0)) - entropy(p).mean(0))[6:], np.arange(6, 12) >= 9)
    (row,) = worth[(worth["measure"] == "ensemble_disagreement") & ~worth["scaled"]].itertuples()
    assert row.auroc == pytest.approx(expected["auroc"])
    others = [network(i, test=range(i, i + 3)) for i in range(5)]
    judging.add_ensembles(others)
    assert [len(n.logits) for n in others] == [1] * 5


def test_measures_come_from_the_passes_and_the_temperature_asked_for():
    one = network(0)
    found = judging.measured(one, MEASURES, [3, 8])
    assert len(found) == 4 * 12 and judging.measures_of(found) == list(MEASURES)
    for n in (3, 8):
        for scaled in (False, True):
            rows = found[(found["n_passes"] == n) & (found["scaled"] == scaled)]
            p = softmax(one.passes[:n] / (2.0 if scaled else 1.0)).mean(0)
            np.testing.assert_allclose(rows["score_predictive_entropy"], entropy(p))
            assert not rows.loc[rows["role"] == "outside", "wrong"].any()
    assert found["score_ensemble_disagreement"].isna().all()


def test_folds_judge_every_object_once_and_unseen():
    folds = [network(0, fold=f, test=range(3 * f, 3 * f + 3)) for f in range(3)]
    objects = pd.concat([judging.measured(n, MEASURES, [8]) for n in folds])
    found = judging.judged(objects, of_ensembles=["ensemble_disagreement"])
    assert set(found["measure"]) == {"predictive_entropy"} and len(found) == 2
    plain = found[~found["scaled"]].iloc[0]
    assert (plain["n_others"], plain["n_outliers"]) == (9, 3)
    scores, is_outlier = [], []
    for f, one in enumerate(folds):
        value = one.predicted(8, scaled=False).entropy()
        scores += [*value[3 * f : 3 * f + 3], value[9 + f]]
        is_outlier += [False] * 3 + [True]
    expected = judging.judge(np.array(scores), np.array(is_outlier))
    assert plain[list(expected)].to_dict() == pytest.approx(expected)
    alone = [
        judging.judge(n.predicted(8, scaled=False).entropy(), np.arange(12) >= 9) for n in folds
    ]
    assert plain["flagged_all"] == np.mean([one["flagged"] for one in alone])
    assert plain["false_flags_all"] == np.mean([one["false_flags"] for one in alone])


def test_only_sigmas_lie_beyond_any_and_only_floors_are_counted():
    measures = {"local": (local_entropy, build(local_entropy.Options, {"k": 3}, "x"))} | MEASURES
    objects = judging.measured(network(0, test=range(3)), measures, [8])
    found = judging.judged(objects, of_ensembles=["ensemble_disagreement"], in_sigmas=["local"])
    found = found[~found["scaled"]].set_index("measure")
    assert found.loc["local", "beyond_all"] >= 0
    assert np.isnan(
        found.loc["predictive_entropy", ["beyond_all", "n_floored"]].astype(float)
    ).all()
    plain = objects[~objects["scaled"]]
    assert found.loc["local", "n_floored"] == plain["floored_local"].sum()


@pytest.mark.parametrize(("n", "is_defined"), [(4, False), (5, True)])
def test_neighbours_in_the_penultimate_layer_must_be_more_than_k(n, is_defined):
    found, options = predicted(), build(latent_neighbours.Options, {"k": 4}, "x")
    known = np.where(np.arange(len(found)) < n, 0, UNKNOWN)
    score = latent_neighbours.score(
        found, options, latent_neighbours.fit(found, options, 0, classes=known)
    )
    assert (np.isfinite(score) == is_defined).all()


def test_a_floor_stands_for_smaller_spreads():
    found = predicted()
    for least, expected in ((1e-12, 0), (10.0, len(found))):
        options = build(local_entropy.Options, {"least_spread": least}, "x")
        state = local_entropy.fit(found, options, 0, classes=found.p.argmax(axis=1))
        assert local_entropy.floored(found, options, state).sum() == expected


def test_objects_beyond_three_are_counted():
    role = np.array(["training", "test", "test", "outside", "outside"])
    found = judging.beyond(np.array([4.0, 5.0, np.nan, 3.0, 3.1]), role)
    assert found == {"outliers": 1, "test": 1, "learned": 1, "all": 2}


def test_flags_among_all_objects_are_a_networks_mean():
    role = np.array(["training", "test", "unlabelled", "outside", "outside"] * 2)
    fold = np.repeat([0, 1], 5)
    score = np.array([4.0, 1, 9, 5, 2, 0, 1, 9, 2, 2])
    assert judging.among_all(score, role, fold) == {"flagged_all": 1.5, "false_flags_all": 0.5}
    alone = judging.judge(score[[1, 3, 4]], np.array([False, True, True]))
    assert alone["false_flags"] == 0, "what was learned from counts"


def many(n=40, seed=0):
    """Trainings whose measure works the better the larger one option is."""
    rng = np.random.default_rng(seed)
    strength, other = rng.random(n), rng.random(n)
    judged = pd.DataFrame(
        {
            "setting": "sweep",
            "training": range(n),
            "n_passes": 8,
            "scaled": False,
            "measure": "local",
            "auroc": 0.5 + 0.3 * strength + rng.normal(0, 0.02, n),
            "flagged": np.round(10 * strength),
            "false_flags": 1.0,
            "flagged_all": 0.0,
            "false_flags_all": 1.0,
            "beyond_outliers": 1.0,
            "beyond_test": 0.0,
            "beyond_learned": 0.0,
            "beyond_all": np.round(20 * strength),
            "n_floored": np.nan,
            "n_undefined": 0.0,
        }
    )
    rival = judged.assign(measure="rival", auroc=judged["auroc"] - 0.1)
    classifiers = pd.DataFrame(
        {"training": range(n), "fold": 0, "strength": strength, "other": other, "temperature": 1.0}
        | {c: rng.random(n) for c in ("accuracy_test", "calibration_error", "validation_loss")}
        | {"n_iterations": rng.integers(1, 9, n)}
    )
    return pd.concat([judged, rival], ignore_index=True), classifiers


def test_what_makes_a_measure_work_is_found():
    judged, classifiers = many()
    found = comparing.explained(judged, classifiers, "local", ["strength", "other"], seed=1)
    rows = found[found["outcome"] == "auroc"].set_index("predictor")
    assert rows.loc["strength", "low"] > 0.8 > rows.loc["other", "high"]
    assert rows["importance"].idxmax() == "strength" and rows["forest_r2"].min() > 0.7
    assert rows["is_option"].sum() == 2 and np.isnan(rows.loc["temperature", "correlation"])
    above = found[found["outcome"] == "beyond_all"].set_index("predictor")
    assert above.loc["strength", "low"] > 0.8 > above.loc["other", "high"]
    same = found[found["outcome"] == "beyond_outliers"]  # does not vary
    assert same["correlation"].isna().all() and same["forest_r2"].isna().all()


def test_networks_are_summed_up_training_by_training():
    facts = pd.DataFrame({"setting": "folds", "training": [0, 0, 1, 1], "fold": [0, 1, 0, 1]})
    facts = facts.assign(**dict.fromkeys(comparing.OF_NETWORKS, 1.0))
    facts["accuracy_test"] = [0.6, 0.8, 0.8, 1.0]
    found = comparing.summarised_networks(facts, seed=1).set_index("quantity")
    row = found.loc["accuracy_test"]
    assert (row["n_trainings"], row["median"]) == (2, pytest.approx(0.8))
    assert row["mean_low"] == pytest.approx(0.7) and row["mean_high"] == pytest.approx(0.9)


def test_summaries_and_pairs_are_those_of_the_trainings():
    judged, _ = many()
    summary = comparing.summarised(judged, seed=1).set_index(["measure", "quantity"])
    own = judged[judged["measure"] == "local"]["auroc"]
    row = summary.loc[("local", "auroc")]
    assert (row["median"], row["n_trainings"]) == (pytest.approx(own.median()), 40)
    assert row["low"] == pytest.approx(np.percentile(own, 16))
    pairs = comparing.paired(judged, "local", seed=1).set_index(["reference", "quantity"])
    row = pairs.loc[("rival", "auroc")]
    assert row[["difference", "low", "high"]].tolist() == pytest.approx([0.1] * 3)


# --- the real radio galaxies


@pytest.mark.real_data
def test_who_learns_from_mirabest(tmp_path, monkeypatch):
    folder = os.environ.get("HOAG_DATA")
    if not folder:
        pytest.skip("HOAG_DATA is not set")
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((ROOT / "config" / "mirabest.yaml").read_text())
    survey = registry.load("surveys", "mirabest")
    frame = survey.list_objects(
        survey.Batch(), build(survey.Options, {"mirror": folder}, "s"), seed=1, name="all"
    )
    labels, published = (frame[c].to_numpy(dtype=object) for c in ("label", "split"))
    section = {k: v for k, v in config["features"]["classifier"].items() if k != "kind"}
    settings = config["uncertainty"]["settings"]
    for name, n_test, n_used in (("published", 153, 1069), ("confident", 153, 729)):
        chosen = build(classifier.Options, section | settings[name].get("options", {}), "x")
        role = pd.Series(classifier.role_of(labels, published, chosen, seed=3)).value_counts()
        assert role["outside"] == 34 and role["test"] == n_test, name
        assert role["training"] + role["validation"] == n_used, name
    folds = [
        classifier.role_of(
            labels,
            published,
            build(classifier.Options, section | settings["folds"]["options"] | {"fold": i}, "x"),
            seed=3,
        )
        for i in range(5)
    ]
    tested = np.sum([role == splits.TEST for role in folds], axis=0)
    assert tested.sum() == 1222 and tested.max() == 1
