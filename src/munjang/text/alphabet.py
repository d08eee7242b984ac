"""Alphabets: vocabularies of single characters, as two look-up tables.

Encoding is `table[points]` and decoding `table[ids]`, without hashing and without a loop.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from munjang.errors import FolderError
from munjang.text.columns import Int32s, TokenColumn
from munjang.text.detokenize import real_tokens
from munjang.text.plain.ids import UNKNOWN
from munjang.text.segmentation.codepoints import CODE_POINTS, Points
from munjang.text.segmentation.utf32 import from_utf32
from munjang.text.vocabulary import OOV, RESERVED, Vocabulary


def learn_alphabet(
    points: Points, *, min_frequency: int = 1, max_size: int | None = None
) -> Vocabulary:
    """Build the vocabulary of the distinct characters in `points` [characters]."""
    counts = np.bincount(points, minlength=1)
    distinct = np.flatnonzero(counts)
    first_seen = np.zeros(len(counts), dtype=np.int64)
    # Of several assignments to one place the last one stays, so the order is reversed.
    first_seen[points[::-1]] = np.arange(len(points))[::-1]
    distinct = distinct[np.argsort(first_seen[distinct])]
    return Vocabulary.from_counts(
        [chr(point) for point in distinct.tolist()],
        counts[distinct],
        min_frequency=min_frequency,
        max_size=max_size,
    )


@dataclass(frozen=True)
class Alphabet:
    """Code points to ids and back.

    Attributes:
        vocabulary: its tokens after the reserved four are single characters.
        folding: table [0x110000] from each character to the one that it is read as, such as its
            lower case; None if characters are read unchanged.
    """

    vocabulary: Vocabulary
    folding: Points | None = None

    def __post_init__(self) -> None:
        longer = [token for token in self.vocabulary.tokens[len(RESERVED) :] if len(token) != 1]
        if longer:
            raise FolderError(
                f"expected a vocabulary of single characters, but it holds {longer[0]!r}; "
                "the vocabulary belongs to another tokenizer"
            )

    @cached_property
    def _ids(self) -> Int32s:
        table = np.full(CODE_POINTS, OOV, dtype=np.int32)
        table[self._points[len(RESERVED) :]] = np.arange(len(RESERVED), self.vocabulary.size)
        return table if self.folding is None else table[self.folding]

    @cached_property
    def _points(self) -> Points:
        characters = [UNKNOWN] * len(RESERVED) + list(self.vocabulary.tokens[len(RESERVED) :])
        return np.array([ord(character) for character in characters], dtype=np.uint32)

    def ids_of(self, points: Points) -> Int32s:
        """Return the id of each code point [characters]; OOV for unknown ones."""
        return self._ids[points]

    def texts_of(self, column: TokenColumn) -> pl.Series:
        """Decode a token column: join the characters of each row; OOV reads as U+FFFD."""
        ids, offsets = real_tokens(column, self.vocabulary.size)
        return from_utf32(self._points[ids], offsets)
