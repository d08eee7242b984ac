"""Number of batches of rows that are sorted by length, from the counts of the lengths alone."""

from dataclasses import dataclass

import numpy as np

from munjang.data.buckets import Bucketing
from munjang.text.columns import Int64s


@dataclass(frozen=True)
class BatchCount:
    """Some batches of equal shape.

    Attributes:
        batches: number of batches.
        rows: rows of each.
        time: tokens that each row is padded to.
    """

    batches: int
    rows: int
    time: int


def count_batches(histogram: tuple[Int64s, Int64s], bucketing: Bucketing) -> list[BatchCount]:
    """Return the batches that `Bucketing.shuffle_equal_lengths` cuts.

    Args:
        histogram: lengths, ascending, and how many rows have each.
        bucketing: how rows are cut into batches.
    """
    lengths, counts = np.maximum(histogram[0], 1), histogram[1]
    if bucketing.boundaries is None:
        return _count(list(zip(lengths.tolist(), counts.tolist(), strict=True)), bucketing, None)
    batches: list[BatchCount] = []
    buckets = np.searchsorted(bucketing.boundaries, lengths)
    for number, width in enumerate(bucketing.boundaries):
        rows = int(counts[buckets == number].sum())
        # as `Bucketing` pads: no further than the longest row of all
        padded = min(width, int(lengths.max(initial=1)))
        batches += _count([(padded, rows)] if rows else [], bucketing, padded)
    return batches


def _count(
    runs: list[tuple[int, int]], bucketing: Bucketing, width: int | None
) -> list[BatchCount]:
    """Return the batches of runs of rows of equal length."""
    batches: list[BatchCount] = []
    place, used = 0, 0  # run, and rows of it that are in a batch
    while place < len(runs):
        length, count = runs[place]
        most, budget = bucketing.limits(width or length)
        full = max(1, min(most, budget // length))
        left = count - used
        if left >= full:
            batches.append(BatchCount(left // full, full, length))
            used += left // full * full
        else:
            rows, time = 0, length
            while place < len(runs):  # rows of the next lengths, as many as fit
                longest = runs[place][0]
                fitting = min(most, budget // longest) - rows
                taken = min(max(fitting, 0), runs[place][1] - used)
                if not taken:
                    break
                rows, time, used = rows + taken, longest, used + taken
                if used < runs[place][1]:
                    break
                place, used = place + 1, 0
            batches.append(BatchCount(1, rows, time))
        if place < len(runs) and used == runs[place][1]:
            place, used = place + 1, 0
    return batches
