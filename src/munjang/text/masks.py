"""Masked places in texts that people write: `이 영화 [MASK] 재미있다`.

A tokenizer that knows the token [MASK] (or <mask>) encodes it itself. Any other one encodes the
text between the masks, as it would in a text whose masked word it does not know.
"""

import re
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from munjang.errors import DataError
from munjang.text.capitals import sign_ids
from munjang.text.columns import Int32s, TokenColumn, Tokens, token_column, values_and_offsets
from munjang.text.plain.blank import is_blank
from munjang.text.registry import SUBWORDS
from munjang.text.segmentation.codepoints import Bools, bounds_of
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import OOV, RESERVED, Vocabulary
from munjang.text.word_pieces import has_space_marks

# Tokens that stand for a masked place, if the vocabulary has one, and as people write them.
MASK_TOKENS = ("[MASK]", "<mask>")
# The id of a masked place in an encoded text. It is no id of a token: OOV may stand for [MASK].
MASKED = -1

_MASK = re.compile("|".join(map(re.escape, MASK_TOKENS)))
# A character that the subword tokenizers never join to what follows it.
_ALONE = "#"


def find_mask_id(vocabulary: Vocabulary) -> int:
    """Return the id of [MASK]; OOV if the vocabulary has no such token."""
    return next((n for n in map(vocabulary.id_of, MASK_TOKENS) if n != OOV), OOV)


def find_predictable(vocabulary: Vocabulary) -> Bools:
    """Return True for each id that may stand in a masked place, [size].

    Reserved ids, [MASK] itself and capital markers, which belong to the word behind them, do not.
    """
    table = np.ones(vocabulary.size, dtype=np.bool_)
    table[: len(RESERVED)] = False
    table[[find_mask_id(vocabulary), *sign_ids(vocabulary)]] = False
    return table


class MaskReader:
    """A tokenizer that encodes a text with `MASKED` for every [MASK] in it.

    It encodes a text by itself and in a column alike.

    Args:
        tokenizer: fitted tokenizer of everything else.
    """

    split_points = None

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.name = tokenizer.name
        self.mask_id = find_mask_id(tokenizer.vocabulary)

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the tokenizer."""
        return self.tokenizer.vocabulary

    def encode(self, texts: pl.Series) -> TokenColumn:
        """Encode a column of texts, each as `encode_text` does."""
        rows = [self.encode_text(text) for text in texts.to_list()]
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        return token_column(np.concatenate([np.zeros(0, np.int32), *rows]), bounds_of(lengths))

    def refusal(self, text: str) -> str | None:
        """Return why a text is refused; None if it has a [MASK], or is blank."""
        return None if _MASK.search(text) or is_blank(text) else "no [MASK]"

    def encode_text(self, text: str) -> Int32s:
        """Return the ids of one text [tokens], `MASKED` for each [MASK].

        Raises:
            DataError: the text has no [MASK], and is not blank.
        """
        if self.refusal(text) is not None:
            raise DataError(
                'expected [MASK] in the text, as in "이 영화 [MASK] 재미있다", got '
                f'"{_excerpt(text)}"'
            )
        if is_blank(text):
            return self.tokenizer.encode_text(text)
        if self._is_known:
            token = self.vocabulary.tokens[self.mask_id]
            ids = self.tokenizer.encode_text(_MASK.sub(lambda _: token, text))
            return np.where(ids == self.mask_id, np.int32(MASKED), ids)
        parts: list[Any] = []
        pieces = _MASK.split(text)
        for number, piece in enumerate(pieces):
            if number:
                parts.append(np.array([MASKED], dtype=np.int32))
            is_last = number == len(pieces) - 1
            parts.append(self._encode_piece(piece, follows=number > 0, goes_on=not is_last))
        return np.concatenate(parts)

    def encode_with_offsets(self, texts: pl.Series) -> Tokens:
        """Encode a column of texts, with the character range of each token."""
        rows = [self._locate(text) for text in texts.to_list()]
        bounds = bounds_of(np.fromiter((len(ids) for ids, _, _ in rows), np.int64, len(rows)))
        none = np.zeros(0, np.int32)
        columns = (
            token_column(np.concatenate([none, *(row[part] for row in rows)]), bounds)
            for part in range(3)
        )
        return Tokens(*columns)

    def _locate(self, text: str) -> tuple[Int32s, Int32s, Int32s]:
        """Return the ids of one text, and the first and last character of each, half-open."""
        ids = self.encode_text(text)
        starts, ends = np.zeros_like(ids), np.zeros_like(ids)
        masks = [match.span() for match in _MASK.finditer(text)]
        if len(masks) != int((ids == MASKED).sum()):  # a blank text
            return ids, starts, ends
        places = np.flatnonzero(ids == MASKED).tolist()
        for place, (start, end) in zip(places, masks, strict=True):
            starts[place], ends[place] = start, end
        bounds = [0, *(cut for span in masks for cut in span), len(text)]
        edges = [-1, *places, len(ids)]
        for number, (before, after) in enumerate(pairwise(edges)):
            begin, end = bounds[2 * number], bounds[2 * number + 1]
            part = slice(before + 1, after)
            starts[part], ends[part] = self._locate_piece(text[begin:end], ids[part], begin)
        return ids, starts, ends

    def _locate_piece(self, piece: str, ids: Int32s, begin: int) -> tuple[Int32s, Int32s]:
        """Return the characters of the tokens of the text between two masks.

        Where the tokenizer reads it otherwise alone than between masks, its characters are divided
        evenly.
        """
        for prefix in ("", _ALONE):
            tokens = self.tokenizer.encode_with_offsets(pl.Series([prefix + piece]))
            alone, starts, ends = (
                values_and_offsets(part)[0] for part in (tokens.ids, tokens.starts, tokens.ends)
            )
            first = len(alone) - len(ids)
            if first >= 0 and np.array_equal(alone[first:], ids):
                shift = begin - len(prefix)
                low, high = starts[first:] + shift, ends[first:] + shift
                return np.maximum(low, begin), np.maximum(high, begin)
        cuts = begin + np.arange(len(ids) + 1) * len(piece) // max(1, len(ids))
        return cuts[:-1].astype(np.int32), cuts[1:].astype(np.int32)

    @cached_property
    def _is_known(self) -> bool:
        """True if the tokenizer encodes its [MASK] as that token."""
        if self.mask_id == OOV:
            return False
        return self.mask_id in self.tokenizer.encode_text(self.vocabulary.tokens[self.mask_id])

    @cached_property
    def _before(self) -> Int32s:
        """The ids of a character that is put before a text which goes on."""
        return self.tokenizer.encode_text(_ALONE)

    @cached_property
    def _owns_spaces(self) -> bool:
        """True if the space before a word is a part of its token."""
        return has_space_marks(self.vocabulary)

    def _encode_piece(self, piece: str, *, follows: bool, goes_on: bool) -> Int32s:
        """Encode the text between two masks, or between one and the start or end of the text.

        Args:
            piece: that text.
            follows: True if a mask stands before it.
            goes_on: True if a mask stands behind it, whose token has the space before it.
        """
        if goes_on and self._owns_spaces:
            piece = piece.removesuffix(" ")
        if not piece:
            return np.zeros(0, dtype=np.int32)
        if not follows or self.name not in SUBWORDS:
            return self.tokenizer.encode_text(piece)
        # at the start of a text they would read a space before the first word
        ids, before = self.tokenizer.encode_text(_ALONE + piece), self._before
        if not np.array_equal(ids[: len(before)], before):  # an accent was joined to it
            return self.tokenizer.encode_text(piece)
        return ids[len(before) :]


class TokenTexts:
    """Texts of single tokens, as people read them: `##는` is 는, `▁영화` is 영화.

    Args:
        tokenizer: fitted tokenizer.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self._known: dict[int, str] = {}

    def __getitem__(self, number: int) -> str:
        """Return the text of an id; of white space and of a special token, the token itself."""
        if number not in self._known:
            token = self.tokenizer.vocabulary.tokens[number]
            self._known[number] = self._read(number, token).strip() or token
        return self._known[number]

    def _read(self, number: int, token: str) -> str:
        if self.tokenizer.name != "huggingface":
            return token.removeprefix("##").replace("\u2581", " ")
        column = token_column(np.array([number], dtype=np.int32), np.array([0, 1]))
        text: str = self.tokenizer.decode(column)[0]
        return text.removeprefix("##")


def _excerpt(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
