"""Wasserstein GAN with gradient penalty (Gulrajani et al. 2017; Storey-Fisher et al. 2020, 3.1)."""

from dataclasses import dataclass

from hoag.options import option


@dataclass(frozen=True)
class Options:
    """The defaults are the paper's."""

    n_latent: int = option(128, doc="Length of the latent vector.", minimum=1)
    width: int = option(
        64, doc="Channels of the critic's first layer; they double per layer.", minimum=1
    )
    iterations: int = option(10_000, doc="Generator steps.", minimum=1)
    batch_size: int = option(32, doc="Images a step.", minimum=2)
    critic_steps: int = option(5, doc="Critic steps a generator step.", minimum=1)
    gradient_penalty: float = option(10.0, doc="Weight of the gradient penalty.", minimum=0)
    learning_rate: float = option(1e-4, doc="Adam's rate for both networks.", minimum=0)
    beta1: float = option(0.5, doc="Adam's first decay.", minimum=0, maximum=0.9999)
    beta2: float = option(0.9, doc="Adam's second decay.", minimum=0, maximum=0.9999)
    noise: float = option(
        0.0,
        doc="Deviation of the Gaussian noise inside the generator while training (the authors' "
        "code has 0.1, always on; here it is off while scoring).",
        minimum=0,
    )
    hold_out: float = option(
        0.05,
        doc="Share of the images kept from training, to check the samples; 0 is the paper.",
        minimum=0,
        maximum=0.5,
    )
    checkpoint_every: int = option(100, doc="Iterations between two checkpoints.", minimum=1)
