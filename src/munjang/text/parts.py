"""Values of tokens, summed up to the parts of a text that people read: characters and words.

    나는 밥을 먹는다
    ▁나는 ▁밥 을 ▁먹는다          tokens        4.1   6.0  0.3   2.2
    나는 / 밥을 / 먹는다           words         4.1   6.3        2.2

A syllable is never cut: tokens that are parts of one, such as jamo or bytes, are summed up. White
space before a word counts to it, as the ▁ of subwords does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from munjang.text.columns import Int64s
from munjang.text.joining import find_joined
from munjang.text.segmentation.codepoints import bounds_of

Floats = npt.NDArray[np.float64]

_DIGITS = 5


@dataclass(frozen=True, eq=False)
class TextParts:
    """Parts of a text that do not overlap, in their order, each with a value.

    Attributes:
        text: the whole text.
        starts: index of the first character of each part, [parts].
        ends: one past its last character, [parts].
        values: value of each part, [parts].
    """

    text: str
    starts: Int64s
    ends: Int64s
    values: Floats

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        for start, end, value in self._parts():
            yield self.text[start:end], value

    def with_rest(self) -> Iterator[tuple[str, float | None]]:
        """Yield the whole text in order: each part, and what is between parts with None."""
        place = 0
        for start, end, value in self._parts():
            if place < start:
                yield self.text[place:start], None
            yield self.text[start:end], value
            place = end
        if place < len(self.text):
            yield self.text[place:], None

    def to_json(self, name: str = "value") -> list[dict[str, Any]]:
        """Return plain values, one mapping per part, the value under `name`."""
        return [
            {"text": self.text[a:b], "start": a, "end": b, name: round(value, _DIGITS)}
            for a, b, value in self._parts()
        ]

    def _parts(self) -> Iterator[tuple[int, int, float]]:
        yield from zip(self.starts.tolist(), self.ends.tolist(), self.values.tolist(), strict=True)


@dataclass(frozen=True, eq=False)
class TokenSums:
    """Values of tokens, summed up.

    Attributes:
        pieces: the smallest parts that the tokens tell apart: a token, or several that share a
            character. Characters without a token, such as spaces between words, are in none.
        characters: each character with the marks and jamo that join it. A piece of several
            characters is divided evenly; characters without a token have 0.
        words: runs without white space; the value of white space before a word counts to it. White
            space at the end of the text is a part of its own.
        rest: sum of tokens that stand for no character, such as the end of the text.
    """

    pieces: TextParts
    characters: TextParts
    words: TextParts
    rest: float

    @classmethod
    def of(
        cls, text: str, starts: npt.ArrayLike, ends: npt.ArrayLike, values: npt.ArrayLike
    ) -> Self:
        """Sum up the values of the tokens of a text.

        Args:
            text: the text as given.
            starts: index of the first character of each token, as `encode_with_offsets` of a
                tokenizer returns it, [tokens].
            ends: one past its last character, [tokens]. A token without characters, such as a
                capital marker, counts to the piece that begins at its place.
            values: value of each token, [tokens].
        """
        begins = _character_bounds(text)
        given = np.asarray(values, dtype=np.float64)
        # from here on in characters with all that joins them
        first = _characters_at(begins, np.asarray(starts, dtype=np.int64))
        last = _characters_at(begins, np.asarray(ends, dtype=np.int64) - 1) + 1
        is_empty = np.asarray(ends) <= np.asarray(starts)
        low, high, sums = _merge(first[~is_empty], last[~is_empty], given[~is_empty])
        places = np.searchsorted(low, first[is_empty], side="right") - 1
        is_inside = np.zeros(len(places), dtype=np.bool_)
        found = places >= 0
        is_inside[found] = first[is_empty][found] < high[places[found]]
        np.add.at(sums, places[is_inside], given[is_empty][is_inside])
        per_character = _spread(low, high, sums, len(begins) - 1)
        return cls(
            TextParts(text, begins[low], begins[high], sums),
            TextParts(text, begins[:-1], begins[1:], per_character),
            _sum_words(text, begins, per_character),
            float(given[is_empty][~is_inside].sum()),
        )


def find_words(text: str) -> TextParts:
    """Return the words of a text as in `TokenSums`, each with the value 0."""
    begins = _character_bounds(text)
    return _sum_words(text, begins, np.zeros(len(begins) - 1))


def number_words(words: TextParts, starts: Int64s) -> Int64s:
    """Return the number of the word that each token begins in, [tokens].

    White space before a word belongs to it.

    Args:
        words: those of `find_words`, one at least.
        starts: index of the first character of each token, [tokens].
    """
    numbers = np.searchsorted(words.ends, starts, side="right")
    return np.minimum(numbers, len(words) - 1).astype(np.int64)


def _character_bounds(text: str) -> Int64s:
    """Return the start of each character that joins none, and the length of the text [n + 1]."""
    return np.append(np.flatnonzero(~find_joined(text)), len(text)).astype(np.int64)


def _characters_at(begins: Int64s, places: Int64s) -> Int64s:
    """Return the number of the character that each place of the text is in."""
    numbers: Int64s = np.searchsorted(begins, places, side="right") - 1
    return numbers


def _merge(starts: Int64s, ends: Int64s, values: Floats) -> tuple[Int64s, Int64s, Floats]:
    """Join ranges that overlap, directly or by others: starts, ends and sums of the pieces."""
    if not len(starts):
        return starts, ends, values
    order = np.argsort(starts, kind="stable")
    starts, ends, values = starts[order], ends[order], values[order]
    reached = np.maximum.accumulate(ends)
    begins = np.append(True, starts[1:] >= reached[:-1])
    firsts = np.flatnonzero(begins)
    lasts = np.append(firsts[1:], len(starts)) - 1
    return starts[firsts], reached[lasts], np.add.reduceat(values, firsts)


def _spread(starts: Int64s, ends: Int64s, values: Floats, size: int) -> Floats:
    """Return the value of each character, that of a piece in equal parts [size]."""
    spread = np.zeros(size)
    lengths = ends - starts
    bounds = bounds_of(lengths)
    within = np.arange(bounds[-1]) - np.repeat(bounds[:-1], lengths)
    spread[np.repeat(starts, lengths) + within] = np.repeat(values / lengths, lengths)
    return spread


def _sum_words(text: str, begins: Int64s, values: Floats) -> TextParts:
    """Sum up the values of characters by words, each with the white space before it."""
    heads = [text[place] for place in begins[:-1].tolist()]
    is_blank = np.fromiter((head.isspace() for head in heads), np.bool_, len(heads))
    if not len(is_blank):
        return TextParts(text, begins[:0], begins[:0], values[:0])
    follows_blank = np.append(True, is_blank[:-1])
    firsts = np.flatnonzero(~is_blank & follows_blank)
    lasts = np.flatnonzero(~is_blank & np.append(is_blank[1:], True)) + 1
    if is_blank[-1]:  # nothing follows the last white space
        tail = lasts[-1] if len(lasts) else 0
        firsts, lasts = np.append(firsts, tail), np.append(lasts, len(is_blank))
    sums = np.add.reduceat(values, np.append(0, lasts[:-1]))
    return TextParts(text, begins[firsts], begins[lasts], sums)
