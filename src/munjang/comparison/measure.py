"""What a model costs whoever uses it: bytes on disk, and the time of one answer on one core."""

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from munjang.manifest import FILE as MANIFEST

_WARM_UP, _MOST_TEXTS, _MOST_SECONDS = 20, 1000, 3.0


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one text, alone: half of all are within p50, 99 of 100 within p99.

    `texts` says from how many texts.
    """

    p50: float
    p99: float
    texts: int


def latency(answer: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> Latency:
    """Ask for one text at a time, the process bound to one core if the system lets it.

    The process stays bound: measure last.
    """
    _stay_on_one_core()
    for text in texts[:_WARM_UP]:
        answer([text])
    taken: list[float] = []
    end = time.perf_counter() + _MOST_SECONDS
    # drawn, since a file may be sorted by length
    drawn = np.random.default_rng(0).permutation(len(texts))[:_MOST_TEXTS].tolist()
    for text in (texts[row] for row in drawn):
        began = time.perf_counter()
        answer([text])
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
        except OSError:  # the thread has just ended, or is not ours to bind
            continue


def folder_bytes(folder: Path) -> int:
    """Bytes of the sealed files of a model folder: all that prediction needs, logs not counted."""
    manifest = folder / MANIFEST
    sealed = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    return manifest.stat().st_size + sum(int(file["bytes"]) for file in sealed.values())
