"""Batches of pairs: rows whose sources are about as long as each other, and their targets too."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import polars as pl
import pyarrow as pa
import torch
from torch import Tensor

from munjang.data.batches import Batch, TextDataset
from munjang.data.buckets import Bucketing, Group
from munjang.text.columns import Int64s, TokenColumn
from munjang.text.vocabulary import EOS, GO, PAD


@dataclass(frozen=True)
class PairBatch:
    """What an encoder-decoder sees of some pairs.

    Attributes:
        source: [batch, source time] int64, PAD on the right.
        source_mask: True = real token.
        given: [batch, target time] int64: GO, then the target. What is read in teacher forcing.
        decoder_mask: True = real token.
        targets: [real given tokens] int64: what follows each of them, row by row, EOS last; None
            for prediction.
        rows: [batch] int64, where each pair stands in its columns.
    """

    source: Tensor
    source_mask: Tensor
    decoder_inputs: Tensor
    decoder_mask: Tensor
    targets: Tensor | None
    rows: Tensor

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What an encoder-decoder is called with."""
        return self.source, self.source_mask, self.decoder_inputs, self.decoder_mask

    @property
    def size(self) -> int:
        """Target tokens, EOS included."""
        return int(self.decoder_mask.sum())

    def to(self, device: torch.device) -> Self:
        """Return the batch on another device."""
        if device.type == "cpu":
            return self
        moved = {
            name: value.to(device)
            for name, value in vars(self).items()
            if isinstance(value, Tensor)
        }
        return replace(self, **moved)


@dataclass(frozen=True)
class PairDataset:
    """Two token columns whose rows belong together.

    Attributes:
        sources: token column.
        target_ids: token column of the targets, without GO and EOS.
        texts: both sides as people wrote them, where answers will be judged.
    """

    source_ids: TokenColumn
    target_ids: TokenColumn
    texts: tuple[pl.Series, pl.Series] | None = None
    unit: ClassVar[str] = "tokens"

    def __len__(self) -> int:
        return len(self.source_ids)

    @property
    def lengths(self) -> Int64s:
        """Tokens of each source, and of each target with its EOS: [rows, 2]."""
        sources, targets = TextDataset(self.source_ids), TextDataset(self.target_ids)
        return np.stack([sources.lengths, targets.lengths + 1], axis=1)

    @property
    def targets(self) -> None:
        """They stand in the batches: as many a row as it has tokens."""
        return

    def batches(self, groups: Iterable[Group]) -> Iterator[PairBatch]:
        """Yield the batch of each group, made when it is asked for."""
        groups = list(groups)
        sources = _padded(self.source_ids, groups, least=1)
        targets = _padded(self.target_ids, groups, least=0)  # GO is there
        for source, target in zip(sources, targets, strict=True):
            yield _pair(source, target)

    def first(self, rows: int) -> "PairDataset":
        """Return the first `rows` pairs, or all."""
        texts = None if self.texts is None else (self.texts[0][:rows], self.texts[1][:rows])
        return PairDataset(self.source_ids[:rows], self.target_ids[:rows], texts)

    def sample(self, rows: int, seed: int) -> "PairDataset":
        """Return `rows` pairs drawn without replacement, in their order; or all."""
        if rows >= len(self):
            return self
        return self.take(np.sort(np.random.default_rng(seed).permutation(len(self))[:rows]))

    def take(self, places: Int64s) -> "PairDataset":
        """Return the pairs at some places, in that order."""
        texts = None if self.texts is None else (self.texts[0][places], self.texts[1][places])
        sources, targets = (
            column.take(pa.array(places)) for column in (self.source_ids, self.target_ids)
        )
        return PairDataset(sources, targets, texts)

    def sources_in_order_of_length(self, batch_size: int) -> Iterator[Batch]:
        """Yield all sources once, the shortest first, for prediction."""
        yield from TextDataset(self.source_ids).in_order_of_length(batch_size)

    def in_order_of_length(self, batch_size: int = 256) -> Iterator[PairBatch]:
        """Yield all pairs once, the shortest first, for evaluation."""
        yield from self.batches(Bucketing(batch_size).in_order_of_length(self.lengths))


def _padded(column: TokenColumn, groups: list[Group], *, least: int) -> Iterator[Batch]:
    """Yield the batches of one side, each padded to its own longest row."""
    side = TextDataset(column)
    lengths = side.lengths
    return side.batches(Group(g.rows, max(int(lengths[g.rows].max()), least)) for g in groups)


def _pair(source: Batch, target: Batch) -> PairBatch:
    rows, time = target.ids.shape
    given = torch.full((rows, time + 1), PAD)
    given[:, 0] = GO
    given[:, 1:] = target.ids
    mask = torch.arange(time + 1) <= target.lengths[:, None]
    wanted = torch.full((rows, time + 1), PAD)
    wanted[:, :time] = target.ids
    wanted.scatter_(1, target.lengths[:, None], EOS)
    return PairBatch(source.ids, source.mask, given, mask, wanted[mask], source.rows)
