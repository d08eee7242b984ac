"""Segmentation of columns of texts into tokens, many rows at a time.

rows -> a line of codes -> starts and ends of tokens -> a key per token. Strings are made on request
only, usually for distinct tokens.
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
from munjang.text.segmentation.codepoints import Strings, bounds_of
from munjang.text.segmentation.keys import TokenKeys, concatenate_keys, token_keys
from munjang.text.segmentation.parallel import map_parts
from munjang.text.segmentation.ragged import Ragged, concatenate, cut_out
from munjang.text.segmentation.units import (
    PADDING,
    Alphabet,
    Line,
    join,
    lengths_of,
    read_line,
    strings_of_codes,
    unit_codes,
)

Result = TypeVar("Result")

# Limits of a part, in rows and in characters: larger parts do not fit into the caches, smaller ones
# spend more time in Python than in NumPy.
_PART_ROWS = range(1 << 10, 1 << 13)
_PART_CHARACTERS = 1 << 19
_PARTS = 8  # at least, so that all cores have work until the end
# The arrays of a batch take about half a gigabyte.
_BATCH_CHARACTERS = 1 << 25


@dataclass(frozen=True)
class Segmenter:
    """A rule that splits text into tokens.

    Attributes:
        find: function from a line to the starts and ends of its tokens [tokens].
        alphabet: codes of characters in tokens. No token crosses its joiner.
    """

    find: Callable[[Line], tuple[Int64s, Int64s]]
    alphabet: Alphabet


@dataclass(frozen=True)
class Part:
    """Consecutive rows and their tokens.

    Attributes:
        line: the rows.
        starts: first unit of each token [tokens].
        ends: one past its last [tokens].
        offsets: row `i` holds the tokens `offsets[i]:offsets[i + 1]` [rows + 1].
        keys: keys of the tokens.
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
        parts: consecutive parts of the column.
    """

    parts: list[Part]

    def __len__(self) -> int:
        """Return the number of tokens."""
        return sum(len(part.starts) for part in self.parts)

    @cached_property
    def offsets(self) -> Int64s:
        """Row `i` holds the tokens `offsets[i]:offsets[i + 1]` [rows + 1]."""
        return bounds_of(np.concatenate([np.diff(part.offsets) for part in self.parts]))

    @cached_property
    def keys(self) -> TokenKeys:
        """The keys of all tokens."""
        return concatenate_keys([part.keys for part in self.parts])

    def codes_of(self, tokens: Int64s) -> Ragged:
        """Return the codes of the tokens at some ascending indices [chosen]."""
        cuts = np.cumsum([0, *(len(part.starts) for part in self.parts)])
        edges = np.searchsorted(tokens, cuts)
        pieces = []
        for part, cut, (start, end) in zip(self.parts, cuts, pairwise(edges), strict=False):
            chosen = tokens[start:end] - cut
            pieces.append(
                cut_out(part.line.codes, part.starts.take(chosen), part.ends.take(chosen))
            )
        return concatenate(pieces)

    def strings(self, tokens: Int64s) -> Strings:
        """Return the strings of the tokens at some ascending indices [chosen]."""
        return strings_of_codes(self.codes_of(tokens))

    def ranges(self) -> tuple[Int64s, Int64s]:
        """Return the character range of each token in its row: starts and ends [tokens]."""
        starts, ends = [], []
        for part in self.parts:
            line = part.line
            origins = line.to_characters(line.bounds[:-1])
            origins = np.repeat(origins, np.diff(part.offsets))
            starts.append(line.to_characters(part.starts) - origins)
            ends.append(line.to_characters(part.ends) - origins)
        return np.concatenate(starts), np.concatenate(ends)


def segment(rows: Sequence[str], segmenter: Segmenter) -> Segments:
    """Segment every row.

    Raises:
        UnicodeEncodeError: a row holds a lone surrogate.
    """
    return Segments(_map_segmented(rows, segmenter, lambda part: part))


def segment_batches(rows: Sequence[str], segmenter: Segmenter) -> Iterator[Segments]:
    """Yield the segments of consecutive slices of `rows`, so that memory is bounded."""
    for start, end in _slices(lengths_of(rows), _BATCH_CHARACTERS):
        yield segment(rows[start:end], segmenter)


def map_segments(
    rows: Sequence[str], segmenter: Segmenter, work: Callable[[Segments], Result]
) -> list[Result]:
    """Apply `work` to segments of consecutive slices of `rows`, in parallel; keep the results."""
    return _map_segmented(rows, segmenter, lambda part: work(Segments([part])))


def _map_segmented(
    rows: Sequence[str], segmenter: Segmenter, work: Callable[[Part], Result]
) -> list[Result]:
    size = min(max(len(rows) // _PARTS, _PART_ROWS.start), _PART_ROWS.stop)

    def cut(start: int) -> list[Result]:
        some = rows[start : start + size]
        lengths = lengths_of(some)
        slices = _slices(lengths, _PART_CHARACTERS)
        return [work(_cut(some[a:b], lengths[a:b], segmenter)) for a, b in slices]

    starts = range(0, max(len(rows), 1), size)
    return list(chain.from_iterable(map_parts(cut, starts)))


def _slices(lengths: Int64s, characters: int) -> Iterator[tuple[int, int]]:
    """Return ranges of rows that hold about `characters` characters each."""
    reached = np.cumsum(lengths) // characters
    return pairwise([0, *(np.flatnonzero(np.diff(reached)) + 1).tolist(), len(lengths)])


def _cut(rows: Sequence[str], lengths: Int64s, segmenter: Segmenter) -> Part:
    line = join(rows, lengths, segmenter.alphabet)
    starts, ends = segmenter.find(line)
    offsets = np.searchsorted(starts, line.bounds)
    return Part(line, starts, ends, offsets, token_keys(line.codes, starts, ends))


def segment_tokens(rows: Sequence[Sequence[str]], *, lower: bool) -> Segments:
    """Wrap rows that are lists of tokens as segments, lower-cased if `lower`.

    Raises:
        UnicodeEncodeError: a token holds a lone surrogate.
    """
    tokens = list(chain.from_iterable(rows))
    line = join(tokens, lengths_of(tokens), Alphabet(unit_codes(lower), lower))
    offsets = bounds_of(lengths_of(rows))
    return _uncut(replace(line, bounds=line.bounds[offsets]), line.bounds, offsets)


def segment_strings(strings: Strings) -> Segments:
    """Wrap a column of tokens as one row of unchanged tokens."""
    utf8 = pa.concat_arrays([strings]).buffers()[2]  # a slice is copied, to start at 0
    lengths = pc.utf8_length(strings).to_numpy()
    line = read_line(str(utf8 or b"", "utf-8"), lengths, Alphabet(unit_codes(False), lower=False))
    return _one_row(line)


def segment_codes(tokens: Ragged) -> Segments:
    """Wrap tokens given by their codes as one row."""
    codes = np.append(tokens.values, np.zeros(PADDING, dtype=np.uint16))
    return _one_row(Line(tokens.values, codes, tokens.bounds, np.zeros(0, dtype=np.int64)))


def _one_row(line: Line) -> Segments:
    whole = replace(line, bounds=line.bounds[[0, -1]])
    return _uncut(whole, line.bounds, np.array([0, len(line.bounds) - 1]))


def _uncut(line: Line, cuts: Int64s, offsets: Int64s) -> Segments:
    """Build segments from a line and the bounds of its tokens, `cuts` [tokens + 1]."""
    keys = token_keys(line.codes, cuts[:-1], cuts[1:])
    return Segments([Part(line, cuts[:-1], cuts[1:], offsets, keys)])


def as_strings(column: pl.Series) -> Strings:
    """Convert a Polars column to one Arrow array of strings."""
    array = column.to_arrow()
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return array.cast(pa.large_string())
