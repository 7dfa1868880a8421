"""Some objects' features with the reasons of what is missing, in this process or in several."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np

from hoag import registry

Part = tuple[Any, dict[str, Any]]  # images or traces, and what the plug-in is given besides
Measured = tuple[np.ndarray, list[str]]


def measure(section: Mapping[str, Any], state: Mapping[str, np.ndarray], part: Part) -> Measured:
    """Vectors (n, d) of some objects, and why rows have a NaN, one reason for each that has."""
    module, options = registry.plugin("features", section, "features")
    some, extra = part
    if hasattr(module, "explained"):
        values, said = module.explained(some, options, state, **extra)
    else:
        values, said = module.transform(some, options, state, **extra), None
    failed = np.flatnonzero(np.isnan(values).any(axis=1))
    reasons = missing(values[failed], module.names(options, state))
    if said is not None:
        reasons = [said[row] or why for row, why in zip(failed, reasons, strict=True)]
    elif len(failed) and hasattr(module, "reasons"):
        reasons = module.reasons(some[failed], options, state)
    return values, reasons


def measure_all(
    section: Mapping[str, Any],
    state: Mapping[str, np.ndarray],
    parts: Iterable[Part],
    n_processes: int,
) -> Iterator[Measured]:
    """`measure` of each part, in order; with several processes a few parts ahead."""
    if n_processes == 1:
        yield from (measure(section, state, part) for part in parts)
        return
    waiting: deque[Future[Measured]] = deque()
    with ProcessPoolExecutor(n_processes, mp_context=get_context("spawn")) as pool:
        for part in parts:
            waiting.append(pool.submit(measure, section, state, part))
            if len(waiting) > 2 * n_processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def missing(values: np.ndarray, names: list[str]) -> list[str]:
    """Names of the columns that are NaN, row by row; of more than three, how many there are."""
    reasons = []
    for row in np.isnan(values):
        gone = [name for name, lacks in zip(names, row, strict=True) if lacks]
        listed = ", ".join(gone) if len(gone) <= 3 else f"{len(gone)} of {len(names)}"
        reasons.append(f"no number in {listed}")
    return reasons
