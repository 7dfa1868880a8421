"""Training that is the same whether or not it was interrupted.

All that an iteration draws depends on the seed and the iteration's number alone: which images,
which latent vectors, which noise. A run that goes on from a checkpoint therefore ends with the
weights of an undisturbed one (bit for bit on one machine with the same number of threads).
"""

import contextlib
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment
from torch.utils.data import DataLoader, IterableDataset

from hoag.files import atomic, lock
from hoag.seeds import generator

log = logging.getLogger(__name__)

LOG_EVERY = 10  # iterations that one row of a history is the mean of


class Store(Protocol):
    """What training needs of a store of images, or of images and what belongs to them."""

    def __len__(self) -> int: ...
    def read(self, indices: np.ndarray) -> np.ndarray | tuple[np.ndarray, ...]: ...


@dataclass(frozen=True)
class Schedule:
    """How long, where progress is kept, and on how many threads."""

    iterations: int
    checkpoint_every: int
    checkpoint: Path
    threads: int
    seed: int


class Module(pl.LightningModule):
    """Base of the LightningModules here: keeps its own history and optimises by hand.

    Parameters
    ----------
    iterations
        Length of the training.
    """

    def __init__(self, iterations: int) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.iterations = iterations
        self.history: list[dict[str, float]] = []
        self._noted: list[dict[str, torch.Tensor]] = []

    def note(self, iteration: int, **values: torch.Tensor) -> None:
        """Keep the mean of each value over `LOG_EVERY` iterations, or over the last few."""
        self._noted.append({name: value.detach() for name, value in values.items()})
        if (iteration + 1) % LOG_EVERY == 0 or iteration + 1 == self.iterations:
            means = {k: torch.stack([n[k] for n in self._noted]).mean().item() for k in values}
            self.history.append({"iteration": iteration + 1, **means})
            self._noted = []

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["history"], checkpoint["noted"] = self.history, self._noted

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.history, self._noted = checkpoint["history"], checkpoint["noted"]


class Batches(IterableDataset):
    """Yields (iteration, images) for a range of iterations.

    Images are drawn from random orders of the whole store, one order after another, so that
    each is seen as often as any other; the orders depend on the seed alone.
    """

    def __init__(
        self, store: Store, indices: np.ndarray, per_iteration: int, span: range, seed: int
    ) -> None:
        super().__init__()
        self.store, self.indices, self.seed = store, indices, seed
        self.per_iteration, self.span = per_iteration, span

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        n, order, epoch = len(self.indices), None, -1
        for iteration in self.span:
            places = np.arange(iteration * self.per_iteration, (iteration + 1) * self.per_iteration)
            chosen = np.empty(len(places), int)
            for part in np.unique(places // n):
                if part != epoch:
                    epoch, order = part, generator(self.seed, "order", int(part)).permutation(n)
                inside = places // n == part
                chosen[inside] = self.indices[order[places[inside] % n]]
            yield iteration, self.store.read(chosen)


class _Progress(pl.Callback):
    """Saves a checkpoint and says how far training is, at the end of each stretch."""

    def __init__(self, schedule: Schedule, say: Callable[[str], None]) -> None:
        self.schedule, self.say, self.started = schedule, say, None

    def on_train_epoch_start(self, trainer: pl.Trainer, _module: pl.LightningModule) -> None:
        if self.started is None:
            self.started = (time.monotonic(), trainer.current_epoch)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: Module) -> None:
        # Lightning counts the stretch as done only after this hook
        done = min(
            (trainer.current_epoch + 1) * self.schedule.checkpoint_every, self.schedule.iterations
        )
        clock, first = self.started
        spent = time.monotonic() - clock
        here = done - first * self.schedule.checkpoint_every
        left = spent / here * (self.schedule.iterations - done)
        last = module.history[-1] if module.history else {}
        values = ", ".join(f"{k} {v:.4g}" for k, v in last.items() if k != "iteration")
        self.say(f"{done}/{self.schedule.iterations} iterations, {left:.0f} s left, {values}")


class _Checkpoint(pl.Callback):
    """Writes the state of the training between two stretches, under a private name first."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_start(self, trainer: pl.Trainer, _module: pl.LightningModule) -> None:
        if trainer.current_epoch:
            _save(trainer, self.path)


def _save(trainer: pl.Trainer, path: Path) -> None:
    with atomic(path) as private:
        trainer.save_checkpoint(private, weights_only=False)


@contextlib.contextmanager
def _alone(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Wait while another run trains the same network; this one then goes on from its checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        lock(file, f"trains the same network ({folder})", say)
        yield


def train(
    module: Module,
    store: Store,
    indices: np.ndarray,
    images_per_iteration: int,
    schedule: Schedule,
    say: Callable[[str], None] = log.info,
) -> Module:
    """Train ``module``, going on from its last checkpoint where there is one.

    Parameters
    ----------
    module
        Its ``training_step`` takes (iteration, uint8 or float images (n, y, x, c)).
    store
        The images.
    indices
        Which images of the store to train on.
    images_per_iteration
        How many images one iteration takes.
    schedule
        Length, seed, threads, checkpoint file.
    say
        Called with a line on the progress after each stretch.
    """
    torch.set_num_threads(schedule.threads)
    stretch = schedule.checkpoint_every

    def loader(epoch: int) -> DataLoader:
        span = range(epoch * stretch, min((epoch + 1) * stretch, schedule.iterations))
        batches = Batches(store, indices, images_per_iteration, span, schedule.seed)
        return DataLoader(batches, batch_size=None)

    module.train_dataloader = lambda: loader(module.trainer.current_epoch)
    trainer = pl.Trainer(
        max_epochs=-(-schedule.iterations // stretch),
        accelerator="auto",
        devices=1,
        plugins=[LightningEnvironment()],  # one process, also inside a SLURM allocation
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        reload_dataloaders_every_n_epochs=1,
        callbacks=[_Checkpoint(schedule.checkpoint), _Progress(schedule, say)],
    )
    with _alone(schedule.checkpoint.parent, say), warnings.catch_warnings():
        resume = schedule.checkpoint if schedule.checkpoint.is_file() else None
        if resume:
            getattr(say, "always", say)(f"goes on from {resume}")
        # images come from this very process; more workers would only copy them
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")
        warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
        trainer.fit(module, ckpt_path=resume, weights_only=True)
        _save(trainer, schedule.checkpoint)  # for another run that waits for this training
    return module
