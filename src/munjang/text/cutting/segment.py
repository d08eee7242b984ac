"""Columns of text cut into tokens, many rows at a time.

rows -> a line of codes -> where each token starts and ends -> a key for each token. The strings of
tokens are made only for those that somebody asks for: the distinct ones, as a rule.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, pairwise
from typing import TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from munjang.text.columns import Int64s
from munjang.text.cutting.codepoints import Strings, bounds_of
from munjang.text.cutting.keys import TokenKeys, concatenate_keys, token_keys
from munjang.text.cutting.ragged import Ragged, concatenate, cut_out
from munjang.text.cutting.together import map_parts
from munjang.text.cutting.units import (
    PADDING,
    Alphabet,
    Line,
    join,
    lengths_of,
    letters,
    read_line,
    strings_of_codes,
)

Result = TypeVar("Result")

# Parts have so many rows, and characters at most: more fall out of the caches, fewer leave Python
# more to do than NumPy.
_PART_ROWS = range(1 << 10, 1 << 13)
_PART_CHARACTERS = 1 << 19
_PARTS = 8  # or more, so that all cores have work until the end
# The arrays of so many characters take about half a gigabyte.
_BATCH_CHARACTERS = 1 << 25


@dataclass(frozen=True)
class Cutter:
    """A way to cut text into tokens.

    Attributes:
        find: from a line to the starts and ends of its tokens [tokens].
        alphabet: what characters become in a token. No token runs across its joiner.
    """

    find: Callable[[Line], tuple[Int64s, Int64s]]
    alphabet: Alphabet


@dataclass(frozen=True)
class Part:
    """Some consecutive rows, cut.

    Attributes:
        line: the rows.
        starts: first unit of each token [tokens].
        ends: one past its last [tokens].
        offsets: row `i` holds the tokens `offsets[i]:offsets[i + 1]` [rows + 1].
        keys: the tokens' keys.
    """

    line: Line
    starts: Int64s
    ends: Int64s
    offsets: Int64s
    keys: TokenKeys


@dataclass(frozen=True)
class Segments:
    """The tokens of a column of texts.

    Attributes:
        parts: the column, cut a part at a time.
    """

    parts: list[Part]

    def __len__(self) -> int:
        """How many tokens there are."""
        return sum(len(part.starts) for part in self.parts)

    @cached_property
    def offsets(self) -> Int64s:
        """Row `i` holds the tokens `offsets[i]:offsets[i + 1]` [rows + 1]."""
        return bounds_of(np.concatenate([np.diff(part.offsets) for part in self.parts]))

    @cached_property
    def keys(self) -> TokenKeys:
        """The keys of all tokens."""
        return concatenate_keys([part.keys for part in self.parts])

    def spell(self, tokens: Int64s) -> Ragged:
        """The codes of some tokens, given by their places in ascending order [chosen]."""
        cuts = np.cumsum([0, *(len(part.starts) for part in self.parts)])
        edges = np.searchsorted(tokens, cuts)
        spelled = []
        for part, cut, (start, end) in zip(self.parts, cuts, pairwise(edges), strict=False):
            chosen = tokens[start:end] - cut
            spelled.append(
                cut_out(part.line.codes, part.starts.take(chosen), part.ends.take(chosen))
            )
        return concatenate(spelled)

    def strings(self, tokens: Int64s) -> Strings:
        """The strings of some tokens, given by their places in ascending order [chosen]."""
        return strings_of_codes(self.spell(tokens))

    def ranges(self) -> tuple[Int64s, Int64s]:
        """First and one past the last character of each token, in its own row [tokens], twice."""
        starts, ends = [], []
        for part in self.parts:
            line = part.line
            origins = line.to_characters(line.bounds[:-1])
            origins = np.repeat(origins, np.diff(part.offsets))
            starts.append(line.to_characters(part.starts) - origins)
            ends.append(line.to_characters(part.ends) - origins)
        return np.concatenate(starts), np.concatenate(ends)


def segment(rows: Sequence[str], cutter: Cutter) -> Segments:
    """Cut every row. `UnicodeEncodeError` when a row holds a lone surrogate."""
    return Segments(_map_cut(rows, cutter, lambda part: part))


def segment_batches(rows: Sequence[str], cutter: Cutter) -> Iterator[Segments]:
    """Cut consecutive slices of `rows` one after another, so that memory has a bound."""
    for start, end in _slices(lengths_of(rows), _BATCH_CHARACTERS):
        yield segment(rows[start:end], cutter)


def map_segments(
    rows: Sequence[str], cutter: Cutter, work: Callable[[Segments], Result]
) -> list[Result]:
    """`work` of consecutive slices of `rows`, cut: several at a time, and only results are kept."""
    return _map_cut(rows, cutter, lambda part: work(Segments([part])))


def _map_cut(rows: Sequence[str], cutter: Cutter, work: Callable[[Part], Result]) -> list[Result]:
    size = min(max(len(rows) // _PARTS, _PART_ROWS.start), _PART_ROWS.stop)

    def cut(start: int) -> list[Result]:
        some = rows[start : start + size]
        lengths = lengths_of(some)
        slices = _slices(lengths, _PART_CHARACTERS)
        return [work(_cut(some[a:b], lengths[a:b], cutter)) for a, b in slices]

    starts = range(0, max(len(rows), 1), size)
    return list(chain.from_iterable(map_parts(cut, starts)))


def _slices(lengths: Int64s, characters: int) -> Iterator[tuple[int, int]]:
    """Where to cut rows, so that about so many characters lie between two cuts."""
    reached = np.cumsum(lengths) // characters
    return pairwise([0, *(np.flatnonzero(np.diff(reached)) + 1).tolist(), len(lengths)])


def _cut(rows: Sequence[str], lengths: Int64s, cutter: Cutter) -> Part:
    line = join(rows, lengths, cutter.alphabet)
    starts, ends = cutter.find(line)
    offsets = np.searchsorted(starts, line.bounds)
    return Part(line, starts, ends, offsets, token_keys(line.codes, starts, ends))


def segment_tokens(rows: Sequence[Sequence[str]], *, lower: bool) -> Segments:
    """Rows that are lists of tokens already: only lower-case these, if asked.

    `UnicodeEncodeError` when a token holds a lone surrogate.
    """
    tokens = list(chain.from_iterable(rows))
    line = join(tokens, lengths_of(tokens), Alphabet(letters(lower), lower))
    offsets = bounds_of(lengths_of(rows))
    return _uncut(replace(line, bounds=line.bounds[offsets]), line.bounds, offsets)


def segment_strings(strings: Strings) -> Segments:
    """A column of tokens as one row, each token as it stands."""
    utf8 = pa.concat_arrays([strings]).buffers()[2]  # a slice is copied, to start at 0
    lengths = pc.utf8_length(strings).to_numpy()
    line = read_line(str(utf8 or b"", "utf-8"), lengths, Alphabet(letters(False), lower=False))
    return _one_row(line)


def segment_codes(tokens: Ragged) -> Segments:
    """Tokens given by their codes as one row."""
    codes = np.append(tokens.values, np.zeros(PADDING, dtype=np.uint16))
    return _one_row(Line(tokens.values, codes, tokens.bounds, np.zeros(0, dtype=np.int64)))


def _one_row(line: Line) -> Segments:
    whole = replace(line, bounds=line.bounds[[0, -1]])
    return _uncut(whole, line.bounds, np.array([0, len(line.bounds) - 1]))


def _uncut(line: Line, cuts: Int64s, offsets: Int64s) -> Segments:
    """The rows of a line with tokens between `cuts` [tokens + 1]."""
    keys = token_keys(line.codes, cuts[:-1], cuts[1:])
    return Segments([Part(line, cuts[:-1], cuts[1:], offsets, keys)])


def as_strings(column: pl.Series) -> Strings:
    """A Polars column as one Arrow array of strings."""
    array = column.to_arrow()
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array.cast(pa.large_string())
