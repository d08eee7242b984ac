"""Time and memory of decoding, for tasks whose answers are texts.

An untrained network ends its answers at random. Here their length is set: that of the targets to
measure time, the length limit to measure memory.
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
from torch import nn

from munjang.data.pairs.dataset import PairDataset
from munjang.memory import peak_memory, reset_peak
from munjang.tasks.translate import Translate, compute_cross_entropy, decode_pairs

# Sources that are decoded to measure the time: as many as one batch of decoding has.
_SAMPLE = 128
# Of the answers whose memory is measured, the fewest, and about the most seconds.
_FEWEST, _MOST_SECONDS = 8, 10.0


def measure_seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def decoding_seconds(network: nn.Module, task: Any, valid: Any) -> tuple[float, float]:
    """Measure one evaluation during training, and the final one.

    Evaluation during training decodes some pairs greedily; the final one decodes all pairs as in
    prediction.

    Args:
        network: on its device.
        task: a task with settings of decoding.
        valid: the validation part.

    Returns:
        Seconds of both, for the whole validation part.
    """
    pairs, rows = cast(PairDataset, valid), len(valid)
    usual = min(math.ceil(pairs.lengths[:, 1].mean()), task.decoding.max_length)
    decoding = task.decoding.model_copy(update={"min_length": usual - 1, "max_length": usual})
    task = replace(cast(Translate, task), decoding=decoding)
    sample = pairs.take(np.arange(0, rows, max(1, math.ceil(rows / _SAMPLE))))
    task.validate(network, sample.first(1))  # loads the modules that compute the scores
    read = measure_seconds(lambda: compute_cross_entropy(network, sample))
    judged = measure_seconds(lambda: task.validate(network, sample))
    final = measure_seconds(lambda: task.evaluate(network, sample))
    decoded = min(rows, task.settings.validation_rows)
    evaluation = read * rows + max(judged - read, 0.0) * decoded
    return evaluation / len(sample), final * rows / len(sample)


def decoding_peak(network: nn.Module, task: Any, valid: Any, seconds: float) -> int:
    """Return the peak memory of the process if the longest sources are decoded to the limit.

    A network that has learned little decodes that far. Some sources are decoded, and their memory
    is scaled to those of a whole batch: each takes as much.

    Args:
        network: on its device.
        task: a task with settings of decoding.
        valid: the validation part.
        seconds: of decoding all its pairs to the usual length.

    Returns:
        Bytes, everything before included.
    """
    before = peak_memory()
    if not reset_peak():
        return before
    pairs, limit = cast(PairDataset, valid), cast(Translate, task).decoding
    lengths = pairs.lengths
    longest = int(lengths[:, 0].max())
    steps = min(limit.max_length, limit.max_length_ratio * longest + limit.extra_steps)
    per_row = max(1e-9, seconds / len(pairs) * steps / lengths[:, 1].mean())
    batch = min(_SAMPLE, len(pairs))
    rows = np.argsort(-lengths[:, 0], kind="stable")[:batch]
    rows = rows[: max(_FEWEST, int(_MOST_SECONDS / per_row))]
    endless = limit.model_copy(update={"min_length": limit.max_length})
    held = peak_memory()
    decode_pairs(network, pairs.take(rows), endless)
    return max(before, held + (peak_memory() - held) * batch // len(rows))
