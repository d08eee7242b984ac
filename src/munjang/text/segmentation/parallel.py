"""Parallel work on the parts of a column: NumPy releases the global interpreter lock."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from munjang.processes import count_cores

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST = 4  # joining strings holds the lock, so more threads would be idle


def map_parts(work: Callable[[Item], Result], parts: Sequence[Item]) -> list[Result]:
    """Apply `work` to every part, in parallel on several cores; return the results in order."""
    workers = min(count_cores(), _MOST, len(parts))
    if workers < 2:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, parts))
