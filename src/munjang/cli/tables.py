"""Scores as Rich tables. Nothing here computes; Rich knows how wide Hangul is."""

import math
import unicodedata
from collections.abc import Callable
from typing import Any

from rich import box
from rich.table import Table

from munjang.cli.output import shown
from munjang.tasks.figures import FIGURES
from munjang.tasks.metrics import Scores, listed
from munjang.tasks.number_scores import NumberScores
from munjang.tasks.set_scores import SetScores
from munjang.tasks.task import TaskScores
from munjang.tasks.translation_scores import TranslationScores
from munjang.telling import counted

# More classes than this do not fit a screen as a matrix: their worst pairs are listed instead.
WIDEST_MATRIX = 12
WORST_PAIRS = 15


def plain_table(*headers: str, title: str | None = None) -> Table:
    """A table without outer lines: the first column to the left, the others to the right."""
    table = Table(
        box=box.SIMPLE_HEAD,
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        pad_edge=False,
    )
    for place, header in enumerate(headers):
        table.add_column(header, justify="right" if place else "left", overflow="fold")
    return table


def label(text: str) -> str:
    """A class name for a table: composed, so that its width is known, and on one line."""
    return shown(unicodedata.normalize("NFC", text))


def summary(scores: TaskScores, what: str) -> Table:
    """The figures of the whole."""
    table = plain_table(what, counted(scores.rows, "row"))
    for name, value in scores.figures.items():
        # a baseline from text to text has no probabilities, and so no cross-entropy
        table.add_row(FIGURES[name].title, "–" if math.isnan(value) else f"{value:.4f}")
    return table


def details(scores: TaskScores) -> list[Table]:
    """What there is to tell beside the figures of the whole."""
    return [draw(scores) for draw in DETAILS[type(scores)]]


def class_table(scores: Scores | SetScores) -> Table:
    """Precision, recall and F1 of each class."""
    table = plain_table("class", "precision", "recall", "F1", "rows")
    kept = listed(scores.classes, lambda one: one.rows)
    for one in kept:
        figures = (one.precision, one.recall, one.f1)
        table.add_row(label(one.label), *(f"{f:.4f}" for f in figures), f"{one.rows:,}")
    rest = len(scores.classes) - len(kept)
    if rest:  # of the fewest rows
        rows = sum(one.rows for one in scores.classes) - sum(one.rows for one in kept)
        table.add_row(f"{rest:,} more, all in --json", *[""] * 3, f"{rows:,}")
    return table


def confusion_table(scores: Scores) -> Table:
    """Rows of each true class by the class that was guessed."""
    names = [label(one.label) for one in scores.classes]
    if len(names) > WIDEST_MATRIX or scores.confusion is None:
        return _worst_pairs(scores)
    table = plain_table("true \\ guessed", *names)
    for name, counts in zip(names, scores.confusion, strict=True):
        table.add_row(name, *(f"{count:,}" for count in counts))
    return table


def baseline_table(scores: NumberScores) -> Table:
    """What the error is to be compared with."""
    table = plain_table("to compare with", "RMSE")
    table.add_row("always answering with the mean of these rows", f"{scores.baseline_rmse:.4f}")
    return table


def signature_table(scores: TranslationScores) -> Table:
    """How sacrebleu counted."""
    table = plain_table("counted as")
    for signature in scores.signatures:
        table.add_row(signature)
    return table


def sample_table(scores: TranslationScores) -> Table:
    """Some answers beside what people wrote."""
    table = plain_table("samples", "")
    table.columns[1].justify = "left"
    for texts in scores.samples:
        for name, text in zip(("source", "reference", "answer"), texts, strict=True):
            table.add_row(name, label(text), end_section=name == "answer")
    return table


def _worst_pairs(scores: Scores) -> Table:
    table = plain_table("taken for each other most: true", "guessed", "rows")
    for pair in scores.confused[:WORST_PAIRS]:
        table.add_row(label(pair.true), label(pair.guessed), f"{pair.rows:,}")
    return table


DETAILS: dict[type, tuple[Callable[[Any], Table], ...]] = {
    Scores: (class_table, confusion_table),
    NumberScores: (baseline_table,),
    SetScores: (class_table,),
    TranslationScores: (signature_table, sample_table),
}
