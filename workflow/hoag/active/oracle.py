"""Who answers the questions: labels that are known, or a person's answers in a table."""

from typing import TYPE_CHECKING

import numpy as np

from hoag.active.contract import NO_CLASS, Answers

if TYPE_CHECKING:
    import pandas as pd


class Labels:
    """Answers from labels that are known, with an error now and then.

    Parameters
    ----------
    classes : (n,) object
        The true class of each object.
    error_rate
        Share of answers that are another class, drawn evenly from the other ones.
    rng
        Draws the errors. An object gets the same answer whenever it is asked about.
    """

    def __init__(self, classes: np.ndarray, error_rate: float, rng: np.random.Generator) -> None:
        names = np.unique(classes.astype(str)).astype(object)
        self._answers = classes.astype(object).copy()
        if error_rate > 0 and len(names) > 1:
            for i in np.flatnonzero(rng.random(len(classes)) < error_rate):
                self._answers[i] = rng.choice(names[names != classes[i]])

    def answer(self, index: np.ndarray) -> Answers:
        """The classes of the objects at ``index``."""
        return Answers.of_classes(index, self._answers[index])


class Table:
    """Answers from a table, such as a person's.

    Parameters
    ----------
    table
        Columns object_id, class, interest; rows in the order in which they were given, so that the
        last one of an object holds. An object with neither class nor interest is withdrawn.
    object_ids : (n,) object
        Of all objects, in the order of the rows of ``x``.

    Raises
    ------
    ValueError
        If no answer is about any of the objects; some may be about others.
    """

    def __init__(self, table: "pd.DataFrame", object_ids: np.ndarray) -> None:
        row = {object_id: i for i, object_id in enumerate(object_ids)}
        last = table.drop_duplicates("object_id", keep="last")
        if len(last) and not last["object_id"].isin(row).any():
            first = last["object_id"].iloc[0]
            raise ValueError(
                f"found no object among {len(last)} answers such as {first!r}, allowed: ids such "
                f"as {str(next(iter(row), None))!r}"
            )
        last = last.assign(**{"class": last["class"].replace(NO_CLASS, None)})
        last = last[
            last["object_id"].isin(row) & (last["class"].notna() | last["interest"].notna())
        ]
        index = np.array([row[i] for i in last["object_id"]], dtype=int)
        classes = last["class"].fillna(NO_CLASS).to_numpy(dtype=object)
        self._known = Answers(index, classes, last["interest"].to_numpy(dtype=float))

    def answer(self, index: np.ndarray) -> Answers:
        """What the table says of the objects at ``index``; those without an answer are left out."""
        asked = np.isin(self._known.index, index)
        known = self._known
        return Answers(known.index[asked], known.classes[asked], known.interest[asked])
