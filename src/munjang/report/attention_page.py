"""Attention as one HTML page: a table for the eye and the screen reader, and all heads beside.

The page can be read without its script, which only exchanges the weights in a table for those of
another head.
"""

import json
from collections.abc import Sequence

from munjang.explain.attention import Attention
from munjang.models.attention_weights import AttentionKind
from munjang.report.attention_style import SCRIPT, STYLE
from munjang.report.attention_views import TITLES, View, first_view, views_of
from munjang.report.html import Markup, element, join, page
from munjang.report.shades import STRONG, hundredths, shade, small_map, thousandths, written
from munjang.report.visible import isolated, language, right_to_left, visible, visible_text

# With so many columns there is no room for figures in the cells; they stay for screen readers.
_FIGURES = 16
_SAID: dict[AttentionKind, str] = {
    "cross": "Each row is a token of the answer; it shows what share it took of each token of the "
    "text.",
    "source": "Each row is a token of the text; it shows what share it took of each token.",
    "target": "Each row is a token of the answer as it was about to be said; it shows what share "
    "was taken of each token said before it.",
    "pooling": "The one row is the vector of the whole text; it shows what share each token has "
    "in it.",
}


def draw_page(attention: Attention) -> Markup:
    """The page."""
    return page(
        "Attention",
        _texts(attention),
        _legend(),
        *(_section(attention, kind) for kind in attention.kinds),
        Markup(f"<script>{SCRIPT}</script>"),
        style=STYLE,
    )


def _texts(attention: Attention) -> Markup:
    rows = [element("dt", "text"), _said(attention.text)]
    if attention.truncated:
        read = len(attention.source)
        rows.append(element("dd", f"The text was cut: the model read {read} tokens of it."))
    if attention.answer is not None:
        rows += [element("dt", "answer"), _said(attention.answer)]
    return element("dl", *rows)


def _said(text: str) -> Markup:
    return element("dd", visible_text(text), dir="auto", lang=language(text), class_="said")


def _legend() -> Markup:
    steps = [
        element("span", written(round(w * 1000)), class_=_strength(w), style=_tint(w))
        for w in (0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1)
    ]
    said = "share of a row, 1 in all; the strongest of a row has a rim"
    return element("p", *steps, element("small", said), class_="legend")


def _section(attention: Attention, kind: AttentionKind) -> Markup:
    title, said = TITLES[kind], _SAID[kind]
    views = views_of(attention, kind)
    first = first_view(views)
    rows = [visible(token) for token in attention.rows(kind)]
    columns = [visible(token) for token in attention.columns(kind)]
    inside = [element("h2", title), element("p", said)]
    if len(views) > 1:
        inside += [_overview(views, first), _data(views)]
    wide = "" if len(columns) <= _FIGURES else " dense"
    region = {"tabindex": 0, "role": "region", "aria_label": title}
    table = _table(views[first], rows, columns)
    inside.append(element("div", table, class_=f"map{wide}", **region))
    return element("section", *inside, class_="look", id=kind)


def _overview(views: Sequence[View], first: int) -> Markup:
    """A button with a small map for each view, the views of a layer in a line."""
    lines: dict[int, list[Markup]] = {}
    for place, view in enumerate(views):
        button = element(
            "button",
            small_map(view.weights),
            element("span", view.short),
            type="button",
            title=view.name,
            aria_pressed=str(place == first).lower(),
            data_name=view.name,
        )
        lines.setdefault(view.layer, []).append(button)
    drawn = [
        element("div", element("b", f"layer {layer}"), *buttons, class_="layer")
        for layer, buttons in lines.items()
    ]
    return element("div", *drawn, class_="overview", role="group", aria_label="layers and heads")


def _data(views: Sequence[View]) -> Markup:
    """Weights in thousandths, a list a view: figures alone, which nothing has to escape."""
    figures = [[n for row in thousandths(view.weights) for n in row] for view in views]
    held = json.dumps(figures, separators=(",", ":"))
    return Markup(f'<script type="application/json">{held}</script>')


def _table(view: View, rows: Sequence[str], columns: Sequence[str]) -> Markup:
    heads = [_head(column, "col") for column in columns]
    lines = [
        element("tr", _head(row, "row"), _cells(row, columns, figures))
        for row, figures in zip(rows, thousandths(view.weights), strict=True)
    ]
    return element(
        "table",
        element("caption", view.name),
        element("thead", element("tr", element("td", class_="corner"), *heads)),
        element("tbody", *lines),
    )


def _head(token: str, scope: str) -> Markup:
    turned = {"dir": "rtl"} if right_to_left(token) else {}
    named = element("bdi", token, lang=language(token), **turned)
    return element("th", element("div", named), scope=scope, title=token)


def _cells(row: str, columns: Sequence[str], figures: Sequence[int]) -> Markup:
    strongest = max(figures)
    cells = []
    for column, figure in zip(columns, figures, strict=True):
        rim = " most" if figure == strongest else ""
        weight = figure / 1000
        title = f"{isolated(row)} ← {isolated(column)} {hundredths(figure) / 100:.2f}"
        named = {"class_": _strength(weight) + rim, "title": title, "style": _tint(weight)}
        cells.append(element("td", written(figure), **named))
    return join(cells)


def _strength(weight: float) -> str:
    return "strong" if shade(weight) >= STRONG else "weak"


def _tint(weight: float) -> str:
    return f"--w:{shade(weight):.3g}"
