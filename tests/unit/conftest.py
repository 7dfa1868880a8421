"""Drawn images and networks trained on them for a moment, shared by the tests of the networks."""

from types import SimpleNamespace

import numpy as np
import pytest


class DrawnStore:
    """Blobs of random size, colour and place with a little noise, held in memory."""

    def __init__(self, n=64, size=32, channels=3, seed=5):
        rng = np.random.default_rng(seed)
        y, x = np.mgrid[:size, :size]
        y0, x0 = rng.uniform(0.4 * size, 0.6 * size, (2, n, 1, 1))
        scale = rng.uniform(0.06, 0.2, (n, 1, 1)) * size
        blob = np.exp(-((y - y0) ** 2 + (x - x0) ** 2) / (2 * scale**2))
        light = blob[..., None] * rng.uniform(80, 220, (n, 1, 1, channels))
        self.images = (light + rng.uniform(5, 20, light.shape)).astype(np.uint8)
        self.shape = self.images.shape[1:]
        self.object_ids = np.array([f"blob-{seed}-{i}" for i in range(n)], object)

    def __len__(self):
        return len(self.images)

    def read(self, indices):
        return self.images[np.asarray(indices, dtype=int)]


@pytest.fixture
def torch_at_rest():
    """A known global seed, and one thread: in small networks threads wait for one another."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.manual_seed(0)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def store():
    return DrawnStore()


@pytest.fixture(scope="session")
def draw_store():
    return DrawnStore


@pytest.fixture(scope="session")
def trained(store, tmp_path_factory):
    """A Wasserstein GAN after 100 iterations (``wgan``), and frozen networks that score."""
    from hoag.models import encoder, wgan
    from hoag.models._layers import freeze
    from hoag.models._training import Schedule, train
    from hoag.models.encoder.training import EncoderTraining
    from hoag.models.wgan.trained import Networks
    from hoag.models.wgan.training import train_wgan

    folder = tmp_path_factory.mktemp("trained")

    def quiet(_line):
        pass

    options = wgan.Options(
        n_latent=16, width=4, iterations=100, batch_size=8, critic_steps=3, learning_rate=1e-3
    )
    schedule = Schedule(options.iterations, 100, folder / "wgan.ckpt", threads=1, seed=3)
    gan = train_wgan(store, store.object_ids, store.shape, options, schedule, quiet)
    generator, critic = gan.generator, gan.critic
    for network in (generator, critic):
        freeze(network)
    chosen = encoder.Options(width=4, iterations=60, batch_size=8)
    schedule = Schedule(chosen.iterations, 60, folder / "encoder.ckpt", threads=1, seed=3)
    module = EncoderTraining(chosen, generator, critic, store.shape, 3)
    train(module, store, np.arange(len(store)), chosen.batch_size, schedule, quiet)
    freeze(module.encoder)
    networks = Networks(generator, critic, module.encoder)
    return SimpleNamespace(wgan=gan, encoder=module, networks=networks)
