"""Character n-grams of words and their table rows, by the hash of fastText.

Bojanowski, Grave, Joulin and Mikolov (2017), "Enriching word vectors with subword information": a
word is put between < and >, and each of its n-grams is hashed to a row. The hash is 32-bit FNV-1a
over the bytes of UTF-8; as fastText reads bytes as signed numbers, those from 128 up are extended
with ones. gensim has the same hash.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_FIRST, _PRIME = np.uint32(2166136261), np.uint32(16777619)
# Bytes of UTF-8 that continue a character: 10xxxxxx.
_CONTINUES, _OF_TOP_BITS = 0x80, 0xC0
_MOST_CONTINUED = 3

Int64s = npt.NDArray[np.int64]


def hash_as_fasttext(
    words: Sequence[str], shortest: int, longest: int, buckets: int
) -> tuple[Int64s, Int64s]:
    """Hash every n-gram of `words`, for n = `shortest` .. `longest`.

    Args:
        words: words without the signs < and > around them.
        shortest: the smallest n, at least 2.
        longest: the largest n.
        buckets: number of rows, up to 2^32.

    Returns:
        The index of the word of each n-gram, ascending, and its row in [0, buckets), both
        [n-grams]. Those of a word are in the order of fastText: by where they start, then by n. An
        n-gram that a word has twice is there twice.
    """
    encoded = [f"<{word}>".encode("utf-8", "surrogatepass") for word in words]
    lengths = np.array([len(data) for data in encoded], dtype=np.int64)
    # a byte behind the last word, so that each place has a next one
    data = np.frombuffer(b"".join([*encoded, b"\0"]), dtype=np.uint8)
    signed = data.view(np.int8).astype(np.uint32)
    continues = (data & _OF_TOP_BITS) == _CONTINUES
    starts = np.flatnonzero(~continues[:-1])
    owners = np.repeat(np.arange(len(words)), lengths)[starts]
    ends = np.cumsum(lengths)[owners]
    places = np.arange(len(starts))
    hashes = np.full(len(starts), _FIRST, dtype=np.uint32)
    found: list[tuple[Any, Any]] = []
    for n in range(1, longest + 1):
        whole = starts < ends
        starts, ends = starts[whole], ends[whole]
        places, hashes = places[whole], hashes[whole]
        hashes, starts = (hashes ^ signed[starts]) * _PRIME, starts + 1
        for _ in range(_MOST_CONTINUED):
            more = np.flatnonzero(continues[starts])
            hashes[more] = (hashes[more] ^ signed[starts[more]]) * _PRIME
            starts[more] += 1
        if n >= shortest:
            found.append((places, hashes % np.uint64(buckets)))
    begins = np.concatenate([part for part, _ in found])
    rows = np.concatenate([part for _, part in found]).astype(np.int64)
    order = np.argsort(begins, kind="stable")
    return owners[begins[order]], rows[order]
