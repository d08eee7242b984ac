"""Vectors as text, one word a line: word2vec, fastText, GloVe. Read as a stream.

Every line must have its columns. Its numbers are read only when the word is wanted: two million
lines cost seconds that way, and no more memory than one piece of the file.
"""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from munjang.data.readers.faults import shorten
from munjang.data.readers.line_ends import LineEnds
from munjang.data.readers.opening import open_source
from munjang.data.vectors.block import Block, Floats, OnBad, checked, decoded
from munjang.data.vectors.formats import VectorFormat, is_number
from munjang.errors import DataError

_CHUNK = 1 << 22
_LONGEST = 1 << 24  # bytes of a line; a longer one is no vector
# A piece that can only be part of a vector; "000" may be the second word of "10 000".
_DECIMAL = re.compile(rb"[+-]?\d*\.\d+(e[+-]?\d+)?|[+-]?\d+e[+-]?\d+", re.IGNORECASE)


class TextVectors:
    """A `VectorSource` over a text file, gzipped or not.

    Args:
        path: of the file.
        found: its format.
    """

    def __init__(self, path: Path, found: VectorFormat) -> None:
        self.path = path
        self.name = str(path)
        self.kind: str = found.kind
        self.dim = found.dim
        self.promised = found.promised

    def blocks(self, on_bad: OnBad) -> Iterator[Block]:
        """All words, a few thousand at a time.

        A blank line is bad unless it stands at the end of the file.
        """
        blank = None
        for first, lines in self._pieces():
            cut: list[tuple[bytes, bytes]] = []
            rows: list[int] = []
            for row, line in enumerate(lines, start=first):
                if row == 1 and self.promised is not None:
                    continue
                line = line.rstrip(b" \r")
                if not line:
                    blank = blank or row
                    continue
                if blank is not None:
                    on_bad(self._bad("an empty line", blank))
                    blank = None
                if line.count(b" ") == self.dim:
                    word, _, numbers = line.partition(b" ")
                    cut.append((word, numbers))
                    rows.append(row)
                else:
                    try:
                        cut.append(self._cut_from_the_right(line, row))
                        rows.append(row)
                    except DataError as error:
                        on_bad(error)
            yield self._block(cut, rows, on_bad)

    def _block(self, cut: list[tuple[bytes, bytes]], rows: list[int], on_bad: OnBad) -> Block:
        words, places = decoded([word for word, _ in cut], rows, self.name, on_bad)

        def numbers(number: int) -> Floats:
            place = places[number]
            return self._numbers(cut[place][1], words[number], rows[place])

        return Block(words, numbers)

    def _pieces(self) -> Iterator[tuple[int, list[bytes]]]:
        """The lines of the file, and the number of the first, from 1, of each piece of it."""
        row, tail, ends = 1, b"", LineEnds()
        with open_source(self.path) as stream:
            while True:
                chunk = stream.read(_CHUNK)
                lines = (tail + ends.feed(chunk)).split(b"\n")
                if row == 1:
                    lines[0] = lines[0].removeprefix(codecs.BOM_UTF8)
                tail = lines.pop() if chunk else b""
                if len(tail) > _LONGEST:
                    raise self._bad(f"a line of more than {_LONGEST:,} bytes", row + len(lines))
                yield row, lines
                row += len(lines)
                if not chunk:
                    return

    def _cut_from_the_right(self, line: bytes, row: int) -> tuple[bytes, bytes]:
        """Word and numbers of a line with spaces in the word, or more than one between numbers.

        Raises:
            DataError: it has too few columns or too many.
        """
        pieces = line.rsplit(None, self.dim)
        if len(pieces) == self.dim and line.startswith(b" "):
            return b"", line  # the word is nothing, or a space
        if len(pieces) <= self.dim:
            found = len(pieces) - 1
            raise self._bad(f"{found} number{'' if found == 1 else 's'}", row, pieces[0])
        between = pieces[0].split()[1:]
        if between and all(_DECIMAL.fullmatch(piece) for piece in between):
            raise self._bad(f"{len(between) + self.dim} numbers", row, pieces[0].split()[0])
        return pieces[0], b" ".join(pieces[1:])

    def _numbers(self, text: bytes, word: str, row: int) -> Floats:
        pieces = text.split()
        if len(pieces) != self.dim:
            raise self._bad(f"{len(pieces)} numbers", row, word.encode())
        wrong = next((i for i, piece in enumerate(pieces) if not is_number(piece)), None)
        if wrong is not None:
            shown = shorten(pieces[wrong].decode(errors="replace"))
            raise self._bad(f"{shown} as number {wrong + 1}", row, word.encode())
        return checked([float(piece) for piece in pieces], word, file=self.name, row=row)

    def _bad(self, got: str, row: int, word: bytes | None = None) -> DataError:
        why = " (the header says so)" if self.promised is not None else ""
        behind = "" if word is None else f" behind {shorten(word.decode(errors='replace'))}"
        return DataError(
            f"expected a word and {self.dim} number{'' if self.dim == 1 else 's'}{why}, "
            f"got {got}{behind}",
            file=self.name,
            row=row,
        )
