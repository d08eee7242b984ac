"""Texts to the token column that a model reads: tokenized, marked at both ends, cut to length."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from munjang.data.batches import truncate_rows
from munjang.text.capitals import sign_ids
from munjang.text.columns import TokenColumn, token_column, values_and_offsets
from munjang.text.prefixes import longest_encoded_whole, sufficient_prefix
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import EOS, GO, OOV
from munjang.text.words import WordTokenizer


@dataclass(frozen=True)
class EncodedTexts:
    """A token column, and what was cut to make it.

    Attributes:
        column: token column, one row a text.
        truncated: True for each text that was longer than allowed, [rows].
        oov_words: words out of vocabulary, for models that spell them: the ids from the size of the
            vocabulary up. Empty where all of them are OOV.
    """

    column: TokenColumn
    truncated: np.ndarray[tuple[int], np.dtype[np.bool_]]
    oov_words: tuple[str, ...] = ()


def insert_go_eos(column: TokenColumn) -> TokenColumn:
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
    tokenizer: Tokenizer,
    texts: pl.Series,
    *,
    max_length: int,
    add_go_eos: bool,
    with_oov_words: bool = False,
    known: Sequence[str] = (),
    max_tokens: int | None = None,
) -> EncodedTexts:
    """Encode `texts`, keeping the first `max_length` tokens of each.

    GO and EOS are not counted, and neither are signs of capitals: a text keeps as many words with
    them as without. No sign is kept without its word.

    Args:
        tokenizer: fitted.
        texts: one a row.
        max_length: tokens of a text.
        ends: whether GO and EOS stand around them.
        spelled: give words out of vocabulary ids of their own; only words have a spelling to tell.
        known: words out of vocabulary that have theirs already; `unknown` begins with them.
        max_tokens: tokens of a text in all, signs counted, but for GO and EOS; None = any number.
    """
    texts = _beginnings(tokenizer, texts, max_length if max_tokens is None else min(max_length, max_tokens))
    named: list[str] = []
    if with_oov_words and isinstance(tokenizer, WordTokenizer):
        column, named = tokenizer.encode_with_oov_words(texts)
        column = _numbered(column, tokenizer.vocabulary.size)
    else:
        column = tokenizer.encode(texts)
    signs = sign_ids(tokenizer.vocabulary)
    column, truncated = truncate_rows(column, max_length, signs=signs, max_tokens=max_tokens)
    column, unknown = _by_type(column, tokenizer.vocabulary.size, named, known)
    return EncodedTexts(insert_go_eos(column) if add_go_eos else column, truncated, unknown)


def _beginnings(tokenizer: Tokenizer, texts: pl.Series, tokens: int) -> pl.Series:
    """Return the texts, long ones shortened to a prefix that holds their first tokens."""
    longest = longest_encoded_whole(tokens)
    if texts.dtype != pl.String or not (texts.str.len_bytes() > longest).any():
        return texts
    rows = [
        text if text is None or len(text) <= longest else sufficient_prefix(tokenizer, text, tokens)
        for text in texts.to_list()
    ]
    return pl.Series(texts.name, rows, dtype=pl.String)


def _numbered(column: TokenColumn, size: int) -> TokenColumn:
    """Give each OOV token an id of its own, from `size` up."""
    values, offsets = values_and_offsets(column)
    places = np.flatnonzero(values == OOV)
    values = values.copy()
    values[places] = size + np.arange(len(places), dtype=np.int32)
    return token_column(values, offsets)


def _by_type(
    column: TokenColumn, size: int, named: Sequence[str], known: Sequence[str]
) -> tuple[TokenColumn, tuple[str, ...]]:
    """Give each distinct OOV word one id, once rows are truncated.

    Args:
        column: of `_numbered`, cut.
        size: of the vocabulary.
        named: the word of each number.
        known: words whose ids come first.
    """
    values, offsets = values_and_offsets(column)
    places = np.flatnonzero(values >= size)
    if not len(places):
        return column, tuple(known)
    ids = {word: size + number for number, word in enumerate(known)}
    words = (named[number] for number in (values[places] - size).tolist())
    values = values.copy()
    values[places] = [ids.setdefault(word, size + len(ids)) for word in words]
    return token_column(values, offsets), tuple(ids)
