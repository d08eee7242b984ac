"""Jamo as tokens: each Hangul syllable becomes its two or three letters.

한 -> ᄒ ᅡ ᆫ. These are conjoining jamo: initial and final consonants are different characters, so
that decoding is exact. Compatibility jamo that are typed alone (ㅋㅋ, ㅠㅠ) stay unchanged.

Use when: Korean with very little data, much misspelling or new words, or for a very small
embedding table. Rows are about two and a half times as long as with `characters`.
"""

import re
import unicodedata
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl

from munjang.text.alphabet import Alphabet, learn_alphabet
from munjang.text.columns import Int32s, Int64s, TokenColumn, Tokens, token_column
from munjang.text.normalize import normalize, original_offsets
from munjang.text.plain.inert import BEFORE_INERT
from munjang.text.plain.nfc import normalize_text
from munjang.text.segmentation.codepoints import Points, bounds_of
from munjang.text.segmentation.utf32 import points_of, to_utf32
from munjang.text.tokenizer import read_settings, require_fitted
from munjang.text.vocabulary import Vocabulary

# The Unicode Standard, section 3.12, conjoining jamo behavior: the constants of the arithmetic.
_S_BASE, _L_BASE, _V_BASE, _T_BASE = 0xAC00, 0x1100, 0x1161, 0x11A7
_V_COUNT, _T_COUNT, _S_COUNT = 21, 28, 11172


class JamoTokenizer:
    """One id per jamo of a Hangul syllable, one id per code point of everything else.

    Text in NFD and in NFC gives the same ids: text is composed first, then modern Hangul syllables
    are decomposed (an accented letter stays one character). `decode` composes again, so
    `decode(encode(x))` is `NFC(x)` if all jamo and characters are known.
    """

    name: ClassVar[str] = "jamo"
    split_points: ClassVar[re.Pattern[str] | None] = BEFORE_INERT

    def __init__(self) -> None:
        self._alphabet: Alphabet | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The jamo and characters learned by `fit`; `NotFittedError` before."""
        return require_fitted(self._alphabet, self.name).vocabulary

    def fit(self, texts: pl.Series, *, min_frequency: int = 1, max_size: int | None = None) -> Self:
        """Learn the jamo and characters of a column. `max_size` counts the reserved ids.

        Raises:
            DataError: the column holds a null, or values that are not strings.
        """
        jamo, _ = split_syllables(to_utf32(normalize(texts))[0])
        vocabulary = learn_alphabet(jamo, min_frequency=min_frequency, max_size=max_size)
        self._alphabet = Alphabet(vocabulary)
        return self

    def encode(self, texts: pl.Series) -> TokenColumn:
        """Encode a column of texts to a token column."""
        alphabet = require_fitted(self._alphabet, self.name)
        points, offsets = to_utf32(normalize(texts))
        jamo, widths = split_syllables(points)
        return token_column(alphabet.ids_of(jamo), bounds_of(widths)[offsets])

    def encode_text(self, text: str) -> Int32s:
        """Return the ids of one text [tokens]."""
        alphabet = require_fitted(self._alphabet, self.name)
        return alphabet.ids_of(split_syllables(points_of(normalize_text(text)))[0])

    def encode_with_offsets(self, texts: pl.Series) -> Tokens:
        """Encode a column, with the range of the whole syllable for each jamo.

        Ranges point into the text as given, in NFD too: all jamo of a syllable share one range.
        """
        alphabet = require_fitted(self._alphabet, self.name)
        composed = normalize(texts)
        points, offsets = to_utf32(composed)
        jamo, widths = split_syllables(points)
        cuts = bounds_of(widths)[offsets]
        places = np.arange(len(points)) - np.repeat(offsets[:-1], np.diff(offsets))
        syllables = np.repeat(places, widths)
        starts, ends = original_offsets(
            texts, composed, token_column(syllables, cuts), token_column(syllables + 1, cuts)
        )
        return Tokens(token_column(alphabet.ids_of(jamo), cuts), starts, ends)

    def decode(self, column: TokenColumn) -> pl.Series:
        """Compose the jamo to syllables. PAD, GO and EOS are dropped; OOV reads as U+FFFD."""
        return normalize(require_fitted(self._alphabet, self.name).texts_of(column))

    def to_json(self) -> dict[str, Any]:
        """Return the name; there are no settings."""
        return {"name": self.name}

    @classmethod
    def from_json(cls, state: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """Return the tokenizer that `to_json` described."""
        tokenizer = cls(**read_settings(state, {}))
        tokenizer._alphabet = Alphabet(vocabulary)
        return tokenizer


def split_syllables(points: Points) -> tuple[Points, Int64s]:
    """Decompose modern Hangul syllables (The Unicode Standard, section 3.12).

    Args:
        points: code points [characters].

    Returns:
        The code points afterwards [jamo], and the number of them that each character became, 1, 2
        or 3 [characters].
    """
    index = points - np.uint32(_S_BASE)  # wraps around below the base, so one comparison is enough
    syllable = np.flatnonzero(index < _S_COUNT)
    index = index[syllable]
    lead, rest = np.divmod(index, _V_COUNT * _T_COUNT)
    vowel, tail = np.divmod(rest, _T_COUNT)

    widths = np.ones(len(points), dtype=np.int64)
    widths[syllable] = 2 + (tail > 0)
    ends = np.cumsum(widths)
    begins = ends - widths
    jamo = np.empty(ends[-1] if len(ends) else 0, dtype=np.uint32)
    jamo[begins] = points
    jamo[begins[syllable]] = _L_BASE + lead
    jamo[begins[syllable] + 1] = _V_BASE + vowel
    closed = tail > 0
    jamo[begins[syllable[closed]] + 2] = _T_BASE + tail[closed]
    return jamo, widths


def compatibility_jamo(token: str) -> str:
    """Return the compatibility jamo of a conjoining one: ᄒ, ᆫ -> ㅎ, ㄴ.

    Any other token is returned unchanged.
    """
    if not (len(token) == 1 and "\u1100" <= token <= "\u11ff"):
        return token
    letter = unicodedata.name(token, "").split(" ")[-1]
    try:
        return unicodedata.lookup(f"HANGUL LETTER {letter}")
    except KeyError:
        return token
