"""Classifier of images with Monte Carlo dropout (Porter & Scaife 2023): a variant of LeNet-5."""

from dataclasses import dataclass

from hoag.options import ConfigError, option


@dataclass(frozen=True)
class Options:
    """The network and its training.

    The poster names LeNet-5, spectral normalisation and Monte Carlo dropout. Layers, rates and
    augmentation are those of Scaife & Porter (2021), arXiv:2102.08252, where not said otherwise.
    """

    filters: tuple[int, ...] = option(
        (6, 16), doc="Filters of each convolution (ReLU, pooling by 2).", minimum=1
    )
    kernel_px: int = option(5, doc="Side of the convolutions' kernels.", unit="px", minimum=1)
    hidden: tuple[int, ...] = option((120, 84), doc="Units of the dense layers.", minimum=1)
    dropout: float = option(
        0.5, doc="Share of units dropped, in training and in passes.", minimum=0, maximum=0.99
    )
    dropout_layers: int = option(
        1, doc="Dense layers that dropout follows, counted from the last one.", minimum=1
    )
    spectral_coefficient: float | None = option(
        None,
        doc="Largest spectral norm of each layer's weights (Miyato et al. 2018; Gouk et al. 2021); "
        "null: unbounded.",
        minimum=1e-3,
    )
    epochs: int = option(300, doc="Passes over the training set at most.", minimum=1)
    patience: int = option(
        40, doc="Epochs without a smaller loss in validation that end the training.", minimum=1
    )
    keep: str = option(
        "best",
        doc="Weights kept: those of the smallest loss in validation, or of the last epoch.",
        choices=("best", "last"),
    )
    batch_size: int = option(50, doc="Images a step.", minimum=1)
    learning_rate: float = option(1e-3, doc="Adam's rate at the start.", minimum=0)
    weight_decay: float = option(1e-6, doc="Adam's penalty on weights.", minimum=0)
    rate_patience: int = option(
        8, doc="Epochs without a smaller loss in validation that lower the rate.", minimum=0
    )
    rate_factor: float = option(
        0.5, doc="Factor by which the rate is lowered.", minimum=0.01, maximum=0.999
    )
    rotate: bool = option(True, doc="Turn training images by random angles and mirror them.")

    def __post_init__(self) -> None:
        if self.dropout_layers > len(self.hidden):
            raise ConfigError(
                f"dropout_layers: found {self.dropout_layers}, allowed: 1..{len(self.hidden)}, "
                "the number of dense layers"
            )
