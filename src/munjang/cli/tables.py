"""Scores as Rich tables. Nothing here computes; Rich knows how wide Hangul is."""

import math
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from munjang.cli.fitting import Column, FirstThatFits, FittedTable
from munjang.cli.output import shown
from munjang.reporting import pluralize
from munjang.tasks.classification_scores import Scores, list_largest
from munjang.tasks.metric_table import METRICS
from munjang.tasks.number_scores import NumberScores
from munjang.tasks.set_scores import SetScores
from munjang.tasks.task import TaskScores
from munjang.tasks.translation_scores import TranslationScores

# More classes than this do not fit a screen as a matrix: their worst pairs are listed instead.
WIDEST_MATRIX = 12
WORST_PAIRS = 15
Drawn = FittedTable | FirstThatFits


def plain_table(first: str, *others: str | Column, title: str | None = None) -> FittedTable:
    """A table without outer lines: names to the left, figures to the right."""
    columns = (one if isinstance(one, Column) else Column(one) for one in others)
    return FittedTable([Column(first, left=True, flows=True), *columns], title=title)


def text_column(head: str, rank: int = 0) -> Column:
    """A column of texts."""
    return Column(head, rank, left=True, flows=True)


def label(text: str) -> str:
    """A class name for a table: composed, so that its width is known, and on one line."""
    return shown(unicodedata.normalize("NFC", text))


def summary(scores: TaskScores, what: str) -> FittedTable:
    """The figures of the whole."""
    table = plain_table(what, pluralize(scores.rows, "row"))
    for name, value in scores.metrics.items():
        # a baseline from text to text has no probabilities, and so no cross-entropy
        table.add_row(METRICS[name].title, "–" if math.isnan(value) else f"{value:.4f}")
    return table


def details(scores: TaskScores) -> list[Drawn]:
    """What there is to tell beside the figures of the whole."""
    return [draw(scores) for draw in DETAILS[type(scores)]]


def class_table(scores: Scores | SetScores) -> FittedTable:
    """Precision, recall and F1 of each class."""
    table = plain_table("class", "precision", "recall", "F1", "rows")
    kept = list_largest(scores.classes, lambda one: one.rows)
    for one in kept:
        figures = (one.precision, one.recall, one.f1)
        table.add_row(label(one.label), *(f"{f:.4f}" for f in figures), f"{one.rows:,}")
    rest = len(scores.classes) - len(kept)
    if rest:  # of the fewest rows
        rows = sum(one.rows for one in scores.classes) - sum(one.rows for one in kept)
        table.add_row(f"{rest:,} more, all in --json", *[""] * 3, f"{rows:,}")
    return table


def confusion_table(scores: Scores) -> Drawn:
    """Rows of each true class by the class that was guessed.

    Where the names of the classes have no room as heads, numbers stand for them.
    """
    names = [label(one.label) for one in scores.classes]
    if len(names) > WIDEST_MATRIX or scores.confusion is None:
        return _worst_pairs(scores)
    numbers = [str(number) for number in range(1, len(names) + 1)]
    numbered = [f"{number} {name}" for number, name in zip(numbers, names, strict=True)]
    return FirstThatFits(
        _matrix(scores.confusion, names, names),
        _matrix(scores.confusion, numbered, numbers),
        _worst_pairs(scores),
        otherwise="--wide shows the whole matrix",
    )


def _matrix(confusion: Sequence[Sequence[int]], names: list[str], heads: list[str]) -> FittedTable:
    table = plain_table("true \\ guessed", *heads)
    for name, counts in zip(names, confusion, strict=True):
        table.add_row(name, *(f"{count:,}" for count in counts))
    return table


def baseline_table(scores: NumberScores) -> FittedTable:
    """What the error is to be compared with."""
    table = plain_table("to compare with", "RMSE")
    table.add_row("always answering with the mean of these rows", f"{scores.baseline_rmse:.4f}")
    return table


def signature_table(scores: TranslationScores) -> FittedTable:
    """How sacrebleu counted."""
    table = plain_table("counted as")
    for signature in scores.signatures:
        table.add_row(signature)
    return table


def sample_table(scores: TranslationScores) -> FittedTable:
    """Some answers beside what people wrote."""
    table = plain_table("samples", text_column(""))
    for texts in scores.samples:
        for name, text in zip(("source", "reference", "answer"), texts, strict=True):
            table.add_row(name, label(text), end_section=name == "answer")
    return table


def _worst_pairs(scores: Scores) -> FittedTable:
    table = plain_table("taken for each other most: true", "guessed", "rows")
    for pair in scores.confused[:WORST_PAIRS]:
        table.add_row(label(pair.true), label(pair.guessed), f"{pair.rows:,}")
    return table


DETAILS: dict[type, tuple[Callable[[Any], Drawn], ...]] = {
    Scores: (class_table, confusion_table),
    NumberScores: (baseline_table,),
    SetScores: (class_table,),
    TranslationScores: (signature_table, sample_table),
}
