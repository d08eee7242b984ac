"""From token columns back to texts: what every tokenizer's `decode` shares."""

import re
from itertools import pairwise

import numpy as np
import polars as pl

from munjang.errors import DataError
from munjang.text.columns import Int32s, Int64s, TokenColumn, values_and_offsets
from munjang.text.cutting.codepoints import Bools
from munjang.text.vocabulary import EOS, GO, PAD

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""What an OOV id reads as: Unicode's own sign for a character that could not be represented."""


_BEFORE_CLOSING = re.compile(r" +([.,!?;:%)\]}»”’…。、，！？」』])")
_BEHIND_OPENING = re.compile(r"([(\[{«“‘„「『]) +")


def real_tokens(column: TokenColumn, size: int) -> tuple[Int32s, Int64s]:
    """The ids [tokens] and offsets [rows + 1] of a token column without PAD, GO and EOS.

    Raises:
        DataError: an id lies outside 0 ... `size` - 1: the column stems from another vocabulary.
    """
    ids, offsets = values_and_offsets(column)
    outside = (ids < 0) | (ids >= size)
    if outside.any():
        place = int(outside.argmax())
        raise DataError(
            f"id {ids[place]} is not in this vocabulary of {size} tokens; was the column encoded "
            "with another tokenizer?",
            row=int(np.searchsorted(offsets, place, side="right")),
        )
    real = ~np.isin(ids, (PAD, GO, EOS))
    if real.all():
        return ids, offsets
    return ids[real], rows_of_kept(real, offsets)


def rows_of_kept(kept: Bools, offsets: Int64s) -> Int64s:
    """The offsets of rows [rows + 1] once only those of their tokens stay that are `kept`."""
    before = np.zeros(len(kept) + 1, dtype=np.int64)
    np.cumsum(kept, out=before[1:])
    moved: Int64s = before[offsets]
    return moved


def join_pieces(pieces: pl.Series, offsets: Int64s, separator: str = "") -> pl.Series:
    """Join `pieces` [tokens] to one text a row: row `i` is `pieces[offsets[i]:offsets[i+1]]`."""
    flat = pieces.to_list()
    rows = [separator.join(flat[start:end]) for start, end in pairwise(offsets.tolist())]
    return pl.Series(rows, dtype=pl.String)


def closed_up(texts: pl.Series) -> pl.Series:
    """Words with spaces between as people write them: no space before a mark that closes.

    Nor is there one behind a mark that opens. Straight quotes say neither, and keep their spaces.
    """
    rows = [
        _BEHIND_OPENING.sub(r"\1", _BEFORE_CLOSING.sub(r"\1", text)) for text in texts.to_list()
    ]
    return pl.Series(texts.name, rows, dtype=pl.String)
