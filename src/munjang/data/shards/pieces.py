"""Rows of tokens made of lines: long lines split, neighboring lines joined."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from munjang.text.columns import Int32s, Int64s, flat_ranges
from munjang.text.vocabulary import EOS, GO


@dataclass(frozen=True)
class Pieces:
    """Consecutive tokens of lines, each piece as long as a row may be.

    Attributes:
        values: ids of all tokens.
        offsets: place of the first token of each piece, and the number of tokens.
        lines: number of the line of each piece, ascending.
        documents: number of its document, ascending.
    """

    values: Int32s
    offsets: Int64s
    lines: Int64s
    documents: Int64s

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def lengths(self) -> Int64s:
        """Number of tokens of each piece."""
        return np.diff(self.offsets)

    def take(self, indices: Int64s) -> "Pieces":
        """Return some pieces, in that order."""
        lengths = self.lengths[indices]
        values = self.values[flat_ranges(self.offsets[indices], lengths)]
        return Pieces(values, _offsets(lengths), self.lines[indices], self.documents[indices])

    def __add__(self, other: "Pieces") -> "Pieces":
        return Pieces(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]),
            np.concatenate([self.lines, other.lines]),
            np.concatenate([self.documents, other.documents]),
        )


def split_lines(
    values: Int32s,
    offsets: Int64s,
    lines: Int64s,
    documents: Int64s,
    *,
    most_tokens: int,
    signs: Sequence[int] = (),
) -> Pieces:
    """Split lines of more than `most_tokens` tokens, and leave out lines without tokens.

    Args:
        values: ids of all lines.
        offsets: place of the first token of each line, and the number of tokens.
        lines: number of each line.
        documents: number of the document of each line.
        most_tokens: most tokens of a piece.
        signs: ids of tokens that mark the next one; none is at the end of a piece, if it has more
            than signs.
    """
    lengths = np.diff(offsets)
    counts = -(-lengths // most_tokens)
    long = np.flatnonzero(counts > 1)
    cuts = [
        _cut(values[offsets[i] : offsets[i + 1]], most_tokens, signs) + offsets[i] for i in long
    ]
    counts[long] = [len(places) for places in cuts]
    starts = np.repeat(offsets[:-1], counts)
    if len(long):
        starts[flat_ranges((np.cumsum(counts) - counts)[long], counts[long])] = np.concatenate(cuts)
    return Pieces(
        values,
        np.append(starts, offsets[-1]),
        np.repeat(lines, counts),
        np.repeat(documents, counts),
    )


def _cut(line: Int32s, most: int, signs: Sequence[int]) -> Int64s:
    """Return the places at which the pieces of a long line begin."""
    if not signs:
        return np.arange(0, len(line), most, dtype=np.int64)
    are_signs = np.isin(line, signs)
    starts = [0]
    while (end := starts[-1] + most) < len(line):
        while end - 1 > starts[-1] and are_signs[end - 1]:
            end -= 1
        starts.append(starts[-1] + most if are_signs[end - 1] else end)
    return np.array(starts, dtype=np.int64)


def single_rows(pieces: Pieces, *, add_go_eos: bool) -> tuple[Int32s, Int64s]:
    """Return one row per piece: GO a EOS, or the tokens alone."""
    if not add_go_eos:
        return pieces.values, pieces.offsets
    return _with_ends(pieces, np.ones(len(pieces), dtype=np.int64))


def joined_rows(pieces: Pieces, partners: Int64s) -> tuple[Int32s, Int64s]:
    """Return rows GO a EOS b EOS, or GO a EOS for a piece alone.

    Args:
        pieces: the pieces.
        partners: number of pieces of each row, 1 or 2.
    """
    return _with_ends(pieces, partners)


def _with_ends(pieces: Pieces, partners: Int64s) -> tuple[Int32s, Int64s]:
    """Put GO before each row, and EOS after each of its pieces."""
    lengths = pieces.lengths
    firsts = np.cumsum(partners) - partners
    is_first = np.zeros(len(pieces), dtype=np.int64)
    is_first[firsts] = 1
    ends = np.cumsum(lengths + 1 + is_first)
    starts = ends - lengths - 1
    values = np.full(int(ends[-1]) if len(ends) else 0, EOS, dtype=np.int32)
    values[flat_ranges(starts, lengths)] = pieces.values[flat_ranges(pieces.offsets[:-1], lengths)]
    values[starts[firsts] - 1] = GO
    return values, np.append(starts[firsts] - 1, len(values))


class Joiner:
    """Pairs each piece with the next one of its document; each piece is in one row.

    Pieces arrive in blocks: a piece whose partner may be in the next block waits for it.
    """

    def __init__(self) -> None:
        self._waiting: Pieces | None = None

    def join(self, pieces: Pieces, *, is_last: bool = False) -> tuple[Pieces, Int64s]:
        """Return the pieces of complete rows, and how many of them each row has."""
        if self._waiting is not None:
            pieces, self._waiting = self._waiting + pieces, None
        if not len(pieces):
            return pieces, np.zeros(0, dtype=np.int64)
        breaks = np.diff(pieces.documents) != 0
        breaks |= np.diff(pieces.lines) > 1  # a held-out line between them
        starts = np.concatenate([[0], np.flatnonzero(breaks) + 1])
        runs = np.diff(np.append(starts, len(pieces)))
        if runs[-1] % 2 and not is_last:
            last = len(pieces) - 1
            self._waiting = pieces.take(np.array([last]))
            pieces = pieces.take(np.arange(last))
            runs[-1] -= 1
        rows = -(-runs // 2)
        partners = np.full(int(rows.sum()), 2, dtype=np.int64)
        partners[(np.cumsum(rows) - 1)[runs % 2 == 1]] = 1
        return pieces, partners


def empty_pieces() -> Pieces:
    """Return no pieces."""
    none = np.zeros(0, dtype=np.int64)
    return Pieces(np.zeros(0, dtype=np.int32), np.zeros(1, dtype=np.int64), none, none)


def _offsets(lengths: Int64s) -> Int64s:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
