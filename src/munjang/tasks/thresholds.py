"""Thresholds of sets of labels that give the best F1. Baselines tune theirs without torch."""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Below these a tuned threshold is chance, or a yes to almost every text: tuning all labels of the
# kinds of named entities, some with a few rows in 900, took micro F1 from 0.76 to 0.56.
FEWEST_ROWS = 10
LEAST_F1 = 0.3


def best_thresholds(
    probabilities: Floats,
    targets: npt.NDArray[Any],
    *,
    fewest_rows: int = FEWEST_ROWS,
    least_f1: float = LEAST_F1,
) -> list[float]:
    """Return for each label the threshold with the best F1, or one half where none can be trusted.

    A threshold stands halfway between the lowest probability that is a yes and the highest that is
    a no. That a label of a poor F1 keeps out of the tuning is Yang's (2001) SCutFBR, whose other
    labels then take the highest probability of all; ours take one half.

    Args:
        probabilities: [rows, labels].
        targets: in {0, 1}, [rows, labels].
        fewest_rows: a label that fewer rows have keeps one half.
        least_f1: so does a label whose best F1 is lower.
    """
    pairs = zip(probabilities.T, targets.T, strict=True)
    return [
        _best(chances, truth, least_f1) if truth.sum() >= max(1, fewest_rows) else 0.5
        for chances, truth in pairs
    ]


def _best(chances: Floats, truth: Floats, least_f1: float) -> float:
    from sklearn.metrics import precision_recall_curve

    precision, recall, thresholds = precision_recall_curve(truth, chances)
    # the last point has no threshold: nothing is a yes there
    both = (precision + recall)[:-1]
    f1 = 2 * (precision * recall)[:-1] / np.where(both > 0, both, 1)
    if f1.max() < least_f1:
        return 0.5
    lowest_yes = thresholds[f1.argmax()]
    below = chances[chances < lowest_yes]
    return float((lowest_yes + (below.max() if len(below) else 0.0)) / 2)
