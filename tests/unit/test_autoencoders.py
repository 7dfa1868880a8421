"""Autoencoders against hand computations: penalties, noise, bounds, products of experts."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal as TorchNormal
from torch.distributions import kl_divergence

from hoag.features import autoencoder, mvae, network_losses, vae
from hoag.models._normal import Normal, log_likelihood, product, standard
from hoag.models.autoencoder.networks import Autoencoder
from hoag.models.autoencoder.regularisation import corrupted, density, jacobian_norm, spread
from hoag.models.autoencoder.training import AutoencoderTraining
from hoag.models.mvae.networks import MultimodalVAE
from hoag.models.mvae.training import MVAETraining
from hoag.models.vae.networks import VariationalAutoencoder
from hoag.models.vae.training import VAETraining, warmth
from hoag.options import ConfigError, build

pytestmark = pytest.mark.usefixtures("torch_at_rest")

SMALL = {"width": 4, "n_components": 4, "batch_size": 16, "iterations": 60, "learning_rate": 1e-2}


def random(seed=1):
    return torch.Generator().manual_seed(seed)


# --- any size


@pytest.mark.parametrize("shape", [(45, 64, 1), (220, 33, 3), (1, 7, 1)])
def test_any_size_is_taken_and_given_back(shape):
    y, x, c = shape
    network = Autoencoder(2, shape, 5)
    images = torch.rand(2, c, y, x)
    assert network.encoder(images).shape == (2, 5)
    assert network(images).shape == images.shape


# --- penalties


def tiny_encoder(seed=3):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)).double()


def test_norm_of_the_jacobian_is_autograd_s():
    encoder, x = tiny_encoder(), torch.randn(4, 1, 2, 3).double().requires_grad_()
    expected = torch.stack(
        [torch.autograd.functional.jacobian(encoder, row[None]).square().sum() for row in x]
    )
    # over all signs Hutchinson's estimator has no scatter left
    every = [torch.tensor(s).double().expand(4, 3) for s in itertools.product((-1, 1), repeat=3)]
    found = torch.stack([jacobian_norm(encoder(x), x, signs) for signs in every])
    torch.testing.assert_close(found.mean(dim=0), expected)
    assert found.std(dim=0).min() > 0.01  # a single draw is an estimate


def test_contraction_has_the_gradient_of_autograd_s_full_jacobian():
    encoder, x = tiny_encoder(), torch.randn(4, 1, 2, 3).double().requires_grad_()
    every = [torch.tensor(s).double().expand(4, 3) for s in itertools.product((-1, 1), repeat=3)]
    sum(jacobian_norm(encoder(x), x, signs).mean() for signs in every).backward()
    found = [p.grad / len(every) for p in encoder.parameters() if p.grad is not None]
    full = [torch.autograd.functional.jacobian(encoder, row[None], create_graph=True) for row in x]
    weights = list(encoder.parameters())
    expected = torch.autograd.grad(torch.stack(full).square().sum() / 4, weights, allow_unused=True)
    expected = [e for e in expected if e is not None]
    assert len(found) == len(expected) == 3  # the last bias moves no derivative
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("option", ["sparsity", "contraction"])
def test_penalties_cannot_be_had_for_free(option):
    """The same autoencoder costs the same, however its weights share out the codes' sizes."""
    options = autoencoder.Options(**SMALL, noise=0.0, **{option: 1.0})
    module = AutoencoderTraining(options, (16, 16, 3), 1.0, 1)
    x, network = torch.rand(6, 3, 16, 16), module.network
    before, error = module.loss(x, random())
    assert before > error
    sizes = torch.tensor([0.01, 1.0, 5.0, 100.0])
    with torch.no_grad():
        network.encoder.last.weight *= sizes[:, None]
        network.encoder.last.bias *= sizes
        network.decoder.expand.weight /= 100 * sizes
        network.decoder.expand.bias /= 100
        network.decoder.layers[0].weight *= 100
    after, same = module.loss(x, random())
    torch.testing.assert_close(same, error)
    torch.testing.assert_close(after, before)
    with torch.no_grad():  # nor by codes far from 0, which a decoder's bias undoes
        network.encoder.last.bias += 100 * sizes
    assert module.loss(x, random())[0] > before - 1e-3


def test_density_and_spread_of_codes_by_hand():
    codes = torch.tensor([[3.0, 0, 2, 0], [3, 0, -2, 0], [3, 0, 2, 0], [3, 8, -2, 0]])
    assert density(codes).item() == pytest.approx((1 + 0.5 + 1 + 0) / 4)
    torch.testing.assert_close(spread(codes)[1:3], torch.tensor([12**0.5, 2.0]))


def test_masking_sets_a_share_to_zero_and_gaussian_noise_has_its_size():
    x = 1 + torch.rand(50, 3, 20, 20)
    masked = corrupted(x, "masking", 0.3, random())
    kept = masked != 0
    assert torch.equal(masked[kept], x[kept])
    assert (~kept).float().mean().item() == pytest.approx(0.3, abs=0.01)
    noise = corrupted(x, "gaussian", 0.3, random()) - x
    assert noise.std().item() == pytest.approx(0.3, rel=0.02)
    assert abs(noise.mean().item()) < 0.005
    assert torch.equal(corrupted(x, "gaussian", 0.3, random()), x + noise)
    assert torch.equal(corrupted(x, "masking", 0.0, random()), x)


def test_masking_everything_is_refused():
    with pytest.raises(ConfigError, match=r"noise: found 1\.0, allowed for masking: below 1"):
        build(autoencoder.Options, {"noise": 1}, "features.codes")
    assert build(autoencoder.Options, {"noise": 1, "noise_kind": "gaussian"}, "f").noise == 1


def fitted(module, store, seed=1, **options):
    options = module.Options(**SMALL | options)
    state = module.fit(store, options, seed)
    return options, state, module.load(store.shape, options, state)


def test_sparse_codes_are_mostly_small(store):
    """Whatever their unit: the median of a code, relative to its root mean square."""
    typical = []
    for sparsity in (0.0, 0.3):
        codes = fitted(autoencoder, store, noise=0.0, sparsity=sparsity)[2].encode(store.images)
        middle, size = np.median(np.abs(codes), axis=0), np.sqrt(np.square(codes).mean(axis=0))
        typical.append((middle / size).mean())
    assert typical[1] < typical[0] / 1.5


def test_contractive_codes_feel_less_of_the_input(store):
    plain, contractive = (
        fitted(autoencoder, store, noise=0.0, contraction=weight)[2] for weight in (0.0, 1.0)
    )
    noisy = store.images ^ np.uint8(8)  # a small change of every pixel
    moved = []
    for trained in (plain, contractive):
        codes, others = trained.encode(store.images), trained.encode(noisy)
        moved.append(np.square((others - codes) / codes.std(axis=0)).mean())
    assert moved[1] < moved[0] / 2


def test_a_denoising_network_mends_what_is_masked(store):
    plain, denoising = (fitted(autoencoder, store, noise=size)[2] for size in (0.0, 0.5))
    holes = np.random.default_rng(1).random(store.images.shape) < 0.5
    masked = np.where(holes, 0, store.images).astype(np.uint8)
    errors = [
        np.square(t.reconstruct(masked) - store.images / 255).mean() for t in (plain, denoising)
    ]
    assert errors[1] < 0.85 * errors[0]


def test_reconstruction_error_is_that_of_the_reconstruction(store):
    for module in (autoencoder, vae):
        _, _, trained = fitted(module, store)
        error = trained.losses(store.images, 2)[:, 0]
        square = np.square(trained.reconstruct(store.images) - store.images / 255.0)
        np.testing.assert_allclose(error, square.mean(axis=(1, 2, 3)), rtol=1e-4)


def test_weights_of_another_network_are_refused_with_both_shapes(store):
    options, state, _ = fitted(autoencoder, store)
    other = dataclasses.replace(options, n_components=options.n_components + 1)
    pattern = r"^weights of [\w.]+: found shape \(.*\), allowed with these options and images: \("
    with pytest.raises(ValueError, match=pattern):
        autoencoder.load(store.shape, other, state)


# --- normal distributions


def normals(n=7, d=5, seed=2):
    mean, log_variance = torch.randn(2, n, d, generator=random(seed))
    return Normal(mean, log_variance)


def test_divergence_and_densities_are_torch_s():
    q = normals()
    own = TorchNormal(q.mean, torch.exp(q.log_variance / 2))
    prior = TorchNormal(torch.zeros(7, 5), torch.ones(7, 5))
    torch.testing.assert_close(q.divergence(), kl_divergence(own, prior).sum(dim=1))
    z = torch.randn(7, 5, generator=random())
    torch.testing.assert_close(q.log_density(z), own.log_prob(z).sum(dim=1))
    torch.testing.assert_close(standard(z), prior.log_prob(z).sum(dim=1))
    errors = TorchNormal(0.0, math.sqrt(0.3)).log_prob(z).sum(dim=1)
    torch.testing.assert_close(log_likelihood(z.square().sum(dim=1), 5, 0.3), errors)


def test_draws_have_the_mean_and_the_deviation():
    q = normals(1, 3)
    z = q.draw(torch.randn(200_000, 3, generator=random()))
    torch.testing.assert_close(z.mean(dim=0), q.mean[0], atol=0.02, rtol=0)
    torch.testing.assert_close(z.var(dim=0), q.log_variance[0].exp(), atol=0, rtol=0.02)


def test_product_of_experts_by_hand():
    # N(1, 1/2), N(4, 1/4) and the prior: precisions 2, 4, 1; (2 * 1 + 4 * 4) / 7
    experts = Normal(torch.tensor([[[1.0], [4.0]]]), torch.log(torch.tensor([[[0.5], [0.25]]])))
    both = product(experts, torch.tensor([[True, True]]))
    assert both.mean.item() == pytest.approx(18 / 7)
    assert both.log_variance.exp().item() == pytest.approx(1 / 7)
    first = product(experts, torch.tensor([[True, False]]))
    assert first.mean.item() == pytest.approx(2 / 3)
    assert first.log_variance.exp().item() == pytest.approx(1 / 3)
    none = product(experts, torch.tensor([[False, False]]))
    assert none.mean.item() == 0 and none.log_variance.item() == 0


# --- bounds on the evidence


class Affine(nn.Module):
    """z W^T + b."""

    def __init__(self, weight, bias):
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, z):
        return z @ self.weight.T + self.bias


class Guess(nn.Module):
    """Means and log variances that are affine in x."""

    def __init__(self, gain, shift, log_variance):
        super().__init__()
        self.gain, self.shift, self.log_variance = gain, shift, log_variance

    def forward(self, x):
        mean = (x - self.shift) @ self.gain.T
        return torch.cat([mean, self.log_variance.expand_as(mean)], dim=1)


def linear_model(noise_variance=0.4):
    """x = W z + b + noise with orthogonal columns of W; its exact posterior and evidence."""
    weight = torch.linalg.qr(torch.randn(6, 2, generator=random()).double())[0]
    weight, bias = weight * torch.tensor([1.5, 0.7]), torch.arange(6).double()
    network = VariationalAutoencoder(1, (16, 16, 1), 2)
    network.decoder = Affine(weight, bias)
    network.variance = torch.tensor(noise_variance).double()
    precision = 1 + weight.square().sum(dim=0) / noise_variance  # diagonal: columns are orthogonal
    exact = weight.T / noise_variance / precision[:, None], bias, -torch.log(precision)
    covariance = weight @ weight.T + noise_variance * torch.eye(6)
    evidence = torch.distributions.MultivariateNormal(bias, covariance)
    x = evidence.sample((20,))
    return network, exact, x, evidence.log_prob(x)


def test_bounds_meet_the_evidence_where_the_posterior_is_exact():
    network, exact, x, evidence = linear_model()
    network.encoder = Guess(*exact)
    bound, weighted = network.bounds(x, torch.randn(2000, 2, generator=random()).double()).T
    torch.testing.assert_close(bound, evidence, atol=0.15, rtol=0)
    torch.testing.assert_close(weighted, evidence)  # every weight is p(x)


def test_bounds_never_exceed_the_evidence_and_draws_tighten_the_weighted_one():
    network, (gain, shift, log_variance), x, evidence = linear_model()
    network.encoder = Guess(0.5 * gain, shift, log_variance + 0.8)  # a bad guess
    noise = torch.randn(80, 25, 2, generator=random()).double()
    one, five, all_of_them = (
        torch.stack([network.bounds(x, part[:k]) for part in noise]).mean(dim=0) for k in (1, 5, 25)
    )
    many = network.bounds(x, noise.flatten(0, 1))[:, 0]
    assert (many < evidence).all()
    loose, tight, tighter = (evidence - bounds[:, 1] for bounds in (one, five, all_of_them))
    assert (tighter > -0.1).all()
    assert loose.mean() > 2 * tight.mean() > 4 * tighter.mean() > 0


def test_the_divergence_s_weight_warms_up():
    options = vae.Options(beta=4.0, warm_up=10)
    found = [warmth(options, i) for i in (0, 4, 9, 100)]
    assert found == pytest.approx([0.4, 2.0, 4.0, 4.0])
    assert warmth(vae.Options(warm_up=0), 0) == 1
    assert warmth(vae.Options(warm_up=300, iterations=100), 49) == 1, "half of all at most"


def test_the_loss_of_a_step_is_the_negative_bound(store):
    options = vae.Options(**SMALL, warm_up=0)
    module = VAETraining(options, store.shape, 0.4, 1)
    seen = {}
    module.note = lambda _, **values: seen.update(values)
    module.optimizers = lambda: torch.optim.SGD(module.parameters(), lr=0.0)
    module.manual_backward = lambda loss: loss.backward()
    module.training_step((0, torch.as_tensor(store.images[:16])), 0)
    drawn = torch.Generator().manual_seed(vae_seed(1, 0))
    noise = torch.randn(16, 4, generator=drawn)
    x = torch.as_tensor(store.images[:16]).permute(0, 3, 1, 2).float() / 255 / 0.4
    q = module.network.posterior(x)
    rebuilt = module.network.decoder(q.draw(noise))
    errors = TorchNormal(rebuilt, math.sqrt(module.network.variance))  # that of this very batch
    bound = errors.log_prob(x).flatten(1).sum(dim=1) - q.divergence()
    assert seen["loss"].item() == pytest.approx(-bound.mean().item() / (3 * 32 * 32), rel=1e-4)
    assert seen["error"].item() == pytest.approx((rebuilt - x).square().mean().item(), rel=1e-4)


def vae_seed(seed, iteration):
    from hoag.seeds import sequence

    return sequence(seed, "vae", iteration)


# --- modalities


@pytest.fixture(scope="module")
def columns(store):
    """Total light and size of the drawn blobs, every fifth without its size."""
    light = store.images.mean(axis=(1, 2, 3))
    area = (store.images.max(axis=3) > 60).mean(axis=(1, 2))
    values = np.column_stack([light, 100 * area]).astype(np.float32)
    values[::5, 1] = np.nan
    return values


@pytest.fixture(scope="module")
def joint(store, columns):
    options = mvae.Options(**SMALL | {"iterations": 150}, columns=("light", "area"), warm_up=50)
    torch.set_num_threads(1)
    state = mvae.fit(store, options, 1, columns=columns)
    return options, state, mvae.load(store.shape, options, state)


def test_each_modality_is_found_from_the_other(store, columns, joint):
    trained = joint[2]
    nothing = np.full_like(columns, np.nan)
    light = trained.decode_columns(trained.encode(store.images, nothing))[:, 0]
    assert np.corrcoef(light, columns[:, 0])[0, 1] > 0.7
    images = trained.decode(trained.encode(None, columns))
    assert np.corrcoef(images.mean(axis=(1, 2, 3)), columns[:, 0])[0, 1] > 0.7


def test_samples_follow_the_column_that_is_given(columns, joint):
    trained = joint[2]
    low, high = np.quantile(columns[:, 0], [0.1, 0.9])
    dark, bright = (trained.sample(20, 1, {"light": value}) for value in (low, high))
    assert (
        trained.decode(bright).mean((1, 2, 3)) > trained.decode(dark).mean((1, 2, 3))
    ).mean() > 0.9
    np.testing.assert_array_equal(trained.sample(20, 1, {"light": low}), dark)
    assert not np.array_equal(trained.sample(20, 2, {"light": low}), dark)
    spread = np.nanstd(columns[:, 0])
    for codes, value in ((dark, low), (bright, high)):
        np.testing.assert_allclose(trained.decode_columns(codes)[:, 0], value, atol=0.1 * spread)
        free = trained.decode(trained.sample(20, 1)).std(axis=0).mean()
        assert trained.decode(codes).std(axis=0).mean() > 0.35 * free, "the samples are one image"


@pytest.mark.parametrize("value", [-9999, np.nan, np.inf])
def test_a_column_that_nothing_can_have_is_refused(store, columns, joint, value):
    with pytest.raises(ValueError, match=r"^light: found \S+, allowed: \S+ to \S+$"):
        joint[2].sample(3, 1, {"light": value})
    with pytest.raises(ValueError, match=r"^light: found \S+, allowed: \S+ to \S+$"):
        joint[2].change(store.images[:3], columns[:3], "light", value)


def test_changing_a_column_moves_what_it_should(store, columns, joint):
    trained = joint[2]
    rows = slice(0, 20)
    own = trained.encode(store.images[rows], columns[rows])
    brighter = trained.change(store.images[rows], columns[rows], "light", columns[:, 0].max())
    light = [trained.decode(codes).mean((1, 2, 3)) for codes in (own, brighter)]
    assert (light[1] > light[0]).mean() > 0.9
    same = trained.change(
        store.images[:1], columns[:1], "light", float(columns[0, 0])
    )  # as it is: nothing moves
    np.testing.assert_allclose(same, own[:1], atol=1e-5)


def test_a_missing_modality_changes_nothing_but_what_is_known(store, columns, joint):
    trained = joint[2]
    rows = np.arange(0, 40)
    whole = trained.encode(store.images[rows], columns[rows])
    # one object's missing value is no other's business
    lacking = columns[rows].copy()
    lacking[3] = np.nan
    again = trained.encode(store.images[rows], lacking)
    others = np.delete(rows, 3)
    np.testing.assert_allclose(again[others], whole[others], atol=1e-5)
    assert np.abs(again[3] - whole[3]).max() > 1e-3
    # and then its code is the image's own
    with torch.inference_mode():
        x = torch.as_tensor(store.images[3:4]).permute(0, 3, 1, 2).float() / 255 / trained.scale
        image = trained.network.image.posterior(x)
        precision = torch.exp(-image.log_variance)
    expected = (precision * image.mean / (1 + precision)).numpy()
    np.testing.assert_allclose(again[3:4], expected, atol=1e-4)
    # without image and columns nothing but the prior is left
    np.testing.assert_array_equal(trained.encode(None, lacking[3:4]), 0)
    losses = trained.losses(store.images[rows], 3, lacking)
    assert np.isnan(losses[3, 2:]).all()
    assert np.isfinite(np.delete(losses, 3, axis=0)[:, :4]).all()
    np.testing.assert_array_equal(np.isnan(losses[:, 4:]), np.isnan(lacking))
    assert np.isfinite(losses[3, :2]).all()


def test_the_joint_bound_is_that_of_torch_s_distributions(store, columns, joint):
    trained = joint[2]
    noise = trained_noise(trained)
    image, values = store.images[1:2], columns[1:2]
    scaled = torch.as_tensor((values - trained.mean) / trained.spread).float()
    x = torch.as_tensor(image).permute(0, 3, 1, 2).float() / 255 / trained.scale
    with torch.inference_mode():
        experts = trained.network.experts(x, scaled)
        q = product(experts, torch.ones(1, 3, dtype=torch.bool))
        terms = []
        for one in noise:
            z = q.draw(one)
            pixels = TorchNormal(
                trained.network.image.decoder(z), trained.network.image.variance.sqrt()
            )
            others = TorchNormal(trained.network.decode_columns(z), 0.1)
            terms.append(pixels.log_prob(x).sum() + others.log_prob(scaled).sum())
        bound = torch.stack(terms).mean() - q.divergence()[0]
    found = trained.losses(image, len(noise), values)[0, 1]
    assert -found == pytest.approx(bound.item(), rel=1e-4)


def trained_noise(trained):
    from hoag.models._trained import common_noise

    return common_noise(3, trained.n_components, "mvae")


def test_subsets_are_all_each_alone_and_random_ones_of_what_there_is(store):
    options = mvae.Options(columns=("a", "b"), n_subsets=2, width=1, n_components=2)
    module = MVAETraining(options, store.shape, 2, 1.0, 1)
    there = torch.ones(500, 3, dtype=torch.bool)
    there[0, 2] = False
    subsets = module._subsets(there, random())
    assert len(subsets) == 1 + 3 + 2
    assert torch.equal(subsets[0], there)
    for i, alone in enumerate(subsets[1:4]):
        assert torch.equal(alone[1:], torch.eye(3, dtype=torch.bool)[i].expand(499, 3))
    assert not any(s[0, 2] for s in subsets)
    for drawn in subsets[4:]:
        assert drawn[1:].float().mean(dim=0).numpy() == pytest.approx([0.5] * 3, abs=0.08)


def test_a_value_that_is_missing_trains_nothing(store):
    """The column's coder sees no gradient from that object."""
    module = MVAETraining(mvae.Options(**SMALL, columns=("a",)), store.shape, 1, 0.4, 1)
    module.note = lambda *_, **__: None
    module.optimizers = lambda: torch.optim.SGD(module.parameters(), lr=0.0)
    module.manual_backward = lambda loss: loss.backward()
    images = torch.as_tensor(store.images[:16])
    module.training_step((0, (images, torch.full((16, 1), torch.nan))), 0)
    grads = [p.grad for p in module.network.columns.parameters()]
    assert all(g is None or not g.any() for g in grads)
    assert module.network.image.encoder.last.weight.grad.any()


@pytest.mark.parametrize("known", [0, 1])  # the image alone, the column alone
def test_one_modality_alone_is_asked_for_the_other(store, known):
    module = MVAETraining(mvae.Options(**SMALL, columns=("a",)), store.shape, 1, 0.4, 1)
    module.note = lambda *_, **__: None
    module.optimizers = lambda: torch.optim.SGD(module.parameters(), lr=0.0)
    module.manual_backward = lambda loss: loss.backward()
    module._subsets = lambda *_: [torch.eye(2, dtype=torch.bool)[known].expand(16, 2)]
    module.training_step((1000, (torch.as_tensor(store.images[:16]), torch.ones(16, 1))), 0)
    image, (column,) = module.network.image, module.network.columns

    def learns(part):
        return any(p.grad is not None and bool(p.grad.any()) for p in part.parameters())

    assert learns(image.decoder) and learns(column.decoder)
    assert [learns(image.encoder), learns(column.expert)] == [known == 0, known == 1]


@pytest.mark.parametrize("stand_in", [-9999.0, 1e30])
def test_a_stand_in_for_a_missing_value_does_no_harm(store, columns, stand_in, caplog):
    spoiled = columns.copy()
    spoiled[3, 0] = stand_in
    options = mvae.Options(**SMALL | {"iterations": 150}, columns=("light", "area"), warm_up=50)
    with caplog.at_level("WARNING"):
        state = mvae.fit(store, options, 1, columns=spoiled)
    assert "light: 1 values lie so far out that they are taken for missing" in caplog.text
    trained = mvae.load(store.shape, options, state)
    assert np.isfinite(trained.encode(store.images, spoiled)).all()
    assert np.isfinite(trained.losses(store.images, 2, columns=spoiled)[:, :4]).all()
    light = trained.decode_columns(trained.encode(store.images, np.full_like(columns, np.nan)))
    assert np.corrcoef(np.delete(light[:, 0], 3), np.delete(columns[:, 0], 3))[0, 1] > 0.7


def test_columns_that_cannot_be_used_are_named(store, columns):
    with pytest.raises(ConfigError, match="columns: found none, allowed: one numeric column"):
        build(mvae.Options, {}, "features.joint")
    with pytest.raises(ConfigError, match="columns: found a, a, allowed: each once"):
        build(mvae.Options, {"columns": ["a", "a"]}, "features.joint")
    options = mvae.Options(columns=("light", "area"))
    with pytest.raises(ValueError, match="found no value of 'area' in the fit batches"):
        mvae.fit(store, options, 1, columns=columns * [1, np.nan])


def test_same_seed_same_network(store, columns):
    short = mvae.Options(**SMALL | {"iterations": 5}, columns=("light", "area"))
    first, again, other = (mvae.fit(store, short, s, columns=columns) for s in (1, 1, 2))
    name = "network/columns.0.decoder.0.weight"
    np.testing.assert_array_equal(first[name], again[name])
    assert (first[name] != other[name]).any()


# --- losses as features


def test_each_column_has_an_error_of_its_own(store, columns, joint):
    options, _, trained = joint
    names = mvae.loss_names(options)
    assert names[-2:] == ["light_given_image", "area_given_image"]
    losses = trained.losses(store.images, 2, columns=columns)
    nothing = np.full_like(columns, np.nan)
    expected = trained.decode_columns(trained.encode(store.images, nothing)) - columns
    own = np.square(expected / trained.spread)
    np.testing.assert_allclose(losses[:, -2:], own, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(losses[:, 3], np.nanmean(losses[:, -2:], axis=1), rtol=1e-5)


@pytest.mark.parametrize("module", [autoencoder, vae])
def test_losses_are_those_of_the_named_network(store, module):
    options, state, trained = fitted(module, store)
    kind = module.__name__.rpartition(".")[2]
    asked = network_losses.Options(network="codes", n_draws=3)
    section = {"kind": kind, **SMALL}
    own = network_losses.fit(store, asked, 1, network=section, network_state=state)
    assert network_losses.names(asked, own) == module.loss_names(options)
    x = network_losses.transform(store.images, asked, own)
    np.testing.assert_array_equal(x, trained.losses(store.images, 3))


def test_an_object_s_bound_does_not_depend_on_its_company(store):
    trained = fitted(vae, store)[2]
    whole = trained.losses(store.images, 4)
    np.testing.assert_array_equal(trained.losses(store.images[5:6], 4), whole[5:6])


def test_networks_of_the_columns_have_names_of_their_own():
    network = MultimodalVAE(mvae.Options(columns=("a", "b"), width=1), (16, 16, 1), 2)
    x, columns = torch.rand(3, 1, 16, 16), torch.randn(3, 2)
    assert network.experts(x, columns).mean.shape == (3, 3, 32)
    assert network.experts(None, columns).mean.shape == (3, 2, 32)
    torch.testing.assert_close(
        network.experts(x, columns).mean[:, 1:], network.experts(None, columns).mean
    )
