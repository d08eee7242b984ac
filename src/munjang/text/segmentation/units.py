"""Rows of text joined into one line of UTF-16 code units, so that four are a 64-bit number.

A unit is one character, such as a Hangul syllable, or half of one beyond 16 bits, such as an emoji.
The code of a unit is what it becomes in a token: one look-up in a table of 2**16.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from munjang.text.columns import Int64s
from munjang.text.segmentation.codepoints import (
    IRREGULAR,
    Points,
    Strings,
    bounds_of,
    lowered_points,
)
from munjang.text.segmentation.ragged import Ragged

Units = npt.NDArray[np.uint16]
Codes = npt.NDArray[np.uint16]

SEPARATOR = 0  # the code of everything between tokens; never inside one
PADDING = 4  # codes after the end of a line that a 64-bit read may touch
_UNITS = 1 << 16
_DOTTED_I = "İ", "I\u0307"
# Low surrogates without a high one before them occur in no text. One is the code of U+0000, whose
# own number is the separator; the other marks what only `str.lower` can lower-case.
_NUL = 0xDFFF
_IRREGULAR = 0xDFFE


@dataclass(frozen=True)
class Alphabet:
    """The codes of characters in tokens.

    Attributes:
        codes: the code of each unit [0x10000].
        lower: True if letters are lower-cased.
        joiner: string put between rows.
        wide: characters beyond 16 bits that are replaced by the joiner.
    """

    codes: Codes
    lower: bool
    joiner: str = ""
    wide: str = ""


@dataclass(frozen=True)
class Line:
    """Some rows as one line.

    Attributes:
        units: UTF-16 units as given, with joiners between rows; if letters are lower-cased, `İ` is
            expanded to two characters, as its lower case has [units].
        codes: the code of each unit, then `PADDING` separators [units + PADDING].
        bounds: start of each row, and where the next after the last would start [rows + 1].
        pairs: index of the first unit of each character that has two [pairs].
    """

    units: Units
    codes: Codes
    bounds: Int64s
    pairs: Int64s

    def points(self) -> Points:
        """Return the code points of the characters [characters]."""
        points = self.units.astype(np.uint32)
        if len(self.pairs):
            first, second = points.take(self.pairs), points.take(self.pairs + 1)
            points[self.pairs] = ((first & 0x3FF) << 10) + (second & 0x3FF) + np.uint32(0x10000)
            points = np.delete(points, self.pairs + 1)
        return points

    def to_characters(self, units: Int64s) -> Int64s:
        """Return the character index of each of some ascending unit indices [places]."""
        return units - _below(self.pairs, units)

    def to_units(self, characters: Int64s) -> Int64s:
        """Return the unit index of each of some ascending character indices [places]."""
        return characters + _below(self.pairs - np.arange(len(self.pairs)), characters)


def _below(few: Int64s, many: Int64s) -> Int64s:
    """Count the elements of `few` below each element of `many`, both ascending [many]."""
    if not len(few):
        return np.zeros(len(many), dtype=np.int64)
    passed = np.searchsorted(many, few, side="right")
    return np.cumsum(np.bincount(passed, minlength=len(many) + 1)[: len(many)])


@cache
def unit_codes(lower: bool) -> Codes:
    """Return the codes of units without separators [0x10000]."""
    codes = np.arange(_UNITS, dtype=np.uint16)
    if lower:
        table = lowered_points()
        codes[:] = table[:_UNITS]
        changed = np.flatnonzero(table[_UNITS:] != np.arange(_UNITS, len(table)))
        codes[0xD800 + (changed >> 10)] = _IRREGULAR
        codes[[ord(character) for character in IRREGULAR]] = _IRREGULAR
    codes[0] = _NUL
    return codes


def join(rows: Sequence[str], lengths: Int64s, alphabet: Alphabet) -> Line:
    """Join rows into one line.

    Args:
        rows: texts.
        lengths: their lengths in characters [rows].
        alphabet: codes of their characters.

    Raises:
        UnicodeEncodeError: a row holds a lone surrogate.
    """
    line = read_line(_join(rows, alphabet), lengths + len(alphabet.joiner), alphabet)
    if not alphabet.lower or not (line.codes == _IRREGULAR).any():
        return line
    lowered = [row if row.isascii() else row.lower() for row in rows]
    lengths = lengths_of(lowered) + len(alphabet.joiner)
    line = read_line(_join(lowered, alphabet), lengths, alphabet)
    codes = line.codes[: len(line.units)]
    np.copyto(codes, line.units, where=codes == _IRREGULAR)
    # as long as the lower-cased text, in the case that was given
    given = _join([row.replace(*_DOTTED_I) for row in rows], alphabet)
    return replace(line, units=_units_of(given))


def _join(rows: Sequence[str], alphabet: Alphabet) -> str:
    text = alphabet.joiner.join(rows)
    for character in alphabet.wide:
        text = text.replace(character, alphabet.joiner)
    return text


def read_line(text: str, lengths: Int64s, alphabet: Alphabet) -> Line:
    """Build a line from the joined rows.

    Args:
        text: the joined rows.
        lengths: number of characters of each row, its joiner included [rows].
        alphabet: codes of characters; what only `str.lower` can lower-case becomes `_IRREGULAR`.
    """
    units = _units_of(text)
    codes = np.zeros(len(units) + PADDING, dtype="<u2")
    np.take(alphabet.codes, units, out=codes[: len(units)], mode="clip")
    surrogates = units & 0xFC00 == 0xD800 if len(units) > len(text) else ()
    line = Line(units, codes, bounds_of(lengths), np.flatnonzero(surrogates))
    return replace(line, bounds=line.to_units(line.bounds))


def _units_of(text: str) -> Units:
    return np.frombuffer(text.encode("utf-16-le"), dtype="<u2")


def lengths_of(rows: Sequence[Sequence[str]]) -> Int64s:
    """Return the length of each row [rows]."""
    return np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))


def strings_of_codes(tokens: Ragged) -> Strings:
    """Decode tokens given by their codes to strings [tokens]."""
    units = tokens.values.astype("<u2")
    nul = np.flatnonzero(units == _NUL)
    units[nul[(nul == 0) | (units[nul - 1] & 0xFC00 != 0xD800)]] = 0
    utf8 = units.tobytes().decode("utf-16-le").encode()
    widths = 1 + (units > 0x7F).view(np.uint8) + (units > 0x7FF)
    widths -= units & 0xF800 == 0xD800  # four bytes per pair
    offsets = bounds_of(widths).take(tokens.bounds)
    return pa.LargeStringArray.from_buffers(len(tokens), pa.py_buffer(offsets), pa.py_buffer(utf8))
