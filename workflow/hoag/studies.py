"""Small studies of the WGAN's score (Storey-Fisher et al. 2020, section 3.2), as tables.

Three questions: does lambda matter, does the encoder matter once the ten steps are done, and
when does the score stop falling. All take uint8 images (n, y, x, c) and return a table of study,
setting, quantity, value; rank correlations are Spearman's (1: the same order, NaN for fewer than
two images or equal scores).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from hoag.detectors.wgan import Options, in_batches, score, trajectory, weight_of
from hoag.statistics import spearman

if TYPE_CHECKING:
    from hoag.models.wgan.trained import Networks

WEIGHTS = (0.0, 0.01, 0.05, 0.1, 0.3, 0.5, 0.9, 1.0)
STARTS = ("encoder", "zero", "random")


def scan_weights(
    images: np.ndarray, options: Options, networks: "Networks", seed: int
) -> pd.DataFrame:
    """Rank correlation of the score under each lambda with the score under the chosen one."""
    chosen = weight_of(options)
    scores = {
        weight: score(images, replace(options, weight=weight), networks, seed).score
        for weight in sorted({*WEIGHTS, chosen})
    }
    rows = [("lambda", f"{w:g}", "spearman", spearman(scores[chosen], scores[w])) for w in scores]
    return _table([*rows, ("lambda", "chosen", "lambda", chosen)])


def compare_starts(
    images: np.ndarray, options: Options, networks: "Networks", seed: int
) -> pd.DataFrame:
    """Score after the same number of steps from the encoder's guess, from zero, from a draw.

    ratio_16, ratio_50 and ratio_84 are percentiles over the images of the score divided by the
    one from the encoder's guess.
    """
    scores = {
        start: score(images, replace(options, start=start), networks, seed).score
        for start in STARTS
    }
    rows = []
    for start, values in scores.items():
        ratio = np.percentile(values / np.maximum(scores["encoder"], 1e-30), [16, 50, 84])
        rows += [
            ("start", start, "mean_score", values.mean()),
            ("start", start, "ratio_16", ratio[0]),
            ("start", start, "ratio_50", ratio[1]),
            ("start", start, "ratio_84", ratio[2]),
            ("start", start, "spearman", spearman(scores["encoder"], values)),
        ]
    return _table(rows)


def follow_steps(
    images: np.ndarray, options: Options, networks: "Networks", seed: int, n_steps: int = 30
) -> pd.DataFrame:
    """Mean score, and its rank correlation with the score after the chosen number of steps."""
    longer = replace(options, steps=max(n_steps, options.steps))
    paths = [_path(batch, longer, networks, seed) for batch in in_batches(images, options)]
    path = np.concatenate(paths, axis=1)
    rows = []
    for step, values in enumerate(path):
        rows.append(("steps", str(step), "mean_score", values.mean()))
        rows.append(("steps", str(step), "spearman", spearman(path[options.steps], values)))
    return _table(rows)


def _path(batch: np.ndarray, options: Options, networks: "Networks", seed: int) -> np.ndarray:
    """Scores of one batch at each step, (n_steps + 1, n)."""
    states = trajectory(batch, options, networks, seed)
    return np.stack([state.score(weight_of(options))[: len(batch)].numpy() for state in states])


def _table(rows: Iterable[tuple[str, str, str, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["study", "setting", "quantity", "value"])
