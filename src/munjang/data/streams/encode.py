"""Running text as ids: each line is followed by EOS, which stands for its line break.

It does not import torch, so that baselines need none.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from munjang.text.columns import Int32s, Int64s, Tokens, flat_ranges, values_and_offsets
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import EOS, OOV

# Cost in bits of each byte of a token out of vocabulary: that of a text that nothing predicts.
BITS_PER_BYTE = 8


def encode_stream(tokenizer: Tokenizer, lines: pl.Series) -> Int32s:
    """Return the ids of lines, each with EOS after it, [tokens] int32."""
    values, offsets = values_and_offsets(tokenizer.encode(lines))
    lengths = np.diff(offsets)
    ids = np.full(len(values) + len(lines), EOS, dtype=np.int32)
    ids[flat_ranges(offsets[:-1] + np.arange(len(lines)), lengths)] = values
    return ids


def encode_prompt(tokenizer: Tokenizer, text: str) -> Int32s:
    """Return the ids of the beginning of a text, [tokens] int32: EOS, and then its tokens.

    A line break stands before the text, and its last line goes on. Lines are encoded one by one: a
    server encodes a prompt while others wait for their next token, and a column takes longer.
    """
    rows = [tokenizer.encode_text(line) for line in text.split("\n")]
    parts = [part for row in rows for part in ([EOS], row)]
    return np.concatenate(parts).astype(np.int32)


def unknown_bytes(tokens: Tokens, texts: Sequence[str]) -> Int64s:
    """Return the bytes in UTF-8 that each token out of vocabulary stands for, [tokens].

    Other tokens have 0. Of tokens with the same characters, such as the jamo of a syllable, the
    first one has all bytes.

    Args:
        tokens: result of `encode_with_offsets`.
        texts: the encoded texts.
    """
    ids, offsets = values_and_offsets(tokens.ids)
    counts = np.zeros(len(ids), dtype=np.int64)
    unknown = np.flatnonzero(ids == OOV)
    rows = np.searchsorted(offsets, unknown, side="right") - 1
    starts, ends = (values_and_offsets(part)[0][unknown] for part in (tokens.starts, tokens.ends))
    spans = np.stack([rows, starts, ends], axis=1)
    for place in np.unique(spans, axis=0, return_index=True)[1].tolist():
        row, start, end = spans[place].tolist()
        counts[unknown[place]] = len(texts[row][start:end].encode())
    return counts


def unknown_bytes_per_line(tokenizer: Tokenizer, lines: pl.Series, ids: Int32s) -> Int64s:
    """Return the bytes in UTF-8 of each line's tokens that are out of vocabulary, [lines].

    Args:
        tokenizer: the tokenizer.
        lines: the lines.
        ids: their ids, of `encode_stream`.
    """
    counts = np.zeros(len(lines), dtype=np.int64)
    ends = np.flatnonzero(ids == EOS)
    some = np.unique(np.searchsorted(ends, np.flatnonzero(ids == OOV)))
    if len(some):
        with_unknown = lines.gather(some)
        tokens = tokenizer.encode_with_offsets(with_unknown)
        offsets = values_and_offsets(tokens.ids)[1]
        sums = np.append(0, np.cumsum(unknown_bytes(tokens, with_unknown.to_list())))
        counts[some] = sums[offsets[1:]] - sums[offsets[:-1]]
    return counts
