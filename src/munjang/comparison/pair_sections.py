"""Sections of the page of a comparison of pairs: quality by length, and answers side by side."""

from collections.abc import Sequence

from munjang.comparison.answers_apart import GivenAnswer, PairExample
from munjang.comparison.pair_judge import PairDetails
from munjang.comparison.results import Comparison
from munjang.comparison.shown import figure_text
from munjang.report.html import Markup, element, table
from munjang.report.svg import Line, lines
from munjang.tasks.figures import FIGURES
from munjang.tasks.translation_scores import is_same


def pair_sections(comparison: Comparison, details: PairDetails) -> list[Markup]:
    """Quality by the length of the source, and where the answers differ most."""
    return [*_by_length(comparison, details), *_examples(details)]


def _by_length(comparison: Comparison, details: PairDetails) -> list[Markup]:
    groups, metric = details.lengths.groups, comparison.plan.metric
    rows = [row for row in comparison.standings if row.by_length]
    if not rows or len(groups) < 2:
        return []
    means = [group.mean for group in groups]
    drawn = [Line(row.name, means, [row.by_length[g.name] for g in groups]) for row in rows]
    unit, title = details.lengths.unit, FIGURES[metric].title
    picture = lines(drawn, f"{unit} of the source", title, colours=comparison.colours)
    heads = [unit, *(group.name for group in groups)]
    counts = ["pairs", *(f"{len(group.rows):,}" for group in groups)]
    scores = [
        [row.name, *(figure_text(metric, row.by_length[g.name]) for g in groups)] for row in rows
    ]
    listed = element("div", table(heads, [counts, *scores]), class_="wide")
    said = (
        "One vector of fixed size for all of a source has no room for a long one; attention to its "
        "words has."
    )
    return [
        element("h2", "Quality by the length of the source"),
        element("p", said),
        picture,
        listed,
    ]


def _examples(details: PairDetails) -> list[Markup]:
    if not details.examples:
        return []
    said = (
        "Those first whose answers differ most in chrF between networks. The answers are of each "
        "model's first run, with the chrF of this answer alone."
    )
    return [
        element("h2", "Where the answers differ most"),
        element("p", said),
        *(element("div", _example(one), class_="wide") for one in details.examples),
    ]


def _example(example: PairExample) -> Markup:
    """All answers one below the other, so that words can be compared."""
    asked = (("source", example.source), ("reference", example.reference))
    rows: list[Sequence[object]] = [
        *([name, element("td", text, class_="text"), ""] for name, text in asked),
        *(_answer(one, example.reference) for one in example.answers),
    ]
    return table(["", "", "chrF"], rows)


def _answer(given: GivenAnswer, reference: str) -> Sequence[object]:
    kind = "right" if is_same(given.text, reference) else "wrong"
    return [given.name, element("td", given.text, class_=f"text {kind}"), f"{given.chrf:.0f}"]
