"""Shards cover every row once; random numbers depend on names alone."""

import numpy as np
import pandas as pd
import pytest

from hoag import seeds
from hoag.shards import rows_of_shard, take_shard


@pytest.mark.parametrize("n_shards", [1, 2, 3, 7, 200])
@pytest.mark.parametrize("n_rows", [0, 1, 6, 7, 1000, 1_000_003])
def test_shards_cover_every_row_once_and_evenly(n_rows, n_shards):
    slices = [rows_of_shard(n_rows, k, n_shards) for k in range(n_shards)]
    bounds = [s.start for s in slices] + [slices[-1].stop]
    assert bounds[0] == 0 and bounds[-1] == n_rows
    assert [s.stop for s in slices] == bounds[1:]
    assert set(np.diff(bounds)) <= {n_rows // n_shards, -(-n_rows // n_shards)}


def test_shards_of_a_table_put_together_are_the_table():
    frame = pd.DataFrame({"object_id": list("abcdefgh")}, index=range(10, 18))
    parts = [take_shard(frame, k, 3) for k in range(3)]
    assert [len(p) for p in parts] == [2, 3, 3]
    pd.testing.assert_frame_equal(pd.concat(parts), frame)


def test_sequences_are_63_bit_and_differ_for_each_purpose():
    drawn = [seeds.sequence(s, *n) for s in range(50) for n in ((), ("a",), ("a", 1), ("a1",))]
    assert len(set(drawn)) == len(drawn)
    assert all(0 <= d < 2**63 for d in drawn)
    assert max(drawn) > 2**62
    assert seeds.sequence(1, "ab", "c") != seeds.sequence(1, "a", "bc")


def test_seeds_are_the_same_on_every_machine():
    # written down once: a change here changes every simulated object and every fit
    assert seeds.sequence(0, "night", 3) == 4935008455814835018
    assert seeds.uniform(0, ["a"], "night")[0] == 0.12793558497041044


def test_generators_do_not_depend_on_what_was_drawn_before():
    first = seeds.generator(5, "stars").random(4)
    seeds.generator(5, "galaxies").random(1000)
    np.testing.assert_array_equal(seeds.generator(5, "stars").random(4), first)
    assert not np.isclose(seeds.generator(6, "stars").random(4), first).any()
    assert not np.isclose(seeds.generator(5, "galaxies").random(4), first).any()


def test_uniform_numbers_belong_to_their_keys_in_any_order():
    keys = [f"galaxy-{i}" for i in range(20_000)]
    values = seeds.uniform(3, keys, "hold_out")
    assert values.dtype == np.float64 and values.shape == (20_000,)
    order = np.random.default_rng(0).permutation(len(keys))
    shuffled = seeds.uniform(3, [keys[i] for i in order], "hold_out")
    np.testing.assert_array_equal(shuffled, values[order])
    np.testing.assert_array_equal(seeds.uniform(3, keys[:7], "hold_out"), values[:7])
    assert not np.isclose(seeds.uniform(3, keys[:99], "other"), values[:99], rtol=1e-6).any()
    assert seeds.uniform(3, [], "hold_out").shape == (0,)


def test_uniform_numbers_are_uniform():
    values = seeds.uniform(11, range(20_000))
    assert values.min() >= 0 and values.max() < 1
    counts = np.histogram(values, bins=20, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8  # chi-squared, 19 degrees, p = 0.001
