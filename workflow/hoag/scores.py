"""From raw scores to sigma, percentile and one ranked table of every object."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from hoag.options import ConfigError, unknown

AGGREGATES = "aggregates"  # stands where others have their feature space
ALONE = ("images", AGGREGATES)  # what needs no mention beside a detector's name
OWN = ("score", "sigma", "percentile")  # columns of every table of scores; others are components


def merge(raw: pd.DataFrame, reference_batches: Sequence[str]) -> pd.DataFrame:
    """Give each raw score its sigma and percentile against the reference batches.

    Parameters
    ----------
    raw
        All shards' ``raw_scores`` in one table, with a ``batch`` column. Higher is more anomalous.
    reference_batches
        The batches whose finite scores state what is usual.

    Returns
    -------
    DataFrame
        Table ``scores``: object_id, batch, score, sigma, percentile and the components, rows in
        the order of ``raw``.

    Raises
    ------
    ValueError
        If a reference batch has no row, or an object comes twice in one batch.

    Notes
    -----
    ``sigma`` is (score - mean) / standard deviation, the latter with divisor n; it is NaN for all
    where the reference scores are all equal or none is finite. ``percentile``, from 0 to 100, is
    the mid-rank one: the share of reference scores below the score plus half of the share equal
    to it. A NaN score keeps its row, with NaN sigma and percentile. The order of rows changes no
    value, so neither does the number of shards.
    """
    missing = sorted(set(reference_batches) - set(raw["batch"]))
    if missing or not reference_batches:
        found = ", ".join(sorted(raw["batch"].unique())) or "nothing"
        raise ValueError(f"reference batches: found {missing}, allowed: {found}")
    if raw.duplicated(["object_id", "batch"]).any():
        twice = raw.loc[raw.duplicated(["object_id", "batch"]), "object_id"].iloc[0]
        raise ValueError(f"object {twice!r} has more than one score in one batch")
    score = raw["score"].to_numpy(np.float64)
    reference = score[raw["batch"].isin(list(reference_batches)).to_numpy()]
    reference = np.sort(reference[np.isfinite(reference)])
    out = raw[["object_id", "batch"]].reset_index(drop=True)
    out["score"] = score
    out["sigma"] = _sigma(score, reference)
    out["percentile"] = _percentile(score, reference)
    for name in _components(raw):
        out[name] = raw[name].to_numpy(np.float64)
    return out


def aggregate(tables: Sequence[pd.DataFrame], how: str) -> pd.DataFrame:
    """Combine the ranks of several detectors into one raw score.

    Parameters
    ----------
    tables
        ``scores`` of each detector, against the same reference batches; a tie of scores is a tie
        of percentiles.
    how
        "mean": mean percentile over the detectors, which orders the reference objects as Borda's
        count does (de Borda 1781). "max": the highest percentile, for what one detector alone
        finds. "fisher": mean of -ln(1 - percentile / 100), half of Fisher's (1932) statistic of
        combined probabilities divided by the number of detectors: to be the highest of a thousand
        counts for more than to be among the higher half by several.

    Returns
    -------
    DataFrame
        object_id, batch and score, from 0 to 100 (fisher: from 0), for every object of any table,
        sorted by batch and object_id; to be given to `merge`. NaN unless every detector has a
        score: a mean over fewer would rank an object by what could not be measured of it.

    Notes
    -----
    An object's score depends on its own percentiles alone. Objects of a later batch that lie
    beyond all reference objects share the percentile 100; for Fisher's statistic they have half the
    tail of the highest reference object.
    """
    keys = ["object_id", "batch"]
    ranks = [table.set_index(keys)["percentile"] for table in tables]
    if how == "fisher":
        ranks, how = [_surprise(rank) for rank in ranks], "mean"
    table = pd.concat(ranks, axis=1)
    score = table.agg(how, axis=1, skipna=False).rename("score")
    return score.reset_index().sort_values(["batch", "object_id"], ignore_index=True)


def _surprise(percentile: pd.Series) -> pd.Series:
    """-ln of the share of reference objects above, whose smallest is the highest object's own."""
    tail = 1 - percentile / 100
    return -np.log(tail.mask(tail == 0, tail[tail > 0].min() / 2))


def _components(table: pd.DataFrame) -> list[str]:
    return [c for c in table.columns if c not in ("object_id", "batch", *OWN)]


def _sigma(score: np.ndarray, reference: np.ndarray) -> np.ndarray:
    if not len(reference) or reference[0] == reference[-1]:
        return np.full(score.shape, np.nan)
    return (score - reference.mean()) / reference.std()


def _percentile(score: np.ndarray, reference: np.ndarray) -> np.ndarray:
    if not len(reference):
        return np.full(score.shape, np.nan)
    below = np.searchsorted(reference, score, "left")
    not_above = np.searchsorted(reference, score, "right")
    # NaN sorts behind everything, so it must be taken out by hand
    return np.where(np.isnan(score), np.nan, 50.0 * (below + not_above) / len(reference))


def rank(
    tables: Mapping[str, pd.DataFrame],
    catalogue: pd.DataFrame,
    manifest: pd.DataFrame | None,
    main: str,
) -> pd.DataFrame:
    """One table of every object with the scores of every detector, most anomalous first.

    Parameters
    ----------
    tables
        Detector's name -> its ``scores``.
    catalogue
        All batches' ``catalogue`` in one table, with a ``batch`` column.
    manifest
        All batches' ``manifest``; with a ``batch`` column where one id stands in several batches.
        An object without a row gets the status ``not_fetched``. None where there are no images
        to fetch: then every object is ``ok``.
    main
        The detector that decides the order.

    Returns
    -------
    DataFrame
        Table ``ranked``: rank, object_id, batch, status, label, ra_deg, dec_deg, and for each
        detector ``{name}_score``, ``{name}_sigma``, ``{name}_percentile`` and
        ``{name}_{component}``. Sorted by the main score, highest first, equal scores by
        object_id. ``rank`` counts from 1 and is null for objects that have no main score; those
        come last.

    Raises
    ------
    ConfigError
        If ``main`` is no key of ``tables``.
    ValueError
        If a table holds an object twice, or one that the catalogue lacks.
    """
    if main not in tables:
        raise ConfigError(unknown("main detector", main, tables))
    columns = ["object_id", "batch", "label", "ra_deg", "dec_deg"]
    out = _with_status(catalogue[columns].reset_index(drop=True), manifest)
    for name, table in tables.items():
        out = _joined(out, _prefixed(table, name), name)
    out = out.sort_values(
        [f"{main}_score", "object_id", "batch"], ascending=[False, True, True], ignore_index=True
    )
    n_scored = int(out[f"{main}_score"].notna().sum())
    ranks = pd.Series(range(1, n_scored + 1), dtype="Int64").reindex(out.index)
    first = ["object_id", "batch", "status", "label", "ra_deg", "dec_deg"]
    rest = [c for c in out.columns if c not in first]
    return pd.concat([ranks.rename("rank"), out[first + rest]], axis=1)


def _with_status(objects: pd.DataFrame, manifest: pd.DataFrame | None) -> pd.DataFrame:
    if manifest is None:
        return objects.assign(status="ok")
    columns = [c for c in ("object_id", "batch", "status") if c in manifest.columns]
    out = _joined(objects, manifest[columns], "manifest")
    return out.assign(status=out["status"].fillna("not_fetched"))


def _prefixed(table: pd.DataFrame, name: str) -> pd.DataFrame:
    columns = [*OWN, *_components(table)]
    renamed = table[columns].rename(columns={c: f"{name}_{c}" for c in columns})
    return pd.concat([table[["object_id", "batch"]], renamed], axis=1)


def _joined(objects: pd.DataFrame, table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Join ``table`` to ``objects`` by id, and by batch where it has one."""
    keys = [c for c in ("object_id", "batch") if c in table.columns]
    if table.duplicated(keys).any():
        twice = table.loc[table.duplicated(keys), "object_id"].iloc[0]
        raise ValueError(f"{name}: object {twice!r} stands there more than once")
    known = pd.MultiIndex.from_frame(objects[keys])
    strange = table.loc[~pd.MultiIndex.from_frame(table[keys]).isin(known), "object_id"]
    if len(strange):
        raise ValueError(f"{name}: object {strange.iloc[0]!r} is not in the catalogue")
    return objects.merge(table, on=keys, how="left")


def score_name(space: str, detector: str) -> str:
    """Prefix of a detector's columns: its name, and its feature space where it has one."""
    return detector if space in ALONE else f"{detector}_{space}"
