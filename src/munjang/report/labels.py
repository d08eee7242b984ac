"""Tokens as labels of a picture: Hangul in strokes, which need no font, the rest as text."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from munjang.report.hangul import is_drawn, strokes
from munjang.report.html import Markup, element
from munjang.report.visible import right_to_left, visible

_WIDE, _NARROW, _LETTER = 1.0, 0.62, 0.94  # of a size: a wide character, another, a block
_PEN = 0.078
_STACKED = 1.12  # from one block down to the next
_LEAN = 60  # degrees from lying
_HIGH, _FAR = math.sin(math.radians(_LEAN)), math.cos(math.radians(_LEAN))
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

    @property
    def is_hangul(self) -> bool:
        """Whether strokes are all of it, so that it can stand upright in a column."""
        return all(map(is_drawn, self.shown))

    def draw(self, x: float, y: float, *, ends: bool, turned: float = 0.0) -> Markup:
        """The label with its text as a tooltip, for the ears too.

        Args:
            x: its left end; of one that `ends` there, its right end.
            y: the line that its letters stand on.
            ends: whether it ends at x.
            turned: by so many degrees around (x, y).
        """
        place = {"transform": f"rotate({turned:g} {x:g} {y:g})"} if turned else {}
        return self._named(self._pieces(x, y, ends=ends), **place)

    def stack(self, x: float, y: float) -> Markup:
        """Hangul upright, one block above the other.

        Args:
            x: the middle of the column.
            y: where it ends below.
        """
        block, step = self.size * _LETTER, self.size * _STACKED
        left, last = x - block / 2, y - block
        places = zip(reversed(self.shown), range(len(self.shown)), strict=True)
        return self._named(
            [self._pen([strokes(c, left, last - step * n, block) for c, n in places])]
        )

    def _named(self, inside: Sequence[Markup], **place: object) -> Markup:
        named = {"role": "img", "aria_label": self.name, **place}
        return element("g", element("title", self.name), *inside, **named)

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
        return self._pen([strokes(c, x + step * n, top, step) for n, c in enumerate(run)])

    def _pen(self, lines: Sequence[str]) -> Markup:
        return element("path", d="".join(lines), class_="pen", stroke_width=f"{self.size * _PEN:g}")


@dataclass(frozen=True)
class Heads:
    """The labels above columns: leaning, or upright where some of them are Hangul.

    Attributes:
        labels: one a column.
    """

    labels: Sequence[Label]

    @property
    def upright(self) -> bool:
        """Whether Hangul is stacked; what else there is then stands on its end beside it."""
        return any(label.is_hangul for label in self.labels)

    @property
    def height(self) -> float:
        """Of the highest, in pixels."""
        return self._longest * (_STACKED / _LETTER if self.upright else _HIGH) + 10

    @property
    def beyond(self) -> float:
        """How far the last may reach to the right of its middle, in pixels."""
        return 10.0 if self.upright else self._longest * _FAR + 10

    @property
    def _longest(self) -> float:
        return max(label.width for label in self.labels)

    def draw(self, left: float, y: float, cell: float) -> list[Markup]:
        """The labels of columns of a width, ending at y; the first column begins at `left`."""
        drawn = []
        for place, label in enumerate(self.labels):
            middle = round(left + cell * (place + 0.5), 1)
            if label.is_hangul:
                drawn.append(label.stack(middle, y))
            elif self.upright:
                drawn.append(label.draw(middle + 4.5, y, ends=False, turned=-90))
            else:
                drawn.append(label.draw(middle + 3, y, ends=False, turned=-_LEAN))
        return drawn


def _text(text: str, x: float, y: float, *, ends: bool) -> Markup:
    """`end` is the left one of text that runs to the left."""
    turned = {"direction": "rtl"} if right_to_left(text) else {}
    anchor = "end" if ends != bool(turned) else "start"
    return element("text", text, x=f"{x:g}", y=f"{y:g}", text_anchor=anchor, **turned)


def _fitted(text: str, x: float, y: float, width: float) -> Markup:
    """Text of a known width, whatever font there is, for strokes follow it."""
    room = {"textLength": f"{width:g}", "lengthAdjust": "spacingAndGlyphs"}
    return element("text", text, x=f"{x:g}", y=f"{y:g}", **(room if width else {}))
