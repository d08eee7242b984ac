"""Dataset of two texts per row side by side, for networks that read each text alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from munjang.data.batches import Batch, pad
from munjang.data.buckets import Bucketing, Group
from munjang.data.two_texts.tokens import Side
from munjang.text.columns import Int64s, flat_ranges
from munjang.text.segmentation.codepoints import bounds_of


@dataclass(frozen=True)
class TowersBatch:
    """Some rows as the padded tensors of both texts.

    Attributes:
        first: the first texts.
        second: the second texts; its `rows` and `targets` are those of `first`.
    """

    first: Batch
    second: Batch

    @property
    def sides(self) -> tuple[Batch, Batch]:
        """The first and the second texts, each as a batch of its own."""
        return self.first, self.second

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Ids and mask [batch, first time], ids and mask [batch, second time]."""
        return *self.first.inputs, *self.second.inputs

    @property
    def rows(self) -> Tensor:
        """Index of each row in its dataset, [batch] int64."""
        return self.first.rows

    @property
    def targets(self) -> Tensor | None:
        """Targets [batch, ...], or None for prediction."""
        return self.first.targets

    @property
    def size(self) -> int:
        """Number of tokens of both texts, padding not counted."""
        return self.first.size + self.second.size

    @property
    def row_sizes(self) -> Tensor:
        """Number of tokens of both texts of each row, [batch]."""
        return self.first.lengths + self.second.lengths

    def take(self, rows: Tensor) -> "TowersBatch":
        """Return the rows at some places, in that order."""
        return TowersBatch(self.first.take(rows), self.second.take(rows))

    def to(self, device: torch.device) -> "TowersBatch":
        """Return the batch on another device."""
        return TowersBatch(self.first.to(device), self.second.to(device))


@dataclass(frozen=True)
class TowersDataset:
    """Dataset of both texts of each row, each GO text EOS.

    Attributes:
        first: token rows of the first texts.
        second: token rows of the second texts.
        targets: [rows] or [rows, labels], or None for prediction.
    """

    first: Side
    second: Side
    targets: npt.NDArray[Any] | None = None
    unit: ClassVar[str] = "tokens"

    def __len__(self) -> int:
        return len(self.first)

    @property
    def lengths(self) -> Int64s:
        """Number of tokens of both texts, [rows, 2]."""
        return np.stack([self.first.lengths, self.second.lengths], axis=1)

    def take(self, indices: Int64s) -> "TowersDataset":
        """Return the rows at some indices, in that order."""
        targets = None if self.targets is None else self.targets[indices]
        return TowersDataset(_take(self.first, indices), _take(self.second, indices), targets)

    def batches(self, groups: Iterable[Group]) -> Iterator[TowersBatch]:
        """Yield the batch of each group; each side is padded to its own longest text."""
        for group in groups:
            first, second = (_pad(side, group, self.targets) for side in (self.first, self.second))
            yield TowersBatch(first, second)

    def in_order_of_length(self, batch_size: int = 256) -> Iterator[TowersBatch]:
        """Yield all rows once, the shortest first, for evaluation and prediction."""
        yield from self.batches(Bucketing(batch_size).in_order_of_length(self.lengths))


def _pad(side: Side, group: Group, targets: npt.NDArray[Any] | None) -> Batch:
    longest = int(side.lengths[group.rows].max(initial=1))
    return pad(side.values, side.offsets, Group(group.rows, longest), targets)


def _take(side: Side, indices: Int64s) -> Side:
    lengths = side.lengths[indices]
    places = flat_ranges(side.offsets[:-1][indices], lengths)
    return Side(side.values[places], bounds_of(lengths))
