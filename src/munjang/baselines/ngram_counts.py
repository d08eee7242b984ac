"""Counts of the n-grams of a stream of tokens, as sorted arrays.

The n-grams of each length are numbered in the order of their keys:

    key = number of the first n - 1 tokens * vocabulary size + last token

so that an n-gram is one integer, however long it is. Counting is sorting: for each length the keys
of all places of the stream are sorted once, and no loop in Python goes over tokens.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Ids = npt.NDArray[np.integer[Any]]  # of either

MOST_TOKENS = 2**31 - 1  # n-grams are numbered by 32 bits


@dataclass(frozen=True, eq=False)
class Ngrams:
    """The distinct n-grams of one length, with their counts.

    Attributes:
        keys: ascending, [ngrams].
        counts: 1 or more, [ngrams].
    """

    keys: Int64s
    counts: Int32s

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, eq=False)
class _Counted:
    """The n-grams of one length, and where they stand.

    Attributes:
        ngrams: with the number of times that each occurs.
        suffixes: number of the last n - 1 tokens of each among the shorter ones, [ngrams].
        numbers: number of the n-gram that ends at each token, from the first place that has one,
            [tokens - n + 1].
    """

    ngrams: Ngrams
    suffixes: Int32s
    numbers: Int32s


def count_ngrams(ids: Ids, vocabulary_size: int, order: int) -> Iterator[tuple[Ngrams, ...]]:
    """Yield the counts that Kneser-Ney models of order 1, 2, ... `order` need.

    Each is a tuple of the n-grams of 1, 2, ... tokens. The longest ones have the number of times
    that they occur; a shorter one has the number of different tokens before it (its continuation
    count), where the start of the stream is one.

    Args:
        ids: the stream, [tokens]; up to `MOST_TOKENS`.
        vocabulary_size: larger than each id.
        order: of the largest model.
    """
    finished: tuple[Ngrams, ...] = ()
    last: _Counted | None = None
    numbers = np.zeros(len(ids) + 1, dtype=np.int32)
    for length in range(1, order + 1):
        counted = _count(numbers, ids[length - 1 :], vocabulary_size)
        if last is not None:
            counts = _count_predecessors(counted.suffixes, last)
            finished = (*finished, Ngrams(last.ngrams.keys, counts))
        yield (*finished, counted.ngrams)
        last, numbers = counted, counted.numbers


def _count(numbers: Int32s, ids: Ids, vocabulary_size: int) -> _Counted:
    """Count the n-grams that are one token longer than others.

    Args:
        numbers: of the shorter n-grams, the first of which ends before the first of `ids`.
        ids: last token of each longer n-gram, [places].
        vocabulary_size: larger than each id.
    """
    keys = numbers[: len(ids)].astype(np.int64)
    keys *= vocabulary_size
    keys += ids
    order = np.argsort(keys)
    keys = keys[order]
    is_first = np.ones(len(keys), dtype=np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    firsts = np.flatnonzero(is_first)
    counts = np.diff(firsts, append=len(keys)).astype(np.int32)
    keys = keys[firsts]
    suffixes = numbers[1:][order[firsts]]
    longer = np.empty(len(order), dtype=np.int32)
    longer[order] = np.cumsum(is_first, dtype=np.int32) - np.int32(1)
    return _Counted(Ngrams(keys, counts), suffixes, longer)


def _count_predecessors(suffixes: Int32s, shorter: _Counted) -> Int32s:
    """Return how many different tokens stand before each n-gram, the start of the stream included.

    Args:
        suffixes: of the n-grams that are one token longer.
        shorter: the n-grams.
    """
    counts = np.bincount(suffixes, minlength=len(shorter.ngrams)).astype(np.int32)
    counts[shorter.numbers[:1]] += 1
    return counts
