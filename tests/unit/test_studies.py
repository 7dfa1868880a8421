"""The three studies of the score as tables."""

from dataclasses import replace

import numpy as np
import pytest

from hoag import studies, tables
from hoag.detectors.wgan import Options, score

pytestmark = pytest.mark.usefixtures("torch_at_rest")

OPTIONS = Options(batch_size=16)


@pytest.fixture(scope="module")
def images(draw_store):
    return draw_store(n=20, seed=9).images


def values(table, quantity):
    rows = table[table["quantity"] == quantity]
    return dict(zip(rows["setting"], rows["value"], strict=True))


@pytest.mark.parametrize("name", ["scan_weights", "compare_starts", "follow_steps"])
def test_tables_have_their_schema(trained, images, name, tmp_path):
    table = getattr(studies, name)(images, OPTIONS, trained.networks, 1).assign(seed=1)
    tables.write("study", table, tmp_path / "study.csv")
    assert not table.duplicated(["study", "setting", "quantity"]).any()
    assert table["value"].notna().all()
    again = getattr(studies, name)(images, OPTIONS, trained.networks, 1)
    assert again.equals(table.drop(columns="seed"))


@pytest.mark.parametrize("weight", [None, 0.123])
def test_lambda_scan(trained, images, weight):
    options = Options(batch_size=16, weight=weight)
    table = studies.scan_weights(images, options, trained.networks, 1)
    rho = values(table, "spearman")
    chosen = 0.05 if weight is None else weight
    assert values(table, "lambda") == {"chosen": chosen}
    assert rho[f"{chosen:g}"] == 1
    assert [float(k) for k in rho] == sorted({*studies.WEIGHTS, chosen})
    assert all(-1 <= r < 1 or k == f"{chosen:g}" or r == 1 for k, r in rho.items())
    assert min(rho.values()) < 1


def test_starts_are_compared_with_the_encoder_s(trained, images):
    table = studies.compare_starts(images, OPTIONS, trained.networks, 1)
    assert set(table["setting"]) == {"encoder", "zero", "random"}
    for quantity in ("spearman", "ratio_16", "ratio_50", "ratio_84"):
        assert values(table, quantity)["encoder"] == 1
    for start, mean in values(table, "mean_score").items():
        scored = score(images, Options(batch_size=16, start=start), trained.networks, 1).score
        assert mean == scored.mean()
    ratio = scored / score(images, OPTIONS, trained.networks, 1).score  # the last one: random
    assert values(table, "ratio_50")["random"] == np.median(ratio)
    assert values(table, "ratio_16")["random"] <= values(table, "ratio_84")["random"]


def test_steps_are_followed_from_the_first_guess(trained, images):
    options = Options(batch_size=16, start="zero")
    table = studies.follow_steps(images, options, trained.networks, 1, n_steps=12)
    mean, rho = values(table, "mean_score"), values(table, "spearman")
    assert list(mean) == [str(i) for i in range(13)]
    for steps in (0, 4, 10):  # step 0 is the amortised score
        scored = score(images, replace(options, steps=steps), trained.networks, 1).score
        assert mean[str(steps)] == scored.mean()
    assert rho["10"] == 1 and rho["0"] < 1
    assert mean["10"] < mean["0"]


def test_steps_are_followed_as_far_as_the_score_goes(trained, images):
    options = Options(batch_size=16, steps=5)
    table = studies.follow_steps(images, options, trained.networks, 1, n_steps=3)
    assert values(table, "spearman")["5"] == 1
    assert len(table) == 12


def test_equal_scores_have_no_order(trained, images):
    table = studies.follow_steps(images[:1], OPTIONS, trained.networks, 1, n_steps=10)
    assert all(np.isnan(v) for v in values(table, "spearman").values())
    assert all(np.isfinite(v) for v in values(table, "mean_score").values())
