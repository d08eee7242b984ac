"""Metrics of classification, by scikit-learn; only the calibration error's binning is ours."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from munjang.telling import markdown

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Confusion = tuple[tuple[int, ...], ...]  # [true][guessed] counts

# What people call the metrics.
METRIC_NAMES = {"accuracy": "accuracy", "macro_f1": "macro F1", "log_loss": "log loss"}


@dataclass(frozen=True)
class ClassScore:
    """Precision, recall and F1 of one class, and how many rows truly are of it."""

    label: str
    precision: float
    recall: float
    f1: float
    rows: int


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
        confusion: [true][guessed] counts, in the order of `classes`.
    """

    rows: int
    accuracy: float
    macro_f1: float
    log_loss: float
    calibration_error: float
    classes: tuple[ClassScore, ...]
    confusion: Confusion

    @property
    def figures(self) -> dict[str, float]:
        """The figures of the whole, by name."""
        return {
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "log_loss": self.log_loss,
            "calibration_error": self.calibration_error,
        }

    @property
    def sound(self) -> bool:
        """Whether the probabilities were real ones; the accuracy of NaNs looks like any other."""
        return math.isfinite(self.log_loss)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def worst_pairs(confusion: Confusion, most: int) -> list[tuple[int, int, int]]:
    """The classes taken for each other most: (true, guessed, rows), the most rows first."""
    pairs = sorted(
        (-count, true, guessed)
        for true, counts in enumerate(confusion)
        for guessed, count in enumerate(counts)
        if count and true != guessed
    )
    return [(true, guessed, -count) for count, true, guessed in pairs[:most]]


def calibration_error(probabilities: Floats, targets: Ints, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy, weighted by the rows of each bin of confidence.

    `probabilities` [rows, classes], `targets` [rows].
    """
    confidence = probabilities.max(1)
    right = (probabilities.argmax(1) == targets).astype(np.float64)
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(place, weights=confidence - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(targets))


def classification_scores(probabilities: Floats, targets: Ints, labels: tuple[str, ...]) -> Scores:
    """Judge `probabilities` [rows, classes] against `targets` [rows]."""
    # imported here: scikit-learn takes a second, and answering needs no metrics
    from sklearn.metrics import (
        accuracy_score,
        confusion_matrix,
        f1_score,
        log_loss,
        precision_recall_fscore_support,
    )

    numbers = np.arange(len(labels))
    guesses = probabilities.argmax(1)
    sound = bool(np.isfinite(probabilities).all())
    precision, recall, f1, rows = precision_recall_fscore_support(
        targets, guesses, labels=numbers, zero_division=0
    )
    return Scores(
        rows=len(targets),
        accuracy=float(accuracy_score(targets, guesses)),
        macro_f1=float(
            f1_score(targets, guesses, labels=numbers, average="macro", zero_division=0)
        ),
        log_loss=float(log_loss(targets, probabilities, labels=numbers)) if sound else math.nan,
        calibration_error=calibration_error(probabilities, targets) if sound else math.nan,
        classes=tuple(
            ClassScore(label, float(p), float(r), float(f), int(n))
            for label, p, r, f, n in zip(labels, precision, recall, f1, rows, strict=True)
        ),
        confusion=tuple(
            tuple(int(n) for n in row) for row in confusion_matrix(targets, guesses, labels=numbers)
        ),
    )


def class_lines(head: str, classes: Iterable[Mapping[str, Any]]) -> str:
    """A Markdown table of `ClassScore`s as JSON, the first column headed `head`."""
    rows = "\n".join(
        f"| {markdown(c['label'])} | {c['precision']:.3f} | {c['recall']:.3f} | {c['f1']:.3f} "
        f"| {c['rows']} |"
        for c in classes
    )
    return f"| {head} | precision | recall | F1 | rows |\n|---|---|---|---|---|\n{rows}"
