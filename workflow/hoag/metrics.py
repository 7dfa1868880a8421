"""How well scores tell known anomalies from normal objects, with intervals."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hoag.options import ConfigError, option

if TYPE_CHECKING:
    import pandas as pd

METRICS = (
    "auroc",
    "average_precision",
    "precision_at_10",
    "precision_at_50",
    "recall_at_10_percent",
    "recall_at_3_sigma",
    "false_alarms_at_3_sigma",
    "mcc",
)
_POOLED = ("anomalies", "faults")
_BLOCK = 4_000_000  # values of one block of resampled counts: bounds the memory
_CURVE_POINTS = 300


@dataclass(frozen=True)
class Truth:
    """What the catalogue's labels mean. Objects with any other label, or none, never count."""

    normal: tuple[str, ...] = option(doc="Labels of normal objects: the negatives.")
    anomalies: tuple[str, ...] = option((), doc="Labels of astrophysical anomalies.")
    faults: tuple[str, ...] = option((), doc="Labels of data faults; never pooled with anomalies.")
    anomaly_fraction: float | None = option(
        None,
        doc="Share of positives to which each group is drawn down; null takes every object.",
        minimum=1e-6,
        maximum=0.999,
    )
    n_draws: int = option(100, doc="Random draws for anomaly_fraction.", minimum=2)
    in_turn: bool = option(
        False,
        doc="Each label of anomalies and faults stands against all other labels named here, not "
        "against the normal ones alone.",
    )

    def __post_init__(self) -> None:
        labels = (*self.normal, *self.anomalies, *self.faults)
        twice = sorted({x for x in labels if labels.count(x) > 1})
        if twice:
            raise ConfigError(f"found {twice[0]!r} more than once, allowed: each label once")
        if not self.normal or not (self.anomalies or self.faults):
            raise ConfigError(
                f"found normal: {list(self.normal)}, anomalies: {list(self.anomalies)}, "
                f"faults: {list(self.faults)}, allowed: a label in normal and in one of the others"
            )
        pooled = sorted(set(labels) & set(_POOLED))
        if pooled:
            raise ConfigError(f"found the label {pooled[0]!r}, a name kept for the pooled group")

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Group -> its labels: the pooled ones that have any, then each label by itself."""
        pooled = {"anomalies": self.anomalies, "faults": self.faults}
        single = {label: (label,) for label in (*self.anomalies, *self.faults)}
        return {name: labels for name, labels in pooled.items() if labels} | single

    def against(self, group: str) -> tuple[str, ...]:
        """Labels of a group's negatives."""
        if not self.in_turn or group in _POOLED:
            return self.normal
        others = (*self.normal, *self.anomalies, *self.faults)
        return tuple(label for label in others if label != group)


def evaluate(
    scores: "pd.Series",
    sigma: "pd.Series",
    labels: "pd.Series",
    truth: Truth,
    *,
    seed: int,
    n_bootstrap: int = 200,
) -> "pd.DataFrame":
    """Metrics of one detector for each label and for the pooled anomalies and faults.

    Parameters
    ----------
    scores, sigma
        Score (higher is more anomalous) and its sigma; float, indexed by object_id.
    labels
        Label or null, indexed by object_id: this is the set of objects. One without a score, or
        with NaN, is left out, and ``n_positive``, ``n_negative`` count what remains.
    truth
        What the labels mean.
    seed
        Fixes bootstrap and draws.
    n_bootstrap
        Bootstrap samples.

    Returns
    -------
    DataFrame
        group, n_positive, n_negative, metric, value, low, high; one row per group and metric of
        `METRICS`. Undefined values (no positives, no negatives, fewer than k objects) are NaN.

    Raises
    ------
    ValueError
        If an object_id comes twice, or no labelled object has a row among the scores.

    Notes
    -----
    A group's positives stand against the normal objects alone; with ``truth.in_turn`` a single
    label's against all other objects whose labels ``truth`` names.

    Without ``truth.anomaly_fraction``, ``value`` comes from all objects and ``low``, ``high`` are
    the 2.5 and 97.5 percentiles over a bootstrap of objects that keeps both class sizes.

    With a fraction f, all N normal objects stand against a draw, without replacement, of
    m = round(N f / (1 - f)) of the group's members (at least 1). ``value`` is the mean over
    ``truth.n_draws`` draws and ``low``, ``high`` the 2.5 and 97.5 percentiles over them: the
    spread over draws, not over other samples of normal objects. Draws come from the sorted ids,
    scored or not, the seed and the group's name, so every detector meets the same ones; NaN
    scores drop out afterwards (``n_positive`` is then the rounded mean over draws). A group of
    m members or fewer is taken whole, with the bootstrap's interval.

    precision_at_k shares a tie at the k-th place out evenly, its expectation over random orders.
    recall_at_10_percent is the share of the positives among the highest tenth (rounded upwards) of
    positives and negatives, with ties shared out likewise.
    mcc is Matthews' correlation of ``score > t`` with the truth, t being the (n + 1)-th highest
    score for n positives, so that ties at t flag fewer than n objects; 0 where all or no objects
    are flagged. recall and false_alarms at 3 sigma are the shares of the positives and of the
    normal objects with sigma > 3; a NaN sigma is not above.
    """
    import pandas as pd

    table = _aligned(scores, sigma, labels)
    rows = []
    for group, members in truth.groups().items():
        positive = table["label"].isin(members).to_numpy()
        negative = table["label"].isin(truth.against(group)).to_numpy()
        used = table[positive | negative]
        sample = _Sample(
            used["score"].to_numpy(), used["sigma"].to_numpy(), positive[positive | negative]
        )
        rng = np.random.default_rng([seed, zlib.crc32(group.encode())])
        estimates, n_positive = _estimates(sample, truth, rng, n_bootstrap)
        counts = (group, n_positive, sample.n_negative)
        rows += [(*counts, name, *estimates[name]) for name in METRICS]
    columns = ["group", "n_positive", "n_negative", "metric", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def curves(scores: "pd.Series", labels: "pd.Series", truth: Truth, group: str) -> "pd.DataFrame":
    """ROC and precision-recall curve of one group against the normal objects.

    Parameters
    ----------
    scores, labels, truth
        As in `evaluate`; NaN scores are left out.
    group
        "anomalies", "faults", or one label.

    Returns
    -------
    DataFrame
        group, curve, x, y, at most 300 points a curve: "roc" with the false-positive rate in x
        and the true-positive rate in y, "precision_recall" with recall in x and precision in y.
        Empty where either class is.

    Raises
    ------
    ConfigError
        If the truth has no such group.

    Notes
    -----
    All members of the group enter. With ``truth.anomaly_fraction`` the positives are weighted
    to make that fraction, as the draws of `evaluate` do on average.
    """
    import pandas as pd
    from sklearn.metrics import precision_recall_curve, roc_curve

    if group not in truth.groups():
        raise ConfigError(f"group: found {group!r}, allowed: {', '.join(truth.groups())}")
    table = _aligned(scores, scores, labels)
    positive = table["label"].isin(truth.groups()[group])
    negative = table["label"].isin(truth.against(group))
    weight = _weight(int(positive.sum()), int(negative.sum()), truth)
    used = (positive | negative) & table["score"].notna()
    y, x = positive[used].to_numpy(), _ranks(table["score"][used].to_numpy())
    if not len(y) or y.all() or not y.any():
        types = {"group": str, "curve": str, "x": float, "y": float}
        return pd.DataFrame(columns=list(types)).astype(types)
    false_rate, true_rate, _ = roc_curve(y, x)
    precision, recall, _ = precision_recall_curve(y, x, sample_weight=np.where(y, weight, 1.0))
    parts = (("roc", false_rate, true_rate), ("precision_recall", recall, precision))
    return pd.concat([_curve(group, *part) for part in parts], ignore_index=True)


def _curve(group: str, curve: str, x: np.ndarray, y: np.ndarray) -> "pd.DataFrame":
    import pandas as pd

    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), _CURVE_POINTS)).round().astype(int))
    return pd.DataFrame({"group": group, "curve": curve, "x": x[kept], "y": y[kept]})


def _ranks(scores: np.ndarray) -> np.ndarray:
    """Ranks in place of scores, which scikit-learn refuses where one is infinite."""
    return np.unique(scores, return_inverse=True)[1].astype(float)


def _aligned(scores: "pd.Series", sigma: "pd.Series", labels: "pd.Series") -> "pd.DataFrame":
    """Columns score, sigma, label over the objects of ``labels``, in the order of their ids."""
    import pandas as pd

    for name, series in (("scores", scores), ("sigma", sigma), ("labels", labels)):
        if not series.index.is_unique:
            twice = series.index[series.index.duplicated()][0]
            raise ValueError(f"{name}: object {twice!r} stands there more than once")
    if not len(labels.index.intersection(scores.index)):
        raise ValueError("scores and labels have no object in common")
    table = pd.DataFrame({"label": labels.sort_index()})
    table["score"] = scores.reindex(table.index).astype(float)
    table["sigma"] = sigma.reindex(table.index).astype(float)
    return table


def _n_drawn(n_members: int, n_normal: int, truth: Truth) -> int | None:
    """Members to draw, or None where the group is taken whole."""
    if truth.anomaly_fraction is None:
        return None
    m = max(1, round(n_normal * truth.anomaly_fraction / (1 - truth.anomaly_fraction)))
    return m if m < n_members else None


def _weight(n_members: int, n_normal: int, truth: Truth) -> float:
    m = _n_drawn(n_members, n_normal, truth)
    return 1.0 if m is None else m / n_members


class _Sample:
    """The objects of one group and the normal ones; resampling them means counting each anew."""

    def __init__(self, scores: np.ndarray, sigma: np.ndarray, positive: np.ndarray) -> None:
        self.n_members, self.n_normal = int(positive.sum()), int((~positive).sum())
        scored = ~np.isnan(scores)
        self.scored_members = np.flatnonzero(scored[positive])
        positive, scores, sigma = positive[scored], scores[scored], sigma[scored]
        self.n_positive, self.n_negative = int(positive.sum()), int((~positive).sum())
        # one column per distinct score, highest first: ties then need no care anywhere
        values, column = np.unique(scores, return_inverse=True)
        self.n_columns = len(values)
        column = self.n_columns - 1 - column
        self.columns = (column[positive], column[~positive])
        self.above = (sigma[positive] > 3, sigma[~positive] > 3)

    def measure(self, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
        """All metrics (row, metric), given how often each object counts (row, object)."""
        p = _per_column(positive, self.columns[0], self.n_columns)
        n = _per_column(negative, self.columns[1], self.n_columns)
        found, false = np.cumsum(p, axis=1), np.cumsum(n, axis=1)
        n_p, n_n = positive.sum(axis=1), negative.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            out = [
                (p * (n_n[:, None] - false + 0.5 * n)).sum(axis=1) / (n_p * n_n),
                (p * found / np.maximum(found + false, 1)).sum(axis=1) / n_p,
                _among_first(10, p, n, found, false) / 10,
                _among_first(50, p, n, found, false) / 50,
                _among_first(np.ceil((n_p + n_n) / 10), p, n, found, false) / n_p,
                positive @ self.above[0] / n_p,
                negative @ self.above[1] / n_n,
                _mcc(p, n, found, false),
            ]
        table = np.stack(out, axis=1)
        table[n_p == 0, :] = np.nan
        table[n_n == 0, :] = np.nan
        return table


def _per_column(counts: np.ndarray, column: np.ndarray, n_columns: int) -> np.ndarray:
    """Sum of ``counts`` (row, object) over the objects of each column: (row, n_columns)."""
    rows = len(counts)
    flat = column[None, :] + n_columns * np.arange(rows)[:, None]
    sums = np.bincount(flat.ravel(), weights=counts.ravel(), minlength=rows * n_columns)
    return sums.reshape(rows, n_columns)


def _among_first(
    k: int | np.ndarray, p: np.ndarray, n: np.ndarray, found: np.ndarray, false: np.ndarray
) -> np.ndarray:
    """Positives among the k highest (k one number, or one for each row), NaN where fewer count."""
    total = found + false
    rows, k = np.arange(len(p)), np.broadcast_to(k, len(p))
    if not total.shape[1]:
        return np.full(len(p), np.nan)
    last = np.argmax(total >= k[:, None], axis=1)  # the column that holds the k-th place
    tied_p, tied = p[rows, last], (p + n)[rows, last]
    before, above = found[rows, last] - tied_p, total[rows, last] - tied
    expected = before + (k - above) * tied_p / np.maximum(tied, 1)
    return np.where(total[:, -1] >= k, expected, np.nan)


def _mcc(p: np.ndarray, n: np.ndarray, found: np.ndarray, false: np.ndarray) -> np.ndarray:
    if not p.shape[1]:
        return np.full(len(p), np.nan)
    rows = np.arange(len(p))
    n_p, n_n = found[:, -1], false[:, -1]
    threshold = np.argmax(found + false >= n_p[:, None] + 1, axis=1)  # column of the threshold
    tp = found[rows, threshold] - p[rows, threshold]
    fp = false[rows, threshold] - n[rows, threshold]
    fn, tn = n_p - tp, n_n - fp
    scale = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return np.where(scale > 0, (tp * tn - fp * fn) / np.where(scale > 0, scale, 1), 0.0)


def _estimates(
    sample: _Sample, truth: Truth, rng: np.random.Generator, n_bootstrap: int
) -> tuple[dict[str, tuple[float, float, float]], int]:
    """Metric -> (value, low, high), and the number of positives that count."""
    m = _n_drawn(sample.n_members, sample.n_normal, truth)
    if m is None:
        whole = np.ones((1, sample.n_positive)), np.ones((1, sample.n_negative))
        value = sample.measure(*whole)[0]
        blocks = _bootstrap(sample, rng, n_bootstrap)
        spread = np.concatenate([sample.measure(*block) for block in blocks])
        n_positive = sample.n_positive
    else:
        drawn = _draws(sample.n_members, m, truth.n_draws, rng)[:, sample.scored_members]
        spread = np.concatenate([sample.measure(*b) for b in _against_all(sample, drawn)])
        value = np.array([_mean(column) for column in spread.T])
        n_positive = round(float(drawn.sum(axis=1).mean()))
    rows = zip(METRICS, value, spread.T, strict=True)
    return {name: (float(v), *_interval(column)) for name, v, column in rows}, n_positive


def _block_rows(sample: _Sample) -> int:
    return max(1, _BLOCK // max(1, sample.n_positive + sample.n_negative))


def _bootstrap(
    sample: _Sample, rng: np.random.Generator, n_bootstrap: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    step = _block_rows(sample)
    for start in range(0, n_bootstrap, step):
        rows = min(step, n_bootstrap - start)
        yield tuple(_resampled(n, rows, rng) for n in (sample.n_positive, sample.n_negative))


def _resampled(n: int, rows: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of n objects comes in ``rows`` samples with replacement: (rows, n)."""
    if n == 0:
        return np.zeros((rows, 0))
    drawn = rng.integers(0, n, (rows, n)) + n * np.arange(rows)[:, None]
    return np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(float)


def _draws(n_members: int, m: int, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """1 for each member in a draw, 0 for the others: (n_draws, n_members)."""
    chosen = np.argsort(rng.random((n_draws, n_members)), axis=1)[:, :m]
    counts = np.zeros((n_draws, n_members))
    np.put_along_axis(counts, chosen, 1.0, axis=1)
    return counts


def _against_all(sample: _Sample, drawn: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    step = _block_rows(sample)
    for start in range(0, len(drawn), step):
        block = drawn[start : start + step]
        yield block, np.ones((len(block), sample.n_negative))


def _mean(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else np.nan


def _interval(values: np.ndarray) -> tuple[float, float]:
    values = values[~np.isnan(values)]
    if not len(values):
        return np.nan, np.nan
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
