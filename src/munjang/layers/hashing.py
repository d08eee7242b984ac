"""Hashed n-grams: a row number for every run of n ids, without a table of the runs."""

import torch
from torch import Tensor

# Odd 64-bit constants (Knuth's golden ratio and a prime) spread neighbouring ids over the buckets.
_SPREAD = -7046029254386353131
_STEP = 1000003


def hash_ngrams(ids: Tensor, lengths: Tensor, longest: int, buckets: int) -> Tensor:
    """Bucket of every n-gram of `ids`, for n = 2 .. `longest`, at the place where it starts.

    Args:
        ids: [batch, time] int64, padded on the right.
        lengths: [batch] number of real tokens.
        longest: the largest n.
        buckets: how many buckets there are.

    Returns:
        [batch, time, longest - 1] in [0, buckets), or -1 where the n-gram would run past the row.
    """
    time = ids.shape[1]
    place = torch.arange(time, device=ids.device)[None, :]
    rolling = ids
    found = []
    for n in range(2, longest + 1):
        following = torch.zeros_like(ids)
        following[:, : max(time - n + 1, 0)] = ids[:, n - 1 :]
        rolling = rolling * _STEP + following
        mixed = (rolling * _SPREAD) >> 20 & 0x7FFFFFFF
        found.append(torch.where(place + n <= lengths[:, None], mixed % buckets, -1))
    return torch.stack(found, dim=-1)
