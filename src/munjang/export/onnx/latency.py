"""Milliseconds per answer, beside those of PyTorch."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

BATCHES = (1, 32)
# Seconds per figure, and most runs.
_SECONDS, _MOST = 0.05, 50


@dataclass(frozen=True)
class Latency:
    """Median milliseconds of a prediction.

    Attributes:
        rows: rows per call.
        milliseconds: by the name of what answered.
    """

    rows: int
    milliseconds: dict[str, float]


def measure_latency(
    predict: dict[str, Callable[[Sequence[Any]], Any]], values: Sequence[Any]
) -> list[Latency]:
    """Return the medians of every function and batch size.

    Args:
        predict: functions by name.
        values: the values of the larger batch.
    """
    return [
        Latency(rows, {name: _measure(call, values[:rows]) for name, call in predict.items()})
        for rows in BATCHES
    ]


def _measure(call: Callable[[Sequence[Any]], Any], values: Sequence[Any]) -> float:
    start = time.perf_counter()
    call(values)
    first = time.perf_counter() - start
    if first > _SECONDS:  # it writes texts, whose first call is no slower than the others
        return 1000 * first
    taken: list[float] = []
    while sum(taken) < _SECONDS and len(taken) < _MOST:
        start = time.perf_counter()
        call(values)
        taken.append(time.perf_counter() - start)
    return 1000 * median(taken)
