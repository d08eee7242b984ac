"""Scores as tables. Nothing is computed here; Rich knows the width of Hangul."""

import math
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from munjang.cli.fitting import Column, FirstThatFits, FittedTable
from munjang.reporting import escape_line, pluralize
from munjang.tasks.classification_scores import list_largest
from munjang.tasks.metric_table import METRICS
from munjang.tasks.score_details import (
    HasBaseline,
    HasBaselineMetrics,
    HasClasses,
    HasConfusion,
    HasSamples,
    HasSignatures,
)
from munjang.tasks.task import TaskScores

# A matrix of more classes is too wide for a screen: the most confused pairs are listed instead.
WIDEST_MATRIX = 12
WORST_PAIRS = 15
AnyTable = FittedTable | FirstThatFits


def make_table(first: str, *others: str | Column, title: str | None = None) -> FittedTable:
    """Return an empty table: names on the left, numbers on the right."""
    columns = (head if isinstance(head, Column) else Column(head) for head in others)
    return FittedTable([Column(first, left=True, flows=True), *columns], title=title)


def text_column(head: str, rank: int = 0) -> Column:
    """Return a column of texts."""
    return Column(head, rank, left=True, flows=True)


def label_text(label: str) -> str:
    """Return the name of a class for a table: on one line, in NFC so that its width is known."""
    return escape_line(unicodedata.normalize("NFC", label))


def summary_table(scores: TaskScores, head: str) -> FittedTable:
    """Return the metrics over all rows."""
    rows = pluralize(scores.rows, scores.unit)
    if isinstance(scores, HasBaselineMetrics):
        beside = scores.baseline_metrics
        table = make_table(head, rows, scores.baseline_name)
        for name, value in scores.metrics.items():
            cells = (value, beside.get(name, math.nan))
            table.add_row(METRICS[name].title, *map(_metric_cell, cells))
        return table
    table = make_table(head, rows)
    for name, value in scores.metrics.items():
        table.add_row(METRICS[name].title, _metric_cell(value))
    return table


def _metric_cell(value: float) -> str:
    # a baseline of text to text has no probabilities, and so no cross-entropy
    return "–" if math.isnan(value) else f"{value:.4f}"


def detail_tables(scores: TaskScores) -> list[AnyTable]:
    """Return a table for each further part that the scores have."""
    return [draw(scores) for part, draw in _DETAILS if isinstance(scores, part)]


def class_table(scores: HasClasses) -> FittedTable:
    """Return precision, recall and F1 of each class."""
    table = make_table("class", "precision", "recall", "F1", "rows")
    kept = list_largest(scores.classes, lambda score: score.rows)
    for score in kept:
        metrics = (score.precision, score.recall, score.f1)
        table.add_row(label_text(score.label), *(f"{m:.4f}" for m in metrics), f"{score.rows:,}")
    omitted = len(scores.classes) - len(kept)
    if omitted:  # those with the fewest rows
        rows = sum(score.rows for score in scores.classes) - sum(score.rows for score in kept)
        table.add_row(f"{omitted:,} more, all in --json", *[""] * 3, f"{rows:,}")
    return table


def confusion_table(scores: HasConfusion) -> AnyTable:
    """Return counts of rows per true and predicted class.

    If the names of the classes do not fit as headings, numbers replace them.
    """
    names = [label_text(score.label) for score in scores.classes]
    if len(names) > WIDEST_MATRIX or scores.confusion is None:
        return _most_confused(scores)
    numbers = [str(number) for number in range(1, len(names) + 1)]
    numbered = [f"{number} {name}" for number, name in zip(numbers, names, strict=True)]
    return FirstThatFits(
        _matrix(scores.confusion, names, names),
        _matrix(scores.confusion, numbered, numbers),
        _most_confused(scores),
        otherwise="--wide shows the whole matrix",
    )


def _matrix(confusion: Sequence[Sequence[int]], names: list[str], heads: list[str]) -> FittedTable:
    table = make_table("true \\ predicted", *heads)
    for name, counts in zip(names, confusion, strict=True):
        table.add_row(name, *(f"{count:,}" for count in counts))
    return table


def _most_confused(scores: HasConfusion) -> FittedTable:
    table = make_table("most confused classes: true", "predicted", "rows")
    for pair in scores.confused[:WORST_PAIRS]:
        table.add_row(label_text(pair.true), label_text(pair.predicted), f"{pair.rows:,}")
    return table


def baseline_table(scores: HasBaseline) -> FittedTable:
    """Return the error of always answering with the mean."""
    table = make_table("baseline", "RMSE")
    table.add_row("always answering with the mean of these rows", f"{scores.baseline_rmse:.4f}")
    return table


def signature_table(scores: HasSignatures) -> FittedTable:
    """Return the signatures of sacrebleu."""
    table = make_table("sacrebleu signature")
    for signature in scores.signatures:
        table.add_row(signature)
    return table


def sample_table(scores: HasSamples) -> FittedTable:
    """Return some answers with their sources and references."""
    table = make_table("samples", text_column(""))
    for source, reference, answer in scores.samples:
        table.add_row("source", label_text(source))
        table.add_row("reference", label_text(reference))
        table.add_row("answer", label_text(answer), end_section=True)
    return table


_DETAILS: tuple[tuple[type, Callable[[Any], AnyTable]], ...] = (
    (HasClasses, class_table),
    (HasConfusion, confusion_table),
    (HasBaseline, baseline_table),
    (HasSignatures, signature_table),
    (HasSamples, sample_table),
)
