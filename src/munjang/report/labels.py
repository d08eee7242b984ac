"""Tokens as labels of a picture: text in the fonts of the system, its width guessed."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from munjang.report.html import element
from munjang.report.visible import right_to_left, visible, visible_text

_WIDE, _NARROW = 1.0, 0.62  # of the font size: an East Asian wide character, any other
_LEAN = 60  # degrees from horizontal
_RISE, _RUN = math.sin(math.radians(_LEAN)), math.cos(math.radians(_LEAN))


def text_width(text: str) -> float:
    """Return about how wide a text is, in multiples of its font size."""
    return sum(map(_character_width, text))


def _character_width(character: str) -> float:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0.0
    return _WIDE if unicodedata.east_asian_width(character) in "WF" else _NARROW


@dataclass(frozen=True)
class Label:
    """A token beside a row or above a column.

    Attributes:
        token: as the text has it.
        size: of its font, in pixels.
        longest: a longer label is cut, with `…`; in multiples of the font size.
        is_name: True for a name rather than a token: its spaces stay spaces.
    """

    token: str
    size: float
    longest: float
    is_name: bool = False

    @property
    def name(self) -> str:
        """The whole token, every character visible."""
        words = self.token.split()
        return visible_text(" ".join(words)) if self.is_name and words else visible(self.token)

    @property
    def text(self) -> str:
        """The name, cut where it is too long."""
        if text_width(self.name) <= self.longest:
            return self.name
        kept, room = "", self.longest - _NARROW
        for character in self.name:
            room -= _character_width(character)
            if room < 0:
                break
            kept += character
        return f"{kept}…"

    @property
    def width(self) -> float:
        """Width in pixels, as near as can be told without the font."""
        return self.size * text_width(self.text)

    def draw(self, x: float, y: float, *, ends: bool, rotation: float = 0.0) -> Markup:
        """Return the label as an SVG group, with the whole token as its tooltip and spoken name.

        Args:
            x: its left end; its right end if it `ends` there.
            y: of the baseline.
            ends: True if the label ends at x, False if it begins there.
            rotation: around (x, y), in degrees.
        """
        rtl = right_to_left(self.text)
        # the start of text that runs to the left is its right end
        anchor = "end" if ends != rtl else "start"
        place = {"x": f"{x:g}", "y": f"{y:g}", "text_anchor": anchor}
        direction = {"direction": "rtl"} if rtl else {}
        text = element("text", self.text, **place, **direction)
        named: dict[str, object] = {"role": "img", "aria_label": self.name}
        if rotation:
            named["transform"] = f"rotate({rotation:g} {x:g} {y:g})"
        return element("g", element("title", self.name), text, **named)


@dataclass(frozen=True)
class ColumnLabels:
    """Leaning labels above columns.

    Attributes:
        labels: one per column.
    """

    labels: Sequence[Label]

    @property
    def height(self) -> float:
        """Height of the highest label, in pixels."""
        return self._longest * _RISE + 10

    @property
    def overhang(self) -> float:
        """Space for the last label to the right of its column's middle, in pixels."""
        return self._longest * _RUN + 10

    @property
    def _longest(self) -> float:
        return max(label.width for label in self.labels)

    def draw(self, left: float, y: float, cell: float) -> list[Markup]:
        """Return the labels of columns of width `cell` from `left` on, their lower ends at y."""
        return [
            label.draw(round(left + cell * (n + 0.5), 1) + 3, y, ends=False, rotation=-_LEAN)
            for n, label in enumerate(self.labels)
        ]
