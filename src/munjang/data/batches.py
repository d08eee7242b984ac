"""Batches: padded tensors of the rows that a bucket puts together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from munjang.data.buckets import Bucketing, Group
from munjang.text.columns import Int64s, TokenColumn, token_column, values_and_offsets
from munjang.text.vocabulary import PAD


@dataclass(frozen=True)
class Batch:
    """What a model sees of some rows.

    Attributes:
        ids: [batch, time] int64, PAD on the right.
        lengths: [batch] int64, real tokens of each row.
        mask: [batch, time], True = real token.
        rows: [batch] int64, where each row stands in its column.
        targets: [batch], [batch, labels] or None.
    """

    ids: Tensor
    lengths: Tensor
    mask: Tensor
    rows: Tensor
    targets: Tensor | None = None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What a text network is called with: `ids` and `mask`."""
        return self.ids, self.mask

    @property
    def size(self) -> int:
        """Real tokens, padding not counted."""
        return int(self.lengths.sum())

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        if device.type == "cpu":
            return self
        return Batch(
            ids=self.ids.to(device),
            lengths=self.lengths.to(device),
            mask=self.mask.to(device),
            rows=self.rows.to(device),
            targets=None if self.targets is None else self.targets.to(device),
        )


@dataclass(frozen=True)
class Examples:
    """A token column with one target a row.

    Attributes:
        column: token column.
        targets: [rows] or [rows, labels], or None for prediction.
    """

    column: TokenColumn
    targets: npt.NDArray[Any] | None = None
    unit: ClassVar[str] = "tokens"

    def __len__(self) -> int:
        return len(self.column)

    @property
    def lengths(self) -> Int64s:
        """Tokens of each row."""
        return np.diff(values_and_offsets(self.column)[1])

    def batches(self, groups: Iterable[Group]) -> Iterator[Batch]:
        """The batch of each group, made when it is asked for."""
        values, offsets = values_and_offsets(self.column)
        for group in groups:
            yield _pad(values, offsets, group, self.targets)

    def in_order_of_length(self, batch_rows: int = 256) -> Iterator[Batch]:
        """All rows once, the shortest first: for evaluation and prediction."""
        yield from self.batches(Bucketing(batch_rows).in_order_of_length(self.lengths))


def _pad(
    values: npt.NDArray[np.int32],
    offsets: Int64s,
    group: Group,
    targets: npt.NDArray[Any] | None,
) -> Batch:
    starts = offsets[group.rows]
    lengths = offsets[group.rows + 1] - starts
    place = np.arange(group.time)
    mask = place < lengths[:, None]
    # places behind the end of a row read what stands there, which counts as nothing: PAD is 0
    found = values.take(starts[:, None] + place, mode="clip") if len(values) else PAD
    ids = np.multiply(found, mask, dtype=np.int64)
    return Batch(
        ids=torch.from_numpy(ids),
        lengths=torch.from_numpy(lengths),
        mask=torch.from_numpy(mask),
        rows=torch.from_numpy(group.rows),
        targets=None if targets is None else torch.from_numpy(targets[group.rows]),
    )


def truncate(column: TokenColumn, longest: int) -> tuple[TokenColumn, int]:
    """Keep the first `longest` tokens of each row. Returns the column and how many rows it cut."""
    values, offsets = values_and_offsets(column)
    lengths = np.diff(offsets)
    cut = int((lengths > longest).sum())
    if not cut:
        return column, 0
    kept = np.minimum(lengths, longest)
    place = np.arange(len(values)) - np.repeat(offsets[:-1], lengths)
    return token_column(values[place < longest], np.concatenate([[0], np.cumsum(kept)])), cut
