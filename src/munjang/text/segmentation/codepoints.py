"""Text as an array of code points, so that string operations become table look-ups.

Many rows are joined into one string and read as UTF-32, one number per character. Lower-casing,
filtering and classifying are then one `table.take(points)` each. The tables are filled by Python's
`str.lower` and `unicodedata`, so they agree with Python by construction.
"""

import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from munjang.text.columns import Int64s

Points = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Strings = Any  # pyarrow.LargeStringArray; pyarrow ships no types

CODE_POINTS = 0x110000
CASED = 0x20000  # no character from here on has a case: ideographs, tags, private use
_DOTTED_I, _SIGMA = "İ", "Σ"
IRREGULAR = (_DOTTED_I, _SIGMA)


def strings_of(points: Points, starts: Int64s, ends: Int64s) -> Strings:
    """Cut `points` [characters] into strings `points[starts[i]:ends[i]]` [strings].

    The strings cover `points` without gaps: each starts where the one before it ends.
    """
    utf8 = points.astype("<u4", copy=False).tobytes().decode("utf-32-le").encode()
    widths = np.ones(len(points), dtype=np.uint8)
    for limit in (0x7F, 0x7FF, 0xFFFF):
        widths += points > limit
    offsets = bounds_of(widths).take(np.append(starts, ends[-1:] if len(ends) else 0))
    return pa.LargeStringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(utf8))


def bounds_of(lengths: npt.NDArray[Any]) -> Int64s:
    """Return the bounds [n + 1] of consecutive pieces with some `lengths` [n], from 0 on."""
    bounds = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=bounds[1:])
    return bounds


@cache
def lowered_points() -> Points:
    """Return `str.lower` of the code points that may have one [`CASED`], see `lower_table`."""
    points = np.arange(CASED, dtype="<u4")
    points[ord(_DOTTED_I)] = 0
    text = points.tobytes().decode("utf-32-le", "surrogatepass").lower()
    table = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").copy()
    table[ord(_DOTTED_I)] = ord(_DOTTED_I)
    table[ord(_SIGMA)] = ord("σ")
    return table.astype(np.uint32, copy=False)


@cache
def lower_table() -> Points:
    """Return `str.lower` of every code point [0x110000], except for those in `IRREGULAR`.

    `İ`, which becomes two characters, stays as it is; `Σ` becomes `σ` wherever it stands.
    """
    table = np.arange(CODE_POINTS, dtype=np.uint32)
    table[:CASED] = lowered_points()
    return table


def is_irregular(text: str) -> bool:
    """Return whether `lower_table` is wrong for `text`: `İ` becomes two, a last `Σ` becomes `ς`."""
    return any(character in text for character in IRREGULAR)


def lowered_origins(row: str) -> Int64s:
    """Return the index in `row` that each character of `row.lower()` stems from [lowered]."""
    lengths = [2 if character == _DOTTED_I else 1 for character in row]
    return np.repeat(np.arange(len(row)), lengths)


def category_of(character: str) -> str:
    """Return the Unicode general category, in the Unicode version of this Python."""
    return unicodedata.category(character)


class ClassTable:
    """A table from code point to a class number, filled as characters occur.

    Filling it for all code points would take a tenth of a second.

    Args:
        class_of: function from a character to a number from 0 to 254.
    """

    _UNKNOWN = 255

    def __init__(self, class_of: Callable[[str], int]) -> None:
        self._class_of = class_of
        self._table = np.full(CODE_POINTS, self._UNKNOWN, dtype=np.uint8)

    def __getitem__(self, points: Points) -> Bytes:
        classes = self._table.take(points)
        unknown = points[classes == self._UNKNOWN]
        if len(unknown):
            for point in np.unique(unknown).tolist():
                self._table[point] = self._class_of(chr(point))
            classes = self._table.take(points)
        return classes
