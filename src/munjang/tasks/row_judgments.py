"""Judged answers: for each row what was given, what was predicted, and how wrong it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
from torch import Tensor

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ErrorCell:
    """Rows that are wrong in the same way.

    Attributes:
        given: the true label; of label sets the label that is missed, or "".
        predicted: the predicted label; of label sets the label that is wrongly given, or "".
        rows: indices of the rows, ascending.
    """

    given: str
    predicted: str
    rows: Ints


@dataclass(frozen=True, eq=False)
class RowJudgments:
    """Judged answers.

    Attributes:
        given: the true answer of each row in words, [rows].
        predicted: the model's answer in words, [rows].
        loss: by which rows are ranked, [rows]: nats, or the absolute error of a number.
        loss_name: name of the loss.
        right: True for each right answer, [rows]; None of numbers.
        probability: probability of the model's answer, [rows]; None of numbers.
        groups: name of each label, with the indices of the rows that have it.
        cells: ways to be wrong, the most rows first.
    """

    given: Sequence[str]
    predicted: Sequence[str]
    loss: Floats
    loss_name: str
    right: Bools | None = None
    probability: Floats | None = None
    groups: tuple[tuple[str, Ints], ...] = ()
    cells: tuple[ErrorCell, ...] = ()

    def __len__(self) -> int:
        return len(self.loss)

    @classmethod
    def of_classes(
        cls,
        labels: Sequence[str],
        targets: Ints,
        predicted: Ints,
        probability: Floats,
        loss: Floats,
    ) -> Self:
        """Return the judgments of one class per row.

        Args:
            labels: names of the classes.
            targets: true class numbers [rows].
            predicted: predicted class numbers [rows].
            probability: that of the predicted class [rows].
            loss: log loss in nats [rows].
        """
        wrong = np.flatnonzero(predicted != targets)
        keys = targets[wrong] * len(labels) + predicted[wrong]
        cells = [
            ErrorCell(labels[key // len(labels)], labels[key % len(labels)], wrong[places])
            for key, places in _group(keys)
        ]
        return cls(
            given=[labels[number] for number in targets.tolist()],
            predicted=[labels[number] for number in predicted.tolist()],
            loss=loss,
            loss_name="log loss",
            right=predicted == targets,
            probability=probability,
            groups=tuple((labels[number], rows) for number, rows in _group(targets)),
            cells=_by_size(cells),
        )

    @classmethod
    def of_sets(
        cls,
        labels: Sequence[str],
        targets: Bools,
        predicted: Bools,
        probabilities: Floats,
        separator: str,
    ) -> Self:
        """Return the judgments of a set of labels per row.

        Args:
            labels: names of the labels.
            targets: True where a row has a label, [rows, labels].
            predicted: True where the model gives it one, [rows, labels].
            probabilities: of each label on its own, [rows, labels].
            separator: string between the labels of a row.
        """
        least = np.finfo(np.float64).tiny
        likelihood = np.where(targets, probabilities, 1 - probabilities).clip(min=least)
        chosen = np.where(predicted, probabilities, 1 - probabilities).clip(min=least)
        cells = []
        for number, label in enumerate(labels):
            missed = np.flatnonzero(targets[:, number] & ~predicted[:, number])
            wrong = np.flatnonzero(~targets[:, number] & predicted[:, number])
            cells += [ErrorCell(label, "", missed)] if len(missed) else []
            cells += [ErrorCell("", label, wrong)] if len(wrong) else []
        columns = zip(labels, targets.T, strict=True)
        groups = ((label, np.flatnonzero(column)) for label, column in columns)
        return cls(
            given=[_join(labels, row, separator) for row in targets],
            predicted=[_join(labels, row, separator) for row in predicted],
            loss=-np.log(likelihood).mean(1),
            loss_name="log loss per label",
            right=(targets == predicted).all(1),
            probability=np.exp(np.log(chosen).sum(1)),
            groups=tuple((label, rows) for label, rows in groups if len(rows)),
            cells=_by_size(cells),
        )

    @classmethod
    def of_numbers(cls, targets: Floats, answers: Floats) -> Self:
        """Return the judgments of a number per row; `targets` and `answers` are [rows]."""
        return cls(
            given=[f"{number:g}" for number in targets.tolist()],
            predicted=[f"{number:.4g}" for number in answers.tolist()],
            loss=np.abs(answers - targets),
            loss_name="absolute error",
        )


@runtime_checkable
class JudgesRows(Protocol):
    """A task that can judge its answers one by one."""

    def judge_rows(self, logits: Tensor, targets: npt.NDArray[np.generic]) -> RowJudgments:
        """Return the judgments of logits [rows, outputs] against targets [rows, ...]."""


def _group(numbers: Ints) -> Iterator[tuple[int, Ints]]:
    """Yield each number with the ascending indices of its places."""
    order = np.argsort(numbers, kind="stable")
    found, starts = np.unique(numbers[order], return_index=True)
    for number, rows in zip(found.tolist(), np.split(order, starts[1:]), strict=False):
        yield number, rows.astype(np.int64)


def _by_size(cells: Sequence[ErrorCell]) -> tuple[ErrorCell, ...]:
    return tuple(sorted(cells, key=lambda cell: -len(cell.rows)))


def _join(labels: Sequence[str], row: Bools, separator: str) -> str:
    return separator.join(labels[number] for number in np.flatnonzero(row).tolist())
