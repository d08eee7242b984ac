"""Bytes as tokens: one id per byte of the text in UTF-8.

Use when: any script, emoji and symbol must be read and written, and nothing may be out of
vocabulary. A Hangul syllable has three bytes, so that rows are three times as long as with
`characters`. The tokens of the vocabulary are two hexadecimal digits: 한 is `ed`, `95`, `9c`.
"""

import re
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from munjang.errors import FolderError
from munjang.text.columns import Int32s, Int64s, TokenColumn, Tokens, token_column
from munjang.text.detokenize import real_tokens
from munjang.text.normalize import normalize, original_offsets
from munjang.text.plain.inert import BEFORE_INERT
from munjang.text.plain.nfc import normalize_text
from munjang.text.segmentation.utf32 import to_utf32
from munjang.text.tokenizer import read_settings, require_fitted
from munjang.text.vocabulary import OOV, RESERVED, Vocabulary

_NAMES = [f"{byte:02x}" for byte in range(256)]
# The bytes of U+FFFD, the replacement character.
_UNKNOWN = "\N{REPLACEMENT CHARACTER}".encode()

Bytes = npt.NDArray[np.uint8]


class ByteTokenizer:
    """One id per byte of the NFC text in UTF-8.

    All 256 bytes are in the vocabulary, seen or not, unless `fit` is asked to leave rare ones out.
    `decode(encode(x))` is `NFC(x)`; of ids that are no UTF-8 `decode` replaces what cannot be read
    by U+FFFD.
    """

    name: ClassVar[str] = "bytes"
    split_points: ClassVar[re.Pattern[str] | None] = BEFORE_INERT

    def __init__(self) -> None:
        self._vocabulary: Vocabulary | None = None
        self._ids: Int32s = np.zeros(0, dtype=np.int32)

    @property
    def vocabulary(self) -> Vocabulary:
        """The bytes; `NotFittedError` before `fit`."""
        return require_fitted(self._vocabulary, self.name)

    def fit(self, texts: pl.Series, *, min_frequency: int = 1, max_size: int | None = None) -> Self:
        """Count the bytes of a column. `max_size` counts the reserved ids.

        Raises:
            DataError: the column holds a null, or values that are not strings.
        """
        counts = np.bincount(_bytes_of(normalize(texts))[0], minlength=256)
        # a byte that was not seen has an id too: nothing is out of vocabulary
        least = 0 if min_frequency <= 1 else min_frequency
        self._set(Vocabulary.from_counts(_NAMES, counts, min_frequency=least, max_size=max_size))
        return self

    def _set(self, vocabulary: Vocabulary) -> None:
        known = {name: byte for byte, name in enumerate(_NAMES)}
        unknown = next((t for t in vocabulary.tokens[len(RESERVED) :] if t not in known), None)
        if unknown is not None:
            raise FolderError(
                f"expected a vocabulary of bytes such as 'ed', but it holds {unknown!r}; the "
                "vocabulary belongs to another tokenizer"
            )
        self._ids = np.full(256, OOV, dtype=np.int32)
        for number, token in enumerate(vocabulary.tokens[len(RESERVED) :], start=len(RESERVED)):
            self._ids[known[token]] = number
        self._vocabulary = vocabulary

    def encode(self, texts: pl.Series) -> TokenColumn:
        """Encode a column of texts to a token column with one id per byte."""
        require_fitted(self._vocabulary, self.name)
        data, offsets = _bytes_of(normalize(texts))
        return token_column(self._ids[data], offsets)

    def encode_text(self, text: str) -> Int32s:
        """Return the ids of one text [tokens]."""
        require_fitted(self._vocabulary, self.name)
        data = normalize_text(text).encode()
        return self._ids[np.frombuffer(data, dtype=np.uint8)]

    def encode_with_offsets(self, texts: pl.Series) -> Tokens:
        """Encode a column, with the range of the whole character for each byte."""
        require_fitted(self._vocabulary, self.name)
        composed = normalize(texts)
        data, offsets = _bytes_of(composed)
        _, characters = to_utf32(composed)
        # a byte that continues a character is 10xxxxxx
        places = np.cumsum((data & 0xC0) != 0x80) - 1
        places -= np.repeat(characters[:-1], np.diff(offsets))
        starts, ends = original_offsets(
            texts, composed, token_column(places, offsets), token_column(places + 1, offsets)
        )
        return Tokens(token_column(self._ids[data], offsets), starts, ends)

    def decode(self, column: TokenColumn) -> pl.Series:
        """Turn ids back to texts. PAD, GO and EOS are dropped; OOV reads as U+FFFD."""
        ids, offsets = real_tokens(column, self.vocabulary.size)
        tokens = [
            _UNKNOWN if n < len(RESERVED) else bytes.fromhex(self.vocabulary.tokens[n])
            for n in range(self.vocabulary.size)
        ]
        pieces = [tokens[number] for number in ids.tolist()]
        rows = [
            b"".join(pieces[start:end]).decode(errors="replace")
            for start, end in pairwise(offsets.tolist())
        ]
        return pl.Series(rows, dtype=pl.String)

    def to_json(self) -> dict[str, Any]:
        """Return the name; there are no settings."""
        return {"name": self.name}

    @classmethod
    def from_json(cls, state: dict[str, Any], vocabulary: Vocabulary) -> Self:
        """Return the tokenizer that `to_json` described."""
        tokenizer = cls(**read_settings(state, {}))
        tokenizer._set(vocabulary)
        return tokenizer


def _bytes_of(texts: pl.Series) -> tuple[Bytes, Int64s]:
    """Return the bytes of a column [bytes] and its row offsets [rows + 1]."""
    column = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    _, cuts, data = column.buffers()
    if data is None or not len(texts):
        return np.zeros(0, dtype=np.uint8), np.zeros(len(texts) + 1, dtype=np.int64)
    ends = np.frombuffer(cuts, dtype=np.int64)[column.offset :][: len(texts) + 1]
    return np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]], ends - ends[0]
