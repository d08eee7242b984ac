"""A hash table of 64-bit keys, built once and searched with whole columns of keys.

A key is multiplied by an odd number, which is reversible. The upper bits of the product are its
home, one of 2**b slots. The slot stores the lower bits and, instead of the upper ones, which the
home implies, the index of the key. So one read decides (Cleary, 1984, Compact hash tables using
bidirectional linear probing, IEEE Transactions on Computers 33). Keys whose home is occupied go to
a table of their own, with another multiplier.
"""

import numpy as np
import polars as pl

from munjang.text.columns import Int32s, Int64s
from munjang.text.segmentation.keys import Keys

_NOWHERE = -1
# Knuth's multiplicative hashing: 2**64 divided by the golden ratio (TAOCP, volume 3, 6.4).
_GOLDEN = 0x9E3779B97F4A7C15


def unique_keys(keys: Keys) -> Keys:
    """Return each distinct key once, in order of first appearance [distinct]."""
    return pl.Series(keys).unique(maintain_order=True).to_numpy()


def find_repeats(keys: Keys, depth: int = 0) -> Int64s:
    """Return all but one of the indices of each key that occurs more than once [repeats]."""
    bits = (2 * len(keys)).bit_length()
    places = np.arange(len(keys))
    homes = _split(keys, bits, depth)[0]
    owners = np.zeros(1 << bits, dtype=np.int64)
    owners[homes] = places
    owner = owners.take(homes)
    others = np.flatnonzero(owner != places)
    same = keys.take(owner.take(others)) == keys.take(others)
    repeats: Int64s = others[same]
    others = others[~same]
    if len(others):
        further = others.take(find_repeats(keys.take(others), depth + 1))
        repeats = np.concatenate([repeats, further])
    return repeats


def _split(keys: Keys, bits: int, depth: int) -> tuple[Int64s, Keys]:
    """Return the home of each key among 2**bits slots, and the other bits, shifted up."""
    products = keys * np.uint64(pow(_GOLDEN, depth + 1, 1 << 64))
    homes = (products >> np.uint64(64 - bits)).view(np.int64)
    products <<= np.uint64(bits)
    return homes, products


class KeyTable:
    """A hash table from keys to their indices.

    Args:
        keys: distinct keys, the most frequent first [keys].
        depth: number of tables in which these keys found no free home.
    """

    def __init__(self, keys: Keys, depth: int = 0) -> None:
        self._count = len(keys)
        self._depth = depth
        # Deeper tables get more slots per key, so that four tables are usually enough.
        self._bits = max((2 * self._count).bit_length(), 1) + min(2 * depth, 4)
        self._free = np.uint64((1 << self._bits) - 1)  # larger than any index
        self._slots = np.full(1 << self._bits, self._free, dtype=np.uint64)
        homes, remainders = _split(keys, self._bits, depth)
        places = np.arange(self._count, dtype=np.uint64)
        # Of several assignments to a slot the last one stays: reversed, the first key.
        self._slots[homes[::-1]] = (remainders | places)[::-1]
        homeless = np.flatnonzero(self._slots.take(homes) & self._free != places)
        self._rest = KeyTable(keys.take(homeless), depth + 1) if len(homeless) else None
        self._places = np.append(homeless, _NOWHERE).astype(
            np.int32
        )  # indices of the keys in the rest

    def __len__(self) -> int:
        return self._count

    def find(self, keys: Keys) -> Int32s:
        """Return the index of each key among those of the table [keys]; -1 if it is not there."""
        homes, remainders = _split(keys, self._bits, self._depth)
        slots = self._slots.take(homes)
        remainders ^= slots  # if the key is that of the slot, only the index is left
        found = remainders.astype(np.int32)
        missed = np.flatnonzero(remainders >= np.uint64(self._count))
        found[missed] = _NOWHERE
        missed = missed[slots.take(missed) != self._free]
        if self._rest is not None and len(missed):
            found[missed] = self._places.take(self._rest.find(keys.take(missed)))
        return found
