"""Text of tokens that come one at a time, as in generation.

    stream = open_stream(tokenizer)
    for token in tokens:
        print(stream.feed(token), end="", flush=True)
    print(stream.close())

`munjang.text.plain.stream` says how.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from munjang.text.capitals import sign_ids
from munjang.text.columns import token_column
from munjang.text.plain import stream
from munjang.text.plain.stream import TextStream
from munjang.text.tokenizer import Tokenizer

# Tokenizers that write each token alike wherever it stands, but for the first one, and for a word
# with a capital marker before it.
_WRITTEN_ALIKE = ("words", "characters", "jamo", "morphemes", "bpe", "unigram", "wordpiece")


def open_stream(tokenizer: Tokenizer) -> TextStream:
    """Return a stream of the text of a fitted tokenizer's tokens."""
    return stream.open_stream(_Decoding(tokenizer))


def stream_text(tokenizer: Tokenizer, tokens: Iterable[int]) -> Iterator[str]:
    """Yield the text of tokens, a part as soon as it is certain."""
    opened = open_stream(tokenizer)
    for token in tokens:
        if text := opened.feed(token):
            yield text
    if text := opened.close():
        yield text


@dataclass(frozen=True)
class _Decoding:
    """A tokenizer of columns as `munjang.text.plain.stream.DecodesIds`."""

    tokenizer: Any

    @property
    def tokens(self) -> Sequence[str]:
        return self.tokenizer.vocabulary.tokens  # type: ignore[no-any-return]

    @property
    def signs(self) -> Sequence[int]:
        return sign_ids(self.tokenizer.vocabulary)

    @property
    def writing(self) -> stream.Writing:
        if getattr(self.tokenizer, "tags", False):
            return "words"
        return "pieces" if self.tokenizer.name in _WRITTEN_ALIKE else "any"

    @property
    def composes(self) -> bool:
        return bool(self.tokenizer.name == "jamo")

    def decode_rows(self, rows: Sequence[Sequence[int]]) -> list[str]:
        offsets = np.cumsum([0, *map(len, rows)])
        ids = np.fromiter((token for row in rows for token in row), np.int32, offsets[-1])
        return self.tokenizer.decode(token_column(ids, offsets)).to_list()  # type: ignore[no-any-return]
