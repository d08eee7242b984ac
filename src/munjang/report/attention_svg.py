"""Attention as one SVG picture: a map with its tokens, and below it every map in small.

Tokens are text in the fonts of the system. Colors stand at every shape, for programs that read no
style sheet, and change in a dark color scheme.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from munjang.explain.attention import Attention
from munjang.models.attention_weights import AttentionKind
from munjang.report.attention_views import TITLES, View, first_view, rows_of, views_of
from munjang.report.html import element
from munjang.report.labels import ColumnLabels, Label
from munjang.report.picture import draw_picture
from munjang.report.shades import (
    DARK,
    LIGHT,
    STRONG,
    Colors,
    format_weight,
    hundredths,
    shade,
    small_paths,
    thousandths,
)
from munjang.report.visible import isolated, visible

_FIGURES = 16  # most columns whose cells have room for figures
_ROOMY, _DENSE = 32.0, 18.0
_EDGE, _LINE, _SIZE = 20.0, 20.0, 13.0
_LONGEST = 12.0  # label, in multiples of the font size
_SMALL, _GAP = 84.0, 14.0
_ASIDE = 64.0  # left of the small maps: the name of their layer


@dataclass(frozen=True)
class _Part:
    """A part of the picture, with its upper left corner at the origin."""

    marks: Sequence[Markup]
    width: float
    height: float


def draw_svg(attention: Attention) -> Markup:
    """Return the picture: the mean over the heads of the last layer, or its one head, on top."""
    main = attention.kinds[0]
    parts = [_map(attention, main)]
    parts += [_overview(attention, kind) for kind in attention.kinds if _has_more(attention, kind)]
    marks, y = [], _EDGE
    for part in parts:
        marks.append(element("g", *part.marks, transform=f"translate({_EDGE:g} {y:g})"))
        y += part.height + _LINE
    width = max(part.width for part in parts) + 2 * _EDGE
    texts = " → ".join(isolated(visible(t)) for t in (attention.text, attention.answer) if t)
    return draw_picture(
        f"Attention: {texts}",
        marks,
        width,
        y,
        dark=_screen(DARK),
    )


def _has_more(attention: Attention, kind: AttentionKind) -> bool:
    return len(attention.heads(kind)) > 1 or kind != attention.kinds[0]


def _map(attention: Attention, kind: AttentionKind) -> _Part:
    """Draw the large map with its tokens."""
    views = views_of(attention, kind)
    view = views[first_view(views)]
    rows = [Label(token, _SIZE, _LONGEST) for token in attention.rows(kind)]
    columns = [Label(token, _SIZE, _LONGEST) for token in attention.columns(kind)]
    cell = _ROOMY if len(columns) <= _FIGURES else _DENSE
    left = max(label.width for label in rows) + 8
    heads = ColumnLabels(columns)
    top = 2 * _LINE + heads.height + 6
    marks = [*_headed(TITLES[kind], view.name)]
    for place, label in enumerate(rows):
        marks.append(label.draw(left - 8, top + cell * (place + 0.5) + 4.5, ends=True))
    marks += heads.draw(left, top - 6, cell)
    marks += _cells(view, rows, columns, (left, top, cell))
    width = left + cell * len(columns) + max(0.0, heads.overhang - cell / 2)
    return _Part(marks, max(width, 320.0), top + cell * len(rows))


def _headed(title: str, name: str) -> list[Markup]:
    head = element("text", title, y=14, font_size=16, font_weight=600)
    return [head, element("text", name, y=14 + _LINE)]


def _cells(
    view: View, rows: Sequence[Label], columns: Sequence[Label], place: tuple[float, float, float]
) -> list[Markup]:
    left, top, cell = place
    marks = []
    for y, (row, figures) in enumerate(zip(rows, thousandths(view.weights), strict=True)):
        strongest = max(figures)
        for x, (column, figure) in enumerate(zip(columns, figures, strict=True)):
            weight = hundredths(figure) / 100
            title = f"{isolated(row.name)} ← {isolated(column.name)} {weight:.2f}"
            at = (left + x * cell, top + y * cell, cell)
            if cell == _ROOMY or weight or figure == strongest:  # others have no visible shade
                marks += _cell(figure, title, at, is_strongest=figure == strongest)
    return marks


def _cell(
    figure: int, title: str, place: tuple[float, float, float], *, is_strongest: bool
) -> list[Markup]:
    x, y, cell = place
    strength = shade(figure / 1000)
    side = cell - 1
    border = {"stroke": LIGHT.mark, "stroke_width": 1.6} if is_strongest else {}
    box = element(
        "rect",
        element("title", title),
        class_="full mark" if is_strongest else "full",
        x=f"{x:.5g}",
        y=f"{y:.5g}",
        width=side,
        height=side,
        fill=LIGHT.full,
        fill_opacity=f"{strength:.2g}",
        **border,
    )
    if cell < _ROOMY:
        return [box]
    strong = strength >= STRONG
    text = element(
        "text",
        format_weight(figure),
        class_="on" if strong else "ink",
        x=f"{x + side / 2:.5g}",
        y=f"{y + side / 2 + 4:.5g}",
        fill=LIGHT.on_full if strong else LIGHT.ink,
        font_size=11,
        text_anchor="middle",
        pointer_events="none",
    )
    return [box, text]


def _overview(attention: Attention, kind: AttentionKind) -> _Part:
    """Draw all maps of a kind in small, one line per layer."""
    layers = rows_of(views_of(attention, kind))
    marks = [*_headed(TITLES[kind], "layers and heads")]
    y, height = 2 * _LINE + 6, 0.0
    for layer, views in layers.items():
        columns = max(view.weights.shape[1] for view in views)
        rows = views[0].weights.shape[0]
        scale = _SMALL / max(rows, columns)
        height = max(scale * rows, 12.0)
        marks.append(element("text", layer, y=f"{y + height / 2 + 4:g}"))
        for place, view in enumerate(views):
            x = _ASIDE + place * (_SMALL + _GAP)
            stretch = f"translate({x:g} {y:g}) scale({scale:.4g} {height / rows:.4g})"
            inside = (
                element("title", view.name),
                _border(rows, columns),
                *small_paths(view.weights),
            )
            marks.append(element("g", *inside, transform=stretch, fill=LIGHT.full))
            name = element("text", view.short, x=x, y=f"{y + height + 13:g}", font_size=11)
            marks.append(name)
        y += height + 2 * _LINE
    most = max(map(len, layers.values()))
    return _Part(marks, _ASIDE + most * (_SMALL + _GAP), y - _LINE)


def _border(rows: int, columns: int) -> Markup:
    return element("rect", class_="faint", width=columns, height=rows, fill="#808080",
                   fill_opacity=0.1)  # fmt: skip


def _screen(colors: Colors) -> str:
    return (
        f".full,.full path{{fill:{colors.full}}}"
        f"text{{fill:{colors.ink}}}.on{{fill:{colors.on_full}}}"
        f".mark{{stroke:{colors.mark}}}"
    )
