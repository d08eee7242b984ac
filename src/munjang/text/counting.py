"""The types of some texts: which tokens there are, how often, in how many texts, and where."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from munjang.text.codepoints import Bools, Strings
from munjang.text.columns import Int32s, Int64s
from munjang.text.keys import TokenKeys
from munjang.text.segment import Segments


@dataclass(frozen=True)
class TypeCounts:
    """The distinct tokens of some texts, in order of first appearance.

    Attributes:
        types: the distinct tokens [types].
        counts: how often each stands in the texts [types].
        documents: in how many of the texts it stands [types].
        keys: their keys, where these were at hand [types].
    """

    types: pl.Series
    counts: Int64s
    documents: Int64s
    keys: TokenKeys | None = None


def count_types(segments: Segments) -> TypeCounts:
    """Count the types of some segmented texts."""
    codes, first = _encode(segments)
    size = len(first)
    return TypeCounts(
        types=pl.Series("type", segments.strings(first), dtype=pl.String),
        counts=np.bincount(codes, minlength=size),
        documents=_count_documents(codes, segments.offsets, size),
        keys=segments.keys.take(first),
    )


def _encode(segments: Segments) -> tuple[Int32s, Int64s]:
    """Number the types by first appearance: each token's number, each type's first token."""
    keys = segments.keys
    codes, first = _numbered(pa.array(keys.keys))
    spelled = keys.spelled
    if not _hashes_hold(keys, codes, first):
        spelled = np.union1d(spelled, keys.hashed)
    if not len(spelled):
        return codes, first
    # Their keys were none, so the numbers that these got stand for nothing any more.
    used = np.ones(len(first), dtype=np.bool_)
    used[codes.take(spelled)] = False
    own, own_first = _numbered(segments.strings(spelled))
    codes[spelled] = own + len(first)
    first = np.concatenate([first, spelled.take(own_first)])
    return _renumbered(codes, first, np.append(used, np.ones(len(own_first), dtype=np.bool_)))


def _numbered(values: pa.Array) -> tuple[Int32s, Int64s]:
    """Number the distinct values by first appearance; and where each appears first."""
    codes = np.array(values.dictionary_encode().indices, dtype=np.int32)
    highest = np.maximum.accumulate(codes)
    return codes, np.flatnonzero(np.diff(highest, prepend=-1))


def _renumbered(codes: Int32s, first: Int64s, used: Bools) -> tuple[Int32s, Int64s]:
    """Number the types that are used by first appearance again."""
    order = np.flatnonzero(used)
    order = order.take(np.argsort(first.take(order)))
    numbers = np.zeros(len(first), dtype=np.int32)
    numbers[order] = np.arange(len(order), dtype=np.int32)
    return numbers.take(codes), first.take(order)


def _hashes_hold(keys: TokenKeys, codes: Int32s, first: Int64s) -> bool:
    """Whether every hashed token equals, code for code, the first token of the same hash."""
    hashed_codes = codes.take(keys.hashed)
    leads = np.flatnonzero(first.take(hashed_codes) == keys.hashed)
    leaders = np.zeros(len(first), dtype=np.int64)
    leaders[hashed_codes.take(leads)] = leads
    leaders = leaders.take(hashed_codes)
    return bool((keys.lanes == keys.lanes.take(leaders, axis=1)).all())


def _count_documents(codes: Int32s, offsets: Int64s, size: int) -> Int64s:
    """In how many rows each code stands [size]: sort (row, code) pairs, count the distinct."""
    rows = np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(offsets))
    pairs = np.sort((rows << 32) | codes)
    distinct = np.ones(len(pairs), dtype=np.bool_)
    np.not_equal(pairs[1:], pairs[:-1], out=distinct[1:])
    return np.bincount(pairs[distinct] & 0xFFFFFFFF, minlength=size)


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
    codes, first = _numbered(as_strings(pl.concat([part.types for part in parts])))
    counts = np.zeros((2, len(first)), dtype=np.int64)
    np.add.at(counts[0], codes, np.concatenate([part.counts for part in parts]))
    np.add.at(counts[1], codes, np.concatenate([part.documents for part in parts]))
    types = pl.concat([part.types for part in parts])[first]
    return TypeCounts(types, counts[0], counts[1])


def as_strings(column: pl.Series) -> Strings:
    """A Polars column as one Arrow array of strings."""
    array = column.to_arrow()
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array.cast(pa.large_string())
