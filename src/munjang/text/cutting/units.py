"""Rows of text joined into one line of UTF-16 units, so that four characters are a 64-bit number.

A unit is one character, Hangul and Latin among them, or half of one beyond 16 bits, as emoji are.
What a unit becomes in a token is its code: one look-up in a table of 2**16.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from munjang.text.columns import Int64s
from munjang.text.cutting.codepoints import IRREGULAR, Points, Strings, bounds_of, lowered_points
from munjang.text.cutting.ragged import Ragged

Units = npt.NDArray[np.uint16]
Codes = npt.NDArray[np.uint16]

SEPARATOR = 0  # the code of what stands between tokens, and never in one
PADDING = 4  # codes past the end of a line that a 64-bit window may read
_UNITS = 1 << 16
_DOTTED_I = "İ", "I\u0307"
# Halves of a pair, with no other half before them: no text holds these, so they stand for U+0000,
# whose place the separator took, and for what only `str.lower` can lower-case.
_NUL = 0xDFFF
_IRREGULAR = 0xDFFE


@dataclass(frozen=True)
class Alphabet:
    """What the characters of a text become in its tokens.

    Attributes:
        codes: the code of each unit [0x10000].
        lower: whether letters are lower-cased.
        joiner: stands between rows.
        wide: characters beyond 16 bits for which the joiner is put.
    """

    codes: Codes
    lower: bool
    joiner: str = ""
    wide: str = ""


@dataclass(frozen=True)
class Line:
    """Some rows as one line.

    Attributes:
        units: as given, with joiners between rows; where letters are lower-cased, `İ` is the two
            characters that its lower case has, but for the case [units].
        codes: the code of each unit, then `PADDING` separators [units + PADDING].
        bounds: where each row starts, and where one after the last would [rows + 1].
        pairs: the first unit of each character that has two [pairs].
    """

    units: Units
    codes: Codes
    bounds: Int64s
    pairs: Int64s

    def points(self) -> Points:
        """The code points of the characters [characters]."""
        points = self.units.astype(np.uint32)
        if len(self.pairs):
            first, second = points.take(self.pairs), points.take(self.pairs + 1)
            points[self.pairs] = ((first & 0x3FF) << 10) + (second & 0x3FF) + np.uint32(0x10000)
            points = np.delete(points, self.pairs + 1)
        return points

    def to_characters(self, units: Int64s) -> Int64s:
        """How many characters stand before some units, given by their ascending places [places]."""
        return units - _below(self.pairs, units)

    def to_units(self, characters: Int64s) -> Int64s:
        """How many units stand before some characters, given by their ascending places [places]."""
        return characters + _below(self.pairs - np.arange(len(self.pairs)), characters)


def _below(few: Int64s, many: Int64s) -> Int64s:
    """How many of `few` are smaller than each of `many`, both ascending [many]."""
    if not len(few):
        return np.zeros(len(many), dtype=np.int64)
    passed = np.searchsorted(many, few, side="right")
    return np.cumsum(np.bincount(passed, minlength=len(many) + 1)[: len(many)])


@cache
def letters(lower: bool) -> Codes:
    """The codes of units where nothing separates [0x10000]."""
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
    """Join rows into one line. `UnicodeEncodeError` when one holds a lone surrogate.

    Args:
        rows: texts.
        lengths: their lengths, in characters [rows].
        alphabet: what their characters become.
    """
    line = read_line(_join(rows, alphabet), lengths + len(alphabet.joiner), alphabet)
    if not alphabet.lower or not (line.codes == _IRREGULAR).any():
        return line
    lowered = [row if row.isascii() else row.lower() for row in rows]
    lengths = lengths_of(lowered) + len(alphabet.joiner)
    line = read_line(_join(lowered, alphabet), lengths, alphabet)
    codes = line.codes[: len(line.units)]
    np.copyto(codes, line.units, where=codes == _IRREGULAR)
    # as long as in lower case, and in the case that it was given in
    given = _join([row.replace(*_DOTTED_I) for row in rows], alphabet)
    return replace(line, units=_units_of(given))


def _join(rows: Sequence[str], alphabet: Alphabet) -> str:
    text = alphabet.joiner.join(rows)
    for character in alphabet.wide:
        text = text.replace(character, alphabet.joiner)
    return text


def read_line(text: str, lengths: Int64s, alphabet: Alphabet) -> Line:
    """A text that holds all rows as a line.

    Args:
        text: the rows, joined.
        lengths: how many characters belong to each, its joiner included [rows].
        alphabet: what these become; what only `str.lower` can lower-case is `_IRREGULAR` for now.
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
    """How long each row is [rows]."""
    return np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))


def strings_of_codes(tokens: Ragged) -> Strings:
    """The strings of tokens given by their codes [tokens]."""
    units = tokens.values.astype("<u2")
    nul = np.flatnonzero(units == _NUL)
    units[nul[(nul == 0) | (units[nul - 1] & 0xFC00 != 0xD800)]] = 0
    utf8 = units.tobytes().decode("utf-16-le").encode()
    widths = 1 + (units > 0x7F).view(np.uint8) + (units > 0x7FF)
    widths -= units & 0xF800 == 0xD800  # four bytes a pair
    offsets = bounds_of(widths).take(tokens.bounds)
    return pa.LargeStringArray.from_buffers(len(tokens), pa.py_buffer(offsets), pa.py_buffer(utf8))
