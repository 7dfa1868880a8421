"""Trained networks on disk: weights as safetensors, what rebuilds them as JSON. No pickle."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import nn

from hoag.detectors.wgan import Networks
from hoag.files import atomic
from hoag.models.encoder import Options as EncoderOptions
from hoag.models.encoder.networks import Encoder
from hoag.models.wgan import Options as WganOptions
from hoag.models.wgan.inversion import freeze
from hoag.models.wgan.networks import Critic, Generator
from hoag.options import as_plain, build


def save(
    weights: str | Path, description: str | Path, networks: Mapping[str, nn.Module], **facts: Any
) -> None:
    """Write several networks into one weights file, and ``facts`` (options, shape) beside it."""
    tensors = {
        f"{name}.{key}": tensor.detach().cpu().contiguous()
        for name, network in networks.items()
        for key, tensor in network.state_dict().items()
    }
    plain = {k: as_plain(v) if hasattr(v, "__dataclass_fields__") else v for k, v in facts.items()}
    with atomic(weights) as private:
        save_file(tensors, private)
    with atomic(description) as private:
        private.write_text(json.dumps(plain, indent=1, sort_keys=True))


def load_wgan(weights: str | Path, description: str | Path) -> tuple[Generator, Critic]:
    """Generator and critic, frozen."""
    facts = json.loads(Path(description).read_text())
    options, shape = build(WganOptions, facts["options"], "options"), tuple(facts["shape"])
    generator, critic = Generator(options, shape), Critic(options, shape)
    _fill(weights, generator=generator, critic=critic)
    return generator, critic


def load_encoder(weights: str | Path, description: str | Path) -> Encoder:
    """The encoder, frozen."""
    facts = json.loads(Path(description).read_text())
    options = build(EncoderOptions, facts["options"], "options")
    encoder = Encoder(options.width, tuple(facts["shape"]), facts["n_latent"])
    _fill(weights, encoder=encoder)
    return encoder


def _fill(weights: str | Path, **networks: nn.Module) -> None:
    tensors = load_file(weights)
    for name, network in networks.items():
        own = {k.partition(".")[2]: v for k, v in tensors.items() if k.startswith(f"{name}.")}
        network.load_state_dict(own)
        freeze(network)


def load_networks(wgan: tuple[str, str], encoder: tuple[str, str], device: str) -> Networks:
    """All that scores an image, on one device, from (weights, description) of each."""
    generator, critic = load_wgan(*wgan)
    parts = (generator, critic, load_encoder(*encoder))
    return Networks(*(part.to(device) for part in parts))


def weights_digest(path: str | Path) -> str:
    """SHA-256 of a weights file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
