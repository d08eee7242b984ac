"""Attributions as a part of an HTML page: the text in shades, the words with numbers in a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from munjang.explain.attribution import Attribution, Explanation
from munjang.report.diverging import Shade, format_share, full_color
from munjang.report.html import element, render, table
from munjang.report.shades import DARK, LIGHT
from munjang.report.visible import language, visible
from munjang.report.why_parts import (
    describe_method,
    describe_sum,
    listed_words,
    shown_parts,
    special_share,
    visible_line,
)

_WORDS, _NGRAMS = 50, 20
# Steps of the legend, as shares of the scale of the page.
_LEGEND = (-1.0, -0.5, 0.0, 0.5, 1.0)


@dataclass(frozen=True)
class _Part:
    """A part of a text as the page shows it."""

    text: str
    title: str
    shade: Shade


@dataclass(frozen=True)
class _Text:
    """A text of a row."""

    lang: str
    parts: list[_Part]


def draw_why_page(explanation: Explanation) -> Markup:
    """Return a page of its own."""
    return render("why.html.jinja", title="Why this answer", **_values(explanation), **why_colors())


def draw_why_section(explanation: Explanation) -> Markup:
    """Return a part of a page, whose style is `why.css.jinja`."""
    return render("why_section.html.jinja", **_values(explanation))


def why_colors() -> dict[str, Any]:
    """Return the names that the style `why.css.jinja` uses."""
    down = (full_color("down", colors).full_rgb for colors in (LIGHT, DARK))
    return {"light": LIGHT, "dark": DARK, "down_light": next(down), "down_dark": next(down)}


def _values(explanation: Explanation) -> dict[str, Any]:
    largest = explanation.largest
    legend = [_Part(format_share(step * largest), "", Shade(step, 1.0)) for step in _LEGEND]
    several = len(explanation) > 1
    return {
        "answer": visible_line(explanation.answer),
        "answer_lang": language(explanation.answer),
        "method": describe_method(explanation),
        "truncated": explanation.truncated,
        "legend": legend,
        "rows": [_row(explanation, row, largest) for row in explanation],
        "matrix": _matrix(explanation, largest) if several else None,
    }


def _row(explanation: Explanation, row: Attribution, largest: float) -> dict[str, Any]:
    return {
        "score": visible_line(row.score),
        "summary": visible_line(describe_sum(explanation, row)),
        "texts": [
            _Text(language(text.text), [_part(p.text, p.share, largest) for p in shown_parts(text)])
            for text in row.texts
        ],
        "words": table(["word", "share"], _word_rows(row)),
        "ngrams": None if row.ngrams is None else table(*_ngram_rows(row)),
    }


def _part(text: str, share: float | None, largest: float) -> _Part:
    title = "" if share is None else format_share(share)
    return _Part(text, title, Shade(share or 0.0, largest))


def _word_rows(row: Attribution) -> list[list[str]]:
    rows = [[word, format_share(share)] for word, share in listed_words(row, _WORDS)]
    special = special_share(row)
    if special is not None:
        rows.append([special[0], format_share(special[1])])
    return [*rows, ["base", format_share(row.base)], ["score", format_share(row.value)]]


def _ngram_rows(row: Attribution) -> tuple[list[str], list[list[str]]]:
    assert row.ngrams is not None
    rows = [
        [visible_line(ngram.text), f"{len(ngram.filters):,}", format_share(ngram.share)]
        for ngram in row.ngrams.ngrams[:_NGRAMS]
    ]
    rest = row.ngrams.ngrams[_NGRAMS:]
    if rest:
        filters = sum(len(ngram.filters) for ngram in rest)
        share = format_share(sum(ngram.share for ngram in rest))
        rows.append([f"{len(rest):,} more", f"{filters:,}", share])
    if row.ngrams.others:
        rows.append(["bag of n-grams, linear model", "", format_share(row.ngrams.others)])
    return ["n-gram", "filters", "share"], [*rows, ["bias", "", format_share(row.ngrams.bias)]]


def _matrix(explanation: Explanation, largest: float) -> Markup:
    """Return the shares of all words in all scores as a table, scores as rows."""
    words = [visible(word) for word in explanation.words()]
    rows: list[Sequence[object]] = [
        [visible_line(row.score), *(_cell(float(share), largest) for share in shares)]
        for row, shares in zip(explanation, explanation.matrix(), strict=True)
    ]
    return table(["score", *words], rows)


def _cell(share: float, largest: float) -> Markup:
    shade = Shade(share, largest)
    kind = f"{shade.sign} {shade.strength}"
    return element("td", format_share(share), class_=kind, style=f"--w:{shade.css}")
