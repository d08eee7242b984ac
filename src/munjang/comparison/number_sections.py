"""Section of the page of a comparison of numbers: the texts on which the models differ most."""

from typing import cast

from munjang.comparison.formatting import figure_text
from munjang.comparison.number_judge import NumberDetails
from munjang.comparison.results import Comparison
from munjang.report.html import Markup, element, scrollable, table

# Headings, which name the tables below them, too.
_DIFFERENCES = "Where the models differ most"


def number_sections(comparison: Comparison) -> list[Markup]:
    """Return the texts on which the models differ most, with all answers."""
    examples = cast(NumberDetails, comparison.details).examples
    if not examples:
        return []
    rows = [
        [
            element("td", example.text, class_="text"),
            _number(example.target),
            *map(_number, example.answers.values()),
        ]
        for example in examples
    ]
    listed = scrollable(_DIFFERENCES, table(["text", "true", *examples[0].answers], rows))
    return [
        element("h2", _DIFFERENCES),
        element("p", "The answers are means over seeds."),
        listed,
    ]


def _number(value: float) -> str:
    return figure_text("mae", value, fewer=1)
