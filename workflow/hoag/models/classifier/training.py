"""Training of the classifier: best weights in validation, early stopping, a falling rate."""

import copy
import logging
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.plugins.environments import LightningEnvironment
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from hoag.models import _augment as augment
from hoag.models._layers import as_tensor
from hoag.models.classifier import Options
from hoag.models.classifier.networks import Classifier
from hoag.seeds import sequence


@dataclass(frozen=True)
class Sample:
    """Images (n, y, x, c) uint8 and the number of each one's class (n,)."""

    images: np.ndarray
    classes: np.ndarray


@dataclass(frozen=True)
class Trained:
    """A network with the weights that were best in validation, in evaluation mode.

    Attributes
    ----------
    network
        Takes images scaled by ``mean`` and ``deviation``.
    mean, deviation
        Of the training images' pixels, from 0 to 1.
    history : (n_epochs, 4)
        Iteration, loss in training, loss and accuracy in validation, after each epoch.
    """

    network: Classifier
    mean: float
    deviation: float
    history: np.ndarray


class ClassifierTraining(pl.LightningModule):
    """Cross-entropy, on images that are turned and mirrored at random."""

    def __init__(self, options: Options, network: Classifier, seed: int) -> None:
        super().__init__()
        self.options, self.network = options, network
        self.rng = torch.Generator().manual_seed(sequence(seed, "augmentation"))
        self.history: list[tuple[float, ...]] = []
        self.best: tuple[float, dict[str, Tensor]] = (np.inf, {})
        self._losses: list[Tensor] = []

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        x, y = batch
        if self.options.rotate:
            moves = augment.moves(len(x), 180.0, 0.0, 0.0, flips=True, generator=self.rng)
            x = augment.moved(x, moves.to(x.device))
        loss = F.cross_entropy(self.network(x), y)
        self._losses.append(loss.detach())
        return loss

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        x, y = batch
        logits = self.network(x)
        loss = F.cross_entropy(logits, y)
        self.log("loss", loss, batch_size=len(x))
        self.log("accuracy", (logits.argmax(1) == y).float().mean(), batch_size=len(x))

    def on_validation_epoch_end(self) -> None:
        if self.trainer.sanity_checking or not self._losses:
            return
        loss, accuracy = (float(self.trainer.callback_metrics[k]) for k in ("loss", "accuracy"))
        training = torch.stack(self._losses).mean().item()
        if not (np.isfinite(loss) and np.isfinite(training)):
            raise ValueError(
                f"the loss in epoch {len(self.history) + 1} is no finite number: training "
                "diverged, a lower learning_rate may help"
            )
        self.history.append((self.global_step, training, loss, accuracy))
        self._losses = []
        if loss < self.best[0]:
            self.best = loss, copy.deepcopy(self.network.state_dict())

    def configure_optimizers(self) -> dict[str, Any]:
        o = self.options
        optimizer = torch.optim.Adam(
            self.network.parameters(), o.learning_rate, weight_decay=o.weight_decay
        )
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=o.rate_factor, patience=o.rate_patience
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "monitor": "loss"},
        }


def train(
    training: Sample, validation: Sample, n_classes: int, options: Options, seed: int
) -> Trained:
    """Train a classifier on one thread.

    Parameters
    ----------
    training, validation
        What is learned from, and what says when it is learned.
    n_classes
        How many classes there are.
    options
        See `Options`.
    seed
        Of the weights, the order of the images, their turns, and dropout.

    Returns
    -------
    Trained
        The same for the same seed on one machine.

    Raises
    ------
    ValueError
        If the training diverged.
    """
    pixels = training.images.astype(np.float32) / 255
    mean, deviation = float(pixels.mean()), float(pixels.std()) or 1.0
    network = Classifier(
        options, training.images.shape[1:], n_classes, sequence(seed, "classifier")
    ).to(memory_format=torch.channels_last)  # a fifth faster on a CPU
    module = ClassifierTraining(options, network, seed)

    def loader(sample: Sample, *, shuffle: bool) -> DataLoader:
        x = (as_tensor(sample.images) - mean) / deviation
        data = TensorDataset(x, torch.as_tensor(sample.classes))
        rng = torch.Generator().manual_seed(sequence(seed, "order"))
        size = options.batch_size if shuffle else 512
        whole = shuffle and len(data) > size  # a last batch of one or two would shake the weights
        return DataLoader(data, size, shuffle=shuffle, generator=rng, drop_last=whole)

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(), warnings.catch_warnings(), _quiet():
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            torch.manual_seed(sequence(seed, "dropout"))
            trainer = pl.Trainer(
                max_epochs=options.epochs,
                accelerator="auto",
                devices=1,
                plugins=[LightningEnvironment()],
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                num_sanity_val_steps=0,
                callbacks=[EarlyStopping("loss", patience=options.patience)],
            )
            trainer.fit(module, loader(training, shuffle=True), loader(validation, shuffle=False))
    finally:
        torch.set_num_threads(n_threads)
    if options.keep == "best":
        network.load_state_dict(module.best[1])
    network.requires_grad_(False).eval().cpu()
    return Trained(network, mean, deviation, np.array(module.history))


class _quiet:  # noqa: N801 (reads as a statement)
    """Without Lightning's lines on the devices it found."""

    def __enter__(self) -> None:
        self.log = logging.getLogger("pytorch_lightning")
        self.level = self.log.level
        self.log.setLevel(logging.ERROR)

    def __exit__(self, *_: Any) -> None:
        self.log.setLevel(self.level)
