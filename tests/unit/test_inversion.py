"""From an image back to its latent vector: the search and the two parts of the score."""

import itertools

import numpy as np
import pytest
import torch

from hoag.models._layers import as_tensor, freeze
from hoag.models.wgan import Options
from hoag.models.wgan.inversion import invert
from hoag.models.wgan.loss import loss_terms
from hoag.models.wgan.networks import Critic, Generator
from hoag.recipes import RECIPES

pytestmark = pytest.mark.usefixtures("torch_at_rest")

ADAM = {"n_steps": 10, "learning_rate": 0.1, "betas": (0.4, 0.9)}
BOTH = pytest.mark.parametrize("recipe", RECIPES)


def setting(recipe):
    return {"distance": RECIPES[recipe].distance, "weight": RECIPES[recipe].weight}


def search(networks, image, z, recipe, **changes):
    options = ADAM | setting(recipe) | changes
    return list(invert(image, z, networks.generator, networks.critic, **options))


@pytest.fixture(scope="module")
def images(store):
    return as_tensor(store.images[:12])


@pytest.fixture
def first(trained, images):
    with torch.no_grad():
        return trained.networks.encoder(images)


def test_recipes_are_the_published_ones():
    assert {k: (r.distance, r.weight) for k, r in RECIPES.items()} == {
        "workshop": ("mse", 0.05),
        "journal": ("l1_sum", 0.3),
    }


@pytest.mark.parametrize("distance", ["mse", "l1_sum"])
def test_loss_terms_are_means_of_squares_or_sums_of_absolutes(trained, images, distance):
    critic, generator = trained.networks.critic, trained.networks.generator
    reconstruction = generator(torch.randn(12, generator.n_latent))
    target = critic.features(images)
    s_gen, s_disc = loss_terms(reconstruction, images, target, critic, distance)
    for i in range(12):
        with torch.no_grad():
            pixels = (reconstruction[i] - images[i]).double().numpy().ravel()
            pair = critic.features(torch.stack([reconstruction[i], images[i]]))
        features = (pair[0] - pair[1]).double().numpy().ravel()
        assert pixels.size == 3 * 32 * 32 and features.size == 8 * 4 * 2 * 2
        if distance == "mse":
            expected = np.mean(pixels**2), np.mean(features**2)
        else:
            expected = np.abs(pixels).sum(), np.abs(features).sum()
        np.testing.assert_allclose([s_gen[i].item(), s_disc[i].item()], expected, rtol=1e-4)


@BOTH
def test_every_step_is_handed_over(trained, images, first, recipe):
    states = search(trained.networks, images, first, recipe)
    assert len(states) == 11
    assert torch.equal(states[0].z, first)
    for before, after in itertools.pairwise(states):
        assert not torch.equal(before.z, after.z)  # each keeps its own latent vector
    for state in (states[0], states[-1]):
        torch.testing.assert_close(trained.networks.generator(state.z), state.reconstruction)
        assert not state.reconstruction.requires_grad and not state.s_gen.requires_grad
    assert first.grad is None


@BOTH
def test_score_is_the_weighted_sum_in_double_precision(trained, images, first, recipe):
    state = search(trained.networks, images, first, recipe)[-1]
    weight = RECIPES[recipe].weight
    expected = (1 - weight) * state.s_gen.double() + weight * state.s_disc.double()
    assert state.score(weight).dtype == torch.float64
    assert torch.equal(state.score(weight), expected)


@BOTH
def test_ten_steps_lower_the_loss(trained, images, first, recipe):
    states = search(trained.networks, images, first, recipe)
    scores = [s.score(RECIPES[recipe].weight) for s in (states[0], states[-1])]
    assert (scores[1] < scores[0]).double().mean() > 0.7  # its rate of 0.1 can overshoot
    assert scores[1].mean() < scores[0].mean()


@BOTH
def test_a_generated_image_keeps_its_place(trained, recipe):
    generator = trained.networks.generator
    z = torch.randn(6, generator.n_latent)
    states = search(trained.networks, generator(z), z, recipe)
    assert max(s.score(0.5).max().item() for s in states) < 1e-9
    away = search(trained.networks, generator(z), z + 0.3, recipe)
    assert away[0].score(0.5).min() > 1e-6  # so zero isn't what everything gets
    assert (away[-1].score(0.5) < away[0].score(0.5)).all()


def adam_by_hand(gradient_of, z, *, n_steps, learning_rate, betas):
    """Kingma and Ba 2015, Algorithm 1, in numpy."""
    first = second = np.zeros_like(z)
    for step in range(1, n_steps + 1):
        gradient = gradient_of(z)
        first = betas[0] * first + (1 - betas[0]) * gradient
        second = betas[1] * second + (1 - betas[1]) * gradient**2
        corrected = first / (1 - betas[0] ** step), second / (1 - betas[1] ** step)
        z = z - learning_rate * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
    return z


@pytest.fixture(scope="module")
def precise(trained):
    """Copies of generator and critic in double precision."""
    copies = []
    for network in (trained.networks.generator, trained.networks.critic):
        options = trained.wgan.options
        copy = type(network)(options, (32, 32, 3)).double()
        copy.load_state_dict(network.state_dict())
        freeze(copy)
        copies.append(copy)
    return copies


@BOTH
def test_search_agrees_with_a_plain_loop_over_images(
    trained, precise, store, images, first, recipe
):
    """One image at a time, in double precision, with an optimiser written out."""
    generator, critic = precise
    weight, sums = {"workshop": (0.05, False), "journal": (0.3, True)}[recipe]
    found = search(trained.networks, images, first, recipe)[-1].score(weight).numpy()

    def loss_of(z, x):
        differences = generator(z) - x, critic.features(generator(z)) - critic.features(x)
        parts = [d.abs().sum() if sums else (d**2).mean() for d in differences]
        return (1 - weight) * parts[0] + weight * parts[1]

    for i, start in enumerate(first.double().numpy()):
        x = torch.as_tensor(store.images[i] / 255.0).permute(2, 0, 1)[None]

        def gradient_of(z, x=x):
            z = torch.as_tensor(z)[None].requires_grad_()
            return torch.autograd.grad(loss_of(z, x), z)[0][0].numpy()

        z = torch.as_tensor(adam_by_hand(gradient_of, start, **ADAM))[None]
        assert found[i] == pytest.approx(loss_of(z, x).item(), rel=1e-3)


@BOTH
def test_gradient_of_the_search_agrees_with_finite_differences(precise, store, recipe):
    generator, critic = precise
    x = as_tensor(store.images[:2]).double()
    start = torch.randn(2, generator.n_latent).double()
    # without memory of gradients, Adam's first step tells the gradient's sign
    options = setting(recipe) | {"n_steps": 1, "learning_rate": 1e-3, "betas": (0.0, 0.0)}
    moved = list(invert(x, start, generator, critic, **options))[1].z - start

    def losses(z):
        return next(invert(x, z, generator, critic, **options)).score(RECIPES[recipe].weight)

    shifts = 1e-6 * torch.eye(generator.n_latent).double()
    slopes = torch.stack([losses(start + s) - losses(start - s) for s in shifts], 1) / 2e-6
    expected = -1e-3 * slopes / (slopes.abs() + 1e-8)
    torch.testing.assert_close(moved, expected, rtol=1e-3, atol=1e-6)


def test_no_steps_are_the_first_guess(trained, images, first):
    (state,) = search(trained.networks, images, first, "workshop", n_steps=0)
    assert torch.equal(state.z, first)


@BOTH
def test_neighbours_leave_no_trace(trained, images, recipe):
    """Same rows, other company: not a bit differs."""
    z = torch.randn(16, trained.networks.generator.n_latent)
    batch = torch.cat([images, images[:4].flip(0)])
    company = torch.cat([images[:8], torch.rand(8, 3, 32, 32)])
    one = search(trained.networks, batch, z, recipe)[-1]
    other = search(trained.networks, company, z, recipe)[-1]
    assert torch.equal(one.z[:8], other.z[:8])
    assert torch.equal(one.s_gen[:8], other.s_gen[:8])
    assert torch.equal(one.s_disc[:8], other.s_disc[:8])


def test_search_needs_no_gradient_of_the_weights():
    options = Options(width=2, n_latent=4)
    generator, critic = Generator(options, (32, 32, 1)), Critic(options, (32, 32, 1))
    list(invert(torch.rand(2, 1, 32, 32), torch.randn(2, 4), generator, critic, **ADAM,
                **setting("workshop")))  # fmt: skip
    assert all(p.grad is None for n in (generator, critic) for p in n.parameters())
