"""Which rows go together: rows of about the same length, so that padding costs little.

Either boundaries by hand, as in Keras-style bucketing ("10,100": rows of 1-10 tokens padded to 10,
of 11-100 to 100), or rows sorted by length with seeded noise. A batch holds a number of rows or a
budget of tokens, padding counted.

Rows of two sides, such as a source and its target, go by the longer one: it has the boundaries and
the budget. Among rows whose longer side is as long, those with a like other side stand together.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from munjang.errors import ConfigError
from munjang.text.columns import Int64s

# A batch of very long rows has fewer of them than `batch_rows`: so many tokens a row on average,
# padding counted, or memory would have no bound.
_TOKENS_PER_ROW = 512


@dataclass(frozen=True)
class Group:
    """Rows of one batch.

    Attributes:
        rows: row numbers in the column.
        time: how many tokens each is padded to.
    """

    rows: Int64s
    time: int


def parse_boundaries(text: str) -> tuple[int, ...]:
    """`"10,100"` to (10, 100). Raises `ConfigError` unless whole numbers that rise."""
    try:
        boundaries = tuple(int(part) for part in text.split(","))
    except ValueError:
        boundaries = ()
    if not boundaries or boundaries[0] < 1 or any(np.diff(boundaries) <= 0):
        raise ConfigError(
            f"bucket boundaries are rising whole numbers such as 10,100; got '{text}'"
        )
    return boundaries


@dataclass(frozen=True)
class Bucketing:
    """How to cut a column into batches.

    Attributes:
        batch_rows: rows of a batch, fewer where they are very long; None when `batch_tokens` rules.
        batch_tokens: most tokens of a batch, padding counted; None when `batch_rows` rules.
        boundaries: lengths to pad to, rising; None sorts by length instead.
        noise: with sorting, each length is moved by up to this share of itself, so that batches
            differ from pass to pass.
    """

    batch_rows: int | None = 64
    batch_tokens: int | None = None
    boundaries: tuple[int, ...] | None = None
    noise: float = 0.1

    def __post_init__(self) -> None:
        if (self.batch_rows is None) == (self.batch_tokens is None):
            raise ConfigError("give batch_rows or batch_tokens, one of the two")

    def shuffled(self, lengths: Int64s, seed: tuple[int, ...]) -> list[Group]:
        """One pass over all rows in random order; the same `seed` gives the same pass.

        Args:
            lengths: of each row, [rows] or [rows, 2].
            seed: of the noise and the order.
        """
        random = np.random.default_rng(seed)
        longer = _longer_side(lengths)
        keys = longer * (1 + self.noise * random.random(len(longer))) + random.random(len(longer))
        groups = list(self._cut(longer, _order(lengths, keys), random))
        random.shuffle(groups)
        return groups

    def in_order_of_length(self, lengths: Int64s) -> list[Group]:
        """One pass over all rows, the shortest first, always the same."""
        longer = _longer_side(lengths)
        return list(self._cut(longer, _order(lengths, longer.astype(np.float64)), None))

    def _cut(
        self, lengths: Int64s, order: Int64s, random: np.random.Generator | None
    ) -> Iterator[Group]:
        if self.boundaries is None:
            yield from self._chunks(order, lengths, None)
            return
        bucket = np.searchsorted(self.boundaries, lengths)
        if len(lengths) and bucket.max() == len(self.boundaries):
            raise ConfigError(
                f"a row of {lengths.max()} tokens is longer than the last bucket "
                f"({self.boundaries[-1]}): raise it, or truncate to it"
            )
        for number, width in enumerate(self.boundaries):
            rows = np.flatnonzero(bucket == number)
            if random is not None:
                random.shuffle(rows)
            yield from self._chunks(rows, lengths, width)

    def _chunks(self, rows: Int64s, lengths: Int64s, width: int | None) -> Iterator[Group]:
        if self.batch_rows is not None:
            yield from self._by_rows(rows, lengths, width, self.batch_rows)
            return
        yield from self._by_tokens(rows, lengths, width)

    def _by_rows(
        self, rows: Int64s, lengths: Int64s, width: int | None, most: int
    ) -> Iterator[Group]:
        start = 0
        while start < len(rows):
            part = rows[start : start + most]
            longest = np.maximum.accumulate(lengths[part]) if width is None else width
            places = longest * np.arange(1, len(part) + 1)
            part = part[: max(1, np.count_nonzero(places <= most * _TOKENS_PER_ROW))]
            yield Group(part, width or max(int(lengths[part].max()), 1))
            start += len(part)

    def _by_tokens(self, rows: Int64s, lengths: Int64s, width: int | None) -> Iterator[Group]:
        budget = self.batch_tokens or 1
        start, time = 0, 1
        for place, row in enumerate(rows):
            longer = width or max(time, int(lengths[row]))
            if place > start and longer * (place - start + 1) > budget:
                yield Group(rows[start:place], time)
                start, longer = place, width or max(int(lengths[row]), 1)
            time = longer
        if start < len(rows):
            yield Group(rows[start:], time)


def _longer_side(lengths: Int64s) -> Int64s:
    """[rows] or [rows, 2] to [rows]."""
    return lengths if lengths.ndim == 1 else lengths.max(axis=1)


def _order(lengths: Int64s, keys: npt.NDArray[np.float64]) -> Int64s:
    """Rows by rising key; of two sides by whole keys, and then by the difference of the sides."""
    if lengths.ndim == 1:
        return np.argsort(keys, kind="stable")
    return np.lexsort((lengths[:, 1] - lengths[:, 0], np.floor(keys)))


def padding_share(groups: list[Group], lengths: Int64s) -> float:
    """Share of padding among all places of all batches, 0 to 1."""
    if lengths.ndim == 1:
        places = sum(len(group.rows) * group.time for group in groups)
    else:  # each side is padded to its own longest
        places = sum(len(g.rows) * int(lengths[g.rows].max(axis=0).sum()) for g in groups)
    return 1 - float(lengths.sum()) / places if places else 0.0
