"""Sections of the page of a multilabel comparison: F1 per label, and where the models differ."""

from typing import cast

import numpy as np

from munjang.comparison.formatting import figure_text
from munjang.comparison.results import Comparison
from munjang.comparison.set_judge import SetDetails
from munjang.report.html import Markup, element, scrollable, table
from munjang.tasks.classification_scores import LISTED_CLASSES

# Headings, which name the tables below them, too.
_BY_LABEL = "F1 of each label"
_DIFFERENCES = "Where the models differ most"


def set_sections(comparison: Comparison) -> list[Markup]:
    """Return the F1 of each label, and the texts on which the models differ most."""
    details = cast(SetDetails, comparison.details)
    return [*_labels(comparison, details), *_examples(details)]


def _labels(comparison: Comparison, details: SetDetails) -> list[Markup]:
    names = [row.name for row in comparison.standings if row.name in details.f1]
    if not names:
        return []
    # of many labels those with the most rows
    places = np.argsort(-np.array(details.rows), kind="stable")[:LISTED_CLASSES].tolist()
    rows = [
        [
            details.labels[place],
            f"{details.rows[place]:,}",
            *(figure_text("macro_f1", details.f1[name][place]) for name in names),
        ]
        for place in places
    ]
    listed = scrollable(_BY_LABEL, table(["label", "rows", *names], rows))
    return [element("h2", _BY_LABEL), listed]


def _examples(details: SetDetails) -> list[Markup]:
    if not details.examples:
        return []
    rows = [
        [
            element("td", example.text, class_="text"),
            _shown(example.labels),
            *(
                element(
                    "td",
                    _shown(labels),
                    class_="right" if set(labels) == set(example.labels) else "wrong",
                )
                for labels in example.answers.values()
            ),
        ]
        for example in details.examples
    ]
    heads = ["text", "true", *details.examples[0].answers]
    return [
        element("h2", _DIFFERENCES),
        element("p", "The answers are those of each model's first run."),
        scrollable(_DIFFERENCES, table(heads, rows)),
    ]


def _shown(labels: tuple[str, ...]) -> str:
    return ", ".join(labels) or "–"
