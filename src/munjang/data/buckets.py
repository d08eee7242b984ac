"""Bucketing: batches of rows of similar length, so that padding costs little.

Either explicit boundaries, as in Keras ("10,100": rows of 1-10 tokens padded to 10, of 11-100 to
100), or rows sorted by length with seeded noise. A batch holds a number of rows, or a budget of
tokens including padding.

Rows of two sides, such as a source and its target, are bucketed by the longer side. Rows whose
longer sides are equally long are sorted by the other side.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from munjang.config import LONGEST, shown
from munjang.errors import ConfigError
from munjang.text.columns import Int64s

# A batch of very long rows has fewer than `batch_size` of them: at most this many tokens per row on
# average, including padding, or memory would have no bound.
_TOKENS_PER_ROW = 512


@dataclass(frozen=True)
class Group:
    """Rows of one batch.

    Attributes:
        rows: indices of the rows [batch].
        time: number of tokens that each is padded to.
    """

    rows: Int64s
    time: int

    @property
    def places(self) -> int:
        """Number of positions of the batch, padding counted."""
        return len(self.rows) * self.time


def parse_boundaries(text: str) -> tuple[int, ...]:
    """Parse boundaries: "10,100" gives (10, 100).

    Raises:
        ConfigError: the boundaries are not ascending whole numbers, or too large.
    """
    try:
        boundaries = tuple(int(part) for part in text.split(","))
    except ValueError:
        boundaries = ()
    pairs = pairwise(boundaries)
    if not boundaries or boundaries[0] < 1 or any(a >= b for a, b in pairs):
        raise ConfigError(
            f"bucket boundaries are ascending whole numbers such as 10,100; got {shown(text)}"
        )
    if boundaries[-1] > LONGEST:
        raise ConfigError(f"bucket boundaries are at most {LONGEST}; got {shown(text)}")
    return boundaries


@dataclass(frozen=True)
class Bucketing:
    """Method of cutting rows into batches.

    Attributes:
        batch_size: rows per batch, fewer if they are very long; None with `batch_tokens`.
        batch_tokens: maximum tokens per batch, including padding; None with `batch_size`.
        boundaries: lengths to pad to, ascending; None sorts by length instead.
        noise: with sorting, each length is increased by up to this share of itself, so that
            batches differ from epoch to epoch.
    """

    batch_size: int | None = 64
    batch_tokens: int | None = None
    boundaries: tuple[int, ...] | None = None
    noise: float = 0.1

    def __post_init__(self) -> None:
        if (self.batch_size is None) == (self.batch_tokens is None):
            raise ConfigError("give either batch_size or batch_tokens")

    def shuffle(self, lengths: Int64s, seed: tuple[int, ...]) -> list[Group]:
        """Group all rows for one epoch in random order, which `seed` determines.

        Args:
            lengths: tokens per row, [rows] or [rows, 2].
            seed: random seed of the noise and the order.
        """
        random = np.random.default_rng(seed)
        longer = _longer_side_lengths(lengths)
        keys = longer * (1 + self.noise * random.random(len(longer))) + random.random(len(longer))
        groups = list(self._cut(longer, _sort_rows(lengths, keys), random))
        random.shuffle(groups)
        return groups

    def in_order_of_length(self, lengths: Int64s) -> list[Group]:
        """Group all rows once, the shortest first.

        Args:
            lengths: tokens per row, [rows] or [rows, 2].
        """
        longer = _longer_side_lengths(lengths)
        return list(self._cut(longer, _sort_rows(lengths, longer.astype(np.float64)), None))

    def shuffle_equal_lengths(self, lengths: Int64s, seed: tuple[int, ...]) -> list[Group]:
        """Group all rows for one epoch in random order, sorted by length without noise.

        Rows of equal length are in random order. How many groups there are, and their sizes, follow
        from the lengths alone. It suits many rows, of which many have the same length.

        Args:
            lengths: tokens per row [rows].
            seed: random seed of the order.
        """
        random = np.random.default_rng(seed)
        order = random.permutation(len(lengths))
        order = order[np.argsort(lengths[order], kind="stable")]
        groups = list(self._cut(lengths, order, random))
        random.shuffle(groups)
        return groups

    def limits(self, shortest: int) -> tuple[int, int]:
        """Return the most rows of a batch, and its most positions, padding counted.

        Args:
            shortest: tokens of its shortest row.
        """
        if self.batch_size is not None:
            return self.batch_size, self.batch_size * _TOKENS_PER_ROW
        budget = self.batch_tokens or 1
        return max(1, budget // shortest), budget

    def _cut(
        self, lengths: Int64s, order: Int64s, random: np.random.Generator | None
    ) -> Iterator[Group]:
        lengths = np.maximum(lengths, 1)  # a row without tokens is padded to one
        if self.boundaries is None:
            yield from self._chunks(order, lengths, None)
            return
        bucket = np.searchsorted(self.boundaries, lengths)
        if len(lengths) and bucket.max() == len(self.boundaries):
            raise ConfigError(
                f"a row of {lengths.max()} tokens is longer than the last bucket "
                f"({self.boundaries[-1]}): raise it, or truncate to it"
            )
        for number in np.unique(bucket).tolist():
            rows, width = np.flatnonzero(bucket == number), self.boundaries[number]
            if random is not None:
                random.shuffle(rows)
            # no further than the longest row of all: a bucket may be far larger
            yield from self._chunks(rows, lengths, min(width, int(lengths.max())))

    def _chunks(self, rows: Int64s, lengths: Int64s, width: int | None) -> Iterator[Group]:
        """Cut rows into batches, in their order; each is as large as the limits allow."""
        start = 0
        while start < len(rows):
            most, budget = self.limits(width or int(lengths[rows[start]]))
            batch = rows[start : start + most]
            longest = width or np.maximum.accumulate(lengths[batch])
            sizes = longest * np.arange(1, len(batch) + 1)
            batch = batch[: max(1, np.count_nonzero(sizes <= budget))]
            yield Group(batch, width or int(lengths[batch].max()))
            start += len(batch)


def group_equal_lengths(
    lengths: Int64s, *, batch_size: int, batch_tokens: int, enough_tokens: int
) -> list[Group]:
    """Group all rows once, the shortest first, with hardly any padding.

    A batch ends where the next row is longer, if it has enough tokens by then to use the processor
    fully.

    Args:
        lengths: tokens per row, [rows].
        batch_size: most rows of a batch.
        batch_tokens: most tokens of a batch, unless a single row has more.
        enough_tokens: tokens of a batch from which on it is not filled with longer rows.
    """
    order = np.argsort(lengths, kind="stable")
    ordered = np.maximum(lengths[order], 1)  # a row without tokens is padded to one
    ends = [*(np.flatnonzero(np.diff(ordered)) + 1).tolist(), len(ordered)]
    groups: list[Group] = []
    start = previous = 0
    for end in ends:
        if end == 0:
            break
        if (previous - start) * int(ordered[previous - 1]) >= enough_tokens:
            groups.append(Group(order[start:previous], int(ordered[previous - 1])))
            start = previous
        time = int(ordered[end - 1])
        most = min(batch_size, max(1, batch_tokens // time))
        while end - start > most:
            stop = start + most
            groups.append(Group(order[start:stop], int(ordered[stop - 1])))
            start = stop
        previous = end
    if start < len(ordered):
        groups.append(Group(order[start:], int(ordered[-1])))
    return groups


def _longer_side_lengths(lengths: Int64s) -> Int64s:
    """Return the length of the longer side [rows]."""
    return lengths if lengths.ndim == 1 else lengths.max(axis=1)


def _sort_rows(lengths: Int64s, keys: npt.NDArray[np.float64]) -> Int64s:
    """Sort rows by key; rows of two sides by the integer key, then by the difference of sides."""
    if lengths.ndim == 1:
        return np.argsort(keys, kind="stable")
    return np.lexsort((lengths[:, 1] - lengths[:, 0], np.floor(keys)))


def padding_share(groups: list[Group], lengths: Int64s) -> float:
    """Return the share of padding among all positions of all batches, 0 to 1.

    Args:
        groups: rows of each batch.
        lengths: tokens per row, [rows] or [rows, 2].
    """
    if lengths.ndim == 1:
        positions = sum(len(group.rows) * group.time for group in groups)
    else:  # each side is padded to its own longest
        positions = sum(len(g.rows) * int(lengths[g.rows].max(axis=0).sum()) for g in groups)
    return 1 - float(lengths.sum()) / positions if positions else 0.0
