"""Metrics of classification in memory that grows with rows and classes, never with their product.

Of each row only the likeliest class and two probabilities are kept. The figures are scikit-learn's
(the tests hold them to it) but for the calibration error, which it does not have.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from munjang.reporting import escape_markdown
from munjang.tasks.metric_table import finite_or_none

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

T = TypeVar("T")

Confusion = tuple[tuple[int, ...], ...]  # [true][guessed] counts

# What people call the metrics.
METRIC_NAMES = {"accuracy": "accuracy", "macro_f1": "macro F1", "log_loss": "log loss"}

# Of more classes there is no matrix, only the pairs that are confused most, and so many of them.
MATRIX_CLASSES, CONFUSED_PAIRS = 200, 100
# So many classes at most are listed for people, those with the most rows; programs get all.
LISTED_CLASSES = 100

# scikit-learn's floor of a probability, whose logarithm would be minus infinity
_FLOOR = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class, and how many rows truly are of it."""

    label: str
    precision: float
    recall: float
    f1: float
    rows: int


@dataclass(frozen=True)
class ConfusedPair:
    """A class that was taken for another one, and in how many rows."""

    true: str
    guessed: str
    rows: int


@dataclass(frozen=True)
class PredictedClasses:
    """What the scores need of each row.

    Attributes:
        guessed: the likeliest class [rows].
        confidence: its probability [rows].
        likelihood: the probability of the true class [rows].
    """

    guessed: Ints
    confidence: Floats
    likelihood: Floats

    @classmethod
    def empty(cls, rows: int) -> "PredictedClasses":
        """Return arrays for a number of rows, filled with zeros."""
        return cls(np.zeros(rows, dtype=np.int64), np.zeros(rows), np.zeros(rows))

    def put(self, rows: Any, probabilities: Floats, targets: Ints) -> None:
        """Fill in some rows.

        Args:
            rows: their places, an index or a slice.
            probabilities: theirs, [these rows, classes].
            targets: true classes of these rows.
        """
        self.guessed[rows] = probabilities.argmax(1)
        self.confidence[rows] = probabilities.max(1)
        self.likelihood[rows] = probabilities[np.arange(len(targets)), targets]

    @property
    def is_finite(self) -> bool:
        """Whether all probabilities were finite; a NaN is the greatest of its row."""
        return bool(np.isfinite(self.confidence).all() and np.isfinite(self.likelihood).all())


@dataclass(frozen=True)
class Scores:
    """How good the guesses are.

    Attributes:
        rows: how many rows were judged.
        accuracy: share of rows whose likeliest class is the true one.
        macro_f1: the mean of the classes' F1.
        log_loss: mean of -log(probability of the true class), in nats; NaN when a probability is.
        calibration_error: expected calibration error over 15 equal bins of confidence (Guo et al.
            2017, "On calibration of modern neural networks").
        classes: one `ClassScore` a label.
        confusion: [true][guessed] counts, in the order of `classes`; None for more than
            `MATRIX_CLASSES` classes.
        confused: the pairs of classes that are confused most, at most `CONFUSED_PAIRS`, the most
            rows first.
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
        """The figures of the whole, by name."""
        return {
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "log_loss": self.log_loss,
            "calibration_error": self.calibration_error,
        }

    @property
    def is_finite(self) -> bool:
        """Whether the probabilities were real ones; the accuracy of NaNs looks like any other."""
        return math.isfinite(self.log_loss)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a metric that is not finite is null."""
        return {
            "rows": self.rows,
            **{name: finite_or_none(value) for name, value in self.metrics.items()},
            "classes": [asdict(one) for one in self.classes],
            "confusion": self.confusion,
            "confused": [asdict(pair) for pair in self.confused],
        }


def find_worst_pairs(confusion: Confusion, most: int) -> list[tuple[int, int, int]]:
    """Return the most confused pairs as (true, predicted, rows), the most rows first."""
    pairs = sorted(
        (-count, true, guessed)
        for true, counts in enumerate(confusion)
        for guessed, count in enumerate(counts)
        if count and true != guessed
    )
    return [(true, guessed, -count) for count, true, guessed in pairs[:most]]


def calibration_error(probabilities: Floats, targets: Ints, bins: int = 15) -> float:
    """Return the mean gap between confidence and accuracy, weighted by the rows of each bin.

    `probabilities` [rows, classes], `targets` [rows].
    """
    return _calibration_error(probabilities.max(1), probabilities.argmax(1) == targets, bins)


def _calibration_error(confidence: Floats, right: npt.NDArray[np.bool_], bins: int = 15) -> float:
    """Return the calibration error of confidences [rows] and correctness [rows]."""
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(place, weights=confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(right))


def score_classes(probabilities: Floats, targets: Ints, labels: Sequence[str]) -> Scores:
    """Judge `probabilities` [rows, classes] against `targets` [rows]."""
    guesses = PredictedClasses.empty(len(targets))
    guesses.put(slice(None), probabilities, targets)
    return score_predicted_classes(guesses, targets, labels)


def score_predicted_classes(guesses: PredictedClasses, targets: Ints, labels: Sequence[str]) -> Scores:
    """Judge guesses against the true classes `targets` [rows]."""
    right, sound = guesses.guessed == targets, guesses.is_finite
    true = np.bincount(targets, minlength=len(labels))
    guessed = np.bincount(guesses.guessed, minlength=len(labels))
    classes = compute_class_scores(
        labels, np.bincount(targets[right], minlength=len(labels)), guessed, true
    )
    matrix, confused = count_confusions(targets, guesses.guessed, labels)
    likelihood = guesses.likelihood.clip(_FLOOR, 1 - _FLOOR) if sound else guesses.likelihood
    return Scores(
        rows=len(targets),
        accuracy=float(right.mean()),
        macro_f1=float(np.mean([one.f1 for one in classes])),
        log_loss=float(-np.log(likelihood).mean()) if sound else math.nan,
        calibration_error=_calibration_error(guesses.confidence, right) if sound else math.nan,
        classes=classes,
        confusion=matrix,
        confused=confused,
    )


def compute_class_scores(
    labels: Sequence[str], right: Ints, guessed: Ints, true: Ints
) -> tuple[ClassScore, ...]:
    """Compute precision, recall and F1 from counts [classes]; 0 / 0 counts as 0.

    Args:
        labels: names of the classes.
        right: rows of a class that were guessed to be of it.
        guessed: rows that were guessed to be of it.
        true: rows that are of it.
    """
    precision, recall = _shares(right, guessed), _shares(right, true)
    f1 = _shares(2 * right, guessed + true)
    figures = (array.tolist() for array in (precision, recall, f1, true))
    return tuple(ClassScore(*one) for one in zip(labels, *figures, strict=True))


def _shares(parts: Ints, wholes: Ints) -> Floats:
    return np.asarray(parts / np.maximum(wholes, 1))


def count_confusions(
    targets: Ints, guessed: Ints, labels: Sequence[str]
) -> tuple[Confusion | None, tuple[ConfusedPair, ...]]:
    """Return `Scores.confusion` and `Scores.confused` of class numbers [rows]."""
    pairs = _pairs(targets, guessed, len(labels))
    matrix = _matrix(pairs, len(labels)) if len(labels) <= MATRIX_CLASSES else None
    return matrix, _most_confused(pairs, labels)


def _pairs(targets: Ints, guessed: Ints, classes: int) -> tuple[Ints, Ints, Ints]:
    """Return the pairs of a true and a predicted class that occur, and the rows of each."""
    pairs, rows = np.unique(targets * classes + guessed, return_counts=True)
    return pairs // classes, pairs % classes, rows.astype(np.int64)


def _matrix(pairs: tuple[Ints, Ints, Ints], classes: int) -> Confusion:
    true, guessed, rows = pairs
    counts = np.zeros((classes, classes), dtype=np.int64)
    counts[true, guessed] = rows
    return tuple(tuple(row) for row in counts.tolist())


def _most_confused(
    pairs: tuple[Ints, Ints, Ints], labels: Sequence[str]
) -> tuple[ConfusedPair, ...]:
    true, guessed, rows = (array[pairs[0] != pairs[1]] for array in pairs)
    first = np.argsort(-rows, kind="stable")[:CONFUSED_PAIRS]
    found = zip(true[first].tolist(), guessed[first].tolist(), rows[first].tolist(), strict=True)
    return tuple(ConfusedPair(labels[one], labels[other], count) for one, other, count in found)


def list_largest(classes: Sequence[T], rows: Callable[[T], int]) -> Sequence[T]:
    """Return the classes to list: all, or the `LISTED_CLASSES` with the most rows."""
    if len(classes) <= LISTED_CLASSES:
        return classes
    return sorted(classes, key=rows, reverse=True)[:LISTED_CLASSES]


def format_class_table(head: str, classes: Sequence[Mapping[str, Any]]) -> str:
    """Return a Markdown table of `ClassScore`s as JSON, the first column headed `head`."""
    kept = list_largest(classes, lambda one: int(one["rows"]))
    rows = "\n".join(
        f"| {escape_markdown(c['label'])} | {c['precision']:.3f} | {c['recall']:.3f} "
        f"| {c['f1']:.3f} "
        f"| {c['rows']} |"
        for c in kept
    )
    table = f"| {head} | precision | recall | F1 | rows |\n|---|---|---|---|---|\n{rows}"
    if len(kept) == len(classes):
        return table
    return f"{table}\n\nThese have the most rows; all {len(classes):,} stand in `metrics.json`."
