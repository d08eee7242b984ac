"""Sections of the page of a comparison of language models: continuations, and divided lines."""

from typing import cast

from munjang.comparison.language_judge import LanguageDetails
from munjang.comparison.results import Comparison
from munjang.report.html import Markup, element, scrollable, table
from munjang.report.visible import visible_text

# Headings, which name the tables below them, too.
_CONTINUATIONS = "What the models write"
_DIFFERENCES = "Where the models differ most"


def language_sections(comparison: Comparison) -> list[Markup]:
    """Return continuations of one prompt side by side, and the lines that divide the models."""
    details = cast(LanguageDetails, comparison.details)
    return [*_continuations(details), *_examples(details)]


def _continuations(details: LanguageDetails) -> list[Markup]:
    if not details.continuations:
        return []
    rows = [
        ["prompt", _text(details.prompt)],
        *([continuation.name, _text(continuation.text)] for continuation in details.continuations),
    ]
    explanation = (
        "The first run of each model continues the beginning of the test part; tokens are drawn at "
        "random, with the same seed for all."
    )
    return [
        element("h2", _CONTINUATIONS),
        element("p", explanation),
        scrollable(_CONTINUATIONS, table(["", "text"], rows)),
    ]


def _examples(details: LanguageDetails) -> list[Markup]:
    if not details.examples:
        return []
    rows = [
        [
            _text(example.text),
            f"{example.line:,}",
            *(f"{bits:.2f}" for bits in example.bits_per_character.values()),
        ]
        for example in details.examples
    ]
    names = details.examples[0].bits_per_character
    explanation = (
        "Bits per character of lines of the test part, given all lines before them; means over "
        "seeds. Lines that are shorter than most are left out: there a single character decides."
    )
    return [
        element("h2", _DIFFERENCES),
        element("p", explanation),
        scrollable(_DIFFERENCES, table(["line", "number", *names], rows)),
    ]


def _text(text: str) -> Markup:
    return element("td", visible_text(text), class_="text")
