"""Columns of text cut into tokens, many rows at a time.

rows -> code points -> where each token starts and ends -> a key for each token. The strings of
tokens are made only for those that somebody asks for: the distinct ones, as a rule.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from munjang.text.columns import Int64s, flat_ranges
from munjang.text.cutting.codepoints import (
    CODE_POINTS,
    Points,
    Strings,
    bounds_of,
    is_irregular,
    lower_irregular,
    lower_table,
    strings_of,
    to_points,
)
from munjang.text.cutting.keys import (
    PADDING,
    Codes,
    TokenKeys,
    code_table,
    concatenate_keys,
    token_keys,
)
from munjang.text.cutting.together import map_parts

# The arrays of so many characters stay in a core's cache: three times the speed of one long pass.
_PART_CHARACTERS = 1 << 17
# The arrays of so many characters take about half a gigabyte.
_BATCH_CHARACTERS = 1 << 25


@dataclass(frozen=True)
class Cutter:
    """A way to cut text into tokens.

    Attributes:
        find: from codes and code points [characters] to the starts and ends of tokens [tokens].
        letters: what each code point becomes in a token [0x110000].
        codes: what each code point becomes in a key [0x110000].
        joiner: stands between rows; no token may run across it.
        lower: whether `letters` lower-cases.
    """

    find: Callable[[Codes, Points], tuple[Int64s, Int64s]]
    letters: Points
    codes: Codes
    joiner: str
    lower: bool


@dataclass(frozen=True)
class Part:
    """Some consecutive rows, cut.

    Attributes:
        points: code points of the rows, as given, with joiners between [characters].
        bounds: where each row starts, and the end [rows + 1].
        starts: first character of each token in `points` [tokens].
        ends: one past its last [tokens].
        offsets: row `i` holds the tokens `offsets[i]:offsets[i + 1]` [rows + 1].
        keys: the tokens' keys.
    """

    points: Points
    bounds: Int64s
    starts: Int64s
    ends: Int64s
    offsets: Int64s
    keys: TokenKeys


@dataclass(frozen=True)
class Segments:
    """The tokens of a column of texts.

    Attributes:
        parts: the column, cut a part at a time.
        letters: what each code point becomes in a token [0x110000].
    """

    parts: list[Part]
    letters: Points

    @cached_property
    def offsets(self) -> Int64s:
        """Row `i` holds the tokens `offsets[i]:offsets[i + 1]` [rows + 1]."""
        return bounds_of(np.concatenate([np.diff(part.offsets) for part in self.parts]))

    @cached_property
    def keys(self) -> TokenKeys:
        """The keys of all tokens."""
        return concatenate_keys([part.keys for part in self.parts])

    def strings(self, tokens: Int64s) -> Strings:
        """The strings of some tokens, given by their places in ascending order [chosen]."""
        cuts = np.cumsum([0, *(len(part.starts) for part in self.parts)])
        edges = np.searchsorted(tokens, cuts)
        points, lengths = [], []
        for part, cut, (start, end) in zip(self.parts, cuts, pairwise(edges), strict=False):
            chosen = tokens[start:end] - cut
            starts = part.starts.take(chosen)
            sizes = part.ends.take(chosen) - starts
            places = flat_ranges(starts, sizes)
            points.append(self.letters.take(part.points.take(places)))
            lengths.append(sizes)
        cuts = bounds_of(np.concatenate(lengths))
        return strings_of(np.concatenate(points), cuts[:-1], cuts[1:])

    def ranges(self) -> tuple[Int64s, Int64s]:
        """First and one past the last character of each token, in its own row [tokens], twice."""
        origins = [np.repeat(part.bounds[:-1], np.diff(part.offsets)) for part in self.parts]
        return (
            np.concatenate([part.starts - o for part, o in zip(self.parts, origins, strict=True)]),
            np.concatenate([part.ends - o for part, o in zip(self.parts, origins, strict=True)]),
        )


def segment(rows: Sequence[str], cutter: Cutter) -> Segments:
    """Cut every row. `UnicodeEncodeError` when a row holds a lone surrogate."""
    return _segment(rows, _lengths(rows), cutter)


def segment_batches(rows: Sequence[str], cutter: Cutter) -> Iterator[Segments]:
    """Cut consecutive slices of `rows` one after another, so that memory has a bound."""
    lengths = _lengths(rows)
    for start, end in _slices(lengths, _BATCH_CHARACTERS):
        yield _segment(rows[start:end], lengths[start:end], cutter)


def _lengths(rows: Sequence[Sequence[str]]) -> Int64s:
    return np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))


def _slices(lengths: Int64s, characters: int) -> Iterator[tuple[int, int]]:
    """Where to cut rows, so that about so many characters lie between two cuts."""
    reached = np.cumsum(lengths) // characters
    return pairwise([0, *(np.flatnonzero(np.diff(reached)) + 1).tolist(), len(lengths)])


def _segment(rows: Sequence[str], lengths: Int64s, cutter: Cutter) -> Segments:
    def cut(rows_from_to: tuple[int, int]) -> Part:
        start, end = rows_from_to
        return _cut(rows[start:end], lengths[start:end], cutter)

    slices = list(_slices(lengths, _PART_CHARACTERS))
    return Segments(map_parts(cut, slices), cutter.letters)


def _cut(rows: Sequence[str], lengths: Int64s, cutter: Cutter) -> Part:
    text = cutter.joiner.join(rows)
    if cutter.lower and is_irregular(text):
        rows = lower_irregular(rows)
        lengths = _lengths(rows)
        text = cutter.joiner.join(rows)
    bounds = bounds_of(lengths + len(cutter.joiner))
    points = to_points(text)
    codes = _pad_codes(cutter.codes, points)
    starts, ends = cutter.find(codes[: len(points)], points)
    offsets = np.searchsorted(starts, bounds)
    return Part(points, bounds, starts, ends, offsets, token_keys(codes, starts, ends))


def _pad_codes(table: Codes, points: Points) -> Codes:
    codes = np.zeros(len(points) + PADDING, dtype="<u2")
    np.take(table, points, out=codes[: len(points)], mode="clip")
    return codes


def segment_tokens(rows: Sequence[Sequence[str]], *, lower: bool) -> Segments:
    """Rows that are lists of tokens already: only lower-case these, if asked.

    `UnicodeEncodeError` when a token holds a lone surrogate.
    """
    tokens: Sequence[str] = list(chain.from_iterable(rows))
    text = "".join(tokens)
    if lower and is_irregular(text):
        tokens = lower_irregular(tokens)
        text = "".join(tokens)
    return _uncut(to_points(text), _lengths(tokens), bounds_of(_lengths(rows)), _letters(lower))


def segment_strings(strings: Strings) -> Segments:
    """A column of tokens as one row, each token as it stands."""
    utf8 = pa.concat_arrays([strings]).buffers()[2]  # a slice is copied, to start at 0
    text = str(utf8 or b"", "utf-8")
    lengths = pc.utf8_length(strings).to_numpy()
    return _uncut(to_points(text), lengths, np.array([0, len(strings)]), _letters(False))


def _letters(lower: bool) -> Points:
    return lower_table() if lower else np.arange(CODE_POINTS, dtype=np.uint32)


def _uncut(points: Points, lengths: Int64s, offsets: Int64s, letters: Points) -> Segments:
    cuts = bounds_of(lengths)
    codes = _pad_codes(code_table(letters), points)
    keys = token_keys(codes, cuts[:-1], cuts[1:])
    return Segments([Part(points, cuts[offsets], cuts[:-1], cuts[1:], offsets, keys)], letters)
