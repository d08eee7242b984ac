"""Metrics of sets of labels, equal to those of scikit-learn.

They are computed from counts per label, so that memory does not grow with rows.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.tasks.classification_scores import ClassScore, compute_class_scores
from munjang.tasks.displayed_scores import DisplayedScores
from munjang.tasks.metric_table import fields_to_json
from munjang.tasks.task import Bools, Floats, Ints


@dataclass(frozen=True, repr=False)
class SetScores(DisplayedScores):
    """Scores of sets of labels.

    Attributes:
        rows: number of scored rows.
        micro_f1: F1 over all rows and labels together.
        macro_f1: mean F1 of the labels; a label that is neither true nor predicted counts as 0.
        subset_accuracy: share of rows whose predicted set equals the true one.
        log_loss: mean over rows and labels of -log(probability of the true answer), in nats.
        classes: one `ClassScore` per label.
    """

    rows: int
    micro_f1: float
    macro_f1: float
    subset_accuracy: float
    log_loss: float
    classes: tuple[ClassScore, ...]

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics over all rows, by name."""
        return {
            "micro_f1": self.micro_f1,
            "macro_f1": self.macro_f1,
            "subset_accuracy": self.subset_accuracy,
            "log_loss": self.log_loss,
        }

    @property
    def is_finite(self) -> bool:
        """True if all probabilities were finite."""
        return math.isfinite(self.log_loss)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        return fields_to_json(self)


@dataclass
class SetCounts:
    """Counts from which the scores of label sets are computed.

    Attributes:
        correct: rows with a label, true and predicted [labels].
        predicted: rows with a predicted label [labels].
        true: rows with a true label [labels].
        rows: number of counted rows.
        exact: rows whose predicted set equals the true one.
        loss: sum of -log(probability of the true answer) over rows and labels; NaN if a probability
            is NaN.
    """

    correct: Ints
    predicted: Ints
    true: Ints
    rows: int = 0
    exact: int = 0
    loss: float = 0.0

    @classmethod
    def empty(cls, labels: int) -> "SetCounts":
        """Return counts of no rows."""
        correct, predicted, true = np.zeros((3, labels), dtype=np.int64)
        return cls(correct, predicted, true)

    def add(self, probabilities: Floats, predicted: Bools, targets: npt.NDArray[Any]) -> None:
        """Count some rows; all arguments are [batch, labels], `targets` in {0, 1}."""
        truth = targets.astype(np.bool_)
        self.correct += (predicted & truth).sum(0)
        self.predicted += predicted.sum(0)
        self.true += truth.sum(0)
        self.rows += len(truth)
        self.exact += int((predicted == truth).all(1).sum())
        likelihood = np.where(truth, probabilities, 1 - probabilities)
        # as in scikit-learn, the loss of a probability of 0 is finite; NaN stays NaN
        floor = np.finfo(np.float64).eps
        self.loss -= float(np.log(likelihood.clip(floor, 1 - floor)).sum())

    def scores(self, labels: tuple[str, ...]) -> SetScores:
        """Return the scores of all counted rows."""
        classes = compute_class_scores(labels, self.correct, self.predicted, self.true)
        positives = int(self.predicted.sum() + self.true.sum())
        return SetScores(
            rows=self.rows,
            micro_f1=2 * int(self.correct.sum()) / max(1, positives),
            macro_f1=float(np.mean([score.f1 for score in classes])),
            subset_accuracy=self.exact / self.rows,
            log_loss=self.loss / (self.rows * len(labels)),
            classes=classes,
        )


def score_label_sets(
    probabilities: Floats, predicted: Bools, targets: npt.NDArray[Any], labels: tuple[str, ...]
) -> SetScores:
    """Score `predicted` and `probabilities` against `targets` in {0, 1}, all [rows, labels]."""
    counts = SetCounts.empty(len(labels))
    counts.add(probabilities, predicted, targets)
    return counts.scores(labels)
