"""Training of the Wasserstein GAN, and the checks for the ways in which it fails."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from hoag.models._layers import as_images, as_tensor
from hoag.models._training import Module, Schedule, Store, train
from hoag.models.wgan import Options
from hoag.models.wgan.networks import Critic, Generator, gradient_penalty
from hoag.seeds import generator as numpy_generator
from hoag.seeds import sequence, uniform
from hoag.statistics import density_coverage, diversity

N_COMPONENTS = 64  # space in which samples are compared with real images


class WassersteinGAN(Module):
    """Five critic steps and one generator step an iteration (Gulrajani et al. 2017, Alg. 1)."""

    def __init__(
        self, options: Options, shape: tuple[int, int, int], seed: int, log_every: int
    ) -> None:
        super().__init__()
        self.options, self.seed, self.log_every = options, seed, log_every
        self.generator = Generator(options, shape, sequence(seed, "generator"))
        self.critic = Critic(options, shape, sequence(seed, "critic"))

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        rate, betas = self.options.learning_rate, (self.options.beta1, self.options.beta2)
        networks = (self.generator, self.critic)
        return [torch.optim.Adam(n.parameters(), rate, betas) for n in networks]

    def training_step(self, batch: tuple[int, Tensor], _: int) -> None:
        iteration, images = batch
        reals = as_tensor(images, self.device).chunk(self.options.critic_steps)
        random = torch.Generator().manual_seed(sequence(self.seed, "wgan", iteration))
        optimise_generator, optimise_critic = self.optimizers()
        for real in reals:
            distance, penalty = self._critic_step(real, random, optimise_critic)
        loss = self._generator_step(len(reals[0]), random, optimise_generator)
        self.note(
            iteration,
            self.log_every,
            critic_distance=distance,
            gradient_penalty=penalty,
            generator_loss=loss,
        )

    def latents(self, n: int, random: torch.Generator) -> Tensor:
        """Latent vectors, drawn on the CPU so that they are the same on any device."""
        return torch.randn(n, self.options.n_latent, generator=random).to(self.device)

    def _critic_step(
        self, real: Tensor, random: torch.Generator, optimiser: torch.optim.Optimizer
    ) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            fake = self.generator(self.latents(len(real), random), random)
        mix = torch.rand(len(real), 1, 1, 1, generator=random).to(self.device)
        judged = self.critic(torch.cat([real, fake]))
        distance = judged[: len(real)].mean() - judged[len(real) :].mean()
        penalty = gradient_penalty(self.critic, real, fake, mix)
        optimiser.zero_grad()
        self.manual_backward(-distance + self.options.gradient_penalty * penalty)
        optimiser.step()
        return distance, penalty

    def _generator_step(
        self, n: int, random: torch.Generator, optimiser: torch.optim.Optimizer
    ) -> Tensor:
        self.critic.requires_grad_(False)
        loss = -self.critic(self.generator(self.latents(n, random), random)).mean()
        optimiser.zero_grad()
        self.manual_backward(loss)
        optimiser.step()
        self.critic.requires_grad_(True)
        return loss


def split_hold_out(
    object_ids: np.ndarray, share: float, seed: int, batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Indices to train on and indices held out, decided for each object by its id alone.

    Raises
    ------
    ValueError
        If fewer images than one batch are left to train on.
    """
    held = uniform(seed, object_ids, "hold_out") < share
    if (~held).sum() < batch_size:
        raise ValueError(
            f"found {(~held).sum()} images to train on, allowed: at least one batch ({batch_size})"
        )
    return np.flatnonzero(~held), np.flatnonzero(held)


def train_wgan(
    store: Store,
    object_ids: np.ndarray,
    shape: tuple[int, int, int],
    options: Options,
    schedule: Schedule,
    say: Callable[[str], None],
) -> WassersteinGAN:
    """Train on all images of ``store`` but the hold-out.

    Parameters
    ----------
    store
        uint8 images (y, x, c) of ``shape``.
    object_ids
        Their ids, (n,): they decide the hold-out.
    shape
        Of one image: (y, x, c).
    options, schedule, say
        See `Options`, `hoag.models._training.Schedule` and `train`.
    """
    fit_on, _ = split_hold_out(object_ids, options.hold_out, schedule.seed, options.batch_size)
    module = WassersteinGAN(options, shape, schedule.seed, schedule.log_every)
    n_images = options.batch_size * options.critic_steps
    return train(module, store, fit_on, n_images, schedule, say)


@torch.no_grad()
def sample(generator: Generator, n: int, n_latent: int, seed: int) -> np.ndarray:
    """``n`` generated images, uint8 (n, y, x, c), the same for the same seed."""
    random = torch.Generator().manual_seed(sequence(seed, "sample"))
    z = torch.randn(n, n_latent, generator=random)
    device = next(generator.parameters()).device
    return np.concatenate([as_images(generator(part.to(device))) for part in z.split(256)])


@torch.no_grad()
def judge(critic: Critic, images: np.ndarray) -> np.ndarray:
    """The critic's value of each uint8 image (n, y, x, c), (n,)."""
    device = next(critic.parameters()).device
    parts = np.array_split(images, max(1, -(-len(images) // 256)))
    return np.concatenate([critic(as_tensor(p, device)).cpu().numpy() for p in parts])


def check(
    model: WassersteinGAN,
    store: Store,
    object_ids: np.ndarray,
    n_images: int = 1000,
) -> pd.DataFrame:
    """Look for the failures that Storey-Fisher et al. 2020 (3.1) name; a ``checks`` table.

    Mode collapse: diversity (mean pairwise distance) and coverage (Naeem et al. 2020) of samples,
    against images that were not trained on, in the space of the real images' principal
    components; the same measures of real images stand beside as the reference. Domination: the
    critic's preference for unseen real images over samples (area under the ROC curve), and its
    distance between the two at the end of training against the largest on the way. With
    ``hold_out: 0`` trained-on images stand in for the unseen ones, and the check says so.
    """
    options, seed = model.options, model.seed
    fit_on, held = split_hold_out(object_ids, options.hold_out, seed, options.batch_size)
    unseen = held if len(held) >= 10 else fit_on
    rng = numpy_generator(seed, "check")
    unseen = rng.permutation(unseen)[: max(1, min(n_images, len(fit_on)) // 2)]
    others = rng.permutation(np.setdiff1d(fit_on, unseen))[:n_images]
    real, reference = store.read(unseen), store.read(others)
    fake = sample(model.generator, len(reference), options.n_latent, seed)
    x_real, x_reference, x_fake = _project(reference, real, reference, fake)
    spread, spread_real = diversity(x_fake, seed=seed), diversity(x_reference, seed=seed)
    _, cover = density_coverage(x_real, x_fake)
    _, cover_real = density_coverage(x_real, x_reference)
    preference = _auc(judge(model.critic, real), judge(model.critic, fake))
    distances = np.array([row["critic_distance"] for row in model.history] or [math.nan])
    stretch = max(1, len(distances) // 10)
    shrunk = distances[-stretch:].mean() / np.max(distances)
    kind = "held-out" if len(held) >= 10 else "trained-on (nothing held out)"
    rows = [
        (
            "diversity",
            spread,
            spread_real,
            options.min_diversity,
            spread >= options.min_diversity * spread_real,
            "mode collapse: mean distance between samples, relative to real images, is too small",
        ),
        (
            "coverage",
            cover,
            cover_real,
            options.min_coverage,
            cover >= options.min_coverage * cover_real,
            f"mode collapse: too few {kind} images have a sample in their neighbourhood",
        ),
        (
            "critic_preference",
            preference,
            0.5,
            0.5,
            preference >= 0.5,
            "generator dominates: the critic prefers samples to real images (AUC below 0.5)",
        ),
        (
            "critic_distance",
            shrunk,
            math.nan,
            0.9,
            shrunk <= 0.9 or len(distances) < 10,
            "critic dominates: its distance at the end is still above 0.9 of the largest",
        ),
        (
            "finite",
            float(np.isfinite(distances).all()),
            1.0,
            1.0,
            bool(np.isfinite(distances).all()),
            "training diverged: the loss is not finite",
        ),
    ]
    columns = ["check", "value", "reference", "limit", "passed", "meaning"]
    return pd.DataFrame(rows, columns=columns).assign(model="wgan", seed=seed)


def _project(basis: np.ndarray, *sets: np.ndarray) -> list[np.ndarray]:
    """Images -> the leading principal components of ``basis``, (n, at most 64)."""
    from sklearn.decomposition import PCA

    flat = [s.reshape(len(s), -1).astype(np.float32) / 255 for s in (basis, *sets)]
    n = min(N_COMPONENTS, len(flat[0]) - 1, flat[0].shape[1])
    fit = PCA(n, svd_solver="randomized", random_state=0).fit(flat[0])
    return [fit.transform(f) for f in flat[1:]]


def _auc(positive: np.ndarray, negative: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    truth = np.r_[np.ones(len(positive)), np.zeros(len(negative))]
    return float(roc_auc_score(truth, np.r_[positive, negative]))
