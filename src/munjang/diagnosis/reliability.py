"""Reliability: how often answers are right that a model gives with some confidence."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.diagnosis.intervals import wilson_interval

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BINS = 15


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows with a confidence in one range.

    Attributes:
        low: lower end of the range, included.
        high: upper end; included only if it is 1.
        rows: number of rows.
        confidence: their mean confidence.
        accuracy: share of them that are right.
        accuracy_low: lower end of its 95 % interval (Wilson).
        accuracy_high: upper end.
    """

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float
    accuracy_low: float
    accuracy_high: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def compute_reliability(
    confidence: Floats, is_right: Bools, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Return the bins that have rows, in ascending order.

    Args:
        confidence: probability of the answer of each row, [rows].
        is_right: True for right answers, [rows].
        bins: number of equal bins.
    """
    return tuple(_bins(confidence, is_right, bins))


def _bins(confidence: Floats, is_right: Bools, bins: int) -> Iterator[ReliabilityBin]:
    numbers = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    counts = np.bincount(numbers, minlength=bins)
    sums = np.bincount(numbers, weights=confidence, minlength=bins)
    hits = np.bincount(numbers, weights=is_right, minlength=bins).astype(np.int64)
    for number in np.flatnonzero(counts).tolist():
        rows, right = int(counts[number]), int(hits[number])
        yield ReliabilityBin(
            number / bins,
            (number + 1) / bins,
            rows,
            float(sums[number] / rows),
            right / rows,
            *wilson_interval(right, rows),
        )


def compute_aurc(confidence: Floats, is_right: Bools) -> float:
    """Return the area under the risk-coverage curve (Geifman and El-Yaniv 2017).

    The mean, over all coverages, of the share of wrong answers among the surest rows. 0 is best;
    random confidences give the share of wrong answers. Rows of equal confidence are answered
    together: each counts with the mean of its tie.

    Args:
        confidence: [rows].
        is_right: True for right answers, [rows].
    """
    order = np.argsort(-confidence, kind="stable")
    values, wrong = confidence[order], (~is_right[order]).astype(np.float64)
    _, starts, counts = np.unique(-values, return_index=True, return_counts=True)
    shares = np.repeat(np.add.reduceat(wrong, starts) / counts, counts)
    return float((np.cumsum(shares) / np.arange(1, len(shares) + 1)).mean())
