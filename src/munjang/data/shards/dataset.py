"""Dataset of rows in files, of which only some are mapped into memory at a time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from munjang.data.batches import Batch, TextDataset
from munjang.data.buckets import Bucketing, Group
from munjang.data.order import BatchOrder
from munjang.data.shards.manifest import PartEntry, ShardEntry
from munjang.data.shards.order import WindowedOrder
from munjang.data.shards.shard import Shard, open_shard
from munjang.text.columns import Int64s, flat_ranges, token_column


@dataclass(frozen=True)
class ShardedDataset:
    """Rows of ids in files, without targets.

    Attributes:
        folder: folder of the files.
        part: what the manifest says about them.
        vocabulary_size: all ids are below it.
        window: number of files that are open at a time, whose rows are shuffled together.
        keep: kept as long as the dataset is, such as a temporary folder.
    """

    folder: Path
    part: PartEntry
    vocabulary_size: int
    window: int
    keep: Any = None
    unit: ClassVar[str] = "tokens"
    targets: ClassVar[None] = None
    _open: dict[int, Shard] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def entries(self) -> tuple[ShardEntry, ...]:
        """The files."""
        return self.part.shards

    def __len__(self) -> int:
        return self.part.rows

    @property
    def tokens(self) -> int:
        """Number of tokens of all rows."""
        return self.part.tokens

    @property
    def starts(self) -> Int64s:
        """Number of the first row of each file, and the number of rows."""
        return np.cumsum([0, *(entry.rows for entry in self.entries)], dtype=np.int64)

    @property
    def lengths(self) -> Int64s:
        """Number of tokens of each row, [rows]; every file is read for it."""
        return self.rows_and_lengths(np.arange(len(self.entries)))[1]

    def shard(self, number: int) -> Shard:
        """Return a file, opened and checked; the one opened first is closed if there are many.

        Raises:
            FolderError: the file is damaged.
        """
        found = self._open.get(number)
        if found is None:
            while len(self._open) >= self.window:
                del self._open[next(iter(self._open))]
            found = open_shard(self.folder, self.entries[number], self.vocabulary_size)
            self._open[number] = found
        return found

    def histogram(self, files: Sequence[int] | Int64s) -> tuple[Int64s, Int64s]:
        """Return the lengths of the rows of some files, ascending, and how many rows have each."""
        parts = [self.entries[number].histogram for number in files]
        lengths = np.concatenate([lengths for lengths, _ in parts])
        counts = np.concatenate([counts for _, counts in parts])
        distinct, places = np.unique(lengths, return_inverse=True)
        return distinct, np.bincount(places, counts).astype(np.int64)

    def rows_and_lengths(self, files: Sequence[int] | Int64s) -> tuple[Int64s, Int64s]:
        """Return the numbers of the rows of some files, and their lengths."""
        starts = self.starts
        rows = [np.arange(starts[number], starts[number + 1]) for number in files]
        lengths = [np.diff(self.shard(int(number)).offsets) for number in files]
        none = np.zeros(0, dtype=np.int64)
        return np.concatenate([none, *rows]), np.concatenate([none, *lengths])

    def take(self, indices: Int64s) -> TextDataset:
        """Return some rows, in memory."""
        files = self._files_of(indices)
        lengths = np.zeros(len(indices), dtype=np.int64)
        for number in np.unique(files):
            at = np.flatnonzero(files == number)
            lengths[at] = np.diff(self.shard(int(number)).offsets)[
                indices[at] - self.starts[number]
            ]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        values = np.zeros(offsets[-1], dtype=np.int32)
        for number in np.unique(files):
            at, shard = np.flatnonzero(files == number), self.shard(int(number))
            begins = shard.offsets[indices[at] - self.starts[number]]
            tokens = shard.values[flat_ranges(begins, lengths[at])]
            values[flat_ranges(offsets[at], lengths[at])] = tokens
        return TextDataset(token_column(values, offsets))

    def batches(self, groups: Iterable[Group]) -> Iterator[Batch]:
        """Yield the batch of each group, made when it is asked for."""
        for group in groups:
            yield self._pad(group)

    def _pad(self, group: Group) -> Batch:
        files, positions = self._files_of(group.rows), np.arange(group.time)
        ids = np.zeros((len(group.rows), group.time), dtype=np.int64)
        lengths = np.zeros(len(group.rows), dtype=np.int64)
        for number in np.unique(files):
            at, shard = np.flatnonzero(files == number), self.shard(int(number))
            rows = group.rows[at] - self.starts[number]
            begins = shard.offsets[rows]
            lengths[at] = shard.offsets[rows + 1] - begins
            if len(shard.values):
                ids[at] = shard.values.take(begins[:, None] + positions, mode="clip")
        mask = positions < lengths[:, None]
        return Batch(
            ids=torch.from_numpy(ids * mask),  # places after the end of a row are PAD, 0
            lengths=torch.from_numpy(lengths),
            mask=torch.from_numpy(mask),
            rows=torch.from_numpy(group.rows),
        )

    def _files_of(self, rows: Int64s) -> Int64s:
        """Return the number of the file of each row."""
        files: Int64s = np.searchsorted(self.starts, rows, side="right") - 1
        return files

    def in_order_of_length(self, batch_size: int = 256) -> Iterator[Batch]:
        """Yield all rows once, a window of files at a time, the shortest of each first."""
        bucketing = Bucketing(batch_size)
        for start in range(0, len(self.entries), self.window):
            files = np.arange(start, min(start + self.window, len(self.entries)))
            rows, lengths = self.rows_and_lengths(files)
            for group in bucketing.in_order_of_length(lengths):
                yield self._pad(Group(rows[group.rows], group.time))

    def order(self, bucketing: Bucketing, seed: int) -> BatchOrder:
        """Return the order of batches that a seed determines."""
        return WindowedOrder(self, bucketing, seed)
