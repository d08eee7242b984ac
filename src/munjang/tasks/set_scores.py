"""Metrics of sets of labels from counts, and thresholds that suit them, by scikit-learn.

The figures are scikit-learn's; counted batch by batch, they take memory for the labels alone.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.tasks.classification_scores import ClassScore, compute_class_scores
from munjang.tasks.metric_table import finite_or_none
from munjang.tasks.task import Bools, Floats, Ints


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
    def metrics(self) -> dict[str, float]:
        """The figures of the whole, by name."""
        return {
            "micro_f1": self.micro_f1,
            "macro_f1": self.macro_f1,
            "subset_accuracy": self.subset_accuracy,
            "log_loss": self.log_loss,
        }

    @property
    def is_finite(self) -> bool:
        """Whether the probabilities were real ones."""
        return math.isfinite(self.log_loss)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        return {
            "rows": self.rows,
            **{name: finite_or_none(value) for name, value in self.metrics.items()},
            "classes": [asdict(one) for one in self.classes],
        }


@dataclass
class SetCounts:
    """What the scores of sets need, summed over rows.

    Attributes:
        right: by label, rows that rightly got it [labels].
        chosen: by label, rows that got it [labels].
        true: by label, rows that have it [labels].
        rows: how many were counted.
        exact: rows whose set is exactly the true one.
        loss: sum of -log(probability of the true answer) over rows and labels; NaN where a
            probability was.
    """

    right: Ints
    chosen: Ints
    true: Ints
    rows: int = 0
    exact: int = 0
    loss: float = 0.0

    @classmethod
    def empty(cls, labels: int) -> "SetCounts":
        """Return counts of no rows."""
        right, chosen, true = np.zeros((3, labels), dtype=np.int64)
        return cls(right, chosen, true)

    def add(self, probabilities: Floats, chosen: Bools, targets: npt.NDArray[Any]) -> None:
        """Count some rows: `targets` in {0, 1}; all [these rows, labels]."""
        truth = targets.astype(np.bool_)
        self.right += (chosen & truth).sum(0)
        self.chosen += chosen.sum(0)
        self.true += truth.sum(0)
        self.rows += len(truth)
        self.exact += int((chosen == truth).all(1).sum())
        likelihood = np.where(truth, probabilities, 1 - probabilities)
        # as scikit-learn, a probability of nothing does not cost endlessly; NaN stays NaN
        floor = np.finfo(np.float64).eps
        self.loss -= float(np.log(likelihood.clip(floor, 1 - floor)).sum())

    def scores(self, labels: tuple[str, ...]) -> SetScores:
        """Return the scores of all counted rows."""
        classes = compute_class_scores(labels, self.right, self.chosen, self.true)
        answers = int(self.chosen.sum() + self.true.sum())
        return SetScores(
            rows=self.rows,
            micro_f1=2 * int(self.right.sum()) / max(1, answers),
            macro_f1=float(np.mean([one.f1 for one in classes])),
            subset_accuracy=self.exact / self.rows,
            log_loss=self.loss / (self.rows * len(labels)),
            classes=classes,
        )


def score_label_sets(
    probabilities: Floats, chosen: Bools, targets: npt.NDArray[Any], labels: tuple[str, ...]
) -> SetScores:
    """Judge `chosen` and `probabilities` against `targets` in {0, 1}, all [rows, labels]."""
    counts = SetCounts.empty(len(labels))
    counts.add(probabilities, chosen, targets)
    return counts.scores(labels)
