"""Order of the batches of a training: which rows stand together in each step of an epoch.

Everything follows from (seed, epoch), so that a run can be resumed at any step without the batches
before it.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Protocol, runtime_checkable

from munjang.data.buckets import Bucketing, Group, padding_share
from munjang.data.dataset import Dataset
from munjang.text.columns import Int64s


class BatchOrder(Protocol):
    """The batches of every epoch of a training."""

    def steps(self, epoch: int) -> int:
        """Return the number of batches of an epoch (from 0)."""

    def groups(self, epoch: int, first: int = 0) -> Iterator[Group]:
        """Yield the rows of each batch of an epoch, from the batch number `first` on."""

    def sample(self) -> list[Group]:
        """Return the first batches of the first epoch: all, or enough to find the largest sizes."""

    def padding_share(self) -> float:
        """Return the share of padding among the positions of `sample`, 0 to 1."""


@runtime_checkable
class OrdersBatches(Protocol):
    """A dataset with an order of its own, since its rows are not all in memory."""

    def order(self, bucketing: Bucketing, seed: int) -> BatchOrder:
        """Return the order of batches that a seed determines."""


def order_batches(data: Dataset, bucketing: Bucketing, seed: int) -> BatchOrder:
    """Return the dataset's own order of batches, else that of rows shuffled as a whole."""
    if isinstance(data, OrdersBatches):
        return data.order(bucketing, seed)
    return ShuffledOrder(bucketing, data.lengths, seed)


class ShuffledOrder:
    """All rows of an epoch shuffled as a whole; the batches of one epoch are in memory.

    Args:
        bucketing: how rows are cut into batches.
        lengths: tokens per row, [rows] or [rows, 2].
        seed: random seed of the run.
    """

    def __init__(self, bucketing: Bucketing, lengths: Int64s, seed: int) -> None:
        self.bucketing, self.lengths, self.seed = bucketing, lengths, seed
        self._last: tuple[int, list[Group]] = (-1, [])

    def _shuffle(self, epoch: int) -> list[Group]:
        if self._last[0] != epoch:
            groups = self.bucketing.shuffle(self.lengths, (self.seed, epoch))
            self._last = (epoch, groups)
        return self._last[1]

    def steps(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        # under a token budget the epochs differ by a batch or so
        is_constant = self.bucketing.batch_tokens is None
        return len(self._shuffle(0 if is_constant else epoch))

    def groups(self, epoch: int, first: int = 0) -> Iterator[Group]:
        """Yield the rows of each batch of an epoch, from the batch number `first` on."""
        return islice(self._shuffle(epoch), first, None)

    def sample(self) -> list[Group]:
        """Return all batches of the first epoch."""
        return self._shuffle(0)

    def padding_share(self) -> float:
        """Return the share of padding among all positions of the first epoch, 0 to 1."""
        return padding_share(self._shuffle(0), self.lengths)
