"""Token columns: the ids of all texts in one values buffer, with one offsets buffer.

A token column is a `pyarrow.LargeListArray` of int32: row `i` is `values[offsets[i]:offsets[i+1]]`.
No function here loops over rows in Python, except `to_lists`.
"""

import gc
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

type_ids = pa.large_list(pa.int32())

_ROWS = 1 << 10  # rows whose integers still are in the cache when they are put into lists

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
TokenColumn = Any  # pyarrow.LargeListArray of int32; pyarrow ships no types


@dataclass(frozen=True)
class Tokens:
    """A token column with the character range of every token in the text as given.

    Attributes:
        ids: token column.
        starts: column of the same shape; index of each token's first character (code point).
        ends: column of the same shape; one past its last character.
    """

    ids: TokenColumn
    starts: TokenColumn
    ends: TokenColumn


def token_column(values: npt.ArrayLike, offsets: npt.ArrayLike) -> TokenColumn:
    """Wrap `values` [tokens] and `offsets` [rows + 1] as a token column, without a copy."""
    flat = arrow_array(np.asarray(values, dtype=np.int32))
    cuts = arrow_array(np.asarray(offsets, dtype=np.int64))
    return pa.LargeListArray.from_arrays(cuts, flat)


def arrow_array(numbers: npt.NDArray[Any]) -> Any:
    """Wrap integers or floats [n] as an Arrow array, without a copy where they are contiguous.

    `pyarrow.array` imports pandas first, wherever it is installed: .4 s and 40 MB of a process.
    """
    kept = np.ascontiguousarray(numbers)
    kind = pa.from_numpy_dtype(kept.dtype)
    return pa.Array.from_buffers(kind, len(kept), [None, pa.py_buffer(kept)])


def values_and_offsets(column: TokenColumn) -> tuple[Int32s, Int64s]:
    """Return `values` [tokens] and `offsets` [rows + 1] (starting at 0) of a token column.

    A view where the buffers allow it; a sliced column is re-based so that its offsets start at 0.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    offsets: Int64s = _view(column.offsets, np.dtype(np.int64))
    values: Int32s = _view(column.values, np.dtype(np.int32))
    return values[offsets[0] : offsets[-1]], offsets - offsets[0]


def _view(array: Any, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return the numbers of an Arrow array, a view where they are of that kind.

    NumPy would ask the array for them, and pyarrow would import pandas first, as above.
    """
    if not len(array):
        return np.zeros(0, kind)
    if array.null_count or array.type != pa.from_numpy_dtype(kind):
        return np.asarray(array, dtype=kind)
    return np.frombuffer(array.buffers()[1], kind, len(array), array.offset * kind.itemsize)


def row_lengths(column: TokenColumn) -> Int64s:
    """Return the number of tokens of each row [rows]."""
    lengths: Int64s = np.diff(values_and_offsets(column)[1])
    return lengths


def flat_ranges(starts: npt.ArrayLike, lengths: npt.ArrayLike) -> Int64s:
    """Concatenate the index ranges `starts[i] ... starts[i] + lengths[i] - 1` [sum of lengths]."""
    begin = np.asarray(starts, dtype=np.int64)
    count = np.asarray(lengths, dtype=np.int64)
    before = np.cumsum(count) - count
    places: Int64s = np.arange(count.sum(), dtype=np.int64) + np.repeat(begin - before, count)
    return places


def to_lists(column: TokenColumn) -> list[list[int]]:
    """Return the rows as Python lists of Python integers, much faster than `to_pylist` does."""
    values, offsets = values_and_offsets(column)
    rows: list[list[int]] = []
    # The garbage collector scans all lists after every few hundred new ones and finds nothing: that
    # would take three quarters of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        for start in range(0, len(offsets) - 1, _ROWS):
            cuts = offsets[start : start + _ROWS + 1]
            ids = values[cuts[0] : cuts[-1]].tolist()
            rows += [ids[a:b] for a, b in pairwise((cuts - cuts[0]).tolist())]
        return rows
    finally:
        if collecting:
            gc.enable()
