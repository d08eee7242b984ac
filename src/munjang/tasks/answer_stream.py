"""Texts of answers, whole or token by token."""

from collections.abc import Sequence

import polars as pl

from munjang.text.columns import TokenColumn
from munjang.text.detokenize import attach_punctuation
from munjang.text.plain.answer_stream import AnswerStream, PunctuatedStream
from munjang.text.plain.continuation import StopStrings
from munjang.text.stream import open_stream
from munjang.text.tokenizer import Tokenizer


def write_answers(tokenizer: Tokenizer, ids: TokenColumn) -> pl.Series:
    """Return the text of each row of tokens."""
    texts = tokenizer.decode(ids)
    return attach_punctuation(texts) if _has_loose_punctuation(tokenizer) else texts


def open_answer(tokenizer: Tokenizer, stop: Sequence[str], is_empty: bool) -> AnswerStream:
    """Return the text of one answer, which grows token by token to that of `write_answers`.

    Args:
        tokenizer: of the answers.
        stop: strings at which the text ends; they are not part of it.
        is_empty: the answer is the empty one, whatever the tokens are.
    """
    kind = PunctuatedStream if _has_loose_punctuation(tokenizer) else AnswerStream
    return kind(open_stream(tokenizer), StopStrings(stop), is_empty)


def _has_loose_punctuation(tokenizer: Tokenizer) -> bool:
    return tokenizer.name == "words"  # other tokenizers restore spaces
