"""Encoder: images to the generator's latent vectors (Storey-Fisher et al. 2020, 3.2)."""

from dataclasses import dataclass

from hoag.options import option
from hoag.recipes import RECIPES


@dataclass(frozen=True)
class Options:
    """A straightforward convolutional network with a linear last layer.

    The published code ends in tanh(1e-7 x), tied to its rate of 1e-2, which keeps each latent
    number within (-1, 1); a linear layer leaves it free to follow the normal prior.
    """

    width: int = option(64, doc="Channels of the first layer; they double per layer.", minimum=1)
    iterations: int = option(5000, doc="Training steps.", minimum=1)
    batch_size: int = option(32, doc="Images a step.", minimum=1)
    learning_rate: float = option(1e-3, doc="Adam's rate.", minimum=0)
    beta1: float = option(0.5, doc="Adam's first decay.", minimum=0, maximum=0.9999)
    beta2: float = option(0.9, doc="Adam's second decay.", minimum=0, maximum=0.9999)
    recipe: str = option(
        "workshop", doc="Which score's loss it is trained on.", choices=tuple(RECIPES)
    )
    checkpoint_every: int = option(100, doc="Iterations between two checkpoints.", minimum=1)
