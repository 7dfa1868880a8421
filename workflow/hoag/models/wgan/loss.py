"""How far a reconstruction is from its image: the two parts of the anomaly score."""

from torch import Tensor

from hoag.models.wgan.networks import Critic


def loss_terms(
    reconstruction: Tensor, image: Tensor, target: Tensor, critic: Critic, distance: str
) -> tuple[Tensor, Tensor]:
    """Generator score and discriminator score of each image, (n,) and (n,).

    Storey-Fisher et al. 2020, section 3.2: zero for a perfect reconstruction, no upper limit.

    Parameters
    ----------
    reconstruction, image
        (n, c, y, x) in [0, 1].
    target
        The critic's features of ``image``.
    critic
        The trained critic.
    distance
        "mse": mean of squares over pixels, and over features. "l1_sum": sum of absolute values.
    """
    parts = (reconstruction - image, critic.features(reconstruction) - target)
    each = (1, 2, 3)  # all axes of one image
    if distance == "mse":
        s_gen, s_disc = (p.square().mean(each) for p in parts)
    else:
        s_gen, s_disc = (p.abs().sum(each) for p in parts)
    return s_gen, s_disc
