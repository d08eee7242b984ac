"""Conversion of token columns back to texts: helpers of the `decode` methods."""

from itertools import pairwise

import numpy as np
import polars as pl

from munjang.errors import DataError
from munjang.text.columns import Int32s, Int64s, TokenColumn, values_and_offsets
from munjang.text.plain import punctuation
from munjang.text.segmentation.codepoints import Bools
from munjang.text.vocabulary import EOS, GO, PAD


def real_tokens(column: TokenColumn, size: int) -> tuple[Int32s, Int64s]:
    """Return ids [tokens] and offsets [rows + 1] of a token column without PAD, GO and EOS.

    Raises:
        DataError: an id is not in 0 ... `size` - 1: the column was encoded with another vocabulary.
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
    """Return the row offsets [rows + 1] after tokens that are not `kept` [tokens] were removed."""
    before = np.zeros(len(kept) + 1, dtype=np.int64)
    np.cumsum(kept, out=before[1:])
    moved: Int64s = before[offsets]
    return moved


def join_pieces(pieces: pl.Series, offsets: Int64s, separator: str = "") -> pl.Series:
    """Join `pieces` [tokens] to one text per row: `pieces[offsets[i]:offsets[i + 1]]`."""
    flat = pieces.to_list()
    rows = [separator.join(flat[start:end]) for start, end in pairwise(offsets.tolist())]
    return pl.Series(rows, dtype=pl.String)


def attach_punctuation(texts: pl.Series) -> pl.Series:
    """Remove spaces before closing punctuation and behind opening punctuation in each text."""
    rows = [punctuation.attach_punctuation(text) for text in texts.to_list()]
    return pl.Series(texts.name, rows, dtype=pl.String)
