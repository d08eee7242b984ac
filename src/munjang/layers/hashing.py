"""Hashed n-grams: a bucket for every sequence of n ids, without a table of the sequences.

On a CPU NumPy computes it, whose operations on the few tokens of a text start sooner.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Int64s = npt.NDArray[np.int64]

# Odd 64-bit constants (Knuth's golden ratio and a prime) spread consecutive ids over the buckets.
SPREAD = -7046029254386353131
STEP = 1000003
SHIFT, POSITIVE = 20, 0x7FFFFFFF

# Cells to count distinct n-grams in, and tokens that are hashed at a time.
_CELLS, _CHUNK = 2**22, 2**18


def choose_buckets(ngrams: int, *, rows: int, fewest: int, most: int) -> int:
    """Return the number of table rows for so many distinct n-grams, a power of two.

    Args:
        ngrams: number of distinct n-grams.
        rows: least number of rows per n-gram, so that few n-grams share one.
        fewest: lower bound, a power of two.
        most: upper bound, a power of two; beyond it more n-grams share a row.
    """
    enough = 1 << max(0, rows * ngrams - 1).bit_length()
    return min(max(enough, fewest), most)


def count_distinct_ngrams(ids: npt.NDArray[np.integer], longest: int, enough: int) -> int:
    """Count the distinct n-grams of a text, for n = 2 .. `longest`, but for a few of equal hash.

    Args:
        ids: its tokens, [tokens].
        longest: the largest n, 2 or more.
        enough: number of n-grams after which the rest of the text is not read.
    """
    is_seen = np.zeros(_CELLS, dtype=np.bool_)
    count = 0
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK + longest - 1].astype(np.int64)[None]
        hashes = hash_ngrams_by_numpy(part, np.array([part.shape[1]]), longest, _CELLS)
        is_seen[hashes[hashes >= 0]] = True
        count = int(np.count_nonzero(is_seen))
        if count >= enough:
            break
    return count


def hash_ngrams(ids: Tensor, lengths: Tensor, longest: int, buckets: int) -> Tensor:
    """Hash every n-gram of `ids`, for n = 2 .. `longest`, at the place where it starts.

    Args:
        ids: [batch, time] int64, padded on the right.
        lengths: number of real tokens, [batch].
        longest: the largest n.
        buckets: number of buckets.

    Returns:
        [batch, time, longest - 1] in [0, buckets), or -1 if the n-gram would run past the row.
    """
    if ids.device.type == "cpu":
        return torch.from_numpy(
            hash_ngrams_by_numpy(ids.numpy(), lengths.numpy(), longest, buckets)
        )
    return hash_ngrams_by_torch(ids, lengths, longest, buckets)


def hash_ngrams_by_numpy(
    ids: Int64s, lengths: npt.NDArray[np.integer], longest: int, buckets: int
) -> Int64s:
    """Compute `hash_ngrams` for arrays."""
    batch, time = ids.shape
    following = np.zeros((batch, time + longest - 1), dtype=np.int64)
    following[:, :time] = ids
    hashes = np.empty((batch, time, longest - 1), dtype=np.int64)
    rolling = ids
    for n in range(1, longest):
        rolling = rolling * STEP
        rolling += following[:, n : n + time]
        hashes[..., n - 1] = rolling
    hashes *= SPREAD
    hashes >>= SHIFT
    if buckets & (buckets - 1) == 0:  # a power of two: the rest of a division is its lowest bits
        hashes &= POSITIVE & (buckets - 1)
    else:
        hashes &= POSITIVE
        hashes %= buckets
    last = lengths[:, None, None] - np.arange(2, longest + 1)
    hashes[np.arange(time)[:, None] > last] = -1
    return hashes


def hash_ngrams_by_torch(ids: Tensor, lengths: Tensor, longest: int, buckets: int) -> Tensor:
    """Compute `hash_ngrams` on any device."""
    time = ids.shape[1]
    place = torch.arange(time, device=ids.device)[None, :]
    rolling = ids
    hashes = []
    for n in range(2, longest + 1):
        following = torch.zeros_like(ids)
        following[:, : max(time - n + 1, 0)] = ids[:, n - 1 :]
        rolling = rolling * STEP + following
        mixed = (rolling * SPREAD) >> SHIFT & POSITIVE
        hashes.append(torch.where(place + n <= lengths[:, None], mixed % buckets, -1))
    return torch.stack(hashes, dim=-1)
