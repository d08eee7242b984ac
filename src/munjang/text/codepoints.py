"""Whole columns of text as one array of code points, so that string work becomes table look-ups.

A column is joined into one string and read as UTF-32: one number a character. Lower-casing,
filtering and classifying are then one `table[points]` each. The tables are filled from Python's own
`str.lower` and `unicodedata`, so the answers are Python's by construction.
"""

import unicodedata
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from munjang.text.columns import Int64s

Points = npt.NDArray[np.uint32]
Bools = npt.NDArray[np.bool_]
Strings = pa.LargeStringArray

CODE_POINTS = 0x110000
_DOTTED_I, _SIGMA = "İ", "Σ"  # the only two whose lower case is not one letter for one letter


def to_points(text: str) -> Points:
    """The code points of `text` [characters]. `UnicodeEncodeError` on a lone surrogate."""
    return np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.uint32, copy=False)


@cache
def lower_table() -> Points:
    """`str.lower` of every single code point [0x110000]; `İ` maps to itself: see `lower_rows`."""
    points = np.arange(CODE_POINTS, dtype="<u4")
    points[ord(_DOTTED_I)] = 0
    text = points.tobytes().decode("utf-32-le", "surrogatepass").lower()
    table = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").copy()
    table[ord(_DOTTED_I)] = ord(_DOTTED_I)
    table[ord(_SIGMA)] = ord("σ")
    return table.astype(np.uint32, copy=False)


def lower_rows(rows: Sequence[str]) -> Sequence[str]:
    """Lower-case the rows that `lower_table` alone would get wrong; the others come back as given.

    `İ` becomes two characters, and `Σ` becomes `ς` at the end of a word.
    """
    text = "".join(rows)
    if _DOTTED_I not in text and _SIGMA not in text:
        return rows
    return [row.lower() if _DOTTED_I in row or _SIGMA in row else row for row in rows]


def lowered_length(row: str) -> list[int]:
    """How many characters each character of `row` becomes in lower case [characters]."""
    return [2 if character == _DOTTED_I else 1 for character in row]


def present(points: Points) -> Points:
    """The distinct code points of a column, ascending."""
    return np.flatnonzero(np.bincount(points, minlength=1)).astype(np.uint32)


class ClassTable:
    """A table from code point to a small number, filled only where the text goes."""

    _UNKNOWN = 255

    def __init__(self, class_of: Callable[[str], int]) -> None:
        self._class_of = class_of
        self._table = np.full(CODE_POINTS, self._UNKNOWN, dtype=np.uint8)

    def __getitem__(self, points: Points) -> npt.NDArray[np.uint8]:
        classes = self._table[points]
        unknown = classes == self._UNKNOWN
        if unknown.any():
            for point in present(points[unknown]).tolist():
                self._table[point] = self._class_of(chr(point))
            classes = self._table[points]
        return classes


def category_of(character: str) -> str:
    """The Unicode general category, as in the Unicode version of this Python."""
    return unicodedata.category(character)


def strings_of(points: Points, starts: Int64s, ends: Int64s, gap: str = "") -> Strings:
    """Cut `points` [characters] into strings `points[starts[i]:ends[i]]` [tokens].

    The strings follow each other without overlap. What lies between them is made of `gap` only,
    and no string holds `gap`; an empty `gap` means that nothing lies between them.
    """
    if gap:
        utf8 = points.astype("<u4", copy=False).tobytes().decode("utf-32-le").encode()
        packed = utf8.replace(gap.encode(), b"")
    else:
        packed = points.astype("<u4", copy=False).tobytes().decode("utf-32-le").encode()
    cuts = _byte_positions(points)
    offsets = np.zeros(len(starts) + 1, dtype=np.int64)
    np.cumsum(cuts[ends] - cuts[starts], out=offsets[1:])
    return Strings.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(packed))


def _byte_positions(points: Points) -> Int64s:
    """Where each character, and the end, lies in the UTF-8 of `points` [characters + 1]."""
    widths = np.ones(len(points), dtype=np.uint8)
    for limit in (0x7F, 0x7FF, 0xFFFF):
        widths += points > limit
    positions = np.zeros(len(points) + 1, dtype=np.int64)
    np.cumsum(widths, out=positions[1:])
    return positions
