"""Which image sizes the WGAN's networks take (known without importing torch)."""

from hoag.options import ConfigError

DEPTH = 4
REDUCTION = 2**DEPTH  # a side of 96 px ends as 6 px


def check_shape(shape: tuple[int, int, int], key: str) -> None:
    """Refuse image sizes that four halvings don't divide.

    Raises
    ------
    ConfigError
        Unless both sides are multiples of 16.
    """
    if shape[0] % REDUCTION or shape[1] % REDUCTION:
        raise ConfigError(
            f"{key}: found images of {shape[0]} x {shape[1]} px, "
            f"allowed: sides that are multiples of {REDUCTION}"
        )
