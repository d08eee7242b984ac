"""Texts as a language model reads running text: EOS before each text and for each line break."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from munjang.text.columns import (
    Int32s,
    Int64s,
    TokenColumn,
    flat_ranges,
    token_column,
    values_and_offsets,
)
from munjang.text.vocabulary import EOS


@dataclass(frozen=True)
class TextLines:
    """Lines of a column of texts.

    Attributes:
        lines: the lines of all texts, one after another.
        counts: number of lines of each text, one or more [texts].
    """

    lines: pl.Series
    counts: Int64s

    def join(self, column: TokenColumn) -> TokenColumn:
        """Return a row per text from the rows of its lines, with EOS before each line."""
        values, offsets = values_and_offsets(column)
        rows = len(offsets) - 1
        joined = np.full(len(values) + rows, EOS, dtype=np.int32)
        joined[flat_ranges(offsets[:-1] + np.arange(1, rows + 1), np.diff(offsets))] = values
        ends = np.append(0, np.cumsum(self.counts))
        return token_column(joined, offsets[ends] + ends)


def split_texts(texts: pl.Series, most_tokens: int) -> TextLines:
    """Return the lines of texts; of a text with more than `most_tokens` lines only the first."""
    lists = texts.cast(pl.String).fill_null("").str.split("\n").list.head(_most_lines(most_tokens))
    return TextLines(lists.explode(), lists.list.len().to_numpy().astype(np.int64))


def split_text(text: str, most_tokens: int) -> list[str]:
    """Return the lines of one text, as `split_texts` does."""
    most = _most_lines(most_tokens)
    return text.split("\n", most)[:most]


def join_rows(rows: Sequence[Int32s]) -> Int32s:
    """Return the ids of one text from those of its lines, as `TextLines.join` does."""
    marks = np.array([EOS], dtype=np.int32)
    return np.concatenate([part for row in rows for part in (marks, row)])


def _most_lines(most_tokens: int) -> int:
    # each has a token at least; one more than is kept, so that the text counts as truncated
    return most_tokens + 2
