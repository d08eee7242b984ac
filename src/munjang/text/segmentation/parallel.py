"""Parallel work on the parts of a column: NumPy releases the global interpreter lock."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST = 4  # joining strings holds the lock, so more threads would be idle


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_parts(work: Callable[[Item], Result], parts: Sequence[Item]) -> list[Result]:
    """Apply `work` to every part, in parallel on several cores; return the results in order."""
    workers = min(cores(), _MOST, len(parts))
    if workers < 2:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, parts))
