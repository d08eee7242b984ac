"""Encoder of texts as a token column: tokenized, truncated, with GO and EOS if wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from munjang.data.batches import truncate_rows
from munjang.data.text_lines import split_texts
from munjang.text.capitals import sign_ids
from munjang.text.columns import TokenColumn, token_column, values_and_offsets
from munjang.text.prefixes import longest_encoded_whole, sufficient_prefix
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import EOS, GO, OOV
from munjang.text.words import WordTokenizer


@dataclass(frozen=True)
class EncodedTexts:
    """A token column, which texts were truncated, and their OOV words.

    Attributes:
        column: token column, one row per text.
        truncated: True for each text that was longer than allowed, [rows].
        oov_words: out-of-vocabulary words, whose ids follow those of the vocabulary; for models
            with subword embeddings. Empty if all of them share the id OOV.
    """

    column: TokenColumn
    truncated: np.ndarray[tuple[int], np.dtype[np.bool_]]
    oov_words: tuple[str, ...] = ()


def insert_go_eos(column: TokenColumn) -> TokenColumn:
    """Put GO before and EOS after the tokens of each row."""
    values, offsets = values_and_offsets(column)
    rows = len(offsets) - 1
    shifted = offsets + 2 * np.arange(rows + 1)
    marked = np.empty(len(values) + 2 * rows, dtype=np.int32)
    is_token = np.ones(len(marked), dtype=bool)
    is_token[shifted[:-1]] = False
    is_token[shifted[1:] - 1] = False
    marked[shifted[:-1]] = GO
    marked[shifted[1:] - 1] = EOS
    marked[is_token] = values
    return token_column(marked, shifted)


def encode_texts(
    tokenizer: Tokenizer,
    texts: pl.Series,
    *,
    max_length: int,
    add_go_eos: bool,
    with_oov_words: bool = False,
    known: Sequence[str] = (),
    max_tokens: int | None = None,
    line_breaks: bool = False,
) -> EncodedTexts:
    """Encode texts and keep the first `max_length` tokens of each.

    GO, EOS and capital signs are not counted, so that a text keeps as many words with them as
    without. No sign is kept without its word. With `line_breaks`, the EOS of a line break within
    the text is counted.

    Args:
        tokenizer: fitted.
        texts: one per row.
        max_length: most tokens of a text, signs not counted.
        add_go_eos: put GO before and EOS after each text.
        with_oov_words: give each OOV word an id of its own; for the tokenizer `words` only.
        known: OOV words that have an id already; `oov_words` begins with them.
        max_tokens: most tokens of a text, signs counted, GO and EOS not; None: no limit.
        line_breaks: put EOS before each text and for each line break in it, as
            `munjang.data.streams.encode.encode_prompt` does.
    """
    most = max_length if max_tokens is None else min(max_length, max_tokens)
    lines = split_texts(texts, most) if line_breaks else None
    texts = _shorten(tokenizer, texts if lines is None else lines.lines, most)
    oov_words: list[str] = []
    if with_oov_words and isinstance(tokenizer, WordTokenizer):
        column, oov_words = tokenizer.encode_with_oov_words(texts)
        column = _number_oov_tokens(column, tokenizer.vocabulary.size)
    else:
        column = tokenizer.encode(texts)
    if lines is not None:
        column = lines.join(column)
        # the EOS before a text is not counted
        max_length, max_tokens = max_length + 1, None if max_tokens is None else max_tokens + 1
    signs = sign_ids(tokenizer.vocabulary)
    column, truncated = truncate_rows(column, max_length, signs=signs, max_tokens=max_tokens)
    column, distinct = _merge_oov_ids(column, tokenizer.vocabulary.size, oov_words, known)
    return EncodedTexts(insert_go_eos(column) if add_go_eos else column, truncated, distinct)


def _shorten(tokenizer: Tokenizer, texts: pl.Series, tokens: int) -> pl.Series:
    """Return the texts, long ones shortened to a prefix that holds their first tokens."""
    longest = longest_encoded_whole(tokens)
    if texts.dtype != pl.String or not (texts.str.len_bytes() > longest).any():
        return texts
    rows = [
        text if text is None or len(text) <= longest else sufficient_prefix(tokenizer, text, tokens)
        for text in texts.to_list()
    ]
    return pl.Series(texts.name, rows, dtype=pl.String)


def _number_oov_tokens(column: TokenColumn, size: int) -> TokenColumn:
    """Give each OOV token an id of its own, from `size` up."""
    values, offsets = values_and_offsets(column)
    places = np.flatnonzero(values == OOV)
    values = values.copy()
    values[places] = size + np.arange(len(places), dtype=np.int32)
    return token_column(values, offsets)


def _merge_oov_ids(
    column: TokenColumn, size: int, oov_words: Sequence[str], known: Sequence[str]
) -> tuple[TokenColumn, tuple[str, ...]]:
    """Give each distinct OOV word one id, once rows are truncated.

    Args:
        column: result of `_number_oov_tokens`, truncated.
        size: vocabulary size.
        oov_words: the word of each OOV token.
        known: words whose ids come first.
    """
    values, offsets = values_and_offsets(column)
    places = np.flatnonzero(values >= size)
    if not len(places):
        return column, tuple(known)
    ids = {word: size + number for number, word in enumerate(known)}
    words = (oov_words[number] for number in (values[places] - size).tolist())
    values = values.copy()
    values[places] = [ids.setdefault(word, size + len(ids)) for word in words]
    return token_column(values, offsets), tuple(ids)
