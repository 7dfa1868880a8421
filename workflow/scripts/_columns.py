"""What scripts share that hand rows of the catalogue to those who look at images."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from hoag import tables
from hoag.features import columns as catalogue_columns


def rows_of(object_ids: Iterable[str], paths: Sequence[str]) -> pd.DataFrame:
    """Rows of the catalogues in ``paths``, in the order of ``object_ids``."""
    table = pd.concat([tables.read("catalogue", p) for p in paths])
    return table.set_index("object_id").loc[list(object_ids)]


def values_of(names: Sequence[str], object_ids: Iterable[str], paths: Sequence[str]) -> np.ndarray:
    """Numbers in the named columns, (n, k) float32, NaN where there is none.

    Raises
    ------
    ConfigError
        For a column that does not exist or isn't numeric.
    """
    options = catalogue_columns.Options(columns=tuple(names))
    return catalogue_columns.transform(rows_of(object_ids, paths), options, {})
