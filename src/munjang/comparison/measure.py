"""The cost of prediction: bytes on disk, and latency of one row on one core."""

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from munjang.folder.manifest import FILE as MANIFEST

_WARM_UP, _MOST_INPUTS, _MOST_SECONDS = 20, 1000, 3.0


@dataclass(frozen=True)
class Latency:
    """Latency in milliseconds, one input at a time.

    Attributes:
        p50: Median.
        p99: 99th percentile.
        texts: How many inputs were timed.
    """

    p50: float
    p99: float
    texts: int


def latency(answer: Callable[[Sequence[Any]], Any], inputs: Sequence[Any]) -> Latency:
    """Time `answer` on one input at a time, the process bound to one core if the system allows it.

    The process stays bound: measure last.
    """
    _stay_on_one_core()
    for row in range(min(_WARM_UP, len(inputs))):
        answer(inputs[row : row + 1])
    taken: list[float] = []
    end = time.perf_counter() + _MOST_SECONDS
    # at random, since a file may be sorted by length
    drawn = np.random.default_rng(0).permutation(len(inputs))[:_MOST_INPUTS].tolist()
    for row in drawn:
        single = inputs[row : row + 1]
        began = time.perf_counter()
        answer(single)
        done = time.perf_counter()
        taken.append(1000 * (done - began))
        if done > end:
            break
    p50, p99 = np.percentile(taken, [50, 99])
    return Latency(float(p50), float(p99), len(taken))


def _stay_on_one_core() -> None:
    """Bind every thread of this process, those of the libraries too."""
    if not hasattr(os, "sched_setaffinity"):
        return
    core = {max(os.sched_getaffinity(0))}
    threads = Path("/proc/self/task")
    numbers = [int(path.name) for path in threads.iterdir()] if threads.is_dir() else [0]
    for number in numbers:
        try:
            os.sched_setaffinity(number, core)
        except OSError:  # the thread has just ended, or may not be bound
            continue


def folder_bytes(folder: Path) -> int:
    """Return the bytes of the sealed files of a model folder: all but the logs."""
    manifest = folder / MANIFEST
    sealed = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    return manifest.stat().st_size + sum(int(file["bytes"]) for file in sealed.values())


def describe_machine() -> str:
    """Return processor, cores and Python of this machine, as a text."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
