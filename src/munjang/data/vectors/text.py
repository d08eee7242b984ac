"""Stream of vectors as text, one word per line: word2vec, fastText, GloVe.

The number of columns of every line is checked. Numbers are parsed only for wanted words, so that
two million lines take seconds, and no more memory than one piece of the file.
"""

import codecs
import re
from collections.abc import Iterator

from munjang.data.readers.faults import shorten
from munjang.data.readers.line_ends import LineEnds
from munjang.data.readers.source import open_source
from munjang.data.vectors.block import Block, FileVectors, Floats, OnBad, decode_words, to_vector
from munjang.data.vectors.formats import is_number
from munjang.errors import DataError

_CHUNK = 1 << 22
_LONGEST = 1 << 24  # bytes of a line; a longer line is not a vector
# A piece that can only be part of a vector; "000" may be the second part of a word "10 000".
_DECIMAL = re.compile(rb"[+-]?\d*\.\d+(e[+-]?\d+)?|[+-]?\d+e[+-]?\d+", re.IGNORECASE)


class TextVectors(FileVectors):
    """`VectorSource` of a text file, gzipped or not."""

    def blocks(self, on_bad: OnBad) -> Iterator[Block]:
        """Yield all words, a few thousand at a time.

        A blank line is an error unless only blank lines follow.
        """
        blank = None
        for first, lines in self._read_lines():
            cut: list[tuple[bytes, bytes]] = []
            rows: list[int] = []
            for row, line in enumerate(lines, start=first):
                if row == 1 and self.header_count is not None:
                    continue
                line = line.rstrip(b" \r")
                if not line:
                    blank = blank or row
                    continue
                if blank is not None:
                    on_bad(self._line_error("an empty line", blank))
                    blank = None
                if line.count(b" ") == self.dim:
                    word, _, numbers = line.partition(b" ")
                    cut.append((word, numbers))
                    rows.append(row)
                else:
                    try:
                        cut.append(self._split_from_right(line, row))
                        rows.append(row)
                    except DataError as error:
                        on_bad(error)
            yield self._make_block(cut, rows, on_bad)

    def _make_block(self, cut: list[tuple[bytes, bytes]], rows: list[int], on_bad: OnBad) -> Block:
        words, places = decode_words([word for word, _ in cut], rows, self.name, on_bad)

        def numbers(number: int) -> Floats:
            place = places[number]
            return self._parse_numbers(cut[place][1], words[number], rows[place])

        return Block(words, numbers)

    def _read_lines(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield the lines of each piece of the file, and the 1-based number of the first."""
        row, tail, ends = 1, b"", LineEnds()
        with open_source(self.path) as stream:
            while True:
                chunk = stream.read(_CHUNK)
                lines = (tail + ends.feed(chunk)).split(b"\n")
                if row == 1:
                    lines[0] = lines[0].removeprefix(codecs.BOM_UTF8)
                tail = lines.pop() if chunk else b""
                if len(tail) > _LONGEST:
                    raise self._line_error(
                        f"a line of more than {_LONGEST:,} bytes", row + len(lines)
                    )
                yield row, lines
                row += len(lines)
                if not chunk:
                    return

    def _split_from_right(self, line: bytes, row: int) -> tuple[bytes, bytes]:
        """Split a line with spaces in the word, or several spaces between numbers.

        Returns:
            The word and its numbers.

        Raises:
            DataError: the line has too few or too many columns.
        """
        pieces = line.rsplit(None, self.dim)
        if len(pieces) == self.dim and line.startswith(b" "):
            return b"", line  # the word is empty, or a space
        if len(pieces) <= self.dim:
            count = len(pieces) - 1
            raise self._line_error(f"{count} number{'' if count == 1 else 's'}", row, pieces[0])
        between = pieces[0].split()[1:]
        if between and all(_DECIMAL.fullmatch(piece) for piece in between):
            raise self._line_error(f"{len(between) + self.dim} numbers", row, pieces[0].split()[0])
        return pieces[0], b" ".join(pieces[1:])

    def _parse_numbers(self, text: bytes, word: str, row: int) -> Floats:
        pieces = text.split()
        if len(pieces) != self.dim:
            raise self._line_error(f"{len(pieces)} numbers", row, word.encode())
        wrong = next((i for i, piece in enumerate(pieces) if not is_number(piece)), None)
        if wrong is not None:
            shown = shorten(pieces[wrong].decode(errors="replace"))
            raise self._line_error(f"{shown} as number {wrong + 1}", row, word.encode())
        return to_vector([float(piece) for piece in pieces], word, file=self.name, row=row)

    def _line_error(self, got: str, row: int, word: bytes | None = None) -> DataError:
        why = " (the header says so)" if self.header_count is not None else ""
        after = "" if word is None else f" after {shorten(word.decode(errors='replace'))}"
        return DataError(
            f"expected a word and {self.dim} number{'' if self.dim == 1 else 's'}{why}, "
            f"got {got}{after}",
            file=self.name,
            row=row,
        )
