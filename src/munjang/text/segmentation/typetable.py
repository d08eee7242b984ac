"""Type numbers: equal tokens get equal numbers, by their keys, a column at a time."""

from copy import copy
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow.compute as pc

from munjang.text.columns import Int32s, Int64s
from munjang.text.segmentation.codepoints import Bools, Strings
from munjang.text.segmentation.keys import Keys, TokenKeys
from munjang.text.segmentation.keytable import KeyTable, unique_keys
from munjang.text.segmentation.parallel import map_parts
from munjang.text.segmentation.ragged import Ragged
from munjang.text.segmentation.segment import Part, Segments, as_strings, segment_strings

_NONE = -1


class TypeTable:
    """A table from tokens to type numbers; see `number_types`.

    Args:
        short: finds the short types by their keys.
        long: finds long types by their hashes.
        last: the last lanes of these [hashes].
        middle: their middle lanes [hashes].
        odd: the strings of long types whose hash collides with another one: practically none.
    """

    def __init__(
        self, short: KeyTable, long: KeyTable, last: Keys, middle: Ragged, odd: Strings
    ) -> None:
        self._short, self._long, self._odd = short, long, odd
        self._last, self._middle = last, middle
        self.size = len(short) + len(long) + len(odd)
        # In the order of the arguments; the last one is for tokens of no known type.
        self._numbers = np.append(np.arange(self.size, dtype=np.int32), np.int32(_NONE))

    @classmethod
    def of_types(cls, types: pl.Series) -> "TypeTable":
        """Build a table of some distinct `types`; their numbers are their indices."""
        numbered = number_types(segment_strings(as_strings(types)))
        return numbered.table.renumber(numbered.first.astype(np.int32))

    def renumber(self, numbers: Int32s, unknown: int = _NONE) -> "TypeTable":
        """Return a table with `numbers[n]` [types] for number `n`, and `unknown` for no type."""
        other = copy(self)
        other._numbers = np.append(numbers, np.int32(unknown)).take(self._numbers)
        return other

    def find(self, segments: Segments) -> Int32s:
        """Return the number of each token [tokens]; -1, or `unknown` of `renumber`, for no type."""
        return np.concatenate(map_parts(self._find, segments.parts))

    def _find(self, part: Part) -> Int32s:
        keys = part.keys
        places = self._short.find(keys.keys)
        hashed = self._long.find(keys.hashes)
        same = _same(keys, self._last, self._middle, hashed)
        places[keys.long] = np.where(same, hashed + len(self._short), _NONE)
        if len(self._odd):
            odd = keys.long[~same]
            found = pc.index_in(Segments([part]).strings(odd), value_set=self._odd)
            found = np.asarray(found.fill_null(_NONE - self._before_odd))
            places[odd] = found + self._before_odd
        return self._numbers.take(places)

    @property
    def _before_odd(self) -> int:
        return len(self._short) + len(self._long)


@dataclass(frozen=True)
class Numbered:
    """Tokens with type numbers, by first appearance.

    Attributes:
        table: finds the numbers of other tokens.
        numbers: type number of each token [tokens].
        first: index of the first token of each type [types].
    """

    table: TypeTable
    numbers: Int32s
    first: Int64s


def number_types(tokens: Segments) -> Numbered:
    """Assign numbers to the types of some tokens."""
    keys = tokens.keys
    long = KeyTable(unique_keys(keys.hashes))
    hashed = long.find(keys.hashes)
    leaders = _first_places(hashed, len(long))
    last, middle = keys.last.take(leaders), keys.middle.take(leaders)
    odd = tokens.strings(keys.long[~_same(keys, last, middle, hashed)]).unique()
    table = TypeTable(KeyTable(unique_keys(keys.keys)), long, last, middle, odd)
    places = table.find(tokens)
    first = _first_places(places, table.size)
    used = np.flatnonzero(first >= 0)
    begins = np.zeros(len(places), dtype=np.bool_)
    begins[first.take(used)] = True
    numbers = np.full(table.size, _NONE, dtype=np.int32)
    numbers[used] = (np.cumsum(begins, dtype=np.int32) - 1).take(first.take(used))
    return Numbered(table.renumber(numbers), numbers.take(places), np.flatnonzero(begins))


def _same(keys: TokenKeys, last: Keys, middle: Ragged, places: Int32s) -> Bools:
    """Return whether each long token has the `last` and `middle` lanes at its index [long]."""
    if not len(last):
        return np.zeros(len(places), dtype=np.bool_)
    same: Bools = last.take(places, mode="clip") == keys.last
    return same & keys.middle.same(middle, places)


def _first_places(numbers: Int32s, size: int) -> Int64s:
    """Return the first index of each number below `size` [size]; -1 if it does not occur."""
    first = np.full(size, -1, dtype=np.int64)
    # The last of several assignments to one place stays, so the order is reversed.
    first[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)
    return first
