"""Attention as one HTML page: a table of weights, and every layer and head as a small map.

The page can be read without its script, which only exchanges the weights in a table for those of
another head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from munjang.explain.attention import Attention
from munjang.models.attention_weights import AttentionKind
from munjang.report.attention_views import TITLES, View, first_view, views_of
from munjang.report.html import render
from munjang.report.shades import (
    DARK,
    LIGHT,
    STRONG,
    format_weight,
    hundredths,
    shade,
    thousandths,
)
from munjang.report.visible import isolated, language, right_to_left, visible, visible_text

# With more columns there is no room for figures in the cells; they stay for screen readers.
_FIGURES = 16
_CAPTIONS: dict[AttentionKind, str] = {
    "cross": "A row is a token of the answer, a column a token of the text.",
    "source": "Rows and columns are tokens of the text.",
    "target": "A row is a token of the answer about to be predicted, a column a token before it.",
    "pooling": "The row is the vector of the whole text, a column a token of the text.",
}
_LEGEND = (0, 10, 50, 100, 250, 500, 750, 1000)  # thousandths


@dataclass(frozen=True)
class _Token:
    """A token or text as the page shows it."""

    name: str
    lang: str
    rtl: bool

    @classmethod
    def of_token(cls, token: str) -> "_Token":
        name = visible(token)
        return cls(name, language(name), right_to_left(name))

    @classmethod
    def of_text(cls, text: str) -> "_Token":
        return cls(visible_text(text), language(text), right_to_left(text))


@dataclass(frozen=True)
class _Cell:
    """One weight: in figures, as a shade, and with its tokens in a tooltip."""

    thousandth: int
    title: str = ""
    is_strongest: bool = False

    @property
    def text(self) -> str:
        return format_weight(self.thousandth)

    @property
    def shade(self) -> str:
        return f"{shade(self.thousandth / 1000):.3g}"

    @property
    def strength(self) -> str:
        return "strong" if shade(self.thousandth / 1000) >= STRONG else "weak"


def draw_page(attention: Attention) -> Markup:
    """Return a page of its own."""
    values = _values(attention)
    return render("attention.html.jinja", title="Attention", light=LIGHT, dark=DARK, **values)


def draw_attention_section(attention: Attention) -> Markup:
    """Return a part of a page, whose style is `attention.css.jinja`."""
    return render("attention_section.html.jinja", **_values(attention))


def _values(attention: Attention) -> dict[str, Any]:
    return {
        "text": _Token.of_text(attention.text),
        "answer": None if attention.answer is None else _Token.of_text(attention.answer),
        "tokens_read": len(attention.source) if attention.truncated else None,
        "legend": [_Cell(step) for step in _LEGEND],
        "sections": [_section(attention, kind) for kind in attention.kinds],
        "strong": STRONG,
    }


def _section(attention: Attention, kind: AttentionKind) -> dict[str, Any]:
    views = views_of(attention, kind)
    first = views[first_view(views)]
    rows = [_Token.of_token(token) for token in attention.rows(kind)]
    columns = [_Token.of_token(token) for token in attention.columns(kind)]
    figures = thousandths(first.weights)
    return {
        "kind": kind,
        "title": TITLES[kind],
        "caption": _CAPTIONS[kind],
        "layers": _layers(views) if len(views) > 1 else {},
        "figures": [[n for row in thousandths(view.weights) for n in row] for view in views],
        "first": first,
        "is_dense": len(columns) > _FIGURES,
        "columns": columns,
        "rows": [(row, _cells(row, columns, n)) for row, n in zip(rows, figures, strict=True)],
    }


def _layers(views: Sequence[View]) -> dict[int, list[View]]:
    layers: dict[int, list[View]] = {}
    for view in views:
        layers.setdefault(view.layer, []).append(view)
    return layers


def _cells(row: _Token, columns: Sequence[_Token], figures: Sequence[int]) -> list[_Cell]:
    strongest = max(figures)
    return [
        _Cell(
            figure,
            f"{isolated(row.name)} ← {isolated(column.name)} {hundredths(figure) / 100:.2f}",
            figure == strongest,
        )
        for column, figure in zip(columns, figures, strict=True)
    ]
