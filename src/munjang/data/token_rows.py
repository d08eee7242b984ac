"""Encoder of a few texts into rows of ids, without tables, columns, threads or locks.

Servers and forked processes use it: the threads that work on columns do not survive a fork.
`munjang.data.encode` gives the same ids for a column.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch

from munjang.data.batches import Batch, mask_kept_tokens, pad
from munjang.data.buckets import Bucketing, Group
from munjang.data.text_lines import join_rows, split_text
from munjang.text.capitals import sign_ids
from munjang.text.columns import Int32s, Int64s
from munjang.text.prefixes import sufficient_prefix
from munjang.text.segmentation.codepoints import Bools, bounds_of
from munjang.text.tokenizer import Tokenizer
from munjang.text.vocabulary import EOS, GO, OOV
from munjang.text.words import WordTokenizer

_REMEMBERED = 1024  # tokens of the longest text whose mask is kept


@dataclass(frozen=True)
class TokenRows:
    """Dataset of rows of ids, without targets.

    Attributes:
        values: ids of all rows, one after another [tokens].
        offsets: row `i` is `values[offsets[i]:offsets[i + 1]]` [rows + 1].
    """

    values: Int32s
    offsets: Int64s
    targets: None = None
    unit: ClassVar[str] = "tokens"

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Int64s:
        """Number of tokens per row [rows]."""
        return np.diff(self.offsets)

    def take(self, indices: Int64s) -> "TokenRows":
        """Return the rows at some indices, in that order."""
        rows = [self.values[self.offsets[i] : self.offsets[i + 1]] for i in indices.tolist()]
        values = np.concatenate([np.zeros(0, np.int32), *rows])
        return TokenRows(values, bounds_of(np.fromiter(map(len, rows), np.int64, len(rows))))

    def batches(self, groups: Iterable[Group]) -> Iterator[Batch]:
        """Yield the batch of each group."""
        for group in groups:
            yield pad(self.values, self.offsets, group, None)

    def in_order_of_length(self, batch_size: int = 256) -> Iterator[Batch]:
        """Yield all rows once in batches, the shortest first."""
        if len(self) == 1 and len(self.values):
            yield _make_single_batch(self.values)
        else:
            yield from self.batches(Bucketing(batch_size).in_order_of_length(self.lengths))


def _make_single_batch(ids: Int32s) -> Batch:
    frame_of = _frame_of if len(ids) <= _REMEMBERED else _frame_of.__wrapped__
    lengths, mask, rows = frame_of(len(ids))
    return Batch(
        ids=torch.from_numpy(ids.astype(np.int64)[None]), lengths=lengths, mask=mask, rows=rows
    )


@lru_cache(maxsize=256)
def _frame_of(time: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return lengths, mask and rows of a batch of one text of `time` tokens, which nobody changes.

    To make them takes longer than to find them.
    """
    with torch.inference_mode(False):
        mask = torch.ones(1, time, dtype=torch.bool)
        return torch.tensor([time]), mask, torch.zeros(1, dtype=torch.int64)


@dataclass(frozen=True)
class EncodedRows:
    """Rows of ids, with truncation and OOV words, as `munjang.data.encode.EncodedTexts`.

    Attributes:
        rows: ids, one row per text.
        truncated: True for each text that was longer than allowed [rows].
        oov_words: out-of-vocabulary words, whose ids follow those of the vocabulary.
    """

    rows: TokenRows
    truncated: Bools
    oov_words: tuple[str, ...] = ()


def encode_rows(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    *,
    max_length: int,
    add_go_eos: bool,
    with_oov_words: bool = False,
    known: Sequence[str] = (),
    max_tokens: int | None = None,
    line_breaks: bool = False,
) -> EncodedRows:
    """Encode texts one after another; the arguments are those of `encode_texts`."""
    signs = sign_ids(tokenizer.vocabulary)
    size = tokenizer.vocabulary.size
    numbers = {word: size + number for number, word in enumerate(known)}
    rows: list[Int32s] = []
    truncated = np.zeros(len(texts), dtype=np.bool_)
    most = max_length if max_tokens is None else min(max_length, max_tokens)
    first = int(line_breaks)  # the EOS before a text, which is not counted
    longest, room = max_length + first, None if max_tokens is None else max_tokens + first
    for row, text in enumerate(texts):
        lines = split_text(text, most) if line_breaks else [text]
        parts = [_encode_line(tokenizer, line, most, with_oov_words) for line in lines]
        ids, oov_words = parts[0]
        if line_breaks:
            ids = join_rows([part for part, _ in parts])
            oov_words = [word for _, words in parts for word in words]
        if len(ids) > most + first:
            kept = mask_kept_tokens(
                ids, np.array([0, len(ids)]), longest, signs=signs, max_tokens=room
            )
            truncated[row] = not kept.all()
            ids = ids[kept]
        if oov_words:
            _number_oov_words(ids, oov_words, numbers, size)
        rows.append(_insert_go_eos(ids) if add_go_eos else ids)
    if len(rows) == 1:
        joined = TokenRows(rows[0], np.array([0, len(rows[0])]))
    else:
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        joined = TokenRows(np.concatenate([np.zeros(0, np.int32), *rows]), bounds_of(lengths))
    return EncodedRows(joined, truncated, tuple(numbers))


def _encode_line(
    tokenizer: Tokenizer, text: str, most: int, with_oov_words: bool
) -> tuple[Int32s, Sequence[str]]:
    """Return the ids of a text, of which `most` are kept, and its OOV words if asked for."""
    text = sufficient_prefix(tokenizer, text, most)
    if with_oov_words and isinstance(tokenizer, WordTokenizer):
        return tokenizer.encode_text_with_oov_words(text)
    return tokenizer.encode_text(text), []


def _number_oov_words(
    ids: Int32s, oov_words: Sequence[str], numbers: dict[str, int], size: int
) -> None:
    """Replace each OOV of `ids` in place by the id of its word, after those of the vocabulary."""
    places = np.flatnonzero(ids == OOV).tolist()
    # words after the cut have no place in `ids`
    for place, word in zip(places, oov_words, strict=False):
        ids[place] = numbers.setdefault(word, size + len(numbers))


def _insert_go_eos(ids: Int32s) -> Int32s:
    marked = np.empty(len(ids) + 2, dtype=np.int32)
    marked[0], marked[-1] = GO, EOS
    marked[1:-1] = ids
    return marked
