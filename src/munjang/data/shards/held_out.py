"""Choice of held-out documents by the hash of their content, in bounded memory.

The documents with the smallest hashes are held out, so that equal ones are on one side, and the
choice does not depend on the order of the files.
"""

import numpy as np

from munjang.data.shards.hashing import UInt64s
from munjang.text.columns import Int64s

# Documents at a time that are collected before all but the smallest are dropped.
_SLACK = 4


class SmallestHashes:
    """The documents with the smallest hashes, of `most` lines at most.

    A document that occurs so often, or is so long, that its lines are more than `most` is never
    among them.

    Args:
        most: most lines of all chosen documents together.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._threshold = np.uint64(2**64 - 1)
        self._too_large: set[int] = set()
        self._parts: list[tuple[UInt64s, Int64s, Int64s]] = []
        self._collected = 0

    def add(self, hashes: UInt64s, numbers: Int64s, lines: Int64s) -> None:
        """Add documents.

        Args:
            hashes: hash of each.
            numbers: number of each.
            lines: number of lines of each.
        """
        near = np.flatnonzero(hashes <= self._threshold)
        if not len(near):
            return
        self._parts.append((hashes[near], numbers[near], lines[near]))
        self._collected += len(near)
        if self._collected > _SLACK * self.most:
            self._drop()

    def choose(self, most: int) -> tuple[Int64s, int]:
        """Return the numbers of the chosen documents, ascending, and how many lines they have.

        Args:
            most: most lines, though at least one document is chosen if any is small enough.
        """
        self._drop()
        if not self._parts:
            return np.zeros(0, dtype=np.int64), 0
        hashes, numbers, lines = self._parts[0]
        sizes, ends = _sizes(hashes, lines)
        groups = max(1, int(np.count_nonzero(np.cumsum(sizes) <= most)))
        chosen = slice(0, ends[groups - 1])
        return np.sort(numbers[chosen]), int(lines[chosen].sum())

    def _drop(self) -> None:
        """Keep the documents with the smallest hashes."""
        if not self._parts:
            return
        hashes, numbers, lines = (
            np.concatenate(column) for column in zip(*self._parts, strict=True)
        )
        banned = np.isin(hashes, np.array(sorted(self._too_large), dtype=np.uint64))
        order = np.flatnonzero(~banned)
        order = order[np.argsort(hashes[order], kind="stable")]
        hashes, numbers, lines = hashes[order], numbers[order], lines[order]
        sizes, ends = _sizes(hashes, lines)
        if (sizes > self.most).any():
            self._too_large.update(hashes[ends[sizes > self.most] - 1].tolist())
            self._parts = [(hashes, numbers, lines)]
            self._drop()
            return
        groups = int(np.count_nonzero(np.cumsum(sizes) <= self.most))
        end = int(ends[groups - 1]) if groups else 0
        if end < len(hashes):
            self._threshold = hashes[end - 1]
        self._parts = [(hashes[:end], numbers[:end], lines[:end])] if end else []
        self._collected = end


def _sizes(hashes: UInt64s, lines: Int64s) -> tuple[Int64s, Int64s]:
    """Return lines and end of each run of equal hashes."""
    if not len(hashes):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.diff(hashes, prepend=hashes[0]) != 0)
    starts = np.concatenate([[0], starts])
    sizes: Int64s = np.add.reduceat(lines, starts)
    return sizes, np.append(starts[1:], len(hashes))
