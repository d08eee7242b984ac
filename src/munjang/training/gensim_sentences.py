"""Rows of ids as lists of words, as gensim reads them, many batches per step."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from munjang.data.batches import Batch
from munjang.data.buckets import Bucketing, Group
from munjang.data.dataset import Dataset
from munjang.data.order import BatchOrder, order_batches
from munjang.text.columns import Int64s

# Batches of a step: at 4,096 tokens per batch about a second of work, so that threads seldom wait
# for the last of them, and progress is shown.
BATCHES = 64
# gensim leaves out what follows in a longer sentence.
LONGEST = 10_000

Sentence = list[str]


@dataclass(frozen=True)
class SentenceBatch:
    """The rows of one step.

    Attributes:
        sentences: the known words of each row; rows without any are left out.
        first: the first batch, as ids, on which the loss is estimated.
        rows: index of each row in its dataset, [rows] int64.
        size: number of tokens, those of unknown words counted.
    """

    sentences: list[Sentence]
    first: Batch
    rows: Tensor
    size: int
    targets: None = None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Ids and mask of the first batch."""
        return self.first.ids, self.first.mask

    def to(self, device: torch.device) -> Self:
        """Return the batch as it is: gensim computes on the CPU."""
        return self


@dataclass(frozen=True)
class StepRows:
    """The groups of rows of one step, each padded on its own while it is read.

    Attributes:
        groups: one per batch, at least one.
    """

    groups: tuple[Group, ...]

    @property
    def rows(self) -> Int64s:
        """Numbers of the rows of all groups."""
        return np.concatenate([group.rows for group in self.groups])

    @property
    def time(self) -> int:
        """Length of the longest row."""
        return max(group.time for group in self.groups)

    @property
    def places(self) -> int:
        """Positions of the largest group, padding counted."""
        return max(group.places for group in self.groups)


@dataclass(frozen=True)
class SentenceOrder:
    """The order of another dataset's batches, `BATCHES` of them per step.

    Attributes:
        batches: that order.
    """

    batches: BatchOrder

    def steps(self, epoch: int) -> int:
        """Return the number of steps of an epoch (from 0)."""
        return -(-self.batches.steps(epoch) // BATCHES)

    def groups(self, epoch: int, first: int = 0) -> Iterator[Any]:
        """Yield the rows of each step of an epoch, from the step `first` on."""
        yield from _cut(self.batches.groups(epoch, first * BATCHES))

    def sample(self) -> list[Any]:
        """Return the first steps of the first epoch."""
        return list(_cut(self.batches.sample()))

    def padding_share(self) -> float:
        """Return 0: sentences are not padded."""
        return 0.0


@dataclass(frozen=True)
class SentenceDataset:
    """Rows of ids whose batches are lists of words.

    Attributes:
        data: the rows.
        words: word of each id, None for ids that no one learns, [vocabulary size].
    """

    data: Dataset
    words: Sequence[str | None]

    @property
    def unit(self) -> str:
        """Unit of sizes and speeds."""
        return self.data.unit

    @property
    def lengths(self) -> Int64s:
        """Number of tokens of each row, [rows]."""
        return self.data.lengths

    @property
    def targets(self) -> None:
        """Return None, since rows have no targets."""
        return

    def __len__(self) -> int:
        return len(self.data)

    def take(self, indices: Int64s) -> "SentenceDataset":
        """Return some rows."""
        return SentenceDataset(self.data.take(indices), self.words)

    def order(self, bucketing: Bucketing, seed: int) -> SentenceOrder:
        """Return the order of steps that a seed determines."""
        return SentenceOrder(order_batches(self.data, bucketing, seed))

    def batches(self, groups: Iterable[Any]) -> Iterator[SentenceBatch]:
        """Yield the batch of each `StepRows`, made when it is asked for."""
        for step in groups:
            yield self._join(list(self.data.batches(step.groups)))

    def in_order_of_length(self, batch_size: int = 256) -> Iterator[SentenceBatch]:
        """Yield all rows once, the shortest first."""
        for batch in self.data.in_order_of_length(batch_size):
            yield self._join([batch])

    def _join(self, batches: list[Any]) -> SentenceBatch:
        sentences = [part for batch in batches for part in self._read(batch)]
        rows = torch.cat([batch.rows for batch in batches])
        return SentenceBatch(sentences, batches[0], rows, sum(batch.size for batch in batches))

    def _read(self, batch: Batch) -> Iterator[Sentence]:
        """Yield the known words of each row, long rows in parts."""
        read = self.words.__getitem__
        for ids, length in zip(batch.ids.tolist(), batch.lengths.tolist(), strict=True):
            known = [word for word in map(read, ids[:length]) if word is not None]
            for start in range(0, len(known), LONGEST):
                yield known[start : start + LONGEST]


def _cut(groups: Iterable[Group]) -> Iterator[StepRows]:
    """Yield the groups of each step."""
    remaining = iter(groups)
    while part := tuple(islice(remaining, BATCHES)):
        yield StepRows(part)
