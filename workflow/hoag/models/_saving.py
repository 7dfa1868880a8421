"""Trained networks on disk: weights as safetensors, what rebuilds them as JSON. No pickle."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import nn

from hoag.files import atomic
from hoag.models._layers import freeze
from hoag.options import as_plain


def save(
    weights: str | Path, description: str | Path, networks: Mapping[str, nn.Module], **facts: Any
) -> None:
    """Write several networks into one weights file, and ``facts`` (options, shape) beside it."""
    tensors = {
        f"{name}.{key}": tensor.detach().cpu().contiguous()
        for name, network in networks.items()
        for key, tensor in network.state_dict().items()
    }
    plain = {k: as_plain(v) if is_dataclass(v) else v for k, v in facts.items()}
    with atomic(weights) as private:
        save_file(tensors, private)
    with atomic(description) as private:
        private.write_text(json.dumps(plain, indent=1, sort_keys=True))


def load_weights(weights: str | Path, **networks: nn.Module) -> None:
    """Give each network the weights saved under its name, and freeze it."""
    tensors = load_file(weights)
    for name, network in networks.items():
        prefix = f"{name}."
        own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        network.load_state_dict(own)
        freeze(network)


def weights_digest(path: str | Path) -> str:
    """SHA-256 of a weights file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
