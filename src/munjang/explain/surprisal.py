"""Surprisal of a text under a language model: nats per piece, character and word.

    나는 밥을 먹는다
    ▁나는 ▁밥 을 ▁먹는다          tokens        4.1   6.0  0.3   2.2
    나는 / 밥을 / 먹는다           words         4.1   6.3        2.2

The surprisal of a token is its negative log-probability given all tokens before it (Hale 2001, "A
probabilistic Earley parser as a psycholinguistic model"). Surprisals add up: that of a word is the
sum over its tokens. White space before a word counts to the word, as the ▁ of subwords does; Oh and
Schuler 2024 ("Leading whitespaces of language models' subword vocabulary pose a confound for
calculating word probabilities") discuss this choice.

A syllable is never cut: tokens that are parts of one, such as jamo or bytes, are summed up.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from munjang.displayed import Drawn
from munjang.reporting import pluralize
from munjang.text.columns import Int64s
from munjang.text.joining import find_joined
from munjang.text.segmentation.codepoints import bounds_of

Floats = npt.NDArray[np.float64]

_DIGITS = 5


@dataclass(frozen=True, eq=False)
class Spans:
    """Parts of a text that do not overlap, in their order, with their surprisal.

    Attributes:
        text: the whole text.
        starts: index of the first character of each part, [parts].
        ends: one past its last character, [parts].
        nats: surprisal of each part, [parts].
    """

    text: str
    starts: Int64s
    ends: Int64s
    nats: Floats

    def __len__(self) -> int:
        return len(self.nats)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        for start, end, nats in self._parts():
            yield self.text[start:end], nats

    def with_rest(self) -> Iterator[tuple[str, float | None]]:
        """Yield the whole text in order: each part, and what is between parts with None."""
        place = 0
        for start, end, nats in self._parts():
            if place < start:
                yield self.text[place:start], None
            yield self.text[start:end], nats
            place = end
        if place < len(self.text):
            yield self.text[place:], None

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain values, one mapping per part."""
        return [
            {"text": self.text[a:b], "start": a, "end": b, "nats": round(nats, _DIGITS)}
            for a, b, nats in self._parts()
        ]

    def _parts(self) -> Iterator[tuple[int, int, float]]:
        yield from zip(self.starts.tolist(), self.ends.tolist(), self.nats.tolist(), strict=True)


@dataclass(frozen=True, eq=False, repr=False)
class Surprisal(Drawn):
    """Surprisal of a text.

    Attributes:
        pieces: the smallest parts that the tokens tell apart: a token, or several that share a
            character. Characters without a token, such as spaces between words, are in none.
        characters: each character with the marks and jamo that join it. A piece of several
            characters is divided evenly; characters without a token have 0 nats.
        words: runs without white space; the nats of white space before a word count to it. White
            space at the end of the text is a part of its own.
        rest: nats of tokens that stand for no character, such as the end of the text.
    """

    pieces: Spans
    characters: Spans
    words: Spans
    rest: float

    drawings: ClassVar[str] = "munjang.report.surprisal:SURPRISAL"

    def summary(self) -> str:
        """Return the size of the text, and its bits in total and per character."""
        bits, count = self.nats / math.log(2), len(self.characters)
        return (
            f"{pluralize(count, 'character')}, {pluralize(len(self.words), 'word')}, "
            f"{bits:.1f} bits, {bits / max(1, count):.2f} bits per character"
        )

    @classmethod
    def from_tokens(
        cls, text: str, starts: npt.ArrayLike, ends: npt.ArrayLike, nats: npt.ArrayLike
    ) -> Self:
        """Sum up the negative log-probabilities of the tokens of a text.

        Args:
            text: the text as given.
            starts: index of the first character of each token, as `encode_with_offsets` of a
                tokenizer returns it, [tokens].
            ends: one past its last character, [tokens]. A token without characters, such as a
                capital marker, counts to the piece that begins at its place.
            nats: negative log-probability of each token, [tokens].
        """
        begins = _character_bounds(text)
        losses = np.asarray(nats, dtype=np.float64)
        # from here on in characters with all that joins them
        first = _characters_at(begins, np.asarray(starts, dtype=np.int64))
        last = _characters_at(begins, np.asarray(ends, dtype=np.int64) - 1) + 1
        is_empty = np.asarray(ends) <= np.asarray(starts)
        low, high, sums = _merge(first[~is_empty], last[~is_empty], losses[~is_empty])
        places = np.searchsorted(low, first[is_empty], side="right") - 1
        is_inside = np.zeros(len(places), dtype=np.bool_)
        found = places >= 0
        is_inside[found] = first[is_empty][found] < high[places[found]]
        np.add.at(sums, places[is_inside], losses[is_empty][is_inside])
        per_character = _spread(low, high, sums, len(begins) - 1)
        return cls(
            Spans(text, begins[low], begins[high], sums),
            Spans(text, begins[:-1], begins[1:], per_character),
            _sum_words(text, begins, per_character),
            float(losses[is_empty][~is_inside].sum()),
        )

    @property
    def nats(self) -> float:
        """Sum over all tokens."""
        return float(self.pieces.nats.sum()) + self.rest

    def surprising_words(self, most: int) -> list[tuple[str, float, list[tuple[str, float]]]]:
        """Return the words with the most nats, these first, each with its pieces.

        The pieces of a word are those that begin after the last word, white space included.

        Args:
            most: number of words at most.
        """
        words = list(self.words)
        cuts = np.searchsorted(self.pieces.starts, self.words.ends[:-1]).tolist()
        pieces, bounds = list(self.pieces), [0, *cuts, len(self.pieces)]
        order = np.argsort(-self.words.nats, kind="stable")[:most].tolist()
        return [(*words[n], pieces[bounds[n] : bounds[n + 1]]) for n in order]

    def to_json(self) -> dict[str, Any]:
        """Return plain values: text, sum, and each part with its place and surprisal."""
        return {
            "text": self.pieces.text,
            "nats": round(self.nats, _DIGITS),
            "rest": round(self.rest, _DIGITS),
            "pieces": self.pieces.to_json(),
            "characters": self.characters.to_json(),
            "words": self.words.to_json(),
        }


def _character_bounds(text: str) -> Int64s:
    """Return the start of each character that joins none, and the length of the text [n + 1]."""
    return np.append(np.flatnonzero(~find_joined(text)), len(text)).astype(np.int64)


def _characters_at(begins: Int64s, places: Int64s) -> Int64s:
    """Return the number of the character that each place of the text is in."""
    numbers: Int64s = np.searchsorted(begins, places, side="right") - 1
    return numbers


def _merge(starts: Int64s, ends: Int64s, nats: Floats) -> tuple[Int64s, Int64s, Floats]:
    """Join ranges that overlap, directly or by others: starts, ends and sums of the pieces."""
    if not len(starts):
        return starts, ends, nats
    order = np.argsort(starts, kind="stable")
    starts, ends, nats = starts[order], ends[order], nats[order]
    reached = np.maximum.accumulate(ends)
    begins = np.append(True, starts[1:] >= reached[:-1])
    firsts = np.flatnonzero(begins)
    lasts = np.append(firsts[1:], len(starts)) - 1
    return starts[firsts], reached[lasts], np.add.reduceat(nats, firsts)


def _spread(starts: Int64s, ends: Int64s, nats: Floats, size: int) -> Floats:
    """Return the nats of each character, those of a piece in equal parts [size]."""
    spread = np.zeros(size)
    lengths = ends - starts
    bounds = bounds_of(lengths)
    within = np.arange(bounds[-1]) - np.repeat(bounds[:-1], lengths)
    spread[np.repeat(starts, lengths) + within] = np.repeat(nats / lengths, lengths)
    return spread


def _sum_words(text: str, begins: Int64s, nats: Floats) -> Spans:
    """Sum up the nats of characters by words, each with the white space before it."""
    heads = [text[place] for place in begins[:-1].tolist()]
    is_blank = np.fromiter((head.isspace() for head in heads), np.bool_, len(heads))
    if not len(is_blank):
        return Spans(text, begins[:0], begins[:0], nats[:0])
    follows_blank = np.append(True, is_blank[:-1])
    firsts = np.flatnonzero(~is_blank & follows_blank)
    lasts = np.flatnonzero(~is_blank & np.append(is_blank[1:], True)) + 1
    if is_blank[-1]:  # nothing follows the last white space
        tail = lasts[-1] if len(lasts) else 0
        firsts, lasts = np.append(firsts, tail), np.append(lasts, len(is_blank))
    sums = np.add.reduceat(nats, np.append(0, lasts[:-1]))
    return Spans(text, begins[firsts], begins[lasts], sums)
