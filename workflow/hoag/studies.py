"""Small studies of the WGAN's score (Storey-Fisher et al. 2020, section 3.2), as tables.

Three questions: does lambda matter, does the encoder matter once the ten steps are done, and
when does the score stop falling.
"""

import dataclasses

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from hoag.detectors.wgan import Networks, Options, score, trajectory, weight_of

WEIGHTS = (0.0, 0.01, 0.05, 0.1, 0.3, 0.5, 0.9, 1.0)
STARTS = ("encoder", "zero", "random")


def scan_weights(images: np.ndarray, options: Options, networks: Networks) -> pd.DataFrame:
    """Rank correlation of the score under each lambda with the score under the chosen one."""
    chosen = score(images, options, networks).score
    rows = []
    for weight in WEIGHTS:
        other = score(images, dataclasses.replace(options, weight=weight), networks).score
        rows.append(("lambda", f"{weight:g}", "spearman", _spearman(chosen, other)))
    rows.append(("lambda", "chosen", "lambda", weight_of(options)))
    return _table(rows)


def compare_starts(
    images: np.ndarray, options: Options, networks: Networks, seed: int
) -> pd.DataFrame:
    """Score after the same number of steps from the encoder's guess, from zero, from a draw."""
    scores = {
        start: score(images, dataclasses.replace(options, start=start), networks, seed).score
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
            ("start", start, "spearman", _spearman(scores["encoder"], values)),
        ]
    return _table(rows)


def follow_steps(
    images: np.ndarray, options: Options, networks: Networks, n_steps: int = 30
) -> pd.DataFrame:
    """Mean score, and its rank correlation with the score after the chosen number of steps."""
    longer = dataclasses.replace(options, steps=max(n_steps, options.steps))
    batches = [
        images[i : i + options.batch_size] for i in range(0, len(images), options.batch_size)
    ]
    weight = weight_of(options)
    paths = [
        np.stack([s.score(weight)[: len(b)].cpu().numpy() for s in trajectory(b, longer, networks)])
        for b in batches
    ]
    path = np.concatenate(paths, axis=1)
    rows = []
    for step, values in enumerate(path):
        rows.append(("steps", str(step), "mean_score", values.mean()))
        rows.append(("steps", str(step), "spearman", _spearman(path[options.steps], values)))
    return _table(rows)


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def _table(rows: list[tuple[str, str, str, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["study", "setting", "quantity", "value"])
