"""Random numbers that depend on a seed and on names, never on order or on threads."""

import hashlib
from typing import Any

import numpy as np


def sequence(seed: int, *names: Any) -> int:
    """A 63-bit seed for the purpose that ``names`` spell, different for each purpose."""
    text = "\x1f".join(str(n) for n in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: Any) -> np.random.Generator:
    """A numpy generator for the purpose that ``names`` spell."""
    return np.random.default_rng(sequence(seed, *names))


def fitted_rows(n: int, most: int, seed: int) -> np.ndarray:
    """Which of n rows are fitted: all, or ``most`` that are drawn, rising."""
    if n <= most:
        return np.arange(n)
    return np.sort(generator(seed, "fit sample").choice(n, most, replace=False))


def uniform(seed: int, keys: Any, *names: Any) -> np.ndarray:
    """One number in [0, 1) for each key (an object id, say), whatever the others are, (n,)."""
    prefix = "\x1f".join(str(n) for n in (seed, *names)) + "\x1f"
    digests = (hashlib.sha256((prefix + str(k)).encode()).digest()[:8] for k in keys)
    return np.fromiter((int.from_bytes(d, "big") for d in digests), np.float64) / 2.0**64
