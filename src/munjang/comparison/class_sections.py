"""Sections of the page of a comparison of classifiers: confusions, and disagreements."""

from collections.abc import Sequence
from typing import cast

from munjang.comparison.class_judge import ClassDetails
from munjang.comparison.contests import contest_of
from munjang.comparison.results import Comparison
from munjang.report.html import Markup, element, scrollable, table
from munjang.tasks.classification_scores import (
    MATRIX_CLASSES,
    ConfusedPair,
    Confusion,
    find_worst_pairs,
)

# Larger matrices do not fit side by side: their worst pairs are listed instead.
_WIDEST_MATRIX, _WORST_PAIRS = 12, 10

# Headings, which name the tables below them, too.
_DISAGREEMENTS = "Where the models disagree most"


def class_sections(comparison: Comparison) -> list[Markup]:
    """Return confusion matrices, and the rows on which the models disagree most."""
    details = cast(ClassDetails, comparison.details)
    return [*_confusions(comparison, details), *_examples(comparison, details)]


def _confusions(comparison: Comparison, details: ClassDetails) -> list[Markup]:
    matrices = [
        scrollable(
            f"confusions of {row.name}", element("h3", row.name), _matrix(counts, details.labels)
        )
        for row in comparison.standings
        if (counts := details.confusions.get(row.name)) is not None
    ]
    if not matrices:
        return []
    explanation = "Rows are true classes, columns predicted ones; all seeds together."
    side = element("div", *matrices, class_="side")
    return [element("h2", "Confusions"), element("p", explanation), side]


def _matrix(counts: Confusion | tuple[ConfusedPair, ...], labels: Sequence[str]) -> Markup:
    if len(labels) > _WIDEST_MATRIX:
        return _worst_pairs(counts, labels)
    rows = [
        [label, *(_shaded(count, sum(row)) for count in row)]
        for label, row in zip(labels, cast(Confusion, counts), strict=True)
    ]
    return table(["true \\ predicted", *labels], rows)


def _shaded(count: int, of: int) -> Markup:
    share = count / max(1, of)
    return element("td", f"{count:,}", style=f"background: rgba(0, 114, 178, {0.6 * share:.2f})")


def _worst_pairs(counts: Confusion | tuple[ConfusedPair, ...], labels: Sequence[str]) -> Markup:
    if len(labels) <= MATRIX_CLASSES:
        counts = tuple(
            ConfusedPair(labels[true], labels[predicted], rows)
            for true, predicted, rows in find_worst_pairs(cast(Confusion, counts), _WORST_PAIRS)
        )
    pairs = cast(tuple[ConfusedPair, ...], counts)[:_WORST_PAIRS]
    return table(
        ["true", "predicted", "rows"],
        [(pair.true, pair.predicted, f"{pair.rows:,}") for pair in pairs],
    )


def _examples(comparison: Comparison, details: ClassDetails) -> list[Markup]:
    if not details.examples:
        return []
    names = [prediction.name for prediction in details.examples[0].predictions]
    noun = contest_of(comparison.plan.task).noun
    rows = [
        [
            element("td", example.text, class_="text"),
            example.label,
            *(
                element(
                    "td",
                    f"{prediction.label} {prediction.probability:.2f}",
                    class_="right" if prediction.label == example.label else "wrong",
                )
                for prediction in example.predictions
            ),
        ]
        for example in details.examples
    ]
    listed = scrollable(_DISAGREEMENTS, table([noun, "true", *names], rows))
    return [element("h2", _DISAGREEMENTS), listed]
