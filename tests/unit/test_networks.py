"""Shapes, first weights, noise and gradient penalty of the networks."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from hoag.models._layers import as_images, as_tensor, down, freeze, layout, up
from hoag.models._shape import check_shape
from hoag.models.autoencoder.networks import Autoencoder
from hoag.models.encoder.networks import Encoder
from hoag.models.wgan import Options
from hoag.models.wgan.networks import Critic, Generator, gradient_penalty
from hoag.options import ConfigError

SHAPES = [(s, s, c) for s in (32, 48, 96) for c in (1, 3)] + [(32, 48, 3)]

pytestmark = pytest.mark.usefixtures("torch_at_rest")


def random_images(n, shape, seed=0):
    y, x, c = shape
    return torch.rand(n, c, y, x, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", SHAPES)
def test_networks_take_and_give_what_they_say(shape):
    y, x, c = shape
    options = Options(width=4, n_latent=20)
    images = Generator(options, shape)(torch.randn(2, 20))
    assert images.shape == (2, c, y, x)
    critic = Critic(options, shape)
    assert critic(images).shape == (2,)
    assert critic.features(images).shape == (2, 32, y // 16, x // 16)
    assert Encoder(4, shape, 20)(images).shape == (2, 20)
    autoencoder = Autoencoder(4, shape, 7)
    assert autoencoder.encoder(images).shape == (2, 7)
    assert autoencoder(images).shape == images.shape


def test_the_paper_s_networks():
    options, shape = Options(), (96, 96, 3)
    generator, critic = Generator(options, shape), Critic(options, shape)
    assert generator.project.weight.shape == (8 * 64 * 6 * 6, 128)
    assert [tuple(w.weight.shape) for w in generator.layers] == [
        (512, 256, 5, 5),
        (256, 128, 5, 5),
        (128, 64, 5, 5),
        (64, 3, 5, 5),
    ]
    assert [tuple(w.weight.shape) for w in critic.layers] == [
        (64, 3, 5, 5),
        (128, 64, 5, 5),
        (256, 128, 5, 5),
        (512, 256, 5, 5),
    ]
    assert critic.judge.in_features == 512 * 6 * 6
    with torch.no_grad():
        assert critic.features(random_images(1, shape)).shape == (1, 512, 6, 6)


@pytest.mark.parametrize("side", [16, 32, 96])
def test_sizes_are_multiples_of_sixteen(side):
    check_shape((side, side, 3), "images")
    with pytest.raises(ConfigError, match=f"images: found images of {side} x {side + 8} px.* 16$"):
        check_shape((side, side + 8, 3), "images")


def test_generator_stays_within_the_range_of_an_image():
    generator = Generator(Options(width=4, n_latent=8), (32, 32, 3))
    images = generator(1000 * torch.randn(50, 8))
    assert 0 <= images.min() < 0.1 and 0.9 < images.max() <= 1


def test_generator_is_relus_and_a_sigmoid_over_its_layers():
    generator = Generator(Options(width=4, n_latent=8), (32, 32, 1), seed=2)
    z = torch.randn(3, 8)
    x = (z @ generator.project.weight.T + generator.project.bias).clamp(min=0)
    x = x.reshape(3, 32, 2, 2)
    for layer in generator.layers[:3]:
        x = layer(x).clamp(min=0)
    x = 1 / (1 + torch.exp(-generator.layers[3](x)))
    torch.testing.assert_close(generator(z), x)


def test_critic_s_layers_leak_a_fifth():
    critic = Critic(Options(width=4), (32, 32, 1), seed=2)
    images = random_images(3, (32, 32, 1))
    x = images
    for layer in critic.layers:
        x = layer(x)
        x = torch.where(x > 0, x, 0.2 * x)
    torch.testing.assert_close(critic.features(images), x)
    expected = (x.flatten(1) * critic.judge.weight).sum(1) + critic.judge.bias
    torch.testing.assert_close(critic(images), expected)


def test_upward_layers_are_the_adjoint_of_downward_ones():
    downward, upward = down(3, 5).double(), up(5, 3).double()
    upward.load_state_dict({"weight": downward.weight.data, "bias": torch.zeros(3).double()})
    nn.init.zeros_(downward.bias)
    x, y = torch.randn(2, 3, 12, 16).double(), torch.randn(2, 5, 6, 8).double()
    torch.testing.assert_close((downward(x) * y).sum(), (x * upward(y)).sum())


def test_first_weights_follow_the_published_formula():
    generator = Generator(Options(width=32), (32, 32, 3), seed=1)
    critic = Critic(Options(width=32), (32, 32, 3), seed=1)
    cases = [
        # fans: inputs that reach an output, outputs that an input reaches
        (generator.layers[0], 256 * 25 / 4, 128 * 25, 4),
        (critic.layers[3], 128 * 25, 256 * 25 / 4, 4),
        (critic.layers[0], 3 * 25, 32 * 25 / 4, 4),
        (generator.project, 128, 256 * 2 * 2, 2),
    ]
    for layer, fan_in, fan_out, gain in cases:
        weight = layer.weight.detach().double()
        deviation = math.sqrt(gain / (fan_in + fan_out))
        tolerance = 4 / math.sqrt(weight.numel())
        assert weight.std().item() == pytest.approx(deviation, rel=tolerance)
        assert abs(weight.mean().item()) < tolerance * deviation
        # uniform: nothing beyond sqrt(3) deviations, and the last tenth of the range as full
        bound = math.sqrt(3) * deviation
        assert weight.abs().max() <= bound * (1 + 1e-6)
        assert (weight.abs() > 0.9 * bound).double().mean() == pytest.approx(0.1, abs=tolerance)
        assert not layer.bias.any()


def test_first_weights_depend_on_the_seed_alone():
    def weights(seed):
        torch.rand(seed + 1)  # whatever the global generator has done before
        return nn.utils.parameters_to_vector(
            Critic(Options(width=4), (32, 32, 3), seed).parameters()
        )

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_noise_comes_after_the_second_layer_in_training_alone():
    generator = Generator(Options(width=16, n_latent=8, noise=0.1), (32, 32, 3))
    seen = []
    generator.layers[2].register_forward_pre_hook(lambda _layer, args: seen.append(args[0]))
    generator.layers[1].register_forward_pre_hook(lambda _layer, args: seen.append(args[0]))
    z = torch.randn(64, 8)
    quiet = generator(z)
    noisy = generator(z, torch.Generator().manual_seed(1))
    assert torch.equal(seen[0], seen[2])  # before the noise
    noise = seen[3] - seen[1]
    assert noise.std().item() == pytest.approx(0.1, rel=0.02)
    assert abs(noise.mean().item()) < 0.002
    assert not torch.equal(noisy, quiet)
    assert torch.equal(noisy, generator(z, torch.Generator().manual_seed(1)))
    assert torch.equal(quiet, generator(z))
    silent = Generator(Options(width=16, n_latent=8), (32, 32, 3))
    assert torch.equal(quiet, silent(z, torch.Generator().manual_seed(1)))


class Linear(nn.Module):
    """A critic whose gradient is known: its weights, wherever it is taken."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, x):
        return (x * self.weight).sum((1, 2, 3))


@pytest.mark.parametrize("norm", [0.0, 0.5, 1.0, 3.0])
def test_penalty_of_a_linear_critic_is_known(norm):
    weight = torch.randn(3, 8, 8)
    critic = Linear(norm * weight / weight.norm())
    real, fake = torch.rand(2, 6, 3, 8, 8)
    penalty = gradient_penalty(critic, real, fake, torch.rand(6, 1, 1, 1))
    assert penalty.item() == pytest.approx((norm - 1) ** 2, abs=1e-5)


@pytest.fixture
def small_critic():
    critic = Critic(Options(width=1), (16, 16, 1), seed=4).double()
    with torch.no_grad():
        critic.judge.weight.mul_(20)  # gradients of about one
    real, fake = torch.rand(2, 3, 1, 16, 16, generator=torch.Generator().manual_seed(8)).double()
    mix = torch.tensor([0.1, 0.5, 0.8]).double().view(3, 1, 1, 1)
    return critic, real, fake, mix


def penalty_by_differences(critic, real, fake, mix, step=1e-6):
    between = (mix * real + (1 - mix) * fake).flatten(1).numpy()
    norms = []
    for row in between:
        shifts = step * np.eye(row.size)
        images = torch.as_tensor(np.concatenate([row + shifts, row - shifts]))
        with torch.no_grad():
            values = critic(images.view(-1, 1, 16, 16)).numpy()
        norms.append(np.linalg.norm((values[: row.size] - values[row.size :]) / (2 * step)))
    return np.mean((np.array(norms) - 1) ** 2)


def test_penalty_agrees_with_finite_differences(small_critic):
    found = gradient_penalty(*small_critic).item()
    assert found == pytest.approx(penalty_by_differences(*small_critic), rel=1e-6)
    assert found > 1e-3


def test_penalty_s_own_gradient_agrees_with_finite_differences(small_critic):
    critic = small_critic[0]
    gradient_penalty(*small_critic).backward()
    for weight in (critic.judge.weight, critic.layers[0].weight, critic.layers[3].weight):
        place = np.unravel_index(weight.grad.abs().argmax().item(), weight.shape)
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                weight[place] += sign * 1e-6
            values.append(gradient_penalty(*small_critic).item())
            with torch.no_grad():
                weight[place] -= sign * 1e-6
        expected = (values[0] - values[1]) / 2e-6
        assert weight.grad[place].item() == pytest.approx(expected, rel=1e-4)
        assert abs(expected) > 1e-4


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_images_become_tensors_and_come_back(order):
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 32, 3), dtype=np.uint8)
    tensor = as_tensor(images, layout=order)
    assert tensor.dtype == torch.float32 and tensor.shape == (3, 3, 16, 32)
    assert tensor.is_contiguous(memory_format=order)
    np.testing.assert_allclose(tensor[1, 2].numpy(), images[1, ..., 2] / 255, rtol=1e-6)
    np.testing.assert_array_equal(as_images(tensor), images)
    np.testing.assert_array_equal(as_images(2 * tensor - 0.5)[images == 0], 0)
    np.testing.assert_array_equal(as_images(2 * tensor - 0.5)[images == 255], 255)


def test_float_images_are_not_rescaled():
    images = np.array([0.0, 3.5]).astype(np.float32).reshape(2, 1, 1, 1)
    assert as_tensor(images).flatten().tolist() == [0.0, 3.5]


def test_frozen_networks_give_the_same_and_want_no_gradient():
    critic, images = Critic(Options(width=8), (32, 32, 3)), random_images(4, (32, 32, 3))
    before = critic(images).detach()
    freeze(critic)
    assert not any(p.requires_grad for p in critic.parameters()) and not critic.training
    weight = critic.layers[1].weight
    assert weight.is_contiguous(memory_format=layout("cpu"))
    torch.testing.assert_close(critic(images), before)
