"""Second reading of running text: lines become rows of ids in files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from munjang.data.shards.blocks import Block, LineReader
from munjang.data.shards.manifest import PartEntry
from munjang.data.shards.pieces import (
    Joiner,
    Pieces,
    empty_pieces,
    joined_rows,
    single_rows,
    split_lines,
)
from munjang.data.shards.writer import PartWriter
from munjang.text.capitals import sign_ids
from munjang.text.columns import values_and_offsets
from munjang.text.tokenizer import Tokenizer

# Bytes of a row on disk beside its ids: an offset and the number of its document.
_ROW_BYTES = 16


@dataclass(frozen=True)
class RowShape:
    """How lines become rows.

    Attributes:
        most_tokens: most tokens of a row, GO and EOS not counted.
        add_go_eos: put GO before and EOS after each row.
        join_next: make a row of two neighboring lines, with EOS between them.
    """

    most_tokens: int
    add_go_eos: bool
    join_next: bool

    @property
    def piece_tokens(self) -> int:
        """Most tokens of a line in a row."""
        return (self.most_tokens - 1) // 2 if self.join_next else self.most_tokens


@dataclass
class _Part:
    """A part that is being written."""

    writer: PartWriter
    joiner: Joiner = field(default_factory=Joiner)

    def add(self, pieces: Pieces, shape: RowShape, *, is_last: bool = False) -> None:
        if not shape.join_next:
            values, offsets = single_rows(pieces, add_go_eos=shape.add_go_eos)
            self.writer.add(values, offsets, pieces.documents)
            return
        pieces, partners = self.joiner.join(pieces, is_last=is_last)
        values, offsets = joined_rows(pieces, partners)
        self.writer.add(values, offsets, pieces.documents[np.cumsum(partners) - partners])


def encode_lines(
    reader: LineReader,
    tokenizer: Tokenizer,
    shape: RowShape,
    writers: Mapping[str, PartWriter],
    part_of: Callable[[Block], Mapping[str, np.ndarray[tuple[int], np.dtype[np.int64]]]],
) -> dict[str, PartEntry]:
    """Encode all lines, and write the rows of each part.

    Args:
        reader: the files.
        tokenizer: fitted.
        shape: how lines become rows.
        writers: one per part.
        part_of: returns the indices of the lines of a block by part.

    Raises:
        DataError: a file cannot be read any more.
        OSError: a file cannot be written.
    """
    parts = {name: _Part(writer) for name, writer in writers.items()}
    signs = sign_ids(tokenizer.vocabulary)
    for block in reader.blocks():
        lines, documents = block.lines, block.documents
        for name, indices in part_of(block).items():
            if not len(indices):
                continue
            part = parts[name]
            values, offsets = values_and_offsets(tokenizer.encode(block.texts.gather(indices)))
            pieces = split_lines(
                values,
                offsets,
                lines[indices],
                documents[indices],
                most_tokens=shape.piece_tokens,
                signs=signs,
            )
            part.writer.lines += len(indices)
            part.writer.split_lines += int((np.diff(offsets) > shape.piece_tokens).sum())
            part.add(pieces, shape)
    for part in parts.values():
        if shape.join_next:
            part.add(empty_pieces(), shape, is_last=True)
    return {name: part.writer.finish() for name, part in parts.items()}


def estimate_bytes(reader_bytes: int, lines: int, sample_bytes: int, sample_tokens: int) -> int:
    """Return the bytes that encoded text will take, about, from a sample of it."""
    tokens = reader_bytes * sample_tokens / max(1, sample_bytes)
    return round(1.05 * (4 * tokens + (_ROW_BYTES + 8) * lines)) + 10_000
