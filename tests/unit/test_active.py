"""Active learning: arrivals, answers, questions, what a ranking is worth, the network, rounds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import rankdata
from sklearn.metrics import matthews_corrcoef, roc_auc_score
from torch.nn import functional

from hoag import registry
from hoag.active import evaluation
from hoag.active.comparison import QUANTITIES, beside_published, by_round, in_pairs
from hoag.active.contract import RESERVE, Answers, Lesson, Predictions, class_order
from hoag.active.interest import Weights, split_questions, weights_of
from hoag.active.learners import _network, _together, ahunt, static
from hoag.active.learners._options import NetworkOptions
from hoag.active.oracle import Labels, Table
from hoag.active.protocol import Protocol, draw, needed
from hoag.active.rounds import Plugin, Situation, draw_objects, run_trial, run_trials, step
from hoag.active.strategies import mixed, most_anomalous, most_uncertain
from hoag.active.viewing import against_first, by_depth
from hoag.models import _augment
from hoag.options import ConfigError, build

START = {"a": 6, "b": 5}
ARRIVALS = ({"counts": {"a": 4, "b": 3, "odd": 2}},)


def protocol(**changes):
    section = {"start": START, "arrivals": ARRIVALS, "n_rounds": 3, "n_questions": 2}
    return build(Protocol, section | {"min_held_out": 3} | changes, "protocol")


def labels(a=60, b=60, odd=30, other=7):
    names = ["a"] * a + ["b"] * b + ["odd"] * odd + ["other"] * other
    return np.random.default_rng(0).permutation(np.array(names, dtype=object))


# --- what arrives


def test_a_draw_has_the_counts_of_the_protocol_and_holds_out_others():
    y, p = labels(), protocol()
    found = draw(p, y, seed=1, trial=4)
    assert found.n_known == 11 and found.ends == (20, 29, 38)
    assert sorted(y[found.order[:11]]) == ["a"] * 6 + ["b"] * 5
    for low, high in ((11, 20), (20, 29), (29, 38)):
        assert sorted(y[found.order[low:high]]) == ["a"] * 4 + ["b"] * 3 + ["odd"] * 2
    assert len(set(found.order) | set(found.held_out)) == len(found.order) + len(found.held_out)
    held = pd.Series(y[found.held_out]).value_counts().to_dict()
    assert held == {"a": 6, "b": 5, "odd": 3}, "the pool's fractions: 12, 9, 6"


def test_a_trial_s_objects_depend_on_its_number_alone():
    y = labels()
    first = draw(protocol(), y, seed=1, trial=4)
    again = draw(protocol(n_questions=1, interest=[{"weights": {"odd": 1}}]), y, seed=1, trial=4)
    np.testing.assert_array_equal(first.order, again.order)
    np.testing.assert_array_equal(first.held_out, again.held_out)
    assert set(draw(protocol(), y, seed=1, trial=5).order) != set(first.order)
    assert set(draw(protocol(), y, seed=2, trial=4).order) != set(first.order)


def test_what_is_held_out_shrinks_where_a_normal_class_is_scarce():
    available = {"a": 60, "b": 5 + 9 + 2, "odd": 30}
    assert needed(protocol(), available) == {"a": (18, 3), "b": (14, 2), "odd": (6, 3)}
    with pytest.raises(ConfigError, match=r"found 14 .* 'b', allowed: 15 or more \(14 .*, 1 held"):
        needed(protocol(), available | {"b": 14})
    with pytest.raises(ConfigError, match=r"found 8 .* 'odd', allowed: 9 or more"):
        needed(protocol(), available | {"odd": 8})


def test_arrivals_may_change_with_the_rounds():
    p = protocol(arrivals=[*ARRIVALS, {"from_round": 3, "counts": {"late": 5}}])
    assert p.counts(2) == ARRIVALS[0]["counts"] and p.counts(3) == {"late": 5}
    assert p.totals() == {"a": 8, "b": 6, "odd": 4, "late": 5}
    assert p.anomalies == ("odd", "late")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"start": {"a": 0}}, "start: found no object, allowed: 1 or more"),
        ({"start": {"a": -1}}, "start.a: found -1, allowed: 0 or more, whole"),
        ({"arrivals": []}, "arrivals: found nothing, allowed: one entry or more"),
        ({"arrivals": [{"counts": {"a": 3}}]}, "found no class that is not there at the start"),
        ({"arrivals": [3]}, "found 3, allowed: a mapping"),
        ({"n_questions": 10}, "n_questions: found 10 in each of 3 rounds, allowed: 27 in all"),
        ({"anomalies": ["a"]}, "anomalies: found 'a', allowed: ['odd'], which arrive"),
        ({"pool": "weekly"}, "pool: found 'weekly', allowed: cumulative, nightly"),
        ({"start": {0: 5}}, "found label 0, allowed: text (in quotes, if it is a number) other"),
        ({"start": {"reserve": 5}}, "found label 'reserve', allowed: text"),
        ({"classes": {"normal": ["a", "c"]}}, "classes.normal: found 'c', allowed: a, b, odd"),
        ({"classes": {"normal": 5}}, "classes.normal: found 5, allowed: "),
        ({"interest": [{"weights": {"odd": 0}}]}, "weights: found {'odd': 0}, allowed: at least"),
        ({"interest": [{"weights": {"odd": -1}}]}, "weights.odd: found -1, allowed: 0 or more"),
        (
            {"interest": [{"weights": {"od": 1}}]},
            "interest: found 'od', allowed: a, b, odd, reserve",
        ),
        (
            {"arrivals": [{"counts": {"a": 1}}, {"from_round": 9, "counts": {"odd": 1}}]},
            "found no class that is not there at the start",
        ),
    ],
)
def test_a_protocol_that_cannot_be_is_refused(changes, message):
    with pytest.raises(ConfigError) as caught:
        protocol(**changes)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_interest_is_relative_to_the_classes_that_answers_can_have():
    answers = Answers.of_classes(np.arange(3), np.array(["5", "9", "0"], dtype=object))
    weights = {RESERVE: 0.83, "5": 0.17, "9": 0.085}
    np.testing.assert_allclose(answers.as_interest(weights), [5, 2.5, 0])
    np.testing.assert_allclose(answers.as_interest({RESERVE: 1}), 0)


def test_labels_can_be_lumped_into_classes():
    p = protocol(classes={"normal": ["a", "b"]})
    found = draw_objects(np.zeros((157, 2), np.float32), labels(), p, seed=0, trial=0)
    assert set(found.classes) == {"normal", "odd"} and p.anomalies == ("odd",)


# --- interest and questions


def test_the_paper_s_rule_leaves_the_reserve_class_when_an_anomaly_is_found():
    assert weights_of((), 1, ["odd"], []) == {RESERVE: 1.0}
    assert weights_of((), 9, ["odd"], ["a", "b"]) == {RESERVE: 1.0}
    assert weights_of((), 9, ["odd", "late"], ["a", "late", "odd"]) == {"late": 1.0}


def test_the_last_rule_whose_conditions_hold_counts():
    rules = (
        Weights({RESERVE: 1.0}),
        Weights({RESERVE: 0.83, "5": 0.17}, found=("5",)),
        Weights({RESERVE: 0.125, "5": 0.125, "9": 0.75}, from_round=4, found=("5", "9")),
    )
    assert weights_of(rules, 3, ["5", "9"], ["9"]) == {RESERVE: 1.0}
    assert weights_of(rules, 3, ["5", "9"], ["9", "5"]) == {RESERVE: 0.83, "5": 0.17}
    assert weights_of(rules, 4, ["5", "9"], ["9", "5"])["9"] == 0.75


@pytest.mark.parametrize(
    ("n", "weights", "expected"),
    [
        (10, {"r": 0.83, "5": 0.17}, {"r": 8, "5": 2}),
        (10, {"r": 0.125, "5": 0.125, "9": 0.75}, {"r": 1, "5": 1, "9": 8}),
        (10, {"r": 1 / 3, "5": 1 / 3, "9": 1 / 3}, {"r": 4, "5": 3, "9": 3}),
        (0, {"r": 1.0}, {"r": 0}),
    ],
)
def test_questions_are_split_by_the_weights(n, weights, expected):
    assert split_questions(n, weights) == expected


def test_uncertain_means_likely_but_only_just():
    """Trap: nothing at or below p = 0.5 is uncertain in equation 1."""
    p = np.array([0.99, 0.52, 0.5001, 0.4999, 0.01, 0.7])
    logits = np.log(np.stack([1 - p, p], axis=1))
    found = Predictions(("a", RESERVE, "odd"), np.insert(logits, 1, -1e3, axis=1))
    chosen = most_uncertain.select(
        found, "odd", 6, np.ones(6, bool), most_uncertain.Options(), np.random.default_rng(0)
    )
    rho = 1 - 2 * (p - 0.5)
    assert (
        chosen[:4].tolist() == [2, 1, 5, 0] == np.argsort(-np.where(p > 0.5, rho, -1))[:4].tolist()
    )
    assert chosen[4:].tolist() == [3, 4]


def test_saturated_probabilities_do_not_tie():
    logits = np.array([[0.0, -50, 60], [0, -50, 61], [0, -50, 59]])
    found = Predictions(("a", RESERVE, "odd"), logits)
    assert (found.probabilities()[:, 2] == 1).all()
    assert np.argsort(found.of("odd")).tolist() == [2, 0, 1]
    assert found.of("unknown").tolist() == found.of(RESERVE).tolist()


def test_a_score_ranks_and_the_classes_ask():
    """As where a forest works in the latent space of a network that asks."""
    logits = np.array([[0.0, -9, 5], [0, -9, 0.1], [0, -9, -4]])
    found = Predictions(("a", RESERVE, "odd"), logits, score=np.array([0.1, 0.2, 0.3]))
    assert found.of("odd").tolist() == [0.1, 0.2, 0.3]
    chosen = {
        kind.__name__.rpartition(".")[2]: kind.select(
            found, "odd", 1, np.ones(3, bool), kind.Options(), np.random.default_rng(0)
        ).tolist()
        for kind in (most_uncertain, most_anomalous)
    }
    assert chosen == {"most_uncertain": [1], "most_anomalous": [2]}


# --- who answers


def test_the_oracle_errs_as_often_as_asked_and_always_alike():
    truth = np.array(["a", "b"] * 500, dtype=object)
    perfect = Labels(truth, 0.0, np.random.default_rng(0)).answer(np.arange(1000))
    assert (perfect.classes == truth).all()
    oracle = Labels(truth, 0.2, np.random.default_rng(0))
    first, again = (oracle.answer(np.arange(1000)).classes for _ in range(2))
    assert 0.15 < (first != truth).mean() < 0.25 and (first == again).all()


def test_a_person_s_last_word_holds_and_can_be_withdrawn():
    table = pd.DataFrame(
        {
            "object_id": ["x", "y", "z", "w", "x", "z", "w", "gone"],
            "class": ["odd", None, "a", "a", "a", None, "", "a"],
            "interest": [np.nan, 4.0, 1.0, 2.0, np.nan, np.nan, np.nan, np.nan],
        }
    )
    found = Table(table, np.array(["w", "x", "y", "z"])).answer(np.arange(4))
    assert found.index.tolist() == [2, 1] and found.classes.tolist() == ["", "a"]
    assert found.as_classes().tolist() == ["interesting", "a"]
    assert found.as_interest({"a": 0.5, "odd": 1.0}).tolist() == [4.0, 2.5]
    with pytest.raises(
        ValueError, match=r"among 5 answers such as 'y', allowed: ids such as 'x\.png'"
    ):
        Table(table, np.array(["x.png"]))


# --- what a ranking is worth


@pytest.mark.parametrize("seed", range(5))
def test_mcc_agrees_with_scikit_learn_s(seed):
    rng = np.random.default_rng(seed)
    score, positive = rng.normal(size=200), rng.random(200) < 0.1
    score[positive] += 1
    n = int(positive.sum())
    flagged = score > np.sort(score)[::-1][n]
    assert flagged.sum() == n
    expected = matthews_corrcoef(positive, flagged)
    assert evaluation.matthews_at_n(score, positive) == pytest.approx(expected, abs=1e-12)


def test_ties_at_the_threshold_flag_nobody():
    """Trap: saturated scores empty the top n."""
    positive = np.arange(10) < 3
    assert evaluation.matthews_at_n(np.ones(10), positive) == 0
    assert evaluation.matthews_at_n(positive.astype(float), positive) == 1
    tied = np.array([9.0, 8, 5, 5, 1, 1, 1, 1, 1, 1])
    assert evaluation.matthews_at_n(tied, positive) == matthews_corrcoef(positive, tied > 5)


def test_rank_weighted_score_by_hand():
    positive = np.array([1, 0, 1, 1, 0, 0], bool)
    score = np.array([6.0, 5, 4, 3, 2, 1])
    assert evaluation.rank_weighted_score(score, positive) == pytest.approx((3 + 1) / 6)
    assert evaluation.rank_weighted_score(positive.astype(float), positive) == pytest.approx(1)
    assert evaluation.rank_weighted_score(-score, positive) == pytest.approx(1 / 6)


def test_all_measures_are_nan_without_members_or_others():
    for positive in (np.zeros(4, bool), np.ones(4, bool)):
        found = evaluation.measure(np.arange(4.0), positive)
        assert all(np.isnan(v) for v in (found.mcc, found.auroc, found.rank_weighted))


# --- the network


def small(**changes):
    return build(ahunt.Options, {"epochs": 2, "batch_size": 8, "filters": [4, 4]} | changes, "x")


def pictures(n=30, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 12, 12, 1)).astype(np.uint8)


def known(n=20, classes=("a", "b")):
    return Answers.of_classes(np.arange(n), np.array([classes[i % len(classes)] for i in range(n)]))


def test_new_classes_come_after_the_reserve_class():
    assert class_order([], ["b", "a", "b"]) == ["a", "b", RESERVE]
    grown = class_order(["a", "b", RESERVE], ["a", "9", "5", "9"])
    assert grown == ["a", "b", RESERVE, "9", "5"]


@pytest.mark.parametrize("loss", ["softmax", "focal", "isomax"])
def test_a_grown_head_keeps_its_columns_bit_for_bit(loss):
    network = _network.Network((12, 12, 1), 3, small(loss=loss))
    before = {k: v.clone() for k, v in network.head.state_dict().items()}
    network.grow(5)
    after = network.head.state_dict()
    for name, value in before.items():
        assert torch.equal(after[name][: len(value)], value), name
    weight = after["weight" if loss != "isomax" else "prototypes"]
    assert weight.shape[0] == 5 and weight[3:].abs().min() > 0


def test_the_reserve_class_is_never_an_example():
    x = pictures()
    with pytest.raises(ValueError, match="found an answer 'reserve', allowed: any other class"):
        ahunt.learn(x, known(classes=("a", RESERVE)), small(), seed=0)
    state = ahunt.learn(x, known(), small(epochs=40, dropout=0.0), seed=0)
    found = ahunt.predict(x[:20], small(), state)
    reserve = found.probabilities()[:, found.classes.index(RESERVE)]
    assert reserve.max() < 0.2, "it is only pushed away"


@pytest.mark.parametrize("warm_start", [True, False])
def test_static_changes_nothing_but_the_head(warm_start):
    changes = {"epochs": 3, "batch_size": 8, "warm_start": warm_start}
    x, options = pictures(), build(static.Options, changes, "x")
    first = static.learn(x, known(), options, seed=0)
    second = static.learn(x, known(classes=("a", "b", "odd")), options, seed=1, previous=first)
    trunk = [k for k in first if k.startswith("w/trunk")]
    assert trunk and all(np.array_equal(first[k], second[k]) for k in trunk)
    assert not np.array_equal(first["w/head.weight"], second["w/head.weight"][:3])
    dynamic = ahunt.learn(x, known(), small(filters=[16, 8]), seed=1, previous=first)
    assert not np.array_equal(first[trunk[0]], dynamic[trunk[0]])


def test_every_class_is_drawn_as_often_as_the_largest():
    target = torch.tensor([0] * 7 + [1] * 3 + [3])
    counts = torch.bincount(target[_network.balanced(target, True)])
    assert counts.tolist() == [7, 7, 0, 7]
    rows = _network.balanced(target, True)
    assert set(rows.tolist()) == set(range(11)), "nobody is left out"
    assert _network.balanced(target, False).tolist() == list(range(11))


def test_focal_loss_by_its_formula():
    logits, target = torch.randn(50, 4, dtype=torch.float64), torch.randint(0, 4, (50,))
    p = logits.softmax(1)[torch.arange(50), target]
    expected = -((1 - p) ** 2 * p.log()).mean()
    found = _network.losses_of(logits, target, "focal").mean()
    torch.testing.assert_close(found, expected)


def test_isomax_logits_are_distances_of_unit_vectors():
    head = _network.IsoMaxHead(6, 3)
    latent = torch.randn(5, 6)
    units = functional.normalize(latent)[:, None] - functional.normalize(head.prototypes)[None]
    expected = -units.norm(dim=2)
    torch.testing.assert_close(head.eval()(latent), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(head.train()(latent), 10 * expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("side", [8, 13])
def test_the_trunk_is_convolution_relu_pooling_and_a_dense_layer(side):
    torch.manual_seed(0)
    trunk = _network.Trunk((side, side, 2), small(filters=[5, 3]))
    x = torch.rand(4, 2, side, side)
    plain = x
    for part in trunk.convolutions[::3]:
        plain = functional.relu(functional.conv2d(plain, part.weight, part.bias, padding=1))
        plain = functional.max_pool2d(plain, 2)
    plain = functional.relu(trunk.layers[-2](plain.flatten(1)))
    torch.testing.assert_close(trunk(x), plain)


def test_augmentation_stays_within_its_bounds():
    torch.manual_seed(0)
    image = torch.zeros(400, 1, 41, 41)
    image[:, :, 20, 32] = 1.0  # 12 px to the right of the middle
    image = functional.avg_pool2d(image, 3, stride=1, padding=1) * 9
    found = _augment.moved(image, _augment.moves(400, 10.0, 0.04, 0.04))[:, 0]
    y, x = torch.meshgrid(torch.arange(41.0) - 20, torch.arange(41.0) - 20, indexing="ij")
    mass = found.sum((1, 2))
    y0, x0 = (found * y).sum((1, 2)) / mass, (found * x).sum((1, 2)) / mass
    reach = np.hypot(12 * np.deg2rad(10), 0) + 0.04 * 41 + 12 * 0.045
    assert y0.abs().max() < reach and (x0 - 12).abs().max() < 0.04 * 41 * 1.05 + 12 * 0.06
    assert y0.abs().max() > 0.6 * reach and y0.std() > 0.5, "and it does move"
    still = _augment.moved(image, _augment.moves(400, 0.0, 0.0, 0.0))
    torch.testing.assert_close(still, image, rtol=1e-4, atol=1e-5)


def test_edges_are_repeated_beyond_the_image():
    bright = torch.ones(20, 1, 16, 16)
    torch.manual_seed(1)
    changes = _augment.moves(20, 45.0, 0.2, 0.2, flips=True)
    torch.testing.assert_close(_augment.moved(bright, changes), bright)


def test_passes_drop_the_same_units_for_all_objects():
    x, options = pictures(), small(n_passes=4, dropout=0.5)
    state = ahunt.learn(x, known(), options, seed=0)
    whole = ahunt.predict(x, options, state).passes
    part = ahunt.predict(x[3:8], options, state).passes
    np.testing.assert_allclose(part, whole[:, 3:8], atol=1e-6)
    assert whole.std(axis=0).max() > 1e-3, "dropout is active"


# --- rounds


def plugin(module, **changes):
    return Plugin(module, build(module.Options, changes, "x"))


def drawn(n=60):
    y = labels(n, n, 30, 0)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(len(y), 6)).astype(np.float32)
    x[y == "odd"] += 3
    x[y == "b", 0] -= 3
    return x, y


HOAG = registry.load("learners", "hoag")
RANDOM = registry.load("strategies", "random")


def test_hoag_asks_about_remote_objects_until_one_is_found():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 4)).astype(np.float32)
    x[50:53] = 9 * x[50:53]  # in directions like any other
    dull = Answers(np.arange(5), np.full(5, "dull", object), np.zeros(5))
    found = Answers(np.arange(6), np.array(["dull"] * 5 + ["odd"], object), np.eye(6)[5])

    def first(answers, **section):
        options = build(HOAG.Options, section, "x")
        state = HOAG.learn(x, answers, options, seed=1)
        return np.argsort(-HOAG.predict(x, options, state).of(RESERVE))[:3]

    for isolation in (0, 1):
        assert set(first(dull, remoteness=3, isolation=isolation)) == {50, 51, 52}
        assert set(first(dull, isolation=isolation)) != {50, 51, 52}
    np.testing.assert_array_equal(first(found, remoteness=3), first(found))


def test_hoag_asks_about_isolated_objects_until_one_is_found():
    """Ten directions are crowded, object 0 is alone in one; all are as far from the known ones."""
    rng = np.random.default_rng(0)
    x = np.repeat(np.eye(12)[1:11], 30, axis=0) + rng.normal(scale=0.03, size=(300, 12))
    x = np.concatenate([np.eye(12)[:1], x]).astype(np.float32)
    known = Answers.of_classes(np.arange(1, 6), np.array(["plain"] * 5))
    known = replace(known, interest=np.zeros(5))

    def first(isolation):
        options = build(HOAG.Options, {"isolation": isolation}, "x")
        found = HOAG.predict(x, options, HOAG.learn(x, known, options, seed=1))
        return found.odds(RESERVE).argmax()

    assert first(0.0) != 0 and first(1.0) == 0
    found = known.and_(Answers.of_classes([300], ["odd"]))
    without = build(HOAG.Options, {"isolation": 0}, "x")
    odds = [
        HOAG.predict(x, options, HOAG.learn(x, found, options, seed=1)).of(RESERVE)
        for options in (HOAG.Options(), without)
    ]
    np.testing.assert_array_equal(*odds)


def novelty_of(x, **changes):
    """Of every object, after the first two have been called plain; the known part left out."""
    known = replace(Answers.of_classes(np.arange(2), np.array(["plain"] * 2)), interest=np.zeros(2))
    options = build(HOAG.Options, changes, "x")
    state = HOAG.learn(x, known, options, seed=1)
    odds = HOAG.predict(x, options, state).of(RESERVE) / HOAG._NOVELTY
    without = build(HOAG.Options, changes | {"isolation": 0}, "x")
    state_without = HOAG.learn(x, known, without, seed=1)
    return odds - HOAG.predict(x, without, state_without).of(RESERVE) / HOAG._NOVELTY, state


def test_hoag_s_isolation_is_the_distance_to_the_nearest_others():
    """Columns of unequal size: an object's own cosine isn't 1 in single precision."""
    rng = np.random.default_rng(3)
    x = (rng.gamma(0.3, size=(200, 300)) * rng.gamma(0.2, size=300)).astype(np.float32)
    found, _ = novelty_of(x)
    away = (x - x.mean(axis=0, dtype=np.float64)).astype(np.float64)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    cosines = away @ away.T
    np.fill_diagonal(cosines, -2)
    expected = -np.sort(cosines, axis=1)[:, -5:].mean(axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_hoag_s_isolation_of_few_and_of_many_objects():
    rng = np.random.default_rng(4)
    alone, state = novelty_of(rng.normal(size=(2, 4)).astype(np.float32))
    assert np.isfinite(alone).all() and len(state["sample"]) == 2
    crowd = rng.normal(scale=0.1, size=(1500, 4)) + np.repeat([[1, 0, 0, 0], [0, 1, 0, 0]], 750, 0)
    _, state = novelty_of(crowd.astype(np.float32))
    assert len(state["sample"]) == 1000
    assert abs((state["sample"][:, 0] > 0).mean() - 0.5) < 0.05, "both halves are in the sample"


def test_a_trial_counts_what_was_asked_and_found():
    x, y = drawn()
    p = protocol(n_rounds=3, n_questions=2)
    seen = []
    rows = run_trial(
        x, y, p, plugin(HOAG), plugin(most_anomalous), seed=0, trial=0, watch=seen.append
    )
    assert [r["round"] for r in rows] == [1, 2, 3] and [r["n_asked"] for r in rows] == [2, 4, 6]
    assert rows[-1]["n_found"] >= 3 and rows[-1]["held_out_auroc"] > 0.9
    assert [len(r.rows) for r in seen[1:]] == [9, 18, 27]
    last = seen[-1]
    assert last.asked.sum() == 6 and (last.classes == y[last.rows]).all()
    assert (last.classes[last.asked] == "odd").sum() == rows[-1]["n_found"]


def test_the_same_seed_gives_the_same_trial_and_another_one_does_not():
    x, y = drawn()
    run = {"seed": 3, "trial": 2}
    first, again = (
        run_trial(x, y, protocol(), plugin(HOAG), plugin(most_anomalous), **run) for _ in range(2)
    )
    assert pd.DataFrame(first).equals(pd.DataFrame(again))
    other = run_trial(x, y, protocol(), plugin(HOAG), plugin(most_anomalous), seed=3, trial=3)
    assert not pd.DataFrame(first).equals(pd.DataFrame(other))


def test_a_nightly_pool_asks_about_the_round_s_own_objects():
    x, y = drawn()
    seen = []
    run_trial(
        x,
        y,
        protocol(pool="nightly"),
        plugin(HOAG),
        plugin(most_anomalous),
        seed=0,
        trial=0,
        watch=seen.append,
    )
    assert [len(r.rows) for r in seen[1:]] == [9, 9, 9]
    assert [int(r.asked.sum()) for r in seen[1:]] == [2, 2, 2]


def test_a_step_goes_on_from_a_saved_state_as_from_memory(tmp_path):
    x, y = drawn()
    answers = Answers.of_classes(np.arange(40), y[:40])
    free = np.arange(len(x)) >= 40
    learner, strategy = plugin(ahunt, epochs=1), plugin(most_anomalous)
    start = Situation(x, answers, {RESERVE: 1}, 3, free, state=None, seed=1)
    first = step(learner, strategy, start)
    np.savez(tmp_path / "state.npz", **first.state)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as file:
        saved = dict(file)
    ends = [
        step(
            learner,
            strategy,
            replace(start, weights={"odd": 2, RESERVE: 1}, state=state, seed=2),
        )
        for state in (first.state, saved)
    ]
    for target in ("odd", RESERVE):
        np.testing.assert_array_equal(ends[0].questions[target], ends[1].questions[target])
    asked = np.concatenate(list(ends[0].questions.values()))
    assert len(set(asked)) == 3 and free[asked].all()


def lessons(options, rounds=1):
    """Three trials with other numbers of objects and classes, after some rounds by themselves."""
    found = []
    for i, (n, classes) in enumerate([(20, "ab"), (27, "ab"), (24, "abc")]):
        state = None
        for r in range(rounds - 1):
            two = known(n, "ab")
            state = ahunt.learn(pictures(seed=i), two, options, seed=r, previous=state)
        found.append(Lesson(pictures(seed=i), known(n, classes), seed=10 + i, previous=state))
    return found


@pytest.mark.parametrize("loss", ["softmax", "focal", "isomax"])
@pytest.mark.parametrize("frozen", [False, True])
def test_learning_together_is_learning_one_by_one(loss, frozen):
    """One batch a pass, nothing drawn: the order in which objects come is of no account."""
    still = {"rotation_deg": 0, "shift": 0, "zoom": 0, "dropout": 0, "batch_size": 64}
    options = small(loss=loss, epochs=5, **still)
    given = lessons(options, rounds=2)
    found = _together.learn_together(given, options, frozen=frozen)
    for lesson, state in zip(given, found, strict=True):
        expected = _network.learn(
            lesson.x,
            lesson.answers,
            options,
            seed=lesson.seed,
            previous=lesson.previous,
            frozen=frozen,
        )
        assert set(state) == {k for k in expected if not frozen or "m/trunk" not in k}
        for name, value in state.items():
            if name == "classes":
                assert value.tolist() == expected[name].tolist()
                continue
            np.testing.assert_allclose(value, expected[name], rtol=2e-3, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("duplicate_hard", [False, True])
def test_who_learns_beside_it_changes_no_trial(duplicate_hard):
    options = small(duplicate_hard=duplicate_hard, dropout=0.3)
    given = lessons(options, rounds=2)
    found = _together.learn_together(given, options)
    for lesson, state in zip(given, found, strict=True):
        (alone,) = _together.learn_together([lesson], options)
        for name in set(alone) - {"classes"}:
            np.testing.assert_allclose(state[name], alone[name], rtol=1e-3, atol=1e-5)
    other = _together.learn_together([replace(given[0], seed=99)], options)[0]
    assert not np.allclose(other["w/head.weight"], found[0]["w/head.weight"], atol=1e-4)


def test_trials_side_by_side_learn_what_single_ones_learn():
    x, y = drawn()
    p = protocol(n_rounds=3, n_questions=7)
    learner = plugin(ahunt, epochs=30, dropout=0.1, batch_size=16, together=True)
    seen = []
    run = {"seed": 0, "watch": seen.append}
    rows = run_trials(x, y, p, learner, plugin(RANDOM), trials=[0, 4], **run)
    assert [(r["trial"], r["round"]) for r in rows] == [(t, r) for t in (0, 4) for r in (1, 2, 3)]
    assert [(r.number, r.trial) for r in seen] == [(n, t) for n in range(4) for t in (0, 4)]
    assert min(r["held_out_auroc"] for r in rows if r["round"] == 3) > 0.9
    (alone,) = (r for r in seen if (r.number, r.trial) == (3, 4))
    again = []
    one = {"seed": 0, "trial": 4, "watch": again.append}
    run_trial(x, y, p, learner, plugin(RANDOM), **one)
    np.testing.assert_array_equal(alone.rows, again[-1].rows)
    found = [r.predictions.of("odd") for r in (alone, again[-1])]
    assert np.corrcoef(*found)[0, 1] > 0.95


def test_nobody_learns_from_what_is_held_out(monkeypatch):
    x, y = drawn()
    plan = draw_objects(x, y, protocol(), seed=0, trial=0)
    held = {row.tobytes() for row in plan.held_x}
    seen = set()
    learn = HOAG.learn

    def watched(x, *args, **kwargs):
        seen.update(row.tobytes() for row in x)
        return learn(x, *args, **kwargs)

    monkeypatch.setattr(HOAG, "learn", watched)
    run_trial(x, y, protocol(), plugin(HOAG), plugin(most_anomalous), seed=0, trial=0)
    assert seen and not seen & held


def test_a_perfect_ranking_has_rank_one_everywhere():
    score = rankdata(np.arange(50)).astype(float)
    found = evaluation.measure(score, score > 40)
    assert (found.mcc, found.auroc, found.average_precision, found.rank_weighted) == (1, 1, 1, 1)


def test_network_options_have_the_paper_s_values():
    options = NetworkOptions()
    assert (options.n_latent, options.epochs, options.filters) == (64, 3, (16, 8))
    assert (options.rotation_deg, options.shift, options.zoom) == (10, 0.04, 0.04)
    assert (options.dropout, options.learning_rate, options.batch_size) == (0.6, 1e-3, 256)
    assert options.balance and options.warm_start and not options.duplicate_hard


# --- trials put together


def trials_of(*values, name="odd"):
    """Two rounds of each trial; the last one has the value."""
    measures = dict.fromkeys(QUANTITIES, 0.0) | {"n_asked": 10}
    rows = [
        measures
        | {
            "trial": t,
            "objects": str(t),
            "round": r,
            "class": name,
            "pool_mcc": v * r / 2,
            "n_found": 5 * r,
        }
        for t, v in enumerate(values)
        for r in (1, 2)
    ]
    return pd.DataFrame(rows)


def test_differences_are_of_the_same_trials_in_the_last_round():
    trials = {"a": trials_of(0.1, 0.5, 0.9), "b": trials_of(0.3, 0.7), "c": trials_of(0.0, 0.0)}
    table = in_pairs(trials, seed=1).set_index(["experiment", "reference", "quantity"])
    assert set(table.index.droplevel("quantity")) == {("b", "a"), ("c", "a"), ("c", "b")}
    row = table.loc[("b", "a", "pool_mcc")]
    assert row["n_trials"] == 2 and row["difference"] == pytest.approx(0.2)
    assert row["low"] == pytest.approx(0.2) and row["high"] == pytest.approx(0.2)
    assert table.loc[("c", "b", "pool_mcc"), "difference"] == pytest.approx(-0.5)
    assert table.loc[("c", "b", "found_per_question"), "difference"] == 0
    elsewhere = trials_of(0.1, 0.5).assign(objects="others")
    assert not len(in_pairs({"a": trials["a"], "d": elsewhere}, seed=1)), "not the same objects"


def views_of(*found, objects="x", asked=(10, 20, 40)):
    """A trial for each list of anomalies found by then."""
    rows = [
        {"trial": t, "objects": f"{objects}{t}", "class": "odd", "round": r + 1}
        | {"n_asked": n, "n_found": k}
        for t, trial in enumerate(found)
        for r, (n, k) in enumerate(zip(asked, trial, strict=True))
    ]
    return pd.DataFrame(rows)


def test_found_against_viewed_by_hand():
    table = by_depth({"a": views_of([2, 4, 4], [0, 2, 6])}, seed=1)
    rows = table.set_index(["n_viewed", "quantity"])
    assert rows.loc[(20, "n_found"), "mean"] == 3 and rows.loc[(40, "n_found"), "median"] == 5
    # trapezia from (0, 0): 10, 10 + 30, 40 + 80 and 0, 10, 10 + 80, over the objects viewed
    areas = rows.xs("area", level="quantity")["mean"]
    np.testing.assert_allclose(areas, [(1 + 0) / 2, (2 + 0.5) / 2, (3 + 2.25) / 2])
    steps = np.interp(np.arange(41), [0, 10, 20, 40], [0, 2, 4, 4])
    assert np.trapezoid(steps) / 40 == pytest.approx(3)
    assert (table["n_trials"] == 2).all()


def test_a_used_up_pool_is_viewed_once():
    table = by_depth({"a": views_of([1, 2, 2], asked=(10, 14, 14))}, seed=1)
    assert table["n_viewed"].tolist() == [10, 10, 14, 14]
    assert not len(by_depth({"a": views_of([1, 2, 2]).iloc[:0]}, seed=1)), "no trial, no curve"


def test_curves_are_compared_with_the_first_one_on_the_same_objects_and_depths():
    trials = {
        "first": views_of([1, 2, 3], [1, 1, 1], [0, 0, 0]),
        "second": views_of([2, 4, 6], [1, 3, 5]),
        "coarse": views_of([3, 7], asked=(20, 40)),
        "elsewhere": views_of([9, 9, 9], objects="y"),
    }
    table = against_first(trials, seed=1)
    assert set(table["experiment"]) == {"second", "coarse"}
    assert set(table["reference"]) == {"first"}
    rows = table.set_index(["experiment", "n_viewed", "quantity"])
    row = rows.loc[("second", 40, "n_found")]
    assert row["difference"] == 3.5 and row["n_trials"] == 2
    assert row["low"] >= 3 and row["high"] <= 4
    assert rows.loc["coarse"].index.get_level_values("n_viewed").unique().tolist() == [20, 40]
    assert not len(against_first({"alone": trials["first"]}, seed=1))


def test_published_numbers_stand_beside_the_last_round_and_alone_where_nothing_was_run():
    rounds = by_round({"ahunt": trials_of(0.8, 0.9), "new": trials_of(0.5)}, seed=1)
    published = pd.DataFrame(
        [("digits", "ahunt", "pool_mcc", 0.99), ("galaxies", "ahunt", "pool_mcc", 0.84),
         ("stars", "ahunt", "pool_mcc", 0.1)],
        columns=["dataset", "experiment", "quantity", "value"],
    )  # fmt: skip
    table = beside_published({"digits": rounds, "galaxies": None}, published)
    rows = table.set_index(["dataset", "experiment", "quantity"])
    ours = rows.loc[("digits", "ahunt", "pool_mcc")]
    assert ours["mean"] == pytest.approx(0.85) and ours["difference"] == pytest.approx(-0.14)
    assert 0.8 <= ours["low"] <= ours["mean"] <= ours["high"] <= 0.9
    assert np.isnan(rows.loc[("digits", "new", "pool_mcc"), "published"])
    assert rows.loc[("galaxies", "ahunt", "pool_mcc"), "n_trials"] == 0
    assert set(table["dataset"]) == {"digits", "galaxies"}
    alone = beside_published({"digits": rounds}, None)
    assert alone["published"].isna().all() and set(alone["experiment"]) == {"ahunt", "new"}


# --- the recipe


DETECTOR = registry.load("learners", "detector")
NEIGHBOURS = registry.load("learners", "neighbour_score")
PROCESS = registry.load("learners", "gp_expected_improvement")


@pytest.mark.parametrize(
    "kind", ["isolation_forest", "extended_isolation_forest", "local_outlier_factor"]
)
def test_a_detector_ranks_as_it_does_by_itself_until_objects_arrive(kind):
    x, _ = drawn()
    options = build(DETECTOR.Options, {"detector": {"kind": kind}}, "x")
    first = DETECTOR.learn(x, Answers.none(), options, seed=5)
    module, own = registry.plugin("detectors", {"kind": kind}, "x")
    alone = module.score(x, own, module.fit(x, own, 5))
    np.testing.assert_array_equal(DETECTOR.predict(x, options, first).score, alone)
    later = DETECTOR.learn(x, Answers.none(), options, seed=6, previous=first)
    assert all(np.array_equal(later[k], v) for k, v in first.items())
    more = np.concatenate([x, x[:5] + 1])
    grown = DETECTOR.learn(more, Answers.none(), options, seed=6, previous=first)
    assert len(grown["sample"]) == len(more)


def test_a_row_that_a_detector_cannot_score_comes_last():
    x, _ = drawn()
    options = build(DETECTOR.Options, {"detector": {"kind": "isolation_forest"}}, "x")
    state = DETECTOR.learn(x, Answers.none(), options, seed=1)
    score = DETECTOR.predict(np.where(np.arange(len(x))[:, None] == 3, np.nan, x), options, state)
    assert score.score.argmin() == 3


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_the_process_learns_in_any_unit(scale):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 3))
    interest = 5 / (1 + np.exp(-3 * x[:, 0]))
    answers = Answers(np.arange(80), np.full(80, "a", object), interest[:80])
    options, found = PROCESS.Options(), []
    for unit in (1.0, scale):
        vectors = (unit * x).astype(np.float32)
        state = PROCESS.learn(vectors, answers, options, seed=1)
        found.append(PROCESS.predict(vectors[80:], options, state).score)
    assert np.corrcoef(found[0], interest[80:])[0, 1] > 0.9
    np.testing.assert_allclose(found[1], found[0], atol=0.05)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"kind": "column", "column": "a"}, "detector.kind: found 'column', allowed: a detector"),
        ({"kind": "wgan"}, "detector.kind: found 'wgan'"),
        ({"kind": "isolaton_forest"}, "did you mean 'isolation_forest'"),
        ({"kind": "isolation_forest", "n_tree": 3}, "detector.n_tree"),
        ({}, "detector.kind"),
    ],
)
def test_a_detector_that_cannot_be_a_learner_is_refused(section, message):
    with pytest.raises(ConfigError, match=message):
        build(DETECTOR.Options, {"detector": section}, "x")


def anomaly_of(state, n_trees=20):
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(
        n_estimators=n_trees, bootstrap=True, random_state=int(state["forest_seed"])
    )
    return -forest.fit(state["sample"]).score_samples(state["sample"])


def test_the_neighbour_score_may_wait_for_its_first_answers():
    x, y = drawn()
    options = build(NEIGHBOURS.Options, {"n_first": 30, "n_trees": 20}, "x")
    few, many = (Answers.of_classes(np.arange(n), y[:n]) for n in (29, 30))
    state = NEIGHBOURS.learn(x, few, options, seed=1)
    before = NEIGHBOURS.predict(x, options, state).score
    forest = anomaly_of(state)
    np.testing.assert_array_equal(rankdata(before), rankdata(forest))
    later = NEIGHBOURS.learn(x, many, options, seed=2, previous=state)
    after = NEIGHBOURS.predict(x, options, later).score
    assert (rankdata(after) != rankdata(before)).any()
    np.testing.assert_array_equal(anomaly_of(later), forest, err_msg="no object has arrived")


def test_the_neighbour_score_is_the_published_formula():
    """Lochner & Bassett 2021, by scikit-learn's forests and scipy's tree, object by object."""
    from scipy.spatial import cKDTree
    from sklearn.ensemble import IsolationForest, RandomForestRegressor

    x, y = drawn()
    answered = np.arange(0, len(x), 9)
    interest = np.where(y[answered] == "odd", 5.0, np.arange(len(answered)) % 4)
    answers = Answers(answered, np.full(len(answered), ""), interest)
    options = build(NEIGHBOURS.Options, {"n_trees": 20, "alpha": 0.8}, "x")
    found = NEIGHBOURS.predict(x, options, NEIGHBOURS.learn(x, answers, options, seed=3)).score

    z = ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32)
    forest = IsolationForest(n_estimators=20, bootstrap=True, random_state=3).fit(z)
    anomaly = -forest.score_samples(z)
    anomaly = 5 * (anomaly - anomaly.min()) / np.ptp(anomaly)
    regression = RandomForestRegressor(20, random_state=3).fit(z[answered], interest)
    predicted = np.maximum(regression.predict(z), 0.1)
    distance = cKDTree(z[answered]).query(z)[0]
    distance /= distance.mean()
    factor = np.arctanh(0.1 + 0.85 * predicted / 5)
    expected = anomaly * np.tanh(np.exp(0.8 * distance) - 1 + factor)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(
        found[answered], (anomaly * (0.1 + 0.85 * predicted / 5))[answered], rtol=2e-5, atol=1e-6
    )


def test_scores_are_laid_on_the_range_of_0_to_5_and_clipped():
    found = NEIGHBOURS.converted(np.array([-0.5, 0.0, 0.25, 1.0, 2.0]), 0.0, 1.0)
    assert found.tolist() == [0, 0, 1.25, 5, 5]
    assert NEIGHBOURS.converted(np.array([0.3]), 0.3, 0.3).tolist() == [0]


def taught_process(x, index, interest, **options):
    """Predictions of the Gaussian process for all rows."""
    options = build(PROCESS.Options, options, "x")
    answers = Answers(index, np.full(len(index), ""), np.asarray(interest, dtype=float))
    return PROCESS.predict(x, options, PROCESS.learn(x, answers, options, seed=1))


@pytest.mark.parametrize("trade_off", [0.0, 0.5, 3.0])
def test_the_expected_improvement_is_the_mean_gain_over_the_best_answer(trade_off):
    """By drawing from the process: the mean of max(0, value - best - trade-off)."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    x = np.linspace(0, 10, 21, dtype=np.float32)[:, None]
    index, interest = np.array([0, 4, 8, 12]), [0, 1, 3, 5]
    found = taught_process(x, index, interest, trade_off=trade_off)
    process = GaussianProcessRegressor(Matern(4.0) + WhiteKernel()).fit(x[index], interest)
    mean, spread = process.predict(x, return_std=True)
    np.testing.assert_allclose(found.score, mean, rtol=1e-4, atol=1e-4)
    draws = mean + spread * np.random.default_rng(0).normal(size=(200_000, 1))
    gain = np.maximum(draws - 5 - trade_off, 0).mean(axis=0)
    np.testing.assert_allclose(found.acquisition, gain, atol=5e-3)


def test_the_strategy_asks_by_the_acquisition():
    scores = Predictions(score=np.array([3.0, 2, 1]), acquisition=np.array([0.1, 0.3, 0.2]))
    everybody, rng = np.ones(3, bool), np.random.default_rng(0)
    chosen = most_anomalous.select(scores, "odd", 2, everybody, most_anomalous.Options(), rng)
    assert chosen.tolist() == [1, 2]


@pytest.mark.parametrize("n_components", [None, 15])
def test_the_process_works_in_the_components_that_carry_the_spread(n_components):
    """As of a pretrained network: the first of 200 components hold nearly all there is to see."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 200)) * np.geomspace(10, 0.01, 200)
    odd = np.arange(500) % 10 == 0
    x[odd, 1] += 30
    index = np.arange(150)
    found = taught_process(
        x.astype(np.float32), index, np.where(odd[index], 5, 0), n_components=n_components
    )
    assert roc_auc_score(odd[150:], found.score[150:]) > 0.95


def test_of_more_answers_than_are_fitted_each_interest_stays():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 3)).astype(np.float32)
    odd = np.arange(900) % 2 == 0
    x[odd] += 3
    found = taught_process(x, np.arange(700), np.where(odd[:700], 5, 0), max_fit=40)
    assert roc_auc_score(odd[700:], found.score[700:]) > 0.95
    interest = np.repeat([0.0, 1, 5], [500, 3, 90])
    kept = interest[PROCESS._thinned(interest, 50, rng)]
    assert [(kept == level).sum() for level in (0, 1, 5)] == [23, 3, 24]


def test_hoag_parts_only_classes_of_interest_and_ranks_by_novelty_before_that():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (50, 5)).astype(np.float32)
    x[:40, 0] += 6
    x[40:, 1] += 6
    classes = np.array(["plain"] * 40 + ["odd"] * 10, dtype=object)
    start = Answers(np.arange(20), classes[:20], np.zeros(20))
    options = HOAG.Options()
    state = HOAG.learn(x, start, options, seed=0)
    novelty = HOAG.predict(x, options, state).of(RESERVE)
    assert novelty[40:].min() > np.quantile(novelty[:40], 0.9)
    both = np.r_[0:20, 40:45]
    answers = Answers.of_classes(both, classes[both])
    for interest, apart in ((5.0, True), (0.0, False)):
        graded = Answers(both, answers.classes, np.where(classes[both] == "odd", interest, 0.0))
        odds = HOAG.predict(x, options, HOAG.learn(x, graded, options, seed=0)).of("odd")
        assert (odds[45:].min() > odds[20:40].max()) == apart


def test_hoag_standardises_what_has_units_of_its_own():
    """Scaled columns change nothing with the option; without it the longest column rules."""
    x, y = drawn()
    answers = Answers.of_classes(np.arange(0, len(x), 3), y[::3])
    scaled = (x * np.array([1e4, *np.ones(x.shape[1] - 1)], np.float32)).astype(np.float32)
    found = {}
    for standardise in (False, True):
        options = HOAG.Options(standardise=standardise)
        both = [
            HOAG.predict(data, options, HOAG.learn(data, answers, options, seed=0)).logits
            for data in (x, scaled)
        ]
        found[standardise] = np.allclose(*both, rtol=1e-3, atol=1e-3)
    assert found == {False: False, True: True}


@pytest.mark.parametrize(("share", "expected"), [(0.0, [9, 8]), (0.5, [9, 5]), (1.0, [5, 4])])
def test_mixed_questions_go_to_the_surest_and_to_the_least_sure(share, expected):
    odds = np.arange(10) - 4.8  # nearest to 0: number 5, then 4
    predictions = Predictions(("plain", "odd", RESERVE), np.c_[0 * odds, odds, 0 * odds - 1e3])
    free, rng = np.ones(10, bool), np.random.default_rng(0)
    options = build(mixed.Options, {"uncertain": share}, "x")
    assert mixed.select(predictions, "odd", 2, free, options, rng).tolist() == expected
    below = Predictions(("plain", "odd", RESERVE), predictions.logits - [0, 10, 0])
    assert mixed.select(below, "odd", 2, free, options, rng).tolist() == [9, 8]
    free[9] = False
    assert 9 not in mixed.select(predictions, "odd", 5, free, options, rng)
