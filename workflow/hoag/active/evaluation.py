"""What a round's ranking is worth: the paper's metric and others."""

from dataclasses import dataclass

import numpy as np

MIN_POSITIVES = 5  # below which values on unlabelled objects alone are not given


@dataclass(frozen=True)
class Values:
    """Measures of one ranking of one class; NaN where they are undefined."""

    n_positive: int
    mcc: float
    auroc: float
    average_precision: float
    rank_weighted: float


def measure(score: np.ndarray, positive: np.ndarray) -> Values:
    """All measures of a ranking.

    Parameters
    ----------
    score : (n,) float
        Higher is more likely a member.
    positive : (n,) bool
        Who is a member.
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    n = int(positive.sum())
    if n == 0 or n == len(positive):
        return Values(n, np.nan, np.nan, np.nan, np.nan)
    ranks = np.unique(score, return_inverse=True)[1].astype(float)  # infinities are ranks as well
    return Values(
        n,
        matthews_at_n(score, positive),
        float(roc_auc_score(positive, ranks)),
        float(average_precision_score(positive, ranks)),
        rank_weighted_score(score, positive),
    )


def matthews_at_n(score: np.ndarray, positive: np.ndarray) -> float:
    """Matthews' correlation of the flagged objects with the n members.

    Flagged are those above the (n + 1)-th highest score, so that ties there flag fewer than n
    (AHUNT's code; equation 2 of the paper lacks the square root). 0 where none or all are flagged;
    NaN without members or without others.
    """
    n, total = int(positive.sum()), len(score)
    if n == 0 or n == total:
        return float("nan")
    threshold = np.partition(score, total - n - 1)[total - n - 1]
    flagged = score > threshold
    tp = float((flagged & positive).sum())
    fp, fn = float(flagged.sum()) - tp, n - tp
    tn = total - n - fp
    scale = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return float((tp * tn - fp * fn) / scale) if scale > 0 else 0.0


def rank_weighted_score(score: np.ndarray, positive: np.ndarray) -> float:
    """Rank-weighted score of the n highest objects, n being the number of members.

    The k-th of them counts n + 1 - k if it is a member; the sum is given as a share of the largest
    possible, n (n + 1) / 2 (Roberts, Bassett & Lochner 2020). Ties share their places evenly.
    """
    n = int(positive.sum())
    if n == 0:
        return float("nan")
    weights = np.clip(n - np.arange(len(score)), 0, None).astype(float)
    order = np.argsort(-score, kind="stable")
    _, place = np.unique(-score[order], return_inverse=True)
    shared = np.bincount(place, weights) / np.bincount(place)  # mean weight of a tie
    return float(shared[place][positive[order]].sum() / (n * (n + 1) / 2))
