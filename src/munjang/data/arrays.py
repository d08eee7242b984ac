"""Datasets of arrays of one shape, such as images."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from munjang.data.buckets import Bucketing, Group
from munjang.text.columns import Int64s


@dataclass(frozen=True)
class ArrayBatch:
    """Rows of one batch.

    Attributes:
        values: [batch, ...] of the type that the dataset has.
        rows: [batch] int64, index of each row in its dataset.
        targets: [batch, ...], or None.
    """

    values: Tensor
    rows: Tensor
    targets: Tensor | None = None

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The arguments of the network: the values."""
        return (self.values,)

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.values)

    @property
    def row_sizes(self) -> Tensor:
        """1 for each row, [batch]."""
        return torch.ones_like(self.rows)

    def take(self, rows: Tensor) -> "ArrayBatch":
        """Return the rows at some places, in that order."""
        targets = None if self.targets is None else self.targets[rows]
        return ArrayBatch(self.values[rows], self.rows[rows], targets)

    def to(self, device: torch.device) -> "ArrayBatch":
        """Return the batch on another device."""
        if device.type == "cpu":
            return self
        return ArrayBatch(
            values=self.values.to(device),
            rows=self.rows.to(device),
            targets=None if self.targets is None else self.targets.to(device),
        )


@dataclass(frozen=True)
class ArrayDataset:
    """Arrays of one shape with their targets; a row is read when its batch is asked for.

    Attributes:
        values: [rows, ...]; may be mapped from a file (`numpy.memmap`).
        targets: [rows, ...], or None for prediction.
        unit: unit of sizes and speeds.
    """

    values: npt.NDArray[Any]
    targets: npt.NDArray[Any] | None = None
    unit: str = "rows"

    def __len__(self) -> int:
        return len(self.values)

    @property
    def lengths(self) -> Int64s:
        """1 for each row: none is longer than another."""
        return np.ones(len(self.values), dtype=np.int64)

    def take(self, indices: Int64s) -> "ArrayDataset":
        """Return the rows at some indices, in that order."""
        targets = None if self.targets is None else self.targets[indices]
        return ArrayDataset(self.values[indices], targets, self.unit)

    def batches(self, groups: Iterable[Group]) -> Iterator[ArrayBatch]:
        """Yield the batch of each group, made when it is asked for."""
        for group in groups:
            targets = None if self.targets is None else torch.from_numpy(self.targets[group.rows])
            values = torch.from_numpy(self.values[group.rows])
            yield ArrayBatch(values, torch.from_numpy(group.rows), targets)

    def in_order_of_length(self, batch_size: int = 256) -> Iterator[ArrayBatch]:
        """Yield all rows once, in their order."""
        yield from self.batches(Bucketing(batch_size).in_order_of_length(self.lengths))
