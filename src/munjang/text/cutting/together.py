"""Parts of a column worked on by all cores at once: NumPy lets go of the interpreter's lock."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST = 4  # what holds the lock, joining strings above all, leaves no work for more


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_parts(work: Callable[[Item], Result], parts: Sequence[Item]) -> list[Result]:
    """`work` of every part, in order; several parts at a time where there are several cores."""
    workers = min(cores(), _MOST, len(parts))
    if workers < 2:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, parts))
