"""The two published anomaly scores of the Wasserstein GAN."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How differences are measured and weighted: L = (1 - weight) s_gen + weight s_disc."""

    distance: str  # "mse": mean of squares; "l1_sum": sum of absolute values
    weight: float  # lambda


RECIPES = {
    "workshop": Recipe("mse", 0.05),  # Storey-Fisher et al. 2020, section 3.2
    "journal": Recipe("l1_sum", 0.3),  # Storey-Fisher et al. 2021 and its code
}
