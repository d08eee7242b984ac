"""Metrics of sets of labels, and thresholds that suit them, by scikit-learn."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from munjang.tasks.metrics import ClassScore
from munjang.tasks.task import Bools, Floats

# Below these a tuned threshold is chance, or a yes to almost every text: tuning all labels of the
# kinds of named entities, some with a few rows in 900, took micro F1 from 0.76 to 0.56.
FEWEST_ROWS = 10
LEAST_F1 = 0.3


@dataclass(frozen=True)
class SetScores:
    """How good the sets of labels are.

    Attributes:
        rows: how many rows were judged.
        micro_f1: F1 of all yes-or-no answers together.
        macro_f1: the mean of the labels' F1; a label that no row has and none was given counts 0.
        subset_accuracy: share of rows whose set is exactly the true one.
        log_loss: mean over rows and labels of -log(probability of the true answer), in nats.
        classes: one `ClassScore` a label.
    """

    rows: int
    micro_f1: float
    macro_f1: float
    subset_accuracy: float
    log_loss: float
    classes: tuple[ClassScore, ...]

    @property
    def figures(self) -> dict[str, float]:
        """The figures of the whole, by name."""
        return {
            "micro_f1": self.micro_f1,
            "macro_f1": self.macro_f1,
            "subset_accuracy": self.subset_accuracy,
            "log_loss": self.log_loss,
        }

    @property
    def sound(self) -> bool:
        """Whether the probabilities were real ones."""
        return math.isfinite(self.log_loss)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def set_scores(
    probabilities: Floats, chosen: Bools, targets: Floats, labels: tuple[str, ...]
) -> SetScores:
    """Judge `chosen` and `probabilities` against `targets` in {0, 1}, all [rows, labels]."""
    # imported here: scikit-learn takes a second, and answering needs no metrics
    from sklearn.metrics import (
        accuracy_score,
        f1_score,
        log_loss,
        precision_recall_fscore_support,
    )

    truth = targets.astype(np.int64)
    guesses = chosen.astype(np.int64)
    sound = bool(np.isfinite(probabilities).all())
    precision, recall, f1, rows = precision_recall_fscore_support(truth, guesses, zero_division=0)
    return SetScores(
        rows=len(truth),
        micro_f1=float(f1_score(truth, guesses, average="micro", zero_division=0)),
        macro_f1=float(f1_score(truth, guesses, average="macro", zero_division=0)),
        subset_accuracy=float(accuracy_score(truth, guesses)),
        log_loss=float(log_loss(truth.ravel(), probabilities.ravel(), labels=[0, 1]))
        if sound
        else math.nan,
        classes=tuple(
            ClassScore(label, float(p), float(r), float(f), int(n))
            for label, p, r, f, n in zip(labels, precision, recall, f1, rows, strict=True)
        ),
    )


def best_thresholds(
    probabilities: Floats,
    targets: Floats,
    *,
    fewest_rows: int = FEWEST_ROWS,
    least_f1: float = LEAST_F1,
) -> list[float]:
    """For each label the threshold with the best F1, or one half where none can be trusted.

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
