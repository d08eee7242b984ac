"""Errors of a trained model on labeled data: the worst rows, how they are wrong, and slices."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from munjang.data.table import Table
from munjang.diagnosis.answers import AnsweredRows, answer_rows, require_judging
from munjang.diagnosis.reading import reading_settings, require_model
from munjang.diagnosis.slices import (
    Group,
    Slice,
    group_by_cut,
    group_by_file,
    group_by_label,
    group_by_length,
    group_by_oov_rate,
    group_by_script,
    score_rows,
    score_slices,
)
from munjang.displayed import Displayed
from munjang.errors import ConfigError
from munjang.forked import require_polars
from munjang.inputs.text import HasTokenizer
from munjang.model import Model
from munjang.reporting import Report, discard, pluralize
from munjang.tasks.row_judgments import RowJudgments
from munjang.tasks.task import Encoded
from munjang.text.columns import values_and_offsets
from munjang.text.vocabulary import OOV

# Rows of the list: the worst of all, and the worst of each of the commonest ways to be wrong.
WORST, MOST_WORST = 100, 10_000
WORST_OF_A_CELL, CELLS = 10, 100


@dataclass(frozen=True)
class ErrorRow:
    """A row, and what the model makes of it.

    Attributes:
        file: name of its file.
        row: line or row in the file, from 1; 0 if the file is one row, as an image.
        text: its text; both texts of a pair as "first | second"; "" of an image.
        given: its label, labels or number.
        predicted: that of the model.
        probability: probability of `predicted`; None of numbers.
        loss: log loss in nats, or absolute error.
        is_right: True for a right answer; None of numbers.
        cells: numbers of the `ErrorReport.cells` that it belongs to.
    """

    file: str
    row: int
    text: str
    given: str
    predicted: str
    probability: float | None
    loss: float
    is_right: bool | None
    cells: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "cells": list(self.cells)}


@dataclass(frozen=True)
class CellCount:
    """A way to be wrong: a given and a predicted label, and the number of such rows.

    Of label sets one of the two is "": the label is missed, or wrongly given.
    """

    given: str
    predicted: str
    rows: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True, repr=False)
class ErrorReport(Displayed):
    """Errors of a model.

    Attributes:
        task: name of its task.
        labels: its labels.
        rows: number of rows.
        score_name: accuracy, or mean absolute error.
        loss_name: by which the rows are ranked.
        score: over all rows.
        low: lower end of its 95 % interval.
        high: upper end.
        cells: ways to be wrong, the most rows first.
        slices: scores by slice, the ones that are worse than the rest first.
        worst: the rows with the highest loss, and some of each cell, the highest loss first.
    """

    task: str
    labels: tuple[str, ...]
    rows: int
    score_name: str
    loss_name: str
    score: float
    low: float
    high: float
    cells: tuple[CellCount, ...]
    slices: tuple[Slice, ...]
    worst: tuple[ErrorRow, ...]

    drawings: ClassVar[str] = "munjang.report.errors:ERRORS"

    def summary(self) -> str:
        """Return the score, and the number of slices that are worse."""
        worse = sum(part.is_worse for part in self.slices)
        return (
            f"{self.score_name} {self.score:.4f} on {pluralize(self.rows, 'row')}, "
            f"{pluralize(worse, 'slice')} worse than the rest"
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "task": self.task,
            "labels": list(self.labels),
            "rows": self.rows,
            "score_name": self.score_name,
            "loss_name": self.loss_name,
            "score": self.score,
            "low": self.low,
            "high": self.high,
            "cells": [cell.to_json() for cell in self.cells],
            "slices": [part.to_json() for part in self.slices],
            "worst": [row.to_json() for row in self.worst],
        }


def find_errors(
    model: Model | Any,
    data: Any,
    *,
    most: int = WORST,
    text_column: str | None = None,
    label_column: str | None = None,
    first_column: str | None = None,
    second_column: str | None = None,
    encoding: str | None = None,
    skip_bad_rows: bool = False,
    report: Report | None = None,
) -> ErrorReport:
    """Find where a model is wrong: rows, confusions, and slices that are worse than the rest.

    Args:
        model: a model of classify, multilabel or regress, or its folder.
        data: labeled rows that the model has not seen, as for `munjang.evaluate`.
        most: number of rows with the highest loss.
        text_column: column of the texts; that of the training if omitted.
        label_column: column of the labels or numbers; that of the training if omitted.
        first_column: column of the first texts; that of the training if omitted.
        second_column: column of the second texts; that of the training if omitted.
        encoding: encoding of text files; that of the training if omitted.
        skip_bad_rows: skip and count unusable rows instead of raising.
        report: function called with notes.

    Raises:
        DataError: a row cannot be used, or its label was never seen in training.
        ConfigError: answers of the task are not right or wrong row by row, or `most` is out of
            range.
        FolderError: there is no complete model in the folder.

    Example:
        >>> found = munjang.find_errors("my-model", "test.tsv")
        >>> found.worst[0].text, found.worst[0].given, found.worst[0].predicted
        ('정말 재미있다', '0', '1')
    """
    require_polars("Finding errors")
    if not 1 <= most <= MOST_WORST:
        raise ConfigError(f"most: expected 1 to {MOST_WORST:,} rows, got {most:,}")
    known = require_model(model)
    require_judging(known, "errors")
    named = reading_settings(
        text_column, label_column, first_column, second_column, encoding, skip_bad_rows
    )
    answered = answer_rows(known, known.read(data, named, report or discard))
    return report_errors(answered, answered.judge(), most)


def report_errors(answered: AnsweredRows, judgments: RowJudgments, most: int) -> ErrorReport:
    """Return the report on judged rows.

    Args:
        answered: the rows.
        judgments: their judgments.
        most: number of rows with the highest loss.
    """
    model, table, encoded = answered.model, answered.table, answered.encoded
    texts = table.keys if isinstance(model.input, HasTokenizer) else None
    groups = _group(model, table, encoded, judgments, texts)
    score, low, high = score_rows(judgments, np.arange(len(table)))
    return ErrorReport(
        task=model.recipe.task,
        labels=model.labels,
        rows=len(table),
        score_name="mean absolute error" if judgments.right is None else "accuracy",
        loss_name=judgments.loss_name,
        score=score,
        low=low,
        high=high,
        cells=tuple(
            CellCount(cell.given, cell.predicted, len(cell.rows)) for cell in judgments.cells
        ),
        slices=score_slices(judgments, groups),
        worst=tuple(_worst_rows(table, texts, judgments, most)),
    )


def _group(
    model: Model,
    table: Table,
    encoded: Encoded,
    judgments: RowJudgments,
    texts: pl.Series | None,
) -> Iterator[Group]:
    if texts is not None:
        yield from group_by_length(texts)
        yield from group_by_cut(encoded.truncated)
        yield from group_by_oov_rate(oov_rates(model, texts))
        yield from group_by_script(texts)
    yield from group_by_file(table.files, table.file_index)
    yield from group_by_label(judgments)


def oov_rates(model: Model, texts: pl.Series) -> npt.NDArray[np.float64]:
    """Return the share of the tokens of each text that are out of vocabulary, [rows]."""
    assert isinstance(model.input, HasTokenizer)
    ids, offsets = values_and_offsets(model.input.tokenizer.encode(texts))
    sums = np.append(0, np.cumsum(ids == OOV))
    counts = np.diff(offsets)
    return np.asarray((sums[offsets[1:]] - sums[offsets[:-1]]) / np.maximum(counts, 1))


def _worst_rows(
    table: Table, texts: pl.Series | None, judgments: RowJudgments, most: int
) -> Iterator[ErrorRow]:
    """Yield the rows of the list, the highest loss first."""
    order = np.argsort(-judgments.loss, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    chosen = set(order[:most].tolist())
    cells: dict[int, list[int]] = {}
    for number, cell in enumerate(judgments.cells):
        if number < CELLS:
            ranked = cell.rows[np.argsort(rank[cell.rows])]
            chosen.update(ranked[:WORST_OF_A_CELL].tolist())
        for row in cell.rows.tolist():
            cells.setdefault(row, []).append(number)
    right, probability = judgments.right, judgments.probability
    for index in sorted(chosen, key=lambda row: int(rank[row])):
        file, row = table.place(index)
        yield ErrorRow(
            file,
            row,
            "" if texts is None else str(texts[index]),
            judgments.given[index],
            judgments.predicted[index],
            None if probability is None else float(probability[index]),
            float(judgments.loss[index]),
            None if right is None else bool(right[index]),
            tuple(cells.get(index, ())),
        )
