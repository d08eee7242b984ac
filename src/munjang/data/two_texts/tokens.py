"""Two token rows per pair: truncated together, joined, or side by side.

A joined row is GO first EOS second EOS. If both are longer than allowed together, tokens of the
longer text are dropped first, as by Hugging Face's `longest_first`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from munjang.text.columns import Int32s, Int64s, flat_ranges
from munjang.text.segmentation.codepoints import Bools, bounds_of
from munjang.text.vocabulary import EOS, GO


@dataclass(frozen=True)
class Side:
    """Token rows of one text per pair.

    Attributes:
        values: ids of all rows, one after another [tokens].
        offsets: row `i` is `values[offsets[i]:offsets[i + 1]]` [rows + 1].
    """

    values: Int32s
    offsets: Int64s

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Int64s:
        """Number of tokens per row [rows]."""
        return np.diff(self.offsets)

    def keep(self, kept: Bools) -> "Side":
        """Return the rows without the tokens that `kept` [tokens] is False for."""
        return Side(self.values[kept], bounds_of(kept)[self.offsets])


def split_limit(first: Int64s, second: Int64s, most: int) -> tuple[Int64s, Int64s]:
    """Return how much of each text is kept if both together may have `most` tokens.

    Args:
        first: lengths of the first texts [rows].
        second: lengths of the second texts [rows].
        most: most tokens of both.
    """
    half = (most + 1) // 2
    keep_first = np.minimum(first, np.maximum(most - second, half))
    keep_second = np.minimum(second, np.maximum(most - first, most - half))
    return keep_first, keep_second


def truncate_pairs(
    first: Side,
    second: Side,
    max_length: int,
    *,
    signs: Sequence[int] = (),
    max_tokens: int | None = None,
) -> tuple[Side, Side, Bools]:
    """Keep at most `max_length` tokens of both texts of each row, signs not counted.

    Args:
        first: the first texts.
        second: the second texts.
        max_length: most tokens of both texts, signs not counted.
        signs: ids of tokens that mark the next one (`munjang.text.capitals`). No sign is kept
            without the token that it belongs to.
        max_tokens: most tokens of both texts, signs counted; None: no limit.

    Returns:
        Both sides, and True for each row that was truncated [rows].
    """
    lengths = first.lengths + second.lengths
    sides = _truncate_words(first, second, max_length, signs)
    if max_tokens is not None:
        limits = split_limit(sides[0].lengths, sides[1].lengths, max_tokens)
        sides = tuple(
            _truncate_tokens(side, limit, signs) for side, limit in zip(sides, limits, strict=True)
        )
    kept = sides[0].lengths + sides[1].lengths
    return sides[0], sides[1], kept < lengths


def _truncate_words(first: Side, second: Side, most: int, signs: Sequence[int]) -> tuple[Side, ...]:
    """Keep `most` tokens of both texts that are no signs, with their signs."""
    if int((first.lengths + second.lengths).max(initial=0)) <= most:
        return first, second
    sides = first, second
    words_before = [bounds_of(~_are_signs(side, signs)) for side in sides]
    counts = [before[side.offsets] for before, side in zip(words_before, sides, strict=True)]
    limits = split_limit(np.diff(counts[0]), np.diff(counts[1]), most)
    kept = []
    for side, before, count, limit in zip(sides, words_before, counts, limits, strict=True):
        word = before[:-1] - np.repeat(count[:-1], side.lengths)
        kept.append(side.keep(word < np.repeat(limit, side.lengths)))
    return tuple(kept)


def _truncate_tokens(side: Side, limit: Int64s, signs: Sequence[int]) -> Side:
    """Keep the first `limit` [rows] tokens of each row, without a sign at the end."""
    lengths = side.lengths
    if not (lengths > limit).any():
        return side
    position = np.arange(len(side.values)) - np.repeat(side.offsets[:-1], lengths)
    limits = np.repeat(limit, lengths)
    kept = (position < limits) & ~(
        _are_signs(side, signs) & (position == limits - 1) & np.repeat(lengths > limit, lengths)
    )
    return side.keep(kept)


def _are_signs(side: Side, signs: Sequence[int]) -> Bools:
    are_signs: Bools = (
        np.isin(side.values, signs) if len(signs) else np.zeros(len(side.values), dtype=np.bool_)
    )
    return are_signs


def join_sides(first: Side, second: Side) -> Side:
    """Return the rows GO first EOS second EOS."""
    offsets = bounds_of(first.lengths + second.lengths + 3)
    values = np.full(int(offsets[-1]), EOS, dtype=np.int32)
    values[offsets[:-1]] = GO
    values[flat_ranges(offsets[:-1] + 1, first.lengths)] = first.values
    values[flat_ranges(offsets[1:] - 1 - second.lengths, second.lengths)] = second.values
    return Side(values, offsets)


def with_ends(side: Side) -> Side:
    """Return the rows GO text EOS."""
    offsets = bounds_of(side.lengths + 2)
    values = np.full(int(offsets[-1]), EOS, dtype=np.int32)
    values[offsets[:-1]] = GO
    values[flat_ranges(offsets[:-1] + 1, side.lengths)] = side.values
    return Side(values, offsets)
