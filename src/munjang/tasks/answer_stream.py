"""Texts of answers, whole or token by token."""

from collections.abc import Sequence

import polars as pl

from munjang.text.columns import TokenColumn
from munjang.text.continuation import StopStrings
from munjang.text.detokenize import attach_punctuation
from munjang.text.stream import TextStream, open_stream
from munjang.text.tokenizer import Tokenizer


def write_answers(tokenizer: Tokenizer, ids: TokenColumn) -> pl.Series:
    """Return the text of each row of tokens."""
    texts = tokenizer.decode(ids)
    return attach_punctuation(texts) if _has_loose_punctuation(tokenizer) else texts


def open_answer(tokenizer: Tokenizer, stop: Sequence[str], is_empty: bool) -> "AnswerStream":
    """Return the text of one answer, which grows token by token to that of `write_answers`.

    Args:
        tokenizer: of the answers.
        stop: strings at which the text ends; they are not part of it.
        is_empty: the answer is the empty one, whatever the tokens are.
    """
    stream = open_stream(tokenizer)
    if _has_loose_punctuation(tokenizer):
        return _PunctuatedStream(stream, StopStrings(stop), is_empty)
    return AnswerStream(stream, StopStrings(stop), is_empty)


def _has_loose_punctuation(tokenizer: Tokenizer) -> bool:
    return tokenizer.name == "words"  # other tokenizers restore spaces


class AnswerStream:
    """Tokens in, text out.

    Args:
        stream: turns tokens into text.
        stop: looks for stop strings.
        is_empty: return no text at all.
    """

    def __init__(self, stream: TextStream, stop: StopStrings, is_empty: bool) -> None:
        self._stream = stream
        self._stop = stop
        self._is_empty = is_empty

    @property
    def is_ended(self) -> bool:
        """True once a stop string was found, or from the beginning of the empty answer."""
        return self._is_empty or self._stop.is_found

    def feed(self, token: int) -> str:
        """Take one token and return the text that became certain, which may be empty."""
        return "" if self.is_ended else self._stop.push(self._added(self._stream.feed(token)))

    def close(self) -> str:
        """Return the text that was held back."""
        if self.is_ended:
            return ""
        return self._stop.push(self._added(self._stream.close(), is_last=True)) + self._stop.flush()

    def _added(self, text: str, *, is_last: bool = False) -> str:
        return text


class _PunctuatedStream(AnswerStream):
    """Stream of words, in which punctuation is attached as in `attach_punctuation`."""

    def __init__(self, stream: TextStream, stop: StopStrings, is_empty: bool) -> None:
        super().__init__(stream, stop, is_empty)
        self._words = ""
        self._returned = 0

    def _added(self, text: str, *, is_last: bool = False) -> str:
        self._words += text
        # spaces at the end may be removed by what follows
        certain = self._words if is_last else self._words.rstrip(" ")
        shown: str = attach_punctuation(pl.Series([certain], dtype=pl.String))[0]
        added, self._returned = shown[self._returned :], len(shown)
        return added
