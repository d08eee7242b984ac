"""Attributions as one SVG picture: the text in shades, line by line."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from munjang.explain.attribution import Attribution, Explanation
from munjang.report.diverging import Shade, format_share, full_color
from munjang.report.html import element
from munjang.report.labels import text_width
from munjang.report.picture import MONOSPACE, draw_picture
from munjang.report.shades import DARK, LIGHT
from munjang.report.visible import visible
from munjang.report.why_parts import ShownPart, describe_sum, shown_parts, visible_line

# A word is centered in its shade, which suits letters of about one width.
_EDGE, _LINE, _SIZE, _WIDTH = 20.0, 38.0, 15.0, 720.0
_SMALL = 10.0
_LEGEND = (-1.0, -0.5, 0.0, 0.5, 1.0)


@dataclass(frozen=True)
class _Placed:
    """A part on a line; its text has no line break."""

    part: ShownPart
    x: float
    y: float
    width: float


def draw_why_svg(explanation: Explanation) -> Markup:
    """Return the picture: each score above its text, each word above its share."""
    largest = explanation.largest
    marks: list[Markup] = []
    y = _EDGE
    for row in explanation:
        marks.append(_line(describe_sum(explanation, row), y + _SIZE))
        y += _SIZE + 14
        placed, y = _place(row, y)
        marks += [mark for one in placed for mark in _draw(one, largest)]
        y += 10
    legend = [
        _Placed(ShownPart(format_share(step * largest), step * largest), _EDGE + 76 * n, y, 72.0)
        for n, step in enumerate(_LEGEND)
    ]
    marks += [mark for one in legend for mark in _draw(one, largest, numbered=False)]
    height = y + _LINE + _EDGE
    return draw_picture(
        f"Why the answer is {visible_line(explanation.answer)}",
        marks,
        _WIDTH + 2 * _EDGE,
        height,
        dark=_dark_rules(),
        fonts=MONOSPACE,
        size=_SIZE,
    )


def _place(row: Attribution, y: float) -> tuple[list[_Placed], float]:
    """Return each part at its place, and the upper end of what follows."""
    placed: list[_Placed] = []
    for text in row.texts:
        x = _EDGE
        for part in shown_parts(text):
            shown, line_break, _ = part.text.partition("\n")
            number = "" if part.share is None else format_share(part.share)
            width = max(1.0, _SIZE * text_width(shown), _SMALL * text_width(number) + 2)
            if x > _EDGE and x + width > _EDGE + _WIDTH:
                x, y = _EDGE, y + _LINE
            placed.append(_Placed(ShownPart(shown, part.share), x, y, min(width, _WIDTH)))
            x += width
            if line_break:
                x, y = _EDGE, y + _LINE
        y += _LINE
    return placed, y


def _draw(placed: _Placed, largest: float, *, numbered: bool = True) -> Iterator[Markup]:
    share = placed.part.share
    if share is None:
        return
    shade = Shade(share, largest)
    ink = "on" if shade.strength == "strong" else "ink"
    yield element(
        "rect",
        element("title", f"{visible(placed.part.text)} {format_share(share)}"),
        class_=shade.sign,
        x=f"{placed.x:.5g}",
        y=f"{placed.y:.5g}",
        width=f"{placed.width:.5g}",
        height=_SIZE + 7,
        fill=full_color(shade.sign, LIGHT).full,
        fill_opacity=shade.css,
    )
    middle = f"{placed.x + placed.width / 2:.5g}"
    yield element(
        "text",
        placed.part.text,
        class_=ink,
        x=middle,
        y=f"{placed.y + _SIZE + 1:.5g}",
        fill=shade.ink(),
        text_anchor="middle",
        pointer_events="none",
        style="white-space:pre",
    )
    if numbered and shade.opacity:
        yield element(
            "text",
            format_share(share),
            class_="ink",
            x=middle,
            y=f"{placed.y + _SIZE + 7 + _SMALL:.5g}",
            fill=LIGHT.ink,
            font_size=_SMALL,
            text_anchor="middle",
        )


def _line(text: str, y: float) -> Markup:
    return element(
        "text", visible_line(text), class_="ink", x=f"{_EDGE:g}", y=f"{y:.5g}", fill=LIGHT.ink,
        font_size=12,
    )  # fmt: skip


def _dark_rules() -> str:
    up, down = (full_color(sign, DARK).full for sign in ("up", "down"))
    return f".up{{fill:{up}}}.down{{fill:{down}}}.ink{{fill:{DARK.ink}}}.on{{fill:{DARK.on_full}}}"
