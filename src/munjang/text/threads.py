"""Work on the parts of a column side by side: NumPy and Arrow let go of Python while they work."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import polars as pl

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_parts(work: Callable[[Item], Result], parts: Sequence[Item]) -> list[Result]:
    """`[work(part) for part in parts]`, on as many threads as Polars uses (POLARS_MAX_THREADS)."""
    threads = min(len(parts), pl.thread_pool_size())
    if threads < 2:
        return [work(part) for part in parts]
    # A pool for each call: one that outlived it would be dead after a fork.
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, parts))
