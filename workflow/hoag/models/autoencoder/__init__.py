"""Convolutional autoencoder (Storey-Fisher et al. 2020, 4.1): an image to a few numbers."""

from dataclasses import dataclass

from hoag.options import option


@dataclass(frozen=True)
class Options:
    """Four layers down to the codes and four up again, mean squared error.

    The published code feeds 0-255 values and ends in a ReLU; here inputs are scaled to unit
    root mean square over the sample and the last layer is linear, so that losses differ by a
    factor and no output can die.
    """

    n_components: int = option(32, doc="Length of the codes.", minimum=1)
    width: int = option(64, doc="Channels of the first layer; they double per layer.", minimum=1)
    iterations: int = option(30_000, doc="Training steps.", minimum=1)
    batch_size: int = option(30, doc="Images a step.", minimum=1)
    learning_rate: float = option(1e-4, doc="Adam's rate.", minimum=0)
    checkpoint_every: int = option(100, doc="Iterations between two checkpoints.", minimum=1)
