"""Metrics of classification in O(rows + classes) memory.

Only the predicted class and two probabilities of each row are kept. Metrics equal those of
scikit-learn, which has no calibration error.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from munjang.reporting import escape_markdown
from munjang.tasks.displayed_scores import DisplayedScores
from munjang.tasks.metric_table import fields_to_json

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

T = TypeVar("T")

Confusion = tuple[tuple[int, ...], ...]  # [true][predicted] counts

# Up to so many classes have a confusion matrix; more have the most confused pairs only.
MATRIX_CLASSES, CONFUSED_PAIRS = 200, 100
# Most classes in tables for people, those with the most rows; JSON has all.
LISTED_CLASSES = 100

# scikit-learn's lower bound of probabilities in the log loss
_FLOOR = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class, and its number of true rows."""

    label: str
    precision: float
    recall: float
    f1: float
    rows: int


@dataclass(frozen=True)
class ConfusedPair:
    """A true class, another predicted class, and the number of such rows."""

    true: str
    predicted: str
    rows: int


@dataclass(frozen=True)
class PredictedClasses:
    """Predictions of rows, as far as metrics need them.

    Attributes:
        predicted: class of the answer [rows]; the most probable one, unless costs are stated.
        confidence: its probability [rows].
        likelihood: probability of the true class [rows].
    """

    predicted: Ints
    confidence: Floats
    likelihood: Floats

    @classmethod
    def empty(cls, rows: int) -> "PredictedClasses":
        """Return arrays for a number of rows, filled with zeros."""
        return cls(np.zeros(rows, dtype=np.int64), np.zeros(rows), np.zeros(rows))

    def fill(
        self, rows: Any, probabilities: Floats, targets: Ints, predicted: Ints | None = None
    ) -> None:
        """Fill in some rows.

        Args:
            rows: indices of the rows [batch], or a slice.
            probabilities: their probabilities [batch, classes].
            targets: their true classes [batch].
            predicted: classes of the answers [batch]; the most probable ones if omitted.
        """
        best = probabilities.argmax(1) if predicted is None else predicted
        places = np.arange(len(targets))
        self.predicted[rows] = best
        self.confidence[rows] = probabilities[places, best]
        self.likelihood[rows] = probabilities[places, targets]

    @property
    def is_finite(self) -> bool:
        """True if all probabilities are finite; the maximum of a row with NaN is NaN."""
        return bool(np.isfinite(self.confidence).all() and np.isfinite(self.likelihood).all())


@dataclass(frozen=True, repr=False)
class Scores(DisplayedScores):
    """Scores of classification.

    Attributes:
        rows: number of scored rows.
        accuracy: share of rows whose predicted class is the true one.
        macro_f1: mean F1 of the classes.
        log_loss: mean of -log(probability of the true class), in nats; NaN if a probability is NaN.
        calibration_error: expected calibration error over 15 equal bins of confidence (Guo et al.
            2017, "On calibration of modern neural networks").
        classes: one `ClassScore` per label.
        confusion: [true][predicted] counts, in the order of `classes`; None for more than
            `MATRIX_CLASSES` classes.
        confused: the `CONFUSED_PAIRS` most confused pairs of classes, the most rows first.
    """

    rows: int
    accuracy: float
    macro_f1: float
    log_loss: float
    calibration_error: float
    classes: tuple[ClassScore, ...]
    confusion: Confusion | None
    confused: tuple[ConfusedPair, ...] = ()

    @property
    def metrics(self) -> dict[str, float]:
        """Metrics over all rows, by name."""
        return {
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "log_loss": self.log_loss,
            "calibration_error": self.calibration_error,
        }

    @property
    def is_finite(self) -> bool:
        """True if all probabilities were finite."""
        return math.isfinite(self.log_loss)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        return fields_to_json(self)


def find_worst_pairs(confusion: Confusion, most: int) -> list[tuple[int, int, int]]:
    """Return the most confused pairs as (true, predicted, rows), the most rows first."""
    pairs = sorted(
        (-count, true, predicted)
        for true, counts in enumerate(confusion)
        for predicted, count in enumerate(counts)
        if count and true != predicted
    )
    return [(true, predicted, -count) for count, true, predicted in pairs[:most]]


def calibration_error(probabilities: Floats, targets: Ints, bins: int = 15) -> float:
    """Return the mean gap between confidence and accuracy, weighted by the rows of each bin.

    Args:
        probabilities: [rows, classes].
        targets: class numbers [rows].
        bins: number of equal bins of confidence.
    """
    return _calibration_error(probabilities.max(1), probabilities.argmax(1) == targets, bins)


def _calibration_error(
    confidence: Floats, is_correct: npt.NDArray[np.bool_], bins: int = 15
) -> float:
    """Return the calibration error of confidences [rows] and correctness [rows]."""
    numbers = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(numbers, weights=confidence - is_correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(is_correct))


def score_classes(probabilities: Floats, targets: Ints, labels: Sequence[str]) -> Scores:
    """Score `probabilities` [rows, classes] against `targets` [rows]."""
    predicted = PredictedClasses.empty(len(targets))
    predicted.fill(slice(None), probabilities, targets)
    return score_predicted_classes(predicted, targets, labels)


def score_predicted_classes(
    predictions: PredictedClasses, targets: Ints, labels: Sequence[str]
) -> Scores:
    """Score predictions against the true classes `targets` [rows]."""
    is_correct, is_finite = predictions.predicted == targets, predictions.is_finite
    true = np.bincount(targets, minlength=len(labels))
    predicted = np.bincount(predictions.predicted, minlength=len(labels))
    classes = compute_class_scores(
        labels, np.bincount(targets[is_correct], minlength=len(labels)), predicted, true
    )
    matrix, confused = count_confusions(targets, predictions.predicted, labels)
    likelihood = predictions.likelihood
    if is_finite:
        likelihood = likelihood.clip(_FLOOR, 1 - _FLOOR)
    return Scores(
        rows=len(targets),
        accuracy=float(is_correct.mean()),
        macro_f1=float(np.mean([score.f1 for score in classes])),
        log_loss=float(-np.log(likelihood).mean()) if is_finite else math.nan,
        calibration_error=_calibration_error(predictions.confidence, is_correct)
        if is_finite
        else math.nan,
        classes=classes,
        confusion=matrix,
        confused=confused,
    )


def compute_class_scores(
    labels: Sequence[str], correct: Ints, predicted: Ints, true: Ints
) -> tuple[ClassScore, ...]:
    """Compute precision, recall and F1 from counts [classes]; 0 / 0 counts as 0.

    Args:
        labels: names of the classes.
        correct: rows per class that are predicted correctly.
        predicted: rows per predicted class.
        true: rows per true class.
    """
    precision, recall = _divide(correct, predicted), _divide(correct, true)
    f1 = _divide(2 * correct, predicted + true)
    columns = (array.tolist() for array in (precision, recall, f1, true))
    return tuple(ClassScore(*row) for row in zip(labels, *columns, strict=True))


def _divide(parts: Ints, wholes: Ints) -> Floats:
    return np.asarray(parts / np.maximum(wholes, 1))


def count_confusions(
    targets: Ints, predicted: Ints, labels: Sequence[str]
) -> tuple[Confusion | None, tuple[ConfusedPair, ...]]:
    """Return `Scores.confusion` and `Scores.confused` of class numbers [rows]."""
    pairs = _pairs(targets, predicted, len(labels))
    matrix = _matrix(pairs, len(labels)) if len(labels) <= MATRIX_CLASSES else None
    return matrix, _most_confused(pairs, labels)


def _pairs(targets: Ints, predicted: Ints, classes: int) -> tuple[Ints, Ints, Ints]:
    """Return the pairs of a true and a predicted class that occur, and the rows of each."""
    pairs, rows = np.unique(targets * classes + predicted, return_counts=True)
    return pairs // classes, pairs % classes, rows.astype(np.int64)


def _matrix(pairs: tuple[Ints, Ints, Ints], classes: int) -> Confusion:
    true, predicted, rows = pairs
    counts = np.zeros((classes, classes), dtype=np.int64)
    counts[true, predicted] = rows
    return tuple(tuple(row) for row in counts.tolist())


def _most_confused(
    pairs: tuple[Ints, Ints, Ints], labels: Sequence[str]
) -> tuple[ConfusedPair, ...]:
    true, predicted, rows = (array[pairs[0] != pairs[1]] for array in pairs)
    first = np.argsort(-rows, kind="stable")[:CONFUSED_PAIRS]
    columns = (array[first].tolist() for array in (true, predicted, rows))
    return tuple(
        ConfusedPair(labels[t], labels[p], count) for t, p, count in zip(*columns, strict=True)
    )


def list_largest(classes: Sequence[T], rows: Callable[[T], int]) -> Sequence[T]:
    """Return the classes to list: all, or the `LISTED_CLASSES` with the most rows."""
    if len(classes) <= LISTED_CLASSES:
        return classes
    return sorted(classes, key=rows, reverse=True)[:LISTED_CLASSES]


def format_class_table(head: str, classes: Sequence[Mapping[str, Any]]) -> str:
    """Return a Markdown table of `ClassScore`s as JSON, the first column headed `head`."""
    kept = list_largest(classes, lambda score: int(score["rows"]))
    rows = "\n".join(
        f"| {escape_markdown(c['label'])} | {c['precision']:.3f} | {c['recall']:.3f} "
        f"| {c['f1']:.3f} "
        f"| {c['rows']} |"
        for c in kept
    )
    table = f"| {head} | precision | recall | F1 | rows |\n|---|---|---|---|---|\n{rows}"
    if len(kept) == len(classes):
        return table
    return f"{table}\n\nThese have the most rows; `metrics.json` has all {len(classes):,}."
