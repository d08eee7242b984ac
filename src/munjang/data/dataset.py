"""Protocols of datasets and batches, for any kind of data."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, Self, runtime_checkable

import numpy.typing as npt
import torch
from torch import Tensor

from munjang.data.buckets import Group
from munjang.text.columns import Int64s


class AnyBatch(Protocol):
    """Some rows as tensors."""

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The arguments of the network, each [batch, ...]."""

    @property
    def rows(self) -> Tensor:
        """Index of each row in its dataset, [batch] int64."""

    @property
    def targets(self) -> Tensor | None:
        """Targets [batch, ...], or None for prediction."""

    @property
    def size(self) -> int:
        """Size in the unit of the dataset, padding not counted."""

    def to(self, device: torch.device) -> Self:
        """Return the batch on another device."""


@runtime_checkable
class DividableBatch(AnyBatch, Protocol):
    """A batch of which rows can be taken, so that several workers share it."""

    @property
    def row_sizes(self) -> Tensor:
        """Size of each row, padding not counted, [batch] int64."""

    def take(self, rows: Tensor) -> Self:
        """Return the rows at some places of the batch [rows] int64, in that order."""


class Dataset(Protocol):
    """Rows with their targets, read when their batch is asked for.

    The rows are read by index and may be in files that are mapped into memory. Lengths and targets
    are in memory, some bytes per row, unless the dataset has an order of batches of its own
    (`munjang.data.order`).
    """

    @property
    def unit(self) -> str:
        """Unit of sizes and speeds, such as "tokens"."""

    def __len__(self) -> int:
        """Return the number of rows."""

    @property
    def lengths(self) -> Int64s:
        """Lengths by which rows are put into batches; all 1 if rows have one shape."""

    @property
    def targets(self) -> npt.NDArray[Any] | None:
        """Targets [rows, ...], or None for prediction."""

    def take(self, indices: Int64s) -> "Dataset":
        """Return the rows at some indices, in that order, perhaps in memory."""

    def batches(self, groups: Iterable[Group]) -> Iterator[AnyBatch]:
        """Yield the batch of each group, made when it is asked for."""

    def in_order_of_length(self, batch_size: int = 256) -> Iterator[AnyBatch]:
        """Yield all rows once, always in the same batches, for evaluation and prediction."""
