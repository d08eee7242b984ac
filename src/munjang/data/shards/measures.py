"""Lengths, copies and overlaps of lines, measured as the lines arrive, in bounded memory."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from munjang.data.repeats import EXAMPLES, MAX_SHOWN, Repeat, Repeats
from munjang.data.shards.hashing import UInt64s
from munjang.text.columns import Int64s

# Different lines whose copies are counted: those with the smallest hashes.
MOST_DISTINCT = 100_000
# How many are collected, as a multiple of those, before all others are dropped.
_SLACK = 4


class LengthCounts:
    """Numbers of lines by length."""

    def __init__(self) -> None:
        self._counts = np.zeros(0, dtype=np.int64)

    def add(self, lengths: Int64s, counts: Int64s | None = None) -> None:
        """Count some lines by their lengths; with `counts` so many of each length."""
        added = np.bincount(lengths, counts, minlength=len(self._counts)).astype(np.int64)
        added[: len(self._counts)] += self._counts
        self._counts = added

    @property
    def histogram(self) -> tuple[Int64s, Int64s]:
        """The lengths that occur, ascending, and how many lines have each."""
        lengths = np.flatnonzero(self._counts)
        return lengths, self._counts[lengths]


@dataclass(frozen=True)
class Copies:
    """Different lines, and how often each occurs.

    Attributes:
        frame: `hash`, ascending, number of `rows`, number of the first `line`, and its `text`.
        is_whole: True if these are all lines, False if they are those with the smallest hashes.
    """

    frame: pl.DataFrame
    is_whole: bool

    @property
    def rows(self) -> int:
        """Number of all copies."""
        return int(self.frame["rows"].sum())

    def repeats(self) -> Repeats:
        """Return the lines that occur more than once. `rows` does not count first occurrences."""
        frame = self.frame.filter(pl.col("rows") > 1)
        return Repeats(len(frame), int(frame["rows"].sum()) - len(frame), _examples(frame))


class CopyCounter:
    """Counts the copies of each line, of the lines with the smallest hashes if there are many.

    Each copy of a line has the same hash, so that those which are kept are counted to the last.

    Args:
        most: number of different lines to keep.
    """

    def __init__(self, most: int = MOST_DISTINCT) -> None:
        self.most = most
        self._is_whole = True
        self._threshold = np.uint64(2**64 - 1)
        self._parts: list[pl.DataFrame] = []
        self._collected = 0

    def add(self, hashes: UInt64s, texts: pl.Series, lines: Int64s) -> None:
        """Count lines by hash, with their texts and their numbers, which ascend."""
        near = np.flatnonzero(hashes <= self._threshold)
        if not len(near):
            return
        shown = texts.gather(near).str.head(MAX_SHOWN)
        rows = np.ones(len(near), dtype=np.int64)
        columns = {"hash": hashes[near], "rows": rows, "line": lines[near], "text": shown}
        self._parts.append(_group(pl.DataFrame(columns)))
        self._collected += len(self._parts[-1])
        if self._collected > _SLACK * self.most:
            self._drop()

    def finish(self) -> Copies:
        """Return the lines that were kept."""
        self._drop()
        return Copies(self._parts[0], self._is_whole)

    def _drop(self) -> None:
        """Keep the lines with the smallest hashes."""
        empty = {"hash": pl.UInt64, "rows": pl.Int64, "line": pl.Int64, "text": pl.String}
        frame = _group(pl.concat([pl.DataFrame(schema=empty), *self._parts])).sort("hash")
        if len(frame) > self.most:
            frame = frame.head(self.most)
            self._is_whole = False
            self._threshold = np.uint64(frame["hash"][-1])
        self._parts, self._collected = [frame], len(frame)


class Overlap:
    """Finds which lines of a test occur among others, which arrive in blocks.

    Args:
        test: the lines of the test.
    """

    def __init__(self, test: Copies) -> None:
        self.test = test
        self._hashes = test.frame["hash"].to_numpy()
        self._is_found = np.zeros(len(self._hashes), dtype=np.bool_)

    def add(self, hashes: UInt64s) -> None:
        """Look for lines by their hashes."""
        places = np.searchsorted(self._hashes, hashes)
        inside = places < len(self._hashes)
        places, hashes = places[inside], hashes[inside]
        self._is_found[places[self._hashes[places] == hashes]] = True

    def repeats(self) -> Repeats:
        """Return the lines of the test that were found. `rows` counts those of the test."""
        frame = self.test.frame.filter(pl.Series(self._is_found))
        return Repeats(len(frame), int(frame["rows"].sum()), _examples(frame))


def _group(frame: pl.DataFrame) -> pl.DataFrame:
    """Return one row per hash: the sum of the rows, and the first line with its text."""
    first = pl.col("line", "text").sort_by("line").first()
    return frame.group_by("hash").agg(pl.col("rows").sum(), first)


def _examples(frame: pl.DataFrame) -> tuple[Repeat, ...]:
    """Return the most frequent lines, of equally frequent ones the first."""
    best = frame.sort(["rows", "line"], descending=[True, False]).head(EXAMPLES)
    return tuple(Repeat(text, rows, {}, ()) for text, rows in best.select("text", "rows").rows())
