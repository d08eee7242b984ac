"""Surprisal as a part of an HTML page: the text in shades, and the most surprising words."""

import math
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from munjang.explain.surprisal import Surprisal
from munjang.report.html import render, table
from munjang.report.shades import DARK, LIGHT, STRONG
from munjang.report.surprisal_shades import MOST_BITS, Part, shade_of_bits, shown_parts
from munjang.report.visible import language, visible

_WORDS = 50
_LEGEND = (0, 2, 4, 6, 8, 10)


@dataclass(frozen=True)
class _Shaded:
    """A piece as the page shows it."""

    text: str
    title: str
    shade: float

    @classmethod
    def of(cls, part: Part) -> "_Shaded":
        title = "" if part.bits is None else f"{part.bits:.1f} bits"
        return cls(part.text, title, part.shade)

    @property
    def opacity(self) -> str:
        return f"{self.shade:.3g}"

    @property
    def strength(self) -> str:
        return "strong" if self.shade >= STRONG else "weak"


def draw_surprisal_page(surprisal: Surprisal) -> Markup:
    """Return a page of its own."""
    values = _values(surprisal)
    return render("surprisal.html.jinja", title="Surprisal", light=LIGHT, dark=DARK, **values)


def draw_surprisal_section(surprisal: Surprisal) -> Markup:
    """Return a part of a page, whose style is `surprisal.css.jinja`."""
    return render("surprisal_section.html.jinja", **_values(surprisal))


def _values(surprisal: Surprisal) -> dict[str, Any]:
    bits = surprisal.nats / math.log(2)
    count = len(surprisal.characters)
    words = [
        [visible(word), f"{nats / math.log(2):.1f}"]
        for word, nats, _ in surprisal.surprising_words(_WORDS)
    ]
    return {
        "parts": [_Shaded.of(part) for part in shown_parts(surprisal)],
        "lang": language(surprisal.pieces.text),
        "summary": f"{bits:.1f} bits in {count:,} characters: "
        f"{bits / max(1, count):.2f} bits per character",
        "legend": [_Shaded(str(step), "", shade_of_bits(step)) for step in _LEGEND],
        "most": MOST_BITS,
        "words": table(["most surprising words", "bits"], words),
    }
