"""Finds tokens among fixed types, a column at a time: keys first, strings where keys do not say."""

import numpy as np
import polars as pl
import pyarrow.compute as pc

from munjang.text.columns import Int32s, Int64s
from munjang.text.cutting.counting import TypeCounts, as_strings
from munjang.text.cutting.keys import TokenKeys
from munjang.text.cutting.keytable import KeyTable
from munjang.text.cutting.segment import Segments, segment_strings
from munjang.text.cutting.together import map_parts


class TypeTable:
    """Places of tokens among some types.

    Args:
        types: distinct tokens [types].
        keys: their keys, if somebody has them already [types].
        table: finds these keys, if somebody has it already.
    """

    def __init__(
        self, types: pl.Series, keys: TokenKeys | None = None, table: KeyTable | None = None
    ) -> None:
        self._types = types
        keys = segment_strings(as_strings(types)).keys if keys is None else keys
        self._table = KeyTable(keys.keys) if table is None else table
        self._lanes = np.zeros((2, len(types)), dtype=np.uint64)
        self._lanes[:, keys.hashed] = keys.lanes
        self._spelled = keys.spelled

    @classmethod
    def of_counts(cls, counts: TypeCounts) -> "TypeTable":
        """The same from counted types, with what counting left at hand."""
        return cls(counts.types, counts.keys, counts.table)

    def positions(self, segments: Segments) -> Int32s:
        """Where each token stands among the types [tokens]; -1 where it does not."""
        places, spelled, doubtful = [], [], []
        before = 0
        looked_up = map_parts(self._look_up, [part.keys for part in segments.parts])
        for part, (found, unsure) in zip(segments.parts, looked_up, strict=True):
            places.append(found)
            spelled.append(part.keys.spelled + before)
            doubtful.append(unsure + before)
            before += len(found)
        positions = np.concatenate(places)
        self._spell(segments, np.concatenate(spelled), self._spelled, positions)
        self._spell(segments, np.concatenate(doubtful), np.arange(len(self._types)), positions)
        return positions

    def _look_up(self, keys: TokenKeys) -> tuple[Int32s, Int64s]:
        found = self._table.find(keys.keys)
        return found, self._doubtful(keys, found)

    def _doubtful(self, keys: TokenKeys, found: Int32s) -> Int64s:
        """Tokens whose hash is that of a type, but whose characters are not."""
        claims = np.flatnonzero(found.take(keys.hashed) >= 0)
        claimed = keys.hashed.take(claims)
        same = self._lanes.take(found.take(claimed), axis=1) == keys.lanes.take(claims, axis=1)
        doubtful: Int64s = claimed[~same.all(axis=0)]
        return doubtful

    def _spell(self, segments: Segments, tokens: Int64s, types: Int64s, positions: Int32s) -> None:
        """Find some `tokens` among some `types` by their strings; fills in their positions."""
        if len(tokens):
            names = as_strings(self._types.gather(types))
            found = pc.index_in(segments.strings(tokens), value_set=names).fill_null(-1)
            positions[tokens] = np.append(types, -1).take(np.asarray(found))
