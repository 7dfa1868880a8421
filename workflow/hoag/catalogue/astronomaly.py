"""Labels and scores that Astronomaly keeps, turned into the tables of this workflow.

    PYTHONPATH=workflow python -m hoag.catalogue.astronomaly ml_scores.csv --output moved

writes ``moved/answers.csv`` and ``moved/scores.csv``.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hoag import tables
from hoag.catalogue.coordinates import find_id
from hoag.options import ConfigError, unknown

_LABEL, _SCORE = "human_label", "score"
_NONE, _MOST = -1, 5  # no label; the highest one


class Moved(NamedTuple):
    """What a file of Astronomaly holds.

    Attributes
    ----------
    answers
        As the schema ``answers``: one row for each object with a label, its interest from 0 to 5
        and no class; `hoag.active.oracle.Table` reads it.
    scores
        As the schema ``raw_scores``: ``score`` and every other column of numbers
        (``trained_score``, ``acquisition``), higher is more anomalous.
    """

    answers: pd.DataFrame
    scores: pd.DataFrame


def read_scores(path: str | Path, *, lower_is_weirder: bool = False) -> Moved:
    """Read ``ml_scores.csv``, or a table of scores that a stage has kept.

    Parameters
    ----------
    path
        CSV, whose first column is the identifier whatever its name, or Parquet as pandas writes
        it, whose index is.
    lower_is_weirder
        Whether ``score`` is one that falls with strangeness, as scikit-learn's forests and local
        outlier factor give it before Astronomaly's converter; it is turned round.

    Returns
    -------
    Moved
        Objects in the file's order; without a column ``human_label``, or with -1 there, nobody
        has labelled. A score that is missing stays so.

    Raises
    ------
    ConfigError
        If the file can't be read or has no row, an identifier twice or missing, no column
        ``score``, or a label that is not a whole number from -1 to 5.
    """
    frame = _read(Path(path))
    ids = frame.index.to_series()
    if not len(frame):
        raise ConfigError(f"{path}: found no row, allowed: one or more")
    if ids.isna().any():
        raise ConfigError(f"{path}: found a row without an identifier, allowed: none")
    if ids.duplicated().any():
        raise ConfigError(f"{path}: found {ids[ids.duplicated()].iloc[0]!r} twice, allowed: once")
    if _SCORE not in frame:
        raise ConfigError(unknown(f"{path}: column", _SCORE, map(str, frame.columns)))
    others = frame.drop(columns=[_LABEL, "object_id"], errors="ignore")
    scores = others.select_dtypes("number").astype(float)
    if _SCORE not in scores:
        raise ConfigError(f"{path}: found {frame[_SCORE].iloc[0]!r} in score, allowed: numbers")
    if lower_is_weirder:
        scores[_SCORE] = -scores[_SCORE]
    scores = scores[[_SCORE, *(c for c in scores if c != _SCORE)]]
    object_ids = ids.astype(str).to_numpy(dtype=object)
    return Moved(
        _answers(frame, object_ids, path),
        scores.reset_index(drop=True).assign(object_id=object_ids)[["object_id", *scores]],
    )


def _answers(frame: pd.DataFrame, object_ids: np.ndarray, path: str | Path) -> pd.DataFrame:
    labels = frame[_LABEL] if _LABEL in frame else pd.Series(_NONE, frame.index)
    numbers = pd.to_numeric(labels, errors="coerce").to_numpy(dtype=float)
    allowed = np.isin(numbers, range(_NONE, _MOST + 1))
    if not allowed.all():
        place = int(np.argmin(allowed))
        raise ConfigError(
            f"{path}: {_LABEL} of {object_ids[place]!r}: found {labels.iloc[place]}, allowed: "
            f"a whole number from 0 to {_MOST}, or {_NONE} for none"
        )
    given = numbers != _NONE
    columns = {"object_id": object_ids[given], "class": None, "interest": numbers[given]}
    return pd.DataFrame(columns).astype({"class": object})


def _read(path: Path) -> pd.DataFrame:
    """The file's table with its identifiers, text in a CSV file, as the index."""
    try:
        if path.suffix in (".parquet", ".pq"):
            frame = pd.read_parquet(path)
        else:
            header = pd.read_csv(path, nrows=0).columns
            named = header[0] in ("score", "human_label") and find_id(header)
            first = named or header[0]
            frame = pd.read_csv(path, dtype={first: str}).set_index(first)
    except (OSError, ValueError, IndexError) as error:
        raise ConfigError(f"{path}: can't be read ({' '.join(str(error).split())})") from None
    return _indexed(frame, path)


def _indexed(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    """A frame whose index only counts its rows, with its column of identifiers as the index."""
    if frame.index.name is not None or not isinstance(frame.index, pd.RangeIndex):
        return frame
    name = find_id(frame.columns)
    if name is None:
        raise ConfigError(
            f"{path}: found no identifiers, allowed: as the index, or in a column such as object_id"
        )
    return frame.set_index(name)


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m hoag.catalogue.astronomaly", description=__doc__.splitlines()[0]
    )
    parser.add_argument("path", type=Path, help="ml_scores.csv, or a stage's table of scores")
    parser.add_argument("--output", type=Path, default=Path("."), help="folder of the two tables")
    parser.add_argument(
        "--lower-is-weirder", action="store_true", help="turn `score` round: no converter was used"
    )
    given = parser.parse_args(arguments)
    try:
        moved = read_scores(given.path, lower_is_weirder=given.lower_is_weirder)
        given.output.mkdir(parents=True, exist_ok=True)
    except ConfigError as error:
        sys.exit(f"hoag: {error}")
    except OSError as error:
        sys.exit(f"hoag: --output: found {given.output} ({error.strerror}), allowed: a folder")
    tables.write("answers", moved.answers, given.output / "answers.csv")
    tables.write("raw_scores", moved.scores, given.output / "scores.csv")
    print(f"{len(moved.answers)} answers, {len(moved.scores)} scores in {given.output}")


if __name__ == "__main__":
    main()
