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
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from munjang.displayed import Drawn
from munjang.reporting import pluralize
from munjang.text.parts import TextParts, TokenSums

Floats = npt.NDArray[np.float64]

_DIGITS = 5


class Spans(TextParts):
    """Parts of a text with their surprisal in nats."""

    @property
    def nats(self) -> Floats:
        """Surprisal of each part, [parts]."""
        return self.values

    def to_json(self, name: str = "nats") -> list[dict[str, Any]]:
        """Return plain values, one mapping per part."""
        return super().to_json(name)


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
        sums = TokenSums.of(text, starts, ends, nats)
        pieces, characters, words = (
            Spans(**vars(part)) for part in (sums.pieces, sums.characters, sums.words)
        )
        return cls(pieces, characters, words, sums.rest)

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
