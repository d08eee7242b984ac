"""Table rows of the tokens and n-grams of one text, in few operations of NumPy.

`munjang.layers.ngram_rows` does the same for a padded batch. One text has no padding, and n-grams
of the same n are contiguous: [n, time] instead of [time, n].
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from munjang.layers.hashing import SHIFT, SPREAD, STEP, Int64s
from munjang.text.vocabulary import PAD


@dataclass(frozen=True)
class HashedRow:
    """One text, hashed once for all embeddings that read it.

    Attributes:
        ids: token ids, [time], without padding.
        hashes: hashes of the n-grams for n = 2, 3, ... that start at each place, [n, time],
            not yet in the range of a table; meaningless if an n-gram would run past the text.
    """

    ids: Int64s
    hashes: Int64s


def hash_row(ids: Int64s, longest: int) -> HashedRow:
    """Hash the n-grams of `ids` [time] for n = 2 .. `longest`."""
    time = len(ids)
    following = np.zeros(time + longest, dtype=np.int64)
    following[:time] = ids
    hashes = np.empty((longest - 1, time), dtype=np.int64)
    rolling = ids
    for n in range(1, longest):
        rolling = np.multiply(rolling, STEP, out=hashes[n - 1])
        rolling += following[n : n + time]
    hashes *= SPREAD
    hashes >>= SHIFT
    return HashedRow(ids, hashes)


def rows_of_row(
    row: HashedRow,
    ngrams: int,
    *,
    vocabulary_size: int,
    buckets: int,
    kept: npt.NDArray[np.uint8] | None,
    counted: int,
) -> Int64s:
    """Return the table rows that each token sums, [ngrams, time], PAD for none.

    Args:
        row: hashed for `ngrams` or longer.
        ngrams: the largest n.
        vocabulary_size: first of the rows of n-grams.
        buckets: number of these.
        kept: a bit per hash below `counted`, True = the n-gram has a row; None = all have.
        counted: number of those bits, a power of two.
    """
    time = len(row.ids)
    rows = np.empty((ngrams, time), dtype=np.int64)
    rows[0] = row.ids
    if ngrams == 1:
        return rows
    hashed, mixed = rows[1:], row.hashes[: ngrams - 1]
    if kept is not None:
        places = mixed & (counted - 1)
        flags = kept[places >> 3] << (places & 7).astype(np.uint8) & 0x80 != 0
        _into_range(places, buckets, out=hashed)
        hashed += vocabulary_size
        hashed *= flags  # PAD is 0
    else:
        _into_range(mixed, buckets, out=hashed)
        hashed += vocabulary_size
    for n in range(1, ngrams):
        rows[n, max(0, time - n) :] = PAD
    return rows


def _into_range(hashes: Int64s, buckets: int, out: Int64s) -> None:
    """Reduce the lower 31 bits of `hashes` to [0, `buckets`)."""
    if buckets & (buckets - 1) == 0:  # a power of two: the remainder is the lowest bits
        np.bitwise_and(hashes, 0x7FFFFFFF & (buckets - 1), out=out)
    else:
        np.bitwise_and(hashes, 0x7FFFFFFF, out=out)
        out %= buckets
