"""A hash table of 64-bit keys, built once and searched with whole columns of keys.

Arrow's `index_in` hashes all types anew for every column; this table stays. Open addressing with
linear probing: a key lies in the first free slot from its home on.
"""

from copy import copy

import numpy as np

from munjang.text.columns import Int32s
from munjang.text.cutting.keys import SPELLED, Keys

_FREE = SPELLED  # no key that is looked up has this value
_NOWHERE = -1
_SLOTS_A_KEY = 3
_PART = 1 << 15  # so many keys, and what is worked out about them, stay in a core's cache
# Knuth's multiplicative hashing: 2**64 divided by the golden ratio (TAOCP, volume 3, 6.4).
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class KeyTable:
    """Places of keys.

    Args:
        keys: what to find [keys]; of equal ones, one is found; those that are 0 are not.
    """

    def __init__(self, keys: Keys) -> None:
        real = np.flatnonzero(keys != _FREE)
        bits = max((_SLOTS_A_KEY * len(real)).bit_length(), 1)
        self._shift = np.uint64(64 - bits)
        homes = self._homes(keys.take(real))
        rank = np.arange(len(real))
        by_home = np.sort((homes << 32) | rank)  # both in one number: ten times as fast as argsort
        order = by_home & 0xFFFFFFFF
        # Each goes to its home, or right behind the one before it: a running maximum.
        slots = np.maximum.accumulate((by_home >> 32) - rank) + rank
        size = max(1 << bits, int(slots.max(initial=0)) + 1) + 1  # the last slot stays free
        self._keys = np.full(size, _FREE, dtype=np.uint64)
        self._places = np.full(size, _NOWHERE, dtype=np.int32)
        self._keys[slots] = keys.take(real.take(order))
        self._places[slots] = real.take(order)

    def _homes(self, keys: Keys) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return (keys * _GOLDEN >> self._shift).view(np.int64)

    def renumbered(self, numbers: Int32s) -> "KeyTable":
        """The same keys, found at `numbers[place]` instead of `place` [keys]."""
        other = copy(self)
        other._places = np.append(numbers, np.int32(_NOWHERE)).take(self._places)
        return other

    def find(self, keys: Keys) -> Int32s:
        """Where each key stands among those of the table [keys]; -1 where it does not."""
        parts = range(0, max(len(keys), 1), _PART)
        return np.concatenate([self._find(keys[start : start + _PART]) for start in parts])

    def _find(self, keys: Keys) -> Int32s:
        slots = self._homes(keys)
        there = self._keys.take(slots)
        found = self._places.take(slots)
        others = np.flatnonzero(there != keys)
        found[others] = _NOWHERE
        searching = others[there.take(others) != _FREE]
        slots, keys = slots.take(searching), keys.take(searching)
        while len(searching):
            slots += 1
            there = self._keys.take(slots)
            here = there == keys
            found[searching[here]] = self._places.take(slots[here])
            onward = ~here & (there != _FREE)
            searching, slots, keys = searching[onward], slots[onward], keys[onward]
        return found
