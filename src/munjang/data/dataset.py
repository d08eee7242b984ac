"""What the training loop and prediction need of any data: texts, images, or what comes after."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Protocol, Self

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
        """The same batch on another device."""


class Dataset(Protocol):
    """Rows with their targets, cut into batches when asked."""

    unit: ClassVar[str]  # what speed is counted in, such as "tokens"

    def __len__(self) -> int:
        """How many rows."""

    @property
    def lengths(self) -> Int64s:
        """Of each row, by which rows are put together; all 1 where none is longer than another."""

    @property
    def targets(self) -> npt.NDArray[Any] | None:
        """[rows, ...], or None for prediction."""

    def batches(self, groups: Iterable[Group]) -> Iterator[AnyBatch]:
        """The batch of each group, made when it is asked for."""

    def in_order_of_length(self, batch_rows: int = 256) -> Iterator[AnyBatch]:
        """All rows once, always in the same batches: for evaluation and prediction."""


class IndexedDataset(Dataset, Protocol):
    """A dataset of which some rows can be taken."""

    def take(self, rows: Int64s) -> Self:
        """Return the dataset of some rows, in that order."""
