"""What the training loop and prediction need of any data: texts, images, or what comes after."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, Self

import numpy.typing as npt
import torch
from torch import Tensor

from munjang.data.buckets import Group
from munjang.text.columns import Int64s


class AnyBatch(Protocol):
    """What a network sees of some rows."""

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What the network is called with, each [batch, ...]."""

    @property
    def rows(self) -> Tensor:
        """[batch] int64, where each row stands in its dataset."""

    @property
    def targets(self) -> Tensor | None:
        """[batch, ...], or None for prediction."""

    @property
    def size(self) -> int:
        """How much stands in it, in the dataset's unit; padding does not count."""

    def to(self, device: torch.device) -> Self:
        """Return the batch on another device."""


class Dataset(Protocol):
    """Rows with their targets, read when their batch is asked for.

    Lengths and targets stand in memory, some bytes per row. The rows themselves are asked for by
    place and may stand in files that are mapped into memory.
    """

    @property
    def unit(self) -> str:
        """What speed is counted in, such as "tokens"."""

    def __len__(self) -> int:
        """Return the number of rows."""

    @property
    def lengths(self) -> Int64s:
        """Of each row, by which rows are put together; all 1 where none is longer than another."""

    @property
    def targets(self) -> npt.NDArray[Any] | None:
        """[rows, ...], or None for prediction."""

    def take(self, places: Int64s) -> Self:
        """Return the rows at some places, in that order."""

    def batches(self, groups: Iterable[Group]) -> Iterator[AnyBatch]:
        """Yield the batch of each group, made when it is asked for."""

    def in_order_of_length(self, batch_size: int = 256) -> Iterator[AnyBatch]:
        """Yield all rows once, always in the same batches, for evaluation and prediction."""
