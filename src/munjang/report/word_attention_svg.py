"""Attention from one word as a picture: lines from it to every word, one column per head."""

from collections.abc import Sequence

from markupsafe import Markup

from munjang.explain.word_attention import WordAttention, WordHead
from munjang.report.html import element
from munjang.report.labels import Label
from munjang.report.picture import draw_picture
from munjang.report.shades import DARK, LIGHT
from munjang.report.svg import COLOURS
from munjang.report.visible import isolated, visible

_SIZE, _LINE, _EDGE = 13.0, 20.0, 20.0
_LONGEST = 14.0  # label, in multiples of the font size
_SPAN, _COLUMN = 150.0, 34.0  # room for lines; width of the column of one head
_HEADS = 8  # most heads whose weights are drawn apart
_THICKEST = 9.0
_LEAST = 0.02  # weights below have no line

_DARK = f"text{{fill:{DARK.ink}}}.thread{{stroke:{DARK.full}}}"

# Beside the chosen word stand all words, and lines go to them; right of those, a square per head.


def draw_word_attention(attention: WordAttention) -> Markup:
    """Return the picture: lines for the mean over all heads, squares for the strongest heads.

    The strongest heads are those with the largest weight to a single other word.
    """
    labels = [Label(word, _SIZE, _LONGEST) for word in attention.words]
    heads = attention.strongest(_HEADS)
    left = labels[attention.chosen].width
    right = max(label.width for label in labels)
    top = _EDGE + 3.4 * _LINE
    marks = [*_lines(attention, labels, _EDGE + left + 8, top)]
    x = _EDGE + left + 8 + _SPAN + 8 + right + 16
    for number, head in enumerate(heads):
        marks += _squares(attention, head, number, x + _COLUMN * number, top)
    width = x + _COLUMN * len(heads) + _EDGE
    height = top + _LINE * len(labels) + _EDGE
    return draw_picture(
        f"Attention from {isolated(visible(attention.words[attention.chosen]))}",
        [*_headings(x, bool(heads)), *marks],
        width,
        height,
        dark=_DARK,
    )


def _headings(x: float, has_heads: bool) -> list[Markup]:
    marks = [
        element("text", "Attention from one word", x=_EDGE, y=_EDGE + 14, font_size=16,
                font_weight=600),
        element("text", "lines: mean of all heads", x=_EDGE, y=_EDGE + 14 + _LINE),
    ]  # fmt: skip
    if has_heads:
        marks.append(element("text", "layer.head", x=f"{x:g}", y=_EDGE + 14 + _LINE))
    return marks


def _lines(
    attention: WordAttention, labels: Sequence[Label], left: float, top: float
) -> list[Markup]:
    """Draw the chosen word, all words, and lines of the thickness of the mean weight."""
    here = top + _LINE * (attention.chosen + 0.5)
    marks = [labels[attention.chosen].draw(left - 8, here + 4.5, ends=True)]
    for place, (label, weight) in enumerate(zip(labels, attention.mean.tolist(), strict=True)):
        y = top + _LINE * (place + 0.5)
        marks.append(label.draw(left + _SPAN + 8, y + 4.5, ends=False))
        if weight < _LEAST:
            continue
        ends = f"M{left:.5g} {here:.5g}C{left + _SPAN / 2:.5g} {here:.5g} "
        curve = f"{ends}{left + _SPAN / 2:.5g} {y:.5g} {left + _SPAN:.5g} {y:.5g}"
        marks.append(
            element(
                "path",
                element("title", f"{isolated(label.name)} {weight:.2f}"),
                class_="thread",
                d=curve,
                fill="none",
                stroke=LIGHT.full,
                stroke_width=f"{max(0.5, _THICKEST * weight):.3g}",
                stroke_opacity=0.7,
            )
        )
    return marks


def _squares(
    attention: WordAttention, head: WordHead, number: int, x: float, top: float
) -> list[Markup]:
    """Draw the weights of one head: a square per word, its side as its weight."""
    color = COLOURS[number % len(COLOURS)].replace("currentColor", "#8c8c8c")
    marks = [element("text", head.name, x=f"{x:g}", y=f"{top - 4:g}", font_size=11)]
    for place, weight in enumerate(head.weights.tolist()):
        side = (_LINE - 2) * weight**0.5
        if weight < _LEAST:
            continue
        y = top + _LINE * (place + 0.5)
        title = f"head {head.name}: {isolated(visible(attention.words[place]))} {weight:.2f}"
        marks.append(
            element("rect", element("title", title), x=f"{x + 10 - side / 2:.5g}",
                    y=f"{y - side / 2:.5g}", width=f"{side:.3g}", height=f"{side:.3g}", fill=color)
        )  # fmt: skip
    return marks
