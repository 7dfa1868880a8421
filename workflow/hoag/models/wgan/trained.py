"""The trained networks that score an image, together."""

from dataclasses import dataclass

from hoag.models._layers import freeze
from hoag.models.encoder.networks import Encoder, load_encoder
from hoag.models.wgan.networks import Critic, Generator, load_wgan


@dataclass(frozen=True)
class Networks:
    """Generator, critic and encoder, frozen, on one device."""

    generator: Generator
    critic: Critic
    encoder: Encoder


def load_networks(wgan: tuple[str, str], encoder: tuple[str, str], device: str) -> Networks:
    """Load all from (weights, description) of each."""
    networks = (*load_wgan(*wgan), load_encoder(*encoder))
    for network in networks:
        freeze(network, device)
    return Networks(*networks)
