"""Sections of the page of a comparison of labelled texts: confusions, and disagreements."""

from collections.abc import Sequence
from typing import cast

from munjang.comparison.class_judge import ClassDetails
from munjang.comparison.results import Comparison
from munjang.report.html import Markup, element, table
from munjang.tasks.metrics import MATRIX_CLASSES, ConfusedPair, Confusion, worst_pairs

# More classes than this do not fit beside each other: their worst pairs are listed instead.
_WIDEST_MATRIX, _WORST_PAIRS = 12, 10


def class_sections(comparison: Comparison, details: ClassDetails) -> list[Markup]:
    """What is taken for what, and where the models disagree most."""
    return [*_confusions(comparison, details), *_examples(details)]


def _confusions(comparison: Comparison, details: ClassDetails) -> list[Markup]:
    matrices = [
        element("div", element("h3", row.name), _matrix(counts, details.labels), class_="wide")
        for row in comparison.standings
        if (counts := details.confusions.get(row.name)) is not None
    ]
    if not matrices:
        return []
    said = "Rows are the true classes, columns the guesses; all seeds together."
    side = element("div", *matrices, class_="side")
    return [element("h2", "What is taken for what"), element("p", said), side]


def _matrix(counts: Confusion | tuple[ConfusedPair, ...], labels: Sequence[str]) -> Markup:
    if len(labels) > _WIDEST_MATRIX:
        return _worst_pairs(counts, labels)
    rows = [
        [label, *(_shaded(count, sum(row)) for count in row)]
        for label, row in zip(labels, cast(Confusion, counts), strict=True)
    ]
    return table(["true \\ guessed", *labels], rows)


def _shaded(count: int, of: int) -> Markup:
    share = count / max(1, of)
    return element("td", f"{count:,}", style=f"background: rgba(0, 114, 178, {0.6 * share:.2f})")


def _worst_pairs(counts: Confusion | tuple[ConfusedPair, ...], labels: Sequence[str]) -> Markup:
    if len(labels) <= MATRIX_CLASSES:
        counts = tuple(
            ConfusedPair(labels[true], labels[guessed], rows)
            for true, guessed, rows in worst_pairs(cast(Confusion, counts), _WORST_PAIRS)
        )
    pairs = cast(tuple[ConfusedPair, ...], counts)[:_WORST_PAIRS]
    return table(
        ["true", "guessed", "rows"], [(one.true, one.guessed, f"{one.rows:,}") for one in pairs]
    )


def _examples(details: ClassDetails) -> list[Markup]:
    if not details.examples:
        return []
    names = [guess.name for guess in details.examples[0].guesses]
    rows = [
        [
            element("td", example.text, class_="text"),
            example.label,
            *(
                element(
                    "td",
                    f"{guess.label} {guess.probability:.2f}",
                    class_="right" if guess.label == example.label else "wrong",
                )
                for guess in example.guesses
            ),
        ]
        for example in details.examples
    ]
    listed = element("div", table(["text", "true", *names], rows), class_="wide")
    return [element("h2", "Where the models disagree most"), listed]
