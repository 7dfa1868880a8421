"""Multimodal variational autoencoder of images and catalogue columns (Wu & Goodman 2018)."""

from dataclasses import dataclass

from hoag.models.vae import Options as VAEOptions
from hoag.options import option


@dataclass(frozen=True)
class Options(VAEOptions):
    """One code for an image and its columns, found from whichever of them there are.

    The image and each column are experts on the code; their product is the posterior. Training sums
    the bounds of all modalities together, of each alone and of random subsets (section 2.2, the
    sub-sampled training paradigm). Each subset is asked for all modalities (Sutter et al. 2021), so
    that any of them can be found from any other. The image's part
    is that of `hoag.models.vae`; a column, scaled to zero mean and unit variance, has normal
    errors.
    """

    hidden: int = option(64, doc="Units of a column's expert, and of its decoder.", minimum=1)
    column_noise: float = option(
        0.1,
        doc="Standard deviation of a column's errors, in units of the column's own; the smaller, "
        "the more a column weighs.",
        minimum=0.001,
        maximum=1,
    )
    n_subsets: int = option(
        1, doc="Random subsets of the modalities in a step, besides all and each alone.", minimum=0
    )
