"""Tokens as labels of a picture: Hangul in strokes, which need no font, the rest as text."""

import unicodedata
from dataclasses import dataclass
from itertools import groupby

from munjang.report.hangul import is_drawn, strokes
from munjang.report.html import Markup, element
from munjang.report.visible import right_to_left, visible

_WIDE, _NARROW, _LETTER = 1.0, 0.62, 0.94  # of a size: a wide character, another, a block
_PEN = 0.085
_RISE = 0.86  # from the upper side of a block to the line that letters stand on


def width_of(text: str) -> float:
    """About how wide it is, in sizes of its letters."""
    return sum(map(_width, text))


def _width(character: str) -> float:
    if is_drawn(character):
        return _LETTER
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0.0
    return _WIDE if unicodedata.east_asian_width(character) in "WF" else _NARROW


@dataclass(frozen=True)
class Label:
    """A token beside a row or above a column.

    Attributes:
        token: as it is.
        size: of its letters, in pixels.
        longest: it is cut, with `…`, before it grows wider; in sizes of its letters.
    """

    token: str
    size: float
    longest: float

    @property
    def name(self) -> str:
        """The whole of it."""
        return visible(self.token)

    @property
    def shown(self) -> str:
        """What is drawn."""
        if width_of(self.name) <= self.longest:
            return self.name
        kept, room = "", self.longest - _NARROW
        for character in self.name:
            room -= _width(character)
            if room < 0:
                break
            kept += character
        return f"{kept}…"

    @property
    def width(self) -> float:
        """In pixels, as near as can be told without knowing the font."""
        return self.size * width_of(self.shown)

    def draw(self, x: float, y: float, *, ends: bool, turned: float = 0.0) -> Markup:
        """The label with its text as a tooltip, for the ears too.

        Args:
            x: its left end; of one that `ends` there, its right end.
            y: the line that its letters stand on.
            ends: whether it ends at x.
            turned: by so many degrees around (x, y).
        """
        place = {"transform": f"rotate({turned:g} {x:g} {y:g})"} if turned else {}
        inside = self._pieces(x, y, ends=ends)
        named = {"role": "img", "aria_label": self.name}
        return element("g", element("title", self.name), *inside, **place, **named)

    def _pieces(self, x: float, y: float, *, ends: bool) -> list[Markup]:
        runs = [(drawn, "".join(run)) for drawn, run in groupby(self.shown, is_drawn)]
        if len(runs) == 1 and not runs[0][0]:
            return [_text(self.shown, x, y, ends=ends)]
        at, pieces = x - self.width if ends else x, []
        for drawn, run in runs:
            width = self.size * width_of(run)
            pieces.append(self._strokes(run, at, y) if drawn else _fitted(run, at, y, width))
            at += width
        return pieces

    def _strokes(self, run: str, x: float, y: float) -> Markup:
        step, top = self.size * _LETTER, y - self.size * _RISE
        lines = [strokes(c, x + step * n, top, step) for n, c in enumerate(run)]
        return element("path", d="".join(lines), class_="pen", stroke_width=f"{self.size * _PEN:g}")


def _text(text: str, x: float, y: float, *, ends: bool) -> Markup:
    """`end` is the left one of text that runs to the left."""
    turned = {"direction": "rtl"} if right_to_left(text) else {}
    anchor = "end" if ends != bool(turned) else "start"
    return element("text", text, x=f"{x:g}", y=f"{y:g}", text_anchor=anchor, **turned)


def _fitted(text: str, x: float, y: float, width: float) -> Markup:
    """Text of a known width, whatever font there is, for strokes follow it."""
    room = {"textLength": f"{width:g}", "lengthAdjust": "spacingAndGlyphs"}
    return element("text", text, x=f"{x:g}", y=f"{y:g}", **(room if width else {}))
