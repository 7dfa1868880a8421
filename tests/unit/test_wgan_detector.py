"""The WGAN's anomaly score: a property of the image alone, whatever is scored beside it."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from hoag import registry
from hoag.detectors import wgan
from hoag.detectors.wgan import Options, score, trajectory, weight_of
from hoag.models._layers import as_images, as_tensor
from hoag.models.wgan.trained import Networks
from hoag.options import ConfigError, build

pytestmark = pytest.mark.usefixtures("torch_at_rest")

BOTH = pytest.mark.parametrize("recipe", ["workshop", "journal"])


@pytest.fixture(scope="module")
def images(draw_store):
    return draw_store(n=21, seed=9).images


def fields(scored):
    return {f.name: getattr(scored, f.name) for f in dataclasses.fields(scored)}


def assert_identical(one, other):
    for name, values in fields(one).items():
        np.testing.assert_array_equal(values, getattr(other, name), err_msg=name)


def rows(scored, chosen):
    return wgan.Scored(*(values[chosen] for values in fields(scored).values()))


def test_detector_is_found_with_the_paper_s_defaults():
    module, options = registry.plugin("detectors", {"kind": "wgan"}, "detectors.wgan")
    assert module.TAKES == "images" and module.MODELS == ("wgan", "encoder")
    assert (options.recipe, options.steps, options.start) == ("workshop", 10, "encoder")
    assert weight_of(options) == 0.05
    assert weight_of(Options(recipe="journal")) == 0.3
    assert weight_of(Options(recipe="journal", weight=0.0)) == 0.0


@pytest.mark.parametrize("wrong", [{"recipe": "mse"}, {"beta1": 1.0}, {"steps": -1}, {"weight": 2}])
def test_options_that_adam_or_the_score_can_t_use_are_refused(wrong):
    with pytest.raises(ConfigError, match=f"detectors.wgan.{next(iter(wrong))}: found"):
        build(Options, wrong, "detectors.wgan")


@BOTH
def test_scores_have_their_shapes_and_parts(trained, images, recipe):
    options = Options(recipe=recipe, batch_size=16)
    scored = score(images, options, trained.networks, 1)
    assert scored.score.shape == scored.s_gen.shape == scored.s_disc.shape == (21,)
    assert {scored.score.dtype, scored.s_gen.dtype, scored.s_disc.dtype} == {np.dtype(float)}
    assert scored.z.shape == (21, 16) and scored.z.dtype == np.float32
    assert scored.reconstruction.shape == images.shape
    assert scored.reconstruction.dtype == np.uint8
    weight = weight_of(options)
    expected = (1 - weight) * scored.s_gen + weight * scored.s_disc
    np.testing.assert_allclose(scored.score, expected, rtol=1e-12)
    assert np.ptp(scored.score) > 0.1 * scored.score.mean()


def test_reconstruction_is_the_generator_s_image_at_z(trained, images):
    scored = score(images, Options(batch_size=16), trained.networks, 1)
    with torch.no_grad():
        made = trained.networks.generator(torch.as_tensor(scored.z))
    difference = scored.reconstruction.astype(int) - as_images(made)
    assert np.abs(difference).max() <= 1 and (difference != 0).mean() < 0.01
    pixels = (made - as_tensor(images)).square().mean((1, 2, 3))
    np.testing.assert_allclose(scored.s_gen, pixels.numpy(), rtol=1e-4)


@pytest.mark.parametrize(
    ("recipe", "batch_size"),
    [("workshop", 1), ("workshop", 5), ("workshop", 16), ("journal", 7), ("journal", 16)],
)
def test_a_score_does_not_depend_on_order_or_company(trained, images, recipe, batch_size):
    options = Options(recipe=recipe, batch_size=batch_size)
    whole = score(images, options, trained.networks, 1)
    order = np.random.default_rng(batch_size).permutation(len(images))
    assert_identical(score(images[order], options, trained.networks, 1), rows(whole, order))
    for alone in (7, 20):
        one = score(images[alone : alone + 1], options, trained.networks, 1)
        assert_identical(one, rows(whole, [alone]))
    company = np.random.default_rng(0).integers(0, 256, images.shape, dtype=np.uint8)
    company[::3] = images[::3]
    mixed = score(company, options, trained.networks, 1)
    assert_identical(rows(mixed, slice(None, None, 3)), rows(whole, slice(None, None, 3)))
    shards = [score(part, options, trained.networks, 1) for part in np.split(images, [3, 12, 19])]
    joined = np.concatenate([s.score for s in shards])
    np.testing.assert_array_equal(joined, whole.score)


@BOTH
@pytest.mark.parametrize("start", ["zero", "random"])
def test_other_starts_do_not_depend_on_the_place_either(trained, images, recipe, start):
    options = Options(recipe=recipe, start=start, batch_size=16)
    whole = score(images, options, trained.networks, 1)
    order = np.random.default_rng(3).permutation(len(images))[:13]
    assert_identical(score(images[order], options, trained.networks, 1), rows(whole, order))


def test_two_threads_keep_scores_apart_too(trained, images):
    options = Options(batch_size=7, steps=3)  # rows that two threads can't share evenly
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        whole = score(images[:7], options, trained.networks, 1)
        backwards = score(images[6::-1], options, trained.networks, 1)
    finally:
        torch.set_num_threads(before)
    assert_identical(backwards, rows(whole, slice(None, None, -1)))


@BOTH
def test_scores_agree_across_batch_sizes(trained, images, recipe):
    many = np.concatenate([images, images[:, ::-1, ::-1]])
    reference = score(many, Options(recipe=recipe, batch_size=128), trained.networks, 1).score
    for batch_size in (1, 16):
        other = score(many, Options(recipe=recipe, batch_size=batch_size), trained.networks, 1)
        np.testing.assert_allclose(other.score, reference, rtol=1e-3)
        assert spearmanr(other.score, reference).statistic > 0.9999


@BOTH
def test_noise_in_the_generator_is_off(trained, images, recipe, monkeypatch):
    options, some = Options(recipe=recipe, batch_size=16), images[:16]
    quiet = score(some, options, trained.networks, 1)
    monkeypatch.setattr(trained.networks.generator, "noise", 5.0)
    assert_identical(score(some, options, trained.networks, 1), quiet)


@BOTH
def test_amortised_is_the_encoder_s_guess(trained, images, recipe):
    options = Options(recipe=recipe, steps=0, batch_size=16)
    scored = score(images, options, trained.networks, 1)
    with torch.no_grad():
        z = trained.networks.encoder(as_tensor(images))
    np.testing.assert_allclose(scored.z, z.numpy(), rtol=1e-4, atol=1e-5)
    ten = score(images, Options(recipe=recipe, batch_size=16), trained.networks, 1)
    assert ten.score.mean() < scored.score.mean() and (ten.z != scored.z).any(axis=1).all()


@pytest.mark.parametrize(("start", "steps"), [("zero", 0), ("random", 0)])
def test_starts_are_what_they_say(trained, images, start, steps):
    options = Options(start=start, steps=steps, batch_size=16)
    z = score(images, options, trained.networks, 1).z
    assert (z == z[0]).all()
    assert (z[0] == 0).all() == (start == "zero")
    if start == "random":
        assert 0.5 < z[0].std() < 1.5
        assert (score(images, options, trained.networks, 2).z[0] != z[0]).all()


def test_trajectory_ends_at_the_score_and_begins_at_the_guess(trained, images):
    options = Options(batch_size=16)
    states = list(trajectory(images[:9], options, trained.networks, 1))
    assert len(states) == 11
    weight = weight_of(options)
    scored = score(images[:9], options, trained.networks, 1)
    np.testing.assert_array_equal(states[-1].score(weight)[:9].numpy(), scored.score)
    amortised = score(images[:9], Options(batch_size=16, steps=0), trained.networks, 1)
    np.testing.assert_array_equal(states[0].score(weight)[:9].numpy(), amortised.score)


def test_weight_moves_the_score_between_its_parts(trained, images):
    pixels, features = (
        score(images, Options(weight=w, steps=0, batch_size=16), trained.networks, 1)
        for w in (0.0, 1.0)
    )
    np.testing.assert_array_equal(pixels.score, pixels.s_gen)
    np.testing.assert_array_equal(features.score, features.s_disc)


def test_odd_images_score_higher(trained, images):
    """Half an image blanked, half inverted: what the generator never drew."""
    odd = images.copy()
    odd[:, :, 16:] = 255 - odd[:, :, 16:]
    usual = score(images, Options(batch_size=16), trained.networks, 1).score
    assert score(odd, Options(batch_size=16), trained.networks, 1).score.min() > np.median(usual)


def test_no_images_give_no_scores(trained):
    scored = score(np.empty((0, 32, 32, 3), np.uint8), Options(), trained.networks, 1)
    assert scored.score.shape == (0,) and scored.z.shape == (0, 16)
    assert scored.reconstruction.shape == (0, 32, 32, 3)


@pytest.mark.parametrize(("size", "channels"), [(48, 1), (64, 3)])
def test_other_sizes_and_grey_images(draw_store, size, channels):
    from hoag.models import wgan as gan
    from hoag.models._layers import freeze
    from hoag.models.encoder.networks import Encoder
    from hoag.models.wgan.networks import Critic, Generator

    store, chosen = draw_store(n=18, size=size, channels=channels), gan.Options(width=4)
    networks = (Generator(chosen, store.shape, 1), Critic(chosen, store.shape, 2))
    networks = Networks(*networks, Encoder(4, store.shape, chosen.n_latent, 3))
    for network in (networks.generator, networks.critic, networks.encoder):
        freeze(network)
    whole = score(store.images, Options(batch_size=16), networks, 1)
    part = score(store.images[15:], Options(batch_size=16), networks, 1)
    assert_identical(part, rows(whole, slice(15, None)))
