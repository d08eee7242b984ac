"""Order of batches of a dataset in files: files are shuffled, and rows in a window of files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from munjang.data.buckets import Bucketing, Group
from munjang.data.shards.batch_counts import BatchCount, count_batches
from munjang.text.columns import Int64s

if TYPE_CHECKING:
    from munjang.data.shards.dataset import ShardedDataset

# Epochs whose numbers of steps are kept.
_MOST_EPOCHS = 64


@dataclass
class WindowedOrder:
    """Batches of rows of similar length, from a few files at a time.

    The files of an epoch are shuffled and cut into windows. The rows of a window are sorted by
    length, those of equal length at random, and cut into batches, which are shuffled. How many
    batches a window has follows from the lengths of its rows alone, which the manifest holds.

    Attributes:
        data: the dataset.
        bucketing: how rows are cut into batches.
        seed: random seed of the run.
    """

    data: "ShardedDataset"
    bucketing: Bucketing
    seed: int
    _counts: dict[int, list[int]] = field(default_factory=dict, init=False)

    def windows(self, epoch: int) -> list[Int64s]:
        """Return the numbers of the files of each window, in the order of an epoch."""
        random = np.random.default_rng((self.seed, epoch))
        files = random.permutation(len(self.data.entries))
        return [
            files[start : start + self.data.window]
            for start in range(0, len(files), self.data.window)
        ]

    def _batch_counts(self, epoch: int) -> list[int]:
        """Return the number of batches of each window of an epoch."""
        if epoch not in self._counts:
            if len(self._counts) >= _MOST_EPOCHS:
                self._counts.clear()
            self._counts[epoch] = [
                sum(batch.batches for batch in self._shapes(files)) for files in self.windows(epoch)
            ]
        return self._counts[epoch]

    def _shapes(self, files: Sequence[int] | Int64s) -> list[BatchCount]:
        return count_batches(self.data.histogram(files), self.bucketing)

    def steps(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        return sum(self._batch_counts(epoch))

    def groups(self, epoch: int, first: int = 0) -> Iterator[Group]:
        """Yield the rows of each batch of an epoch; windows before `first` are not opened."""
        counts = self._batch_counts(epoch)
        for number, files in enumerate(self.windows(epoch)):
            if first >= counts[number]:
                first -= counts[number]
                continue
            yield from self._groups(epoch, number, files)[first:]
            first = 0

    def _groups(self, epoch: int, number: int, files: Int64s) -> list[Group]:
        """Return all batches of a window."""
        rows, lengths = self.data.rows_and_lengths(files)
        groups = self.bucketing.shuffle_equal_lengths(lengths, (self.seed, epoch, number + 1))
        return [Group(rows[group.rows], group.time) for group in groups]

    def sample(self) -> list[Group]:
        """Return the batches of the first window."""
        return self._groups(0, 0, self.windows(0)[0])

    def padding_share(self) -> float:
        """Return the share of padding among the positions of the first epoch, 0 to 1."""
        shapes = [shape for files in self.windows(0) for shape in self._shapes(files)]
        places = sum(shape.batches * shape.rows * shape.time for shape in shapes)
        return 1 - self.data.tokens / places if places else 0.0
