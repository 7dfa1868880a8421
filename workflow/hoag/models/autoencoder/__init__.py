"""Convolutional autoencoder (Storey-Fisher et al. 2020, 4.1): an image to a few numbers."""

from dataclasses import dataclass

from hoag.options import ConfigError, option

NOISES = ("masking", "gaussian")


@dataclass(frozen=True)
class Options:
    """Four layers down to the codes and four up again, mean squared error.

    The published code feeds 0-255 values and ends in a ReLU; here inputs are scaled to unit
    root mean square over the sample and the last layer is linear, so that losses differ by a
    factor and no output can die. The defaults train in minutes on two cores at 64 to 96 px.
    """

    n_components: int = option(32, doc="Length of the codes.", minimum=1)
    width: int = option(16, doc="Channels of the first layer; they double per layer.", minimum=1)
    iterations: int = option(1500, doc="Training steps.", minimum=1)
    batch_size: int = option(30, doc="Images a step.", minimum=1)
    learning_rate: float = option(1e-3, doc="Adam's rate.", minimum=1e-9)
    noise: float = option(
        0.1,
        doc="Denoising (Vincent et al. 2008): share of the inputs that is set to 0 (masking), or "
        "deviation of what is added to them in units of their root mean square (gaussian).",
        minimum=0,
    )
    noise_kind: str = option("masking", doc="Kind of the noise.", choices=NOISES)
    sparsity: float = option(
        0.0,
        doc="Weight of the codes' mean absolute value (L1; Goodfellow et al. 2016, 14.2.1), each "
        "in units of its root mean square over a step's images: a normal code counts .8.",
        minimum=0,
    )
    contraction: float = option(
        0.0,
        doc="Weight of the squared Frobenius norm of the codes' Jacobian (Rifai et al. 2011), each "
        "in units of its spread over a step's images.",
        minimum=0,
    )
    checkpoint_every: int = option(100, doc="Iterations between two checkpoints.", minimum=1)

    def __post_init__(self) -> None:
        if self.noise_kind == "masking" and self.noise >= 1:
            raise ConfigError(f"noise: found {self.noise}, allowed for masking: below 1")
