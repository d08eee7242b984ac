"""Attributions as a page, a picture and a terminal show them: parts of texts with their shares."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from munjang.explain.attribution import AttributedText, Attribution, Explanation
from munjang.report.diverging import Shade
from munjang.report.visible import visible, visible_text

# A longer word of several tokens is shown token by token, as in scripts without spaces.
LONGEST_WORD = 20
_BREAK = "⏎\n"


@dataclass(frozen=True)
class ShownPart:
    """A part of a text.

    Attributes:
        text: without invisible characters, but with spaces; a line break has a symbol before it.
        share: of the part; None between parts.
    """

    text: str
    share: float | None

    def shade(self, largest: float) -> Shade:
        """Return its shade on the scale of a page."""
        return Shade(self.share or 0.0, largest)


def shown_parts(text: AttributedText) -> Iterator[ShownPart]:
    """Yield a whole text in order: each word, or its tokens if it is long; spaces stay apart."""
    for start, end, share, is_word in _parts(text):
        raw = text.text[start:end]
        body = raw.lstrip() if is_word else raw
        space = raw[: len(raw) - len(body)]
        if space:
            yield ShownPart(_visible(space), share if not body else None)
        if body:
            yield ShownPart(_visible(body), share)


def _parts(text: AttributedText) -> Iterator[tuple[int, int, float | None, bool]]:
    words, pieces = text.words, text.pieces
    begin = 0
    for start, end, share in zip(
        words.starts.tolist(), words.ends.tolist(), words.values.tolist(), strict=True
    ):
        low = int(np.searchsorted(pieces.starts, begin))
        high = int(np.searchsorted(pieces.starts, end))
        if begin < start:
            yield begin, start, None, False
        if end - start > LONGEST_WORD and high - low > 1:
            place = start
            for number in range(low, high):
                first, last = int(pieces.starts[number]), min(end, int(pieces.ends[number]))
                if last <= place:  # of white space before the word
                    continue
                if place < first:
                    yield place, first, None, False
                yield max(place, first), last, float(pieces.values[number]), False
                place = last
            if place < end:
                yield place, end, None, False
        else:
            yield start, end, share, True
        begin = end
    if begin < len(text.text):
        yield begin, len(text.text), None, False


def _visible(text: str) -> str:
    return visible_text(text).replace("\n", _BREAK)


def listed_words(attribution: Attribution, most: int) -> list[tuple[str, float]]:
    """Return the parts with the largest shares of either sign, these first, in visible letters.

    Words of more than `LONGEST_WORD` letters are listed by their tokens. Tokens of no text follow
    as one line.
    """
    parts = [
        (visible(part.text.strip() or part.text), part.share)
        for text in attribution.texts
        for part in shown_parts(text)
        if part.share is not None
    ]
    parts.sort(key=lambda part: -abs(part[1]))
    return parts[:most]


def special_share(attribution: Attribution) -> tuple[str, float] | None:
    """Return the names of the tokens of no text, and their share in total; None without any."""
    rest = sum(text.rest for text in attribution.texts)
    if not attribution.specials and not rest:
        return None
    names = dict.fromkeys(label for label, _ in attribution.specials)
    return " ".join(names) or "other tokens", sum(s for _, s in attribution.specials) + rest


def visible_line(text: str) -> str:
    """Return a text on one line, with single spaces between its words."""
    return " ".join(visible_text(text).split()) or visible(text)


def describe_method(explanation: Explanation) -> str:
    """Return the method and its baseline in words."""
    steps = [row.steps for row in explanation if row.steps is not None]
    nodes = f", {max(steps)} steps" if steps else ""
    names = {"leave_one_out": "leave one out", "gradient": "gradient x input"}
    name = names.get(explanation.method, explanation.method)
    return f"method {name}{nodes}; baseline: {explanation.baseline}"


def describe_sum(explanation: Explanation, attribution: Attribution) -> str:
    """Return base, sum and value in one line, and how much of their difference is explained."""
    base, value, total = attribution.base, attribution.value, attribution.total
    if not explanation.summed:
        return f"{attribution.score}: {value:z.2f}, {base:z.2f} without any word"
    line = f"{attribution.score}: {value:z.2f} = base {base:z.2f} {_signed(total)}"
    explained = attribution.explained
    lacking = value - base - total
    if abs(lacking) >= 0.005:
        line += f", and {lacking:+.2f} that is not divided"
    if math.isfinite(explained):
        line += f"; explains {_fraction(explained)} of 1.00"
    return line


def _signed(number: float) -> str:
    return f"{'-' if number < 0 else '+'} words {abs(number):.2f}"


def _fraction(number: float) -> str:
    shown = f"{number:.2f}"
    return shown.removeprefix("0") if 0 <= number < 1 else shown
