"""Thresholds of labels with the best F1; without torch, as baselines use them, too."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Thresholds of rarer or harder labels are noise, or accept almost every row: tuning all labels of
# named-entity types, some with a few rows of 900, reduced micro F1 from 0.76 to 0.56.
FEWEST_ROWS = 10
LEAST_F1 = 0.3


def best_thresholds(
    probabilities: Floats,
    targets: npt.NDArray[Any],
    *,
    fewest_rows: int = FEWEST_ROWS,
    least_f1: float = LEAST_F1,
) -> list[float]:
    """Return for each label the threshold with the best F1, or 0.5 if it is unreliable.

    A threshold is halfway between the lowest accepted and the highest rejected probability. Leaving
    out labels with a low F1 is the SCutFBR of Yang (2001), which gives them the highest probability
    of all rows as threshold; here they get 0.5.

    Args:
        probabilities: [rows, labels].
        targets: in {0, 1}, [rows, labels].
        fewest_rows: labels with fewer rows keep 0.5.
        least_f1: labels whose best F1 is lower keep 0.5.
    """
    pairs = zip(probabilities.T, targets.T, strict=True)
    return [
        _best(scores, truth, least_f1) if truth.sum() >= max(1, fewest_rows) else 0.5
        for scores, truth in pairs
    ]


def _best(scores: Floats, truth: Floats, least_f1: float) -> float:
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(truth, scores)
    # the last point has no threshold, as nothing is accepted there
    total = (precision + recall)[:-1]
    f1 = 2 * (precision * recall)[:-1] / np.where(total > 0, total, 1)
    if f1.max() < least_f1:
        return 0.5
    lowest_accepted = thresholds[f1.argmax()]
    rejected = scores[scores < lowest_accepted]
    return float((lowest_accepted + (rejected.max() if len(rejected) else 0.0)) / 2)
