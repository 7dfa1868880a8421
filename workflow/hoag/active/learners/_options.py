"""Options of the learners that are networks."""

from dataclasses import dataclass

from hoag.options import option


@dataclass(frozen=True)
class NetworkOptions:
    """The network, its training in one round, and the variants of the published code."""

    filters: tuple[int, ...] = option(
        (16, 8), doc="Filters of each convolution (3 x 3, ReLU, pooling by 2).", minimum=1
    )
    hidden: tuple[int, ...] = option(
        (128,), doc="Units of each layer before the latent one, for vectors.", minimum=1
    )
    n_latent: int = option(64, doc="Units of the latent layer.", minimum=1)
    dropout: float = option(
        0.6, doc="Share of latent units dropped in training.", minimum=0, maximum=0.99
    )
    loss: str = option(
        "softmax",
        doc="Loss of the output layer: cross-entropy, focal, or IsoMax+.",
        choices=("softmax", "focal", "isomax"),
    )
    learning_rate: float = option(1e-3, doc="Of Adam.", minimum=0)
    epochs: int = option(3, doc="Passes over the balanced training set in a round.", minimum=1)
    first_epochs: int | None = option(
        None, doc="Passes before the first round; null: as in every round.", minimum=1
    )
    pretraining_epochs: int = option(
        0,
        doc="Passes over all objects seen so far as an autoencoder, where training begins from "
        "new weights.",
        minimum=0,
    )
    batch_size: int = option(256, doc="Objects in a step.", minimum=1)
    warm_start: bool = option(True, doc="Go on from the weights of the round before.")
    balance: bool = option(True, doc="Draw every class as often as the most frequent one.")
    duplicate_hard: bool = option(
        False, doc="Take objects with the largest errors twice, as the published code does."
    )
    rotation_deg: float = option(
        10.0, doc="Largest random rotation of training images.", unit="deg", minimum=0
    )
    shift: float = option(
        0.04, doc="Largest random shift of training images, of their side.", minimum=0, maximum=1
    )
    zoom: float = option(0.04, doc="Largest random zoom of either axis.", minimum=0, maximum=0.9)
    flips: bool = option(False, doc="Flip training images at random.")
    n_passes = 0  # classifiers choose these two
    together = False


@dataclass(frozen=True)
class ClassifierOptions(NetworkOptions):
    """The network, its training, and what comes of its being the learner itself."""

    together: bool = option(
        False,
        doc="Train all trials of a block at once, on a GPU where there is one; for many trials in "
        "a block.",
    )
    n_passes: int = option(
        0, doc="Monte Carlo dropout passes, for strategies that need them.", minimum=0
    )
