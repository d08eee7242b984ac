"""Choice of held-out documents by the hash of their content, in bounded memory.

Those with the smallest hashes are held out, as many as fit into the wanted number of lines. So
equal documents are on one side, and the choice does not depend on the order of the files.
"""

import numpy as np

from munjang.data.shards.hashing import UInt64s
from munjang.text.columns import Int64s
from munjang.text.segmentation.codepoints import Bools

# Documents at a time that are collected before all but the smallest hashes are dropped, as a
# multiple of those that are kept; and hashes that are kept for those that are too large.
_SLACK, _SPARE = 4, 1000


class SmallestHashes:
    """The documents with the smallest hashes, as many different ones as lines may be chosen.

    A document that occurs so often, or is so long, that its lines are more than `most` is never
    chosen.

    Args:
        most: most lines of all chosen documents together.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._kept = most + _SPARE
        self._threshold = np.uint64(2**64 - 1)
        self._too_large = np.zeros(0, dtype=np.uint64)
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
        near = near[~np.isin(hashes[near], self._too_large)]
        if not len(near):
            return
        self._parts.append((hashes[near], numbers[near], lines[near]))
        self._collected += len(near)
        if self._collected > _SLACK * self._kept:
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
        is_chosen = _fill(sizes, most)
        if not is_chosen.any():
            is_chosen[sizes.argmin()] = True
        chosen = np.repeat(is_chosen, np.diff(ends, prepend=0))
        return np.sort(numbers[chosen]), int(lines[chosen].sum())

    def _drop(self) -> None:
        """Keep the documents with the smallest hashes that are not too large."""
        if not self._parts:
            return
        hashes, numbers, lines = (
            np.concatenate(column) for column in zip(*self._parts, strict=True)
        )
        order = np.argsort(hashes, kind="stable")
        hashes, numbers, lines = hashes[order], numbers[order], lines[order]
        sizes, ends = _sizes(hashes, lines)
        groups = hashes[ends - 1]
        self._too_large = np.union1d(self._too_large, groups[sizes > self.most])
        distinct = np.union1d(groups, self._too_large)
        if len(distinct) > self._kept:
            self._threshold = distinct[self._kept - 1]
            self._too_large = self._too_large[self._too_large <= self._threshold]
        near = (hashes <= self._threshold) & ~np.isin(hashes, self._too_large)
        self._parts = [(hashes[near], numbers[near], lines[near])] if near.any() else []
        self._collected = int(near.sum())


def _fill(sizes: Int64s, most: int) -> Bools:
    """Return True for each group that is taken, in order, leaving out those that do not fit."""
    is_taken = np.zeros(len(sizes), dtype=np.bool_)
    first, left = 0, most
    while len(fits := first + np.flatnonzero(sizes[first:] <= left)):
        totals = np.cumsum(sizes[fits])
        count = int(np.searchsorted(totals, left, side="right"))
        is_taken[fits[:count]] = True
        first, left = int(fits[count - 1]) + 1, left - int(totals[count - 1])
    return is_taken


def _sizes(hashes: UInt64s, lines: Int64s) -> tuple[Int64s, Int64s]:
    """Return lines and end of each run of equal hashes."""
    if not len(hashes):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.diff(hashes, prepend=hashes[0]) != 0)
    starts = np.concatenate([[0], starts])
    sizes: Int64s = np.add.reduceat(lines, starts)
    return sizes, np.append(starts[1:], len(hashes))
