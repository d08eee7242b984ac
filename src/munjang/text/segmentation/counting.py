"""Type counts: the distinct tokens of some texts, their frequencies and document frequencies."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from munjang.text.columns import Int32s, Int64s
from munjang.text.segmentation.keytable import find_repeats
from munjang.text.segmentation.parallel import map_parts
from munjang.text.segmentation.ragged import Ragged, concatenate
from munjang.text.segmentation.segment import Segments, segment_codes
from munjang.text.segmentation.typetable import TypeTable, number_types
from munjang.text.segmentation.units import strings_of_codes

_MOST = 0xFFFF


@dataclass(frozen=True)
class TypeCounts:
    """The distinct tokens of some texts, in order of first appearance.

    Attributes:
        codes: of the tokens [types].
        counts: occurrences of each in the texts [types].
        documents: number of texts that hold it [types].
        table: finds them; their numbers are their indices.
    """

    codes: Ragged
    counts: Int64s
    documents: Int64s
    table: TypeTable

    @cached_property
    def types(self) -> pl.Series:
        """The distinct tokens as strings [types]."""
        return pl.Series("type", strings_of_codes(self.codes), dtype=pl.String)


def count_types(segments: Segments) -> TypeCounts:
    """Count the types of some segmented texts."""
    numbered = number_types(segments)
    numbers, size = numbered.numbers, len(numbered.first)
    counts = np.bincount(numbers, minlength=size)
    repeated = numbers.take(_repeats(segments, numbers))
    return TypeCounts(
        codes=segments.codes_of(numbered.first),
        counts=counts,
        documents=counts - np.bincount(repeated, minlength=size),
        table=numbered.table,
    )


def _repeats(segments: Segments, numbers: Int32s) -> Int64s:
    """Return the indices of tokens that repeat another one of their row [repeats]."""
    cuts = np.cumsum([0, *(len(part.starts) for part in segments.parts)])

    def find(place: int) -> Int64s:
        offsets = segments.parts[place].offsets
        rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        pairs = rows << 32 | numbers[cuts[place] : cuts[place + 1]]
        repeats: Int64s = find_repeats(pairs.view(np.uint64)) + cuts[place]
        return repeats

    return np.concatenate(map_parts(find, range(len(segments.parts))))


def rank_by_count(counts: Int64s, min_frequency: int = 1) -> Int64s:
    """Return the types with at least `min_frequency`, most frequent first, ties in order [kept]."""
    kept = np.flatnonzero(counts >= min_frequency)
    seen = counts.take(kept)
    # NumPy sorts 16-bit numbers by radix sort, ten times as fast; larger counts come first.
    rare = _MOST - np.minimum(seen, _MOST)
    order = kept.take(np.argsort(rare.astype(np.uint16), kind="stable"))
    frequent = order[: np.count_nonzero(seen >= _MOST)]
    frequent[:] = frequent.take(np.argsort(-counts.take(frequent), kind="stable"))
    return order


def merge_counts(parts: Sequence[TypeCounts]) -> TypeCounts:
    """Add up the counts of consecutive parts of one column."""
    if len(parts) == 1:
        return parts[0]
    every = concatenate([part.codes for part in parts])
    numbered = number_types(segment_codes(every))
    counts = np.zeros((2, len(numbered.first)), dtype=np.int64)
    np.add.at(counts[0], numbered.numbers, np.concatenate([part.counts for part in parts]))
    np.add.at(counts[1], numbered.numbers, np.concatenate([part.documents for part in parts]))
    return TypeCounts(every.take(numbered.first), counts[0], counts[1], numbered.table)
