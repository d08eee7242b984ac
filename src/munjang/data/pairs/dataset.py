"""Datasets and batches of pairs; the sources of a batch have similar lengths, and the targets."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
import polars as pl
import torch
from torch import Tensor

from munjang.data.batches import Batch, TextDataset
from munjang.data.buckets import Bucketing, Group
from munjang.text.columns import Int64s, TokenColumn, arrow_array, row_lengths
from munjang.text.vocabulary import EOS, GO, PAD


@dataclass(frozen=True)
class PairBatch:
    """Some pairs as tensors.

    Attributes:
        source: [batch, source time] int64, PAD on the right.
        source_mask: [batch, source time], True for tokens and False for padding.
        decoder_inputs: [batch, target time] int64: GO, then the target; PAD on the right.
        decoder_mask: [batch, target time], True for tokens and False for padding.
        targets: [tokens] int64: the token after each decoder input, row by row, EOS last; None
            for prediction.
        rows: [batch] int64, index of each pair in its dataset.
    """

    source: Tensor
    source_mask: Tensor
    decoder_inputs: Tensor
    decoder_mask: Tensor
    targets: Tensor | None
    rows: Tensor

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The arguments of an encoder-decoder."""
        return self.source, self.source_mask, self.decoder_inputs, self.decoder_mask

    @property
    def size(self) -> int:
        """Number of target tokens, EOS included."""
        return int(self.decoder_mask.sum())

    @property
    def row_sizes(self) -> Tensor:
        """Number of tokens of each source and its target, EOS included, [batch]."""
        return self.source_mask.sum(1) + self.decoder_mask.sum(1)

    def take(self, rows: Tensor) -> Self:
        """Return the pairs at some places, in that order."""
        targets = self.targets
        if targets is not None:
            padded = torch.full_like(self.decoder_inputs, PAD)
            padded[self.decoder_mask] = targets
            targets = padded[rows][self.decoder_mask[rows]]
        return replace(
            self,
            source=self.source[rows],
            source_mask=self.source_mask[rows],
            decoder_inputs=self.decoder_inputs[rows],
            decoder_mask=self.decoder_mask[rows],
            targets=targets,
            rows=self.rows[rows],
        )

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
    """Dataset of pairs of token rows.

    Attributes:
        source_ids: token column of the sources.
        target_ids: token column of the targets, without GO and EOS.
        texts: original sources and targets, if answers are to be scored.
    """

    source_ids: TokenColumn
    target_ids: TokenColumn
    texts: tuple[pl.Series, pl.Series] | None = None
    unit: ClassVar[str] = "tokens"

    def __len__(self) -> int:
        return len(self.source_ids)

    @property
    def lengths(self) -> Int64s:
        """Number of tokens of each source, and of each target with EOS, [rows, 2]."""
        sources, targets = row_lengths(self.source_ids), row_lengths(self.target_ids)
        return np.stack([sources, targets + 1], axis=1)

    @property
    def targets(self) -> None:
        """No targets per row: batches hold one per target token."""
        return

    def batches(self, groups: Iterable[Group]) -> Iterator[PairBatch]:
        """Yield the batch of each group, made when it is asked for."""
        groups = list(groups)
        sources = _pad_side(self.source_ids, groups, min_time=1)
        targets = _pad_side(self.target_ids, groups, min_time=0)  # decoder inputs begin with GO
        for source, target in zip(sources, targets, strict=True):
            yield _make_batch(source, target)

    def first(self, rows: int) -> "PairDataset":
        """Return the first `rows` pairs, or all."""
        texts = None if self.texts is None else (self.texts[0][:rows], self.texts[1][:rows])
        return PairDataset(self.source_ids[:rows], self.target_ids[:rows], texts)

    def sample(self, rows: int, seed: int) -> "PairDataset":
        """Return `rows` pairs drawn without replacement, in their order; or all."""
        if rows >= len(self):
            return self
        return self.take(np.sort(np.random.default_rng(seed).permutation(len(self))[:rows]))

    def take(self, indices: Int64s) -> "PairDataset":
        """Return the pairs at some indices, in that order."""
        texts = None if self.texts is None else (self.texts[0][indices], self.texts[1][indices])
        sources, targets = (
            column.take(arrow_array(indices)) for column in (self.source_ids, self.target_ids)
        )
        return PairDataset(sources, targets, texts)

    def sources_in_order_of_length(self, batch_size: int) -> Iterator[Batch]:
        """Yield all sources once, the shortest first, for prediction."""
        yield from TextDataset(self.source_ids).in_order_of_length(batch_size)

    def in_order_of_length(self, batch_size: int = 256) -> Iterator[PairBatch]:
        """Yield all pairs once, the shortest first, for evaluation."""
        yield from self.batches(Bucketing(batch_size).in_order_of_length(self.lengths))


def _pad_side(column: TokenColumn, groups: list[Group], *, min_time: int) -> Iterator[Batch]:
    """Yield the batches of one side, each padded to its own longest row."""
    side = TextDataset(column)
    lengths = side.lengths
    return side.batches(Group(g.rows, max(int(lengths[g.rows].max()), min_time)) for g in groups)


def _make_batch(source: Batch, target: Batch) -> PairBatch:
    rows, time = target.ids.shape
    decoder_inputs = torch.full((rows, time + 1), PAD)
    decoder_inputs[:, 0] = GO
    decoder_inputs[:, 1:] = target.ids
    mask = torch.arange(time + 1) <= target.lengths[:, None]
    targets = torch.full((rows, time + 1), PAD)
    targets[:, :time] = target.ids
    targets.scatter_(1, target.lengths[:, None], EOS)
    return PairBatch(source.ids, source.mask, decoder_inputs, mask, targets[mask], source.rows)
