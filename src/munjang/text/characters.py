"""Characters as tokens: one id a code point, a Hangul syllable being one character.

Use when: Korean, or any text with rich endings, typing errors and slang. The vocabulary stays
small (about 3,000 for 150,000 Korean reviews) and nearly nothing is unknown. Use `words` or
`subwords` when rows are long and time matters: this gives the longest rows of ids but jamo.
"""

import re
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from munjang.text.alphabet import Alphabet, learn_alphabet
from munjang.text.columns import Int32s, TokenColumn, Tokens, token_column
from munjang.text.cutting.codepoints import Points, lower_table
from munjang.text.cutting.utf32 import points_of, to_utf32
from munjang.text.normalise import BEFORE_INERT, normalise, normalise_text, original_offsets
from munjang.text.tokenizer import described, fitted
from munjang.text.vocabulary import Vocabulary


class CharacterTokenizer:
    """One id a character (code point) of the NFC text.

    White space is text like any other, so `decode(encode(x))` is `NFC(x)` when all characters
    are known and `lower` is off. An emoji of several code points gives several ids.

    Args:
        lower: read each character as its lower case (Unicode's simple mapping: one character
            for one, so lengths and offsets stay; no look at the neighbours).
    """

    name: ClassVar[str] = "characters"
    cuts: ClassVar[re.Pattern[str] | None] = BEFORE_INERT

    def __init__(self, *, lower: bool = False) -> None:
        self.lower = lower
        self._alphabet: Alphabet | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters learned by `fit`; `NotFittedError` before."""
        return fitted(self._alphabet, self.name).vocabulary

    def fit(self, texts: pl.Series, *, min_frequency: int = 1, max_size: int | None = None) -> Self:
        """Learn the characters of a column of texts. `max_size` counts the reserved ids.

        Raises:
            DataError: the column holds a null or something else than strings.
        """
        points, _ = to_utf32(normalise(texts))
        if self.lower:
            points = simple_lower()[points]
        vocabulary = learn_alphabet(points, min_frequency=min_frequency, max_size=max_size)
        self._alphabet = Alphabet(vocabulary, self._folding())
        return self

    def encode(self, texts: pl.Series) -> TokenColumn:
        """Encode a column of texts to a token column with one id a character."""
        alphabet = fitted(self._alphabet, self.name)
        points, offsets = to_utf32(normalise(texts))
        return token_column(alphabet.ids_of(points), offsets)

    def encode_text(self, text: str) -> Int32s:
        """The ids of one text [tokens]."""
        alphabet = fitted(self._alphabet, self.name)
        return alphabet.ids_of(points_of(normalise_text(text)))

    def encode_with_offsets(self, texts: pl.Series) -> Tokens:
        """The same ids, with the character range of each in the text as given.

        A character that was given in several code points has the range of all of them.
        """
        alphabet = fitted(self._alphabet, self.name)
        composed = normalise(texts)
        points, offsets = to_utf32(composed)
        places = np.arange(len(points)) - np.repeat(offsets[:-1], np.diff(offsets))
        starts, ends = original_offsets(
            texts, composed, token_column(places, offsets), token_column(places + 1, offsets)
        )
        return Tokens(token_column(alphabet.ids_of(points), offsets), starts, ends)

    def decode(self, column: TokenColumn) -> pl.Series:
        """Turn ids back to texts. PAD, GO and EOS are dropped; OOV reads as U+FFFD."""
        return fitted(self._alphabet, self.name).texts_of(column)

    def to_json(self) -> dict[str, Any]:
        """The name and the settings."""
        return {"name": self.name, "lower": self.lower}

    @classmethod
    def from_json(cls, state: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """The tokenizer that `to_json` described."""
        tokenizer = cls(**described(state, {"lower": bool}))
        tokenizer._alphabet = Alphabet(vocabulary, tokenizer._folding())
        return tokenizer

    def _folding(self) -> Points | None:
        return simple_lower() if self.lower else None


@lru_cache(maxsize=1)
def simple_lower() -> Points:
    """Table [0x110000]: each code point's simple lower-case mapping (UnicodeData.txt, field 13)."""
    table = lower_table().copy()
    table[ord("\u0130")] = ord("i")  # the one character whose full mapping is longer
    return table
