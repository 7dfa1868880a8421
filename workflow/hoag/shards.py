"""Which rows of a batch belong to which shard."""

import pandas as pd


def rows_of_shard(n_rows: int, shard: int, n_shards: int) -> slice:
    """Rows of shard number ``shard``: consecutive, and equally many to within one."""
    bounds = [n_rows * k // n_shards for k in (shard, shard + 1)]
    return slice(*bounds)


def take_shard(frame: pd.DataFrame, shard: int, n_shards: int) -> pd.DataFrame:
    """The rows of one shard."""
    return frame.iloc[rows_of_shard(len(frame), shard, n_shards)]
