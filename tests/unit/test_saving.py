"""Trained networks survive their files, and the files hold arrays and text alone."""

import json
import os
import shutil

import numpy as np
import pytest
import torch
from safetensors import safe_open

from hoag import digests
from hoag.detectors import wgan as detector
from hoag.models import autoencoder, encoder, wgan
from hoag.models._layers import as_tensor
from hoag.models._saving import load_weights, save, weights_digest
from hoag.models.autoencoder.networks import Autoencoder
from hoag.models.encoder.networks import load_encoder
from hoag.models.wgan.networks import load_wgan
from hoag.models.wgan.trained import load_networks
from hoag.options import ConfigError

pytestmark = pytest.mark.usefixtures("torch_at_rest")


@pytest.fixture
def files(trained, tmp_path):
    """(weights, description) of the Wasserstein GAN and of the encoder."""
    pairs = [(tmp_path / f"{n}.safetensors", tmp_path / f"{n}.json") for n in ("wgan", "encoder")]
    gan, chosen = trained.wgan, trained.encoder.options
    networks = {"generator": gan.generator, "critic": gan.critic}
    save(*pairs[0], networks, options=gan.options, shape=[32, 32, 3])
    save(*pairs[1], {"encoder": trained.encoder.encoder}, options=chosen, shape=[32, 32, 3],
         n_latent=16)  # fmt: skip
    return pairs


def test_networks_give_the_same_after_a_round_trip(trained, store, files):
    images = as_tensor(store.images[:8], layout=torch.channels_last)
    z = torch.randn(8, 16)
    generator, critic = load_wgan(*files[0])
    assert torch.equal(generator(z), trained.networks.generator(z))
    assert torch.equal(critic(images), trained.networks.critic(images))
    assert torch.equal(load_encoder(*files[1])(images), trained.networks.encoder(images))


def test_scores_are_the_same_after_a_round_trip(trained, store, files):
    options = detector.Options(batch_size=16)
    networks = load_networks(*files, device="cpu")
    found = detector.score(store.images[:20], options, networks, 1)
    expected = detector.score(store.images[:20], options, trained.networks, 1)
    np.testing.assert_array_equal(found.score, expected.score)
    np.testing.assert_array_equal(found.reconstruction, expected.reconstruction)


def test_loaded_networks_are_frozen(files):
    networks = load_networks(*files, device="cpu")
    for network in (networks.generator, networks.critic, networks.encoder):
        assert not network.training
        assert not any(p.requires_grad for p in network.parameters())


def test_files_hold_arrays_and_text_alone(trained, files):
    for weights, description in files:
        for content in (weights.read_bytes(), description.read_bytes()):
            assert not content.startswith((b"\x80", b"PK")) and b"cnumpy" not in content
        with safe_open(weights, "pt") as file:
            assert file.metadata() is None and all("." in key for key in file.keys())  # noqa: SIM118
    facts = json.loads(files[0][1].read_text())
    assert facts["shape"] == [32, 32, 3]
    assert wgan.Options(**facts["options"]) == trained.wgan.options
    facts = json.loads(files[1][1].read_text())
    assert encoder.Options(**facts["options"]) == trained.encoder.options


def test_weights_of_another_network_are_refused(files, tmp_path):
    path, description = files[1]
    facts = json.loads(description.read_text())
    other = tmp_path / "other.json"
    other.write_text(json.dumps(facts | {"n_latent": 5}))
    with pytest.raises(RuntimeError, match="size mismatch for last"):
        load_encoder(path, other)
    with pytest.raises(RuntimeError, match="Missing key"):
        load_wgan(path, files[0][1])
    other.write_text(json.dumps(facts | {"options": facts["options"] | {"widht": 3}}))
    with pytest.raises(ConfigError, match="widht"):
        load_encoder(path, other)


def test_a_network_keeps_its_weights_under_any_name(tmp_path):
    first, second = (Autoencoder(4, (32, 32, 1), 3, seed) for seed in (1, 2))
    paths = tmp_path / "a.safetensors", tmp_path / "a.json"
    save(*paths, {"code": first, "coder": second}, options=autoencoder.Options())
    blank = [Autoencoder(4, (32, 32, 1), 3, 9) for _ in range(2)]
    load_weights(paths[0], code=blank[0], coder=blank[1])
    for found, expected in zip(blank, (first, second), strict=True):
        for name, weight in expected.state_dict().items():
            assert torch.equal(found.state_dict()[name], weight)


def test_digest_is_of_the_weights(files):
    assert weights_digest(files[0][0]) != weights_digest(files[1][0])
    assert len(weights_digest(files[0][0])) == 64


TRAINED = ("train_wgan", "check_wgan", "train_encoder", "score_images")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that may be edited."""
    copy = tmp_path / "workflow"
    shutil.copytree(digests.PACKAGE.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(digests, "PACKAGE", copy / "hoag")
    return copy


@pytest.mark.parametrize(
    ("edited", "rerun"),
    [
        ("detectors/wgan.py", {"score_images"}),
        ("models/wgan/inversion.py", {"score_images"}),
        ("models/encoder/networks.py", {"train_encoder", "score_images"}),
        ("models/wgan/loss.py", {"train_encoder", "score_images"}),
        ("models/wgan/checks.py", {"check_wgan"}),
        ("models/wgan/networks.py", set(TRAINED)),
    ],
)
def test_an_edit_trains_again_only_what_it_touches(package, edited, rerun):
    scripts = {name: package / "scripts" / f"{name}.py" for name in TRAINED}
    before = {name: digests.code_digest(path) for name, path in scripts.items()}
    module = package / "hoag" / edited
    time = module.stat().st_mtime_ns
    module.write_text(module.read_text() + "\nSOMETHING = 1\n")
    os.utime(module, ns=(time + 10**9, time + 10**9))  # not to be taken for the file before
    after = {name: digests.code_digest(path) for name, path in scripts.items()}
    assert {name for name in scripts if after[name] != before[name]} == rerun
