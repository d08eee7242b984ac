"""Texts to the token column that a model reads: tokenized, marked at both ends, cut to length."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from munjang.data.batches import truncate
from munjang.text.columns import TokenColumn, token_column, values_and_offsets
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import EOS, GO


@dataclass(frozen=True)
class EncodedTexts:
    """A token column, and what was cut to make it.

    Attributes:
        column: token column, one row a text.
        truncated: True for each text that was longer than allowed, [rows].
    """

    column: TokenColumn
    truncated: np.ndarray[tuple[int], np.dtype[np.bool_]]


def add_ends(column: TokenColumn) -> TokenColumn:
    """Put GO before and EOS behind the tokens of each row."""
    values, offsets = values_and_offsets(column)
    rows = len(offsets) - 1
    shifted = offsets + 2 * np.arange(rows + 1)
    marked = np.empty(len(values) + 2 * rows, dtype=np.int32)
    inside = np.ones(len(marked), dtype=bool)
    inside[shifted[:-1]] = False
    inside[shifted[1:] - 1] = False
    marked[shifted[:-1]] = GO
    marked[shifted[1:] - 1] = EOS
    marked[inside] = values
    return token_column(marked, shifted)


def encode_texts(
    tokenizer: Tokenizer, texts: pl.Series, *, max_length: int, ends: bool
) -> EncodedTexts:
    """Encode `texts`, keeping the first `max_length` tokens of each (GO and EOS not counted)."""
    column = tokenizer.encode(texts)
    lengths = np.diff(values_and_offsets(column)[1])
    column, _ = truncate(column, max_length)
    return EncodedTexts(add_ends(column) if ends else column, lengths > max_length)
