"""Sections of the page of a comparison of pairs: scores by length, and answers side by side."""

from collections.abc import Sequence
from typing import cast

from munjang.comparison.diverging_answers import GivenAnswer, PairExample
from munjang.comparison.formatting import figure_text
from munjang.comparison.pair_judge import PairDetails
from munjang.comparison.results import Comparison
from munjang.report.html import Markup, element, scrollable, table
from munjang.report.svg import Line, lines
from munjang.tasks.metric_table import METRICS
from munjang.tasks.translation_scores import is_exact_match

# Headings, which name the tables below them, too.
_BY_LENGTH = "Quality by the length of the source"


def pair_sections(comparison: Comparison) -> list[Markup]:
    """Return scores by length of the source, and where the answers differ most."""
    details = cast(PairDetails, comparison.details)
    return [*_by_length(comparison, details), *_examples(details)]


def _by_length(comparison: Comparison, details: PairDetails) -> list[Markup]:
    groups, metric = details.lengths.groups, comparison.plan.metric
    rows = [row for row in comparison.standings if row.by_length]
    if not rows or len(groups) < 2:
        return []
    means = [group.mean for group in groups]
    drawn = [Line(row.name, means, [row.by_length[g.name] for g in groups]) for row in rows]
    unit, title = details.lengths.unit, METRICS[metric].title
    picture = lines(drawn, f"{unit} of the source", title, colors=comparison.colors)
    heads = [unit, *(group.name for group in groups)]
    counts = ["pairs", *(f"{len(group.rows):,}" for group in groups)]
    scores = [
        [row.name, *(figure_text(metric, row.by_length[g.name]) for g in groups)] for row in rows
    ]
    listed = scrollable(_BY_LENGTH, table(heads, [counts, *scores]))
    explanation = (
        "A single vector of fixed size cannot hold a long source; attention to its words can."
    )
    return [
        element("h2", _BY_LENGTH),
        element("p", explanation),
        picture,
        listed,
    ]


def _examples(details: PairDetails) -> list[Markup]:
    if not details.examples:
        return []
    explanation = (
        "Ordered by how much the chrF of the answers differs between networks. The answers are of "
        "each model's first run, with the chrF of this answer alone."
    )
    return [
        element("h2", "Where the answers differ most"),
        element("p", explanation),
        *(
            scrollable(f"example {number}", _example(example))
            for number, example in enumerate(details.examples, start=1)
        ),
    ]


def _example(example: PairExample) -> Markup:
    """Return all answers as rows of a table, so that words can be compared."""
    given = (("source", example.source), ("reference", example.reference))
    rows: list[Sequence[object]] = [
        *([name, element("td", text, class_="text"), ""] for name, text in given),
        *(_answer(answer, example.reference) for answer in example.answers),
    ]
    return table(["", "", "chrF"], rows)


def _answer(answer: GivenAnswer, reference: str) -> Sequence[object]:
    kind = "right" if is_exact_match(answer.text, reference) else "wrong"
    return [answer.name, element("td", answer.text, class_=f"text {kind}"), f"{answer.chrf:.0f}"]
