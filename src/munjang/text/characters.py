"""Characters as tokens: one id per code point; a Hangul syllable is one character.

Use when: Korean, or any text with rich endings, typing errors and slang. The vocabulary stays
small (about 3,000 for 150,000 Korean reviews) and nearly nothing is unknown. Use `words` or `bpe`
when texts are long and time matters: only `jamo` gives longer rows of ids.
"""

import re
from functools import lru_cache
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from munjang.text.alphabet import Alphabet, learn_alphabet
from munjang.text.columns import Int32s, TokenColumn, Tokens, token_column
from munjang.text.normalize import normalize, original_offsets
from munjang.text.plain.inert import BEFORE_INERT
from munjang.text.plain.nfc import normalize_text
from munjang.text.segmentation.codepoints import Points, lower_table
from munjang.text.segmentation.utf32 import points_of, to_utf32
from munjang.text.tokenizer import read_settings, require_fitted
from munjang.text.vocabulary import Vocabulary


class CharacterTokenizer:
    """One id per character (code point) of the NFC text.

    White space is encoded too, so `decode(encode(x))` is `NFC(x)` if all characters are known and
    `lower` is off. An emoji of several code points gives several ids.

    Args:
        lower: read each character as its lower case, by Unicode's simple mapping: one character
            becomes one, whatever its neighbors are, so lengths and offsets stay.
    """

    name: ClassVar[str] = "characters"
    split_points: ClassVar[re.Pattern[str] | None] = BEFORE_INERT

    def __init__(self, *, lower: bool = False) -> None:
        self.lower = lower
        self._alphabet: Alphabet | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The characters learned by `fit`; `NotFittedError` before."""
        return require_fitted(self._alphabet, self.name).vocabulary

    def fit(self, texts: pl.Series, *, min_frequency: int = 1, max_size: int | None = None) -> Self:
        """Learn the characters of a column of texts. `max_size` counts the reserved ids.

        Raises:
            DataError: the column holds a null, or values that are not strings.
        """
        points, _ = to_utf32(normalize(texts))
        if self.lower:
            points = simple_lower_table()[points]
        vocabulary = learn_alphabet(points, min_frequency=min_frequency, max_size=max_size)
        self._alphabet = Alphabet(vocabulary, self._folding())
        return self

    def encode(self, texts: pl.Series) -> TokenColumn:
        """Encode a column of texts to a token column with one id per character."""
        alphabet = require_fitted(self._alphabet, self.name)
        points, offsets = to_utf32(normalize(texts))
        return token_column(alphabet.ids_of(points), offsets)

    def encode_text(self, text: str) -> Int32s:
        """Return the ids of one text [tokens]."""
        alphabet = require_fitted(self._alphabet, self.name)
        return alphabet.ids_of(points_of(normalize_text(text)))

    def encode_with_offsets(self, texts: pl.Series) -> Tokens:
        """Encode a column, with the character range of each token in the text as given.

        A character that was given as several code points has the range of all of them.
        """
        alphabet = require_fitted(self._alphabet, self.name)
        composed = normalize(texts)
        points, offsets = to_utf32(composed)
        places = np.arange(len(points)) - np.repeat(offsets[:-1], np.diff(offsets))
        starts, ends = original_offsets(
            texts, composed, token_column(places, offsets), token_column(places + 1, offsets)
        )
        return Tokens(token_column(alphabet.ids_of(points), offsets), starts, ends)

    def decode(self, column: TokenColumn) -> pl.Series:
        """Turn ids back to texts. PAD, GO and EOS are dropped; OOV reads as U+FFFD."""
        return require_fitted(self._alphabet, self.name).texts_of(column)

    def to_json(self) -> dict[str, Any]:
        """Return the name and the settings."""
        return {"name": self.name, "lower": self.lower}

    @classmethod
    def from_json(cls, state: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """Return the tokenizer that `to_json` described."""
        tokenizer = cls(**read_settings(state, {"lower": bool}))
        tokenizer._alphabet = Alphabet(vocabulary, tokenizer._folding())
        return tokenizer

    def _folding(self) -> Points | None:
        return simple_lower_table() if self.lower else None


@lru_cache(maxsize=1)
def simple_lower_table() -> Points:
    """Return Unicode's simple lower-case mapping [0x110000] (UnicodeData.txt, field 13)."""
    table = lower_table().copy()
    table[ord("\u0130")] = ord("i")  # the one character whose full mapping is longer
    return table
