"""Samples of the generator, and checks for the ways in which a GAN's training fails."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from hoag.models._layers import as_images, as_tensor
from hoag.models._training import Store
from hoag.models.wgan import Options
from hoag.models.wgan.networks import Critic, Generator
from hoag.models.wgan.training import split_hold_out
from hoag.seeds import generator as numpy_generator
from hoag.seeds import sequence
from hoag.statistics import density_coverage, diversity

N_COMPONENTS = 64  # space in which samples are compared with real images
MIN_HELD_OUT = 10  # fewer held-out images say too little: trained-on ones stand in for them
MAX_DISTANCE_LEFT = 0.9  # share of the critic's largest distance that may be left at the end
BATCH = 256

_COLUMNS = ("check", "value", "reference", "limit", "passed", "meaning")
_Row = tuple[str, float, float, float, bool, str]  # one value for each column


@dataclass(frozen=True)
class Trained:
    """What a training left: its networks, its options, its seed, its history (row by row)."""

    generator: Generator
    critic: Critic
    options: Options
    seed: int
    history: Sequence[Mapping[str, float]]


@torch.no_grad()
def sample(generator: Generator, n: int, seed: int) -> np.ndarray:
    """``n`` generated images, uint8 (n, y, x, c), the same for the same seed."""
    random = torch.Generator().manual_seed(sequence(seed, "sample"))
    z = torch.randn(n, generator.n_latent, generator=random)
    device = next(generator.parameters()).device
    return np.concatenate([as_images(generator(part.to(device))) for part in z.split(BATCH)])


@torch.no_grad()
def judge(critic: Critic, images: np.ndarray) -> np.ndarray:
    """The critic's value of each uint8 image (n, y, x, c), (n,)."""
    device = next(critic.parameters()).device
    parts = np.array_split(images, max(1, -(-len(images) // BATCH)))
    return np.concatenate([critic(as_tensor(p, device)).cpu().numpy() for p in parts])


def check(
    trained: Trained,
    store: Store,
    object_ids: np.ndarray,
    *,
    min_diversity: float = 0.5,
    min_coverage: float = 0.2,
    n_images: int = 1000,
) -> pd.DataFrame:
    """Look for the failures that Storey-Fisher et al. 2020 (3.1) name; a ``checks`` table.

    Mode collapse: diversity (mean pairwise distance) and coverage (Naeem et al. 2020) of samples,
    against images that were not trained on, in the space of the real images' principal
    components; the same measures of real images stand beside as the reference. Domination: the
    critic's preference for unseen real images over samples (area under the ROC curve), and its
    distance between the two at the end of training against the largest on the way. With
    ``hold_out: 0`` trained-on images stand in for the unseen ones, and the check says so.

    Parameters
    ----------
    trained
        The training to look at.
    store
        The images that it was given: those trained on and those held out, uint8 (y, x, c).
    object_ids
        Their ids, (n,).
    min_diversity, min_coverage
        Lowest values that pass, relative to real images.
    n_images
        Samples, and real images, to compare at most.
    """
    options, seed = trained.options, trained.seed
    fit_on, held = split_hold_out(object_ids, options.hold_out, seed, options.batch_size)
    rng = numpy_generator(seed, "check")
    is_held = len(held) >= MIN_HELD_OUT
    unseen = rng.permutation(held if is_held else fit_on)[: min(n_images, len(fit_on)) // 2]
    others = rng.permutation(np.setdiff1d(fit_on, unseen))[:n_images]
    real, reference = store.read(unseen), store.read(others)
    fake = sample(trained.generator, len(reference), seed)
    x_real, x_reference, x_fake = _project(reference, real, reference, fake)
    rows = [
        _check_diversity(x_reference, x_fake, min_diversity, seed),
        _check_coverage(x_real, x_reference, x_fake, min_coverage, is_held=is_held),
        _check_preference(judge(trained.critic, real), judge(trained.critic, fake)),
        *_check_distances(trained.history),
    ]
    return pd.DataFrame(rows, columns=list(_COLUMNS)).assign(model="wgan", seed=seed)


def _check_diversity(reference: np.ndarray, fake: np.ndarray, limit: float, seed: int) -> _Row:
    spread, expected = diversity(fake, seed=seed), diversity(reference, seed=seed)
    meaning = "mode collapse: mean distance between samples, relative to real images, is too small"
    return "diversity", spread, expected, limit, spread >= limit * expected, meaning


def _check_coverage(
    real: np.ndarray, reference: np.ndarray, fake: np.ndarray, limit: float, *, is_held: bool
) -> _Row:
    _, cover = density_coverage(real, fake)
    _, expected = density_coverage(real, reference)
    kind = "held-out" if is_held else "trained-on (nothing held out)"
    meaning = f"mode collapse: too few {kind} images have a sample in their neighbourhood"
    return "coverage", cover, expected, limit, cover >= limit * expected, meaning


def _check_preference(real: np.ndarray, fake: np.ndarray) -> _Row:
    """A critic that can't tell them apart passes: the limit is three standard errors below 0.5."""
    from sklearn.metrics import roc_auc_score

    n, m = len(real), len(fake)
    limit = 0.5 - 3 * math.sqrt((n + m + 1) / (12 * n * m))  # Mann-Whitney, equal distributions
    values = np.r_[real, fake]
    known = np.isfinite(values).all()
    area = float(roc_auc_score(np.arange(n + m) < n, values)) if known else math.nan
    meaning = "generator dominates: the critic prefers samples to real images (AUC below 0.5)"
    return "critic_preference", area, 0.5, limit, area >= limit, meaning


def _check_distances(history: Sequence[Mapping[str, float]]) -> list[_Row]:
    distances = np.array([row["critic_distance"] for row in history])
    finite = bool(np.isfinite(distances).all())
    end = distances[-max(1, len(distances) // 10) :].mean()
    left = float(end / max(distances.max(), 1e-30))
    too_short = len(distances) < 10  # a training of a few iterations has no end yet
    passed = too_short or left <= MAX_DISTANCE_LEFT
    return [
        (
            "critic_distance",
            left,
            math.nan,
            MAX_DISTANCE_LEFT,
            passed,
            "critic dominates: its distance at the end is still close to the largest on the way",
        ),
        ("finite", float(finite), 1.0, 1.0, finite, "training diverged: the loss is not finite"),
    ]


def _project(basis: np.ndarray, *sets: np.ndarray) -> list[np.ndarray]:
    """Images -> the leading principal components of ``basis``, (n, at most 64)."""
    from sklearn.decomposition import PCA

    flat = [s.reshape(len(s), -1).astype(np.float32) / 255 for s in (basis, *sets)]
    n = min(N_COMPONENTS, len(flat[0]) - 1, flat[0].shape[1])
    fit = PCA(n, svd_solver="randomized", random_state=0).fit(flat[0])
    return [fit.transform(f) for f in flat[1:]]
