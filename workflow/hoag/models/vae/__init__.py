"""Variational autoencoder of images (Kingma & Welling 2014): codes with a prior to draw from."""

from dataclasses import dataclass

from hoag.options import option


@dataclass(frozen=True)
class Options:
    """Normal codes, and pixels with normal errors of one variance.

    That variance is the mean squared error of the reconstructions, batch by batch (Rybkin et al.
    2021, section 3.2): with ``beta`` 1 the bound is then one on the evidence, and no weight between
    pixels and codes is left to choose.
    """

    n_components: int = option(32, doc="Length of the codes.", minimum=1)
    width: int = option(16, doc="Channels of the first layer; they double per layer.", minimum=1)
    iterations: int = option(1500, doc="Training steps.", minimum=1)
    batch_size: int = option(30, doc="Images a step.", minimum=1)
    learning_rate: float = option(1e-3, doc="Adam's rate.", minimum=1e-9)
    beta: float = option(
        1.0, doc="Weight of the divergence from the prior (Higgins et al. 2017).", minimum=0
    )
    warm_up: int = option(
        300,
        doc="Iterations over which that weight grows from 0 (Bowman et al. 2016); half of all at "
        "most.",
        minimum=0,
    )
    checkpoint_every: int = option(100, doc="Iterations between two checkpoints.", minimum=1)
