"""Surprisal as shades: none for what was certain, the full color from 10 bits on."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from munjang.explain.surprisal import Surprisal
from munjang.report.visible import visible_text

# A piece of so many bits had a probability of 1 in 1,024.
MOST_BITS = 10
_BREAK = "⏎\n"


@dataclass(frozen=True)
class Part:
    """A piece of a text, or what stands between two pieces.

    Attributes:
        text: without invisible characters, but with spaces; a line break has a symbol before it.
        bits: surprisal of a piece; None between pieces.
    """

    text: str
    bits: float | None

    @property
    def shade(self) -> float:
        """The opacity of the full color, 0 to 1."""
        return 0.0 if self.bits is None else shade_of_bits(self.bits)


def shade_of_bits(bits: float) -> float:
    """Return the opacity of the full color for a surprisal, 0 to 1."""
    return min(1.0, max(0.0, bits / MOST_BITS))


def shown_parts(surprisal: Surprisal) -> Iterator[Part]:
    """Yield the whole text in order, in pieces."""
    for text, nats in surprisal.pieces.with_rest():
        shown = visible_text(text).replace("\n", _BREAK)
        yield Part(shown, None if nats is None else nats / math.log(2))
