"""Surprisal as one SVG picture: the text in shades, wrapped at pieces.

Tokens are text in a monospaced font of the system, fitted to the width of their shade. Colors stand
at every shape, for programs that read no style sheet, and change in a dark color scheme.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from munjang.explain.surprisal import Surprisal
from munjang.report.html import element
from munjang.report.labels import text_width
from munjang.report.picture import MONOSPACE, draw_picture
from munjang.report.shades import DARK, LIGHT, STRONG
from munjang.report.surprisal_shades import MOST_BITS, Part, shown_parts

# A single letter is centered in its shade, which suits letters of about one width.
_DARK = f".full{{fill:{DARK.full}}}.ink{{fill:{DARK.ink}}}.on{{fill:{DARK.on_full}}}"
_EDGE, _LINE, _SIZE, _WIDTH = 20.0, 24.0, 15.0, 720.0
_LEGEND = (0, 2, 4, 6, 8, 10)


@dataclass(frozen=True)
class _Placed:
    """A piece on a line.

    Attributes:
        part: the piece; its text has no line break.
        x: left end in pixels.
        y: upper end in pixels.
        width: in pixels.
    """

    part: Part
    x: float
    y: float
    width: float


def draw_surprisal_svg(surprisal: Surprisal) -> Markup:
    """Return the picture."""
    placed = list(_place(surprisal))
    bottom = max((one.y for one in placed), default=_EDGE) + 2 * _LINE
    legend = [
        _Placed(
            Part(str(bits) if bits < MOST_BITS else f"{bits} bits", float(bits)),
            _EDGE + 36 * place,
            bottom,
            34.0 if bits < MOST_BITS else 60.0,
        )
        for place, bits in enumerate(_LEGEND)
    ]
    height = bottom + _LINE + _EDGE
    return draw_picture(
        "Surprisal of a text",
        [mark for one in [*placed, *legend] for mark in _draw(one)],
        _WIDTH + 2 * _EDGE,
        height,
        dark=_DARK,
        fonts=MONOSPACE,
        size=_SIZE,
    )


def _place(surprisal: Surprisal) -> Iterator[_Placed]:
    """Yield each piece at its place; a piece that is wider than a line has its own."""
    x, y = _EDGE, _EDGE
    for part in shown_parts(surprisal):
        text, line_break, _ = part.text.partition("\n")
        width = max(1.0, _SIZE * text_width(text))
        if x > _EDGE and x + width > _EDGE + _WIDTH:
            x, y = _EDGE, y + _LINE
        yield _Placed(Part(text, part.bits), x, y, min(width, _WIDTH))
        x += width
        if line_break:
            x, y = _EDGE, y + _LINE


def _draw(placed: _Placed) -> Iterator[Markup]:
    shade, bits = placed.part.shade, placed.part.bits
    title = [] if bits is None else [element("title", f"{bits:.1f} bits")]
    yield element(
        "rect",
        *title,
        class_="full",
        x=f"{placed.x:.5g}",
        y=f"{placed.y:.5g}",
        width=f"{placed.width:.5g}",
        height=_LINE - 2,
        fill=LIGHT.full,
        fill_opacity=f"{shade:.2g}",
    )
    if not placed.part.text.strip():
        return
    strong = shade >= STRONG
    fitted = {"textLength": f"{placed.width:.5g}", "lengthAdjust": "spacingAndGlyphs"}
    yield element(
        "text",
        placed.part.text,
        class_="on" if strong else "ink",
        x=f"{placed.x + placed.width / 2:.5g}",
        y=f"{placed.y + _SIZE + 1:.5g}",
        fill=LIGHT.on_full if strong else LIGHT.ink,
        text_anchor="middle",
        pointer_events="none",
        style="white-space:pre",
        **(fitted if len(placed.part.text) > 1 else {}),
    )
