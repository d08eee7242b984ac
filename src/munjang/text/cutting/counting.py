"""The types of some texts: which tokens there are, how often, in how many texts, and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from munjang.text.columns import Int32s, Int64s
from munjang.text.cutting.codepoints import Bools, Strings
from munjang.text.cutting.keys import Keys, TokenKeys
from munjang.text.cutting.keytable import KeyTable
from munjang.text.cutting.segment import Segments


@dataclass(frozen=True)
class TypeCounts:
    """The distinct tokens of some texts, in order of first appearance.

    Attributes:
        types: the distinct tokens [types].
        counts: how often each stands in the texts [types].
        documents: in how many of the texts it stands [types].
        keys: their keys, where these were at hand [types].
        table: finds these keys, where it was at hand.
    """

    types: pl.Series
    counts: Int64s
    documents: Int64s
    keys: TokenKeys | None = None
    table: KeyTable | None = None


def count_types(segments: Segments) -> TypeCounts:
    """Count the types of some segmented texts."""
    codes, first, table = _encode(segments)
    size = len(first)
    return TypeCounts(
        types=pl.Series("type", segments.strings(first), dtype=pl.String),
        counts=np.bincount(codes, minlength=size),
        documents=_count_documents(codes, segments.offsets, size),
        keys=segments.keys.take(first),
        table=table,
    )


def _encode(segments: Segments) -> tuple[Int32s, Int64s, KeyTable | None]:
    """Number the types by first appearance.

    Returns:
        Each token's number [tokens], each type's first token [types], and what finds the numbers
        of keys, if it can be relied on.
    """
    keys = segments.keys
    distinct = _distinct(keys.keys)
    table = KeyTable(distinct)
    codes = table.find(keys.keys)
    reliable = _hashes_hold(keys, codes, len(distinct))
    spelled = keys.spelled if reliable else np.union1d(keys.spelled, keys.hashed)
    names = segments.strings(spelled).dictionary_encode()
    codes[spelled] = np.asarray(names.indices) + len(distinct)
    first = _first_places(codes, len(distinct) + len(names.dictionary))
    seen = np.flatnonzero(first >= 0)
    order = seen.take(_places_in_order(first.take(seen)))
    numbers = np.full(len(first), -1, dtype=np.int32)
    numbers[order] = np.arange(len(order), dtype=np.int32)
    found = table.renumbered(numbers[: len(distinct)]) if reliable else None
    return numbers.take(codes), first.take(order), found


def _distinct(keys: Keys) -> Keys:
    """`np.unique`, ten times as fast: that one hashes before it sorts."""
    ordered = np.sort(keys)
    return ordered[_changes(ordered)]


def _changes(ordered: npt.NDArray[Any]) -> Bools:
    """True where a number differs from the one before it."""
    changes = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=changes[1:])
    return changes


def _first_places(codes: Int32s, size: int) -> Int64s:
    """Where each code stands first [size]; -1 where it does not."""
    first = np.full(size, -1, dtype=np.int64)
    # Of several assignments to one place the last one stays, so this walks from the back.
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    return first


def _places_in_order(numbers: Int64s) -> Int64s:
    """`argsort` of distinct numbers below 2**31, ten times as fast."""
    return np.sort((numbers << 32) | np.arange(len(numbers))) & 0xFFFFFFFF


def _hashes_hold(keys: TokenKeys, codes: Int32s, size: int) -> bool:
    """Whether all hashed tokens of a key are the same, code for code."""
    hashed = codes.take(keys.hashed)
    leaders = np.zeros(size, dtype=np.int64)
    leaders[hashed] = np.arange(len(hashed))
    return bool((keys.lanes == keys.lanes.take(leaders.take(hashed), axis=1)).all())


def _count_documents(codes: Int32s, offsets: Int64s, size: int) -> Int64s:
    """In how many rows each code stands [size]: sort (row, code) pairs, count the distinct."""
    rows = np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(offsets))
    pairs = np.sort((rows << 32) | codes)
    return np.bincount(pairs[_changes(pairs)] & 0xFFFFFFFF, minlength=size)


def ranked(counts: Int64s, min_frequency: int = 1) -> Int64s:
    """The types seen at least so often, the most frequent first, ties in order [kept]."""
    kept = np.flatnonzero(counts >= min_frequency)
    if counts.max(initial=0) >> 31:
        return kept.take(np.argsort(-counts.take(kept), kind="stable"))
    # One number for falling count and rising place sorts ten times as fast as a stable argsort.
    order = (-counts.take(kept) << 32) | kept
    order.sort()
    return order & 0xFFFFFFFF


def merge_counts(parts: Sequence[TypeCounts]) -> TypeCounts:
    """Add up the counts of consecutive parts of one column."""
    if len(parts) == 1:
        return parts[0]
    every = pl.concat([part.types for part in parts])
    codes = np.asarray(as_strings(every).dictionary_encode().indices)
    first = _first_places(codes, int(codes.max(initial=-1)) + 1)
    counts = np.zeros((2, len(first)), dtype=np.int64)
    np.add.at(counts[0], codes, np.concatenate([part.counts for part in parts]))
    np.add.at(counts[1], codes, np.concatenate([part.documents for part in parts]))
    return TypeCounts(every.gather(first), counts[0], counts[1])


def as_strings(column: pl.Series) -> Strings:
    """A Polars column as one Arrow array of strings."""
    array = column.to_arrow()
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array.cast(pa.large_string())
