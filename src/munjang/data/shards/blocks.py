"""Running text as a stream of blocks of lines, in bounded memory."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BufferedReader

import numpy as np
import polars as pl

from munjang.data.readers.corruption import INVALID, blank_corrupt_rows
from munjang.data.readers.delimited import slice_strings
from munjang.data.readers.encodings import Decoder, detect_codec, resolve_codec
from munjang.data.readers.faults import Fault, settle
from munjang.data.readers.formats import detect_format
from munjang.data.readers.line_ends import LF, LineEnds
from munjang.data.readers.lines import find_line_spans
from munjang.data.readers.source import open_source
from munjang.data.readers.stream import stream_texts
from munjang.data.readers.values import EMPTY
from munjang.data.shards.files import TextFile
from munjang.data.shards.settings import LinesSettings
from munjang.errors import DataError
from munjang.reporting import Report, discard
from munjang.text.blank import blank_rows
from munjang.text.columns import Int64s
from munjang.text.segmentation.codepoints import Bools

# Bytes per block. A longer line is cut into several, at a space if it has any.
BLOCK = 1 << 20
_TABLE_ROWS = 4096


@dataclass(frozen=True)
class Block:
    """Some lines that follow each other.

    Attributes:
        texts: the lines; blank ones only if they were asked for.
        documents: number of the document of each line, from 0, ascending.
        first: number of the first line among all lines, from 0.
    """

    texts: pl.Series
    documents: Int64s
    first: int

    @property
    def lines(self) -> Int64s:
        """Number of each line among all lines."""
        return np.arange(self.first, self.first + len(self.texts), dtype=np.int64)


@dataclass
class LineReader:
    """Reader of the lines and documents of all files, which can be read again.

    A blank line in plain text ends a document, and so does the end of a file. In a table each row
    is a document, and its text may have several lines.

    Attributes:
        files: the files, in order.
        settings: encoding, column and what to do with bad rows.
        keep_blank: yield blank lines too, which then end no document.
        skipped: bad rows by reason, counted while reading.
        cut_lines: number of lines longer than `BLOCK`, which were cut.
        has_documents: True if a blank line ended a document, or a table was read.
    """

    files: Sequence[TextFile]
    settings: LinesSettings
    keep_blank: bool = False
    skipped: Counter[str] = field(default_factory=Counter)
    cut_lines: int = 0
    has_documents: bool = False

    def blocks(self, report: Report = discard) -> Iterator[Block]:
        """Yield all lines.

        Args:
            report: called with what was inferred, such as columns.

        Raises:
            DataError: a file cannot be read, or a row is bad and not to be skipped.
        """
        self.skipped.clear()
        self.cut_lines, self.has_documents = 0, False
        first, document = 0, 0
        for file in self.files:
            last = -1
            for texts, numbers in self._read(file, report):
                if len(texts):
                    yield Block(texts, document + numbers, first)
                    first, last = first + len(texts), int(numbers[-1])
            document += last + 1

    def _read(self, file: TextFile, report: Report) -> Iterator[tuple[pl.Series, Int64s]]:
        """Yield lines of one file with the numbers of their documents in it."""
        if file.texts is not None:
            self.has_documents = True
            yield from self._split_rows(
                file.texts[start : start + _TABLE_ROWS]
                for start in range(0, len(file.texts), _TABLE_ROWS)
            )
            return
        assert file.path is not None
        with open_source(file.path) as stream:
            head = stream.peek()
            if not head:
                raise DataError("the file is empty", file=file.name)
            codec, mark = detect_codec(head, resolve_codec(self.settings.encoding), name=file.name)
            known = (
                head if codec == "utf-8" else Decoder(codec, skip=True).to_utf8(head, final=False)
            )
            form = detect_format(file.name, known, (self.settings.text_column,))
            if form.kind == "text":
                stream.read(mark)
                yield from self._read_plain(file.name, stream, codec)
                return
        self.has_documents = True
        batches = stream_texts(
            file.path,
            text_column=self.settings.text_column,
            encoding=self.settings.encoding,
            batch_size=_TABLE_ROWS,
            skipped=self.skipped if self.settings.skip_bad_rows else None,
            report=report,
        )
        yield from self._split_rows(texts for _, texts in batches)

    def _split_rows(self, batches: Iterator[pl.Series]) -> Iterator[tuple[pl.Series, Int64s]]:
        """Split the texts of a table into lines; each text is a document."""
        document = 0
        for texts in batches:
            lists = texts.str.replace_all("\r\n", "\n", literal=True).str.split("\n")
            lines = lists.explode()
            numbers = np.repeat(np.arange(len(texts)), lists.list.len().to_numpy())
            if self.keep_blank:
                yield lines, document + numbers
                document += len(texts)
                continue
            keep = np.delete(np.arange(len(lines)), blank_rows(lines))
            kept, numbers = lines.gather(keep), numbers[keep]
            present, dense = np.unique(numbers, return_inverse=True)
            if len(present) < len(texts):
                self.skipped[EMPTY.format("text")] += len(texts) - len(present)
            yield kept, document + dense.astype(np.int64)
            document += len(present)

    def _read_plain(
        self, name: str, stream: BufferedReader, codec: str
    ) -> Iterator[tuple[pl.Series, Int64s]]:
        if self.settings.text_column not in (None, "text"):
            raise DataError(
                f"there is no column {self.settings.text_column!r}: this is plain text, one text "
                "per line",
                file=name,
            )
        row, ends = 1, _DocumentEnds()
        for data, is_whole in cut_blocks(stream, codec):
            starts, stops = find_line_spans(data)
            rows = row + np.arange(len(starts), dtype=np.int64)
            row += len(starts) - (not is_whole)
            self.cut_lines += not is_whole
            texts = self._strings(name, data, starts, stops, rows)
            if self.keep_blank:
                yield texts, np.zeros(len(texts), dtype=np.int64)
                continue
            is_blank = np.zeros(len(texts), dtype=np.bool_)
            is_blank[blank_rows(texts)] = True
            numbers = ends.number(is_blank, is_whole=is_whole)
            self.has_documents |= ends.document > 0
            yield texts.filter(pl.Series(~is_blank)), numbers

    def _strings(
        self, name: str, data: bytes, starts: Int64s, ends: Int64s, rows: Int64s
    ) -> pl.Series:
        """Return the lines without damaged ones, which are counted or raise an error."""
        if not _is_clean(data):
            data, faults, damaged = blank_corrupt_rows(data, starts, ends, rows)
            if not self.settings.skip_bad_rows:
                faults = [_with_encoding_hint(fault) for fault in faults]
            self.skipped.update(settle(faults, file=name, skip=self.settings.skip_bad_rows))
            starts, ends = np.delete(starts, damaged), np.delete(ends, damaged)
        return slice_strings(data, starts, ends)


@dataclass
class _DocumentEnds:
    """Numbers of documents in one file, whose lines arrive in blocks.

    Attributes:
        document: number of the last document, from 0; -1 before the first.
        is_ended: True if the next line with a visible character begins a document.
        cut_is_blank: whether the line that goes on in the next block is blank so far; None if none
            does.
    """

    document: int = -1
    is_ended: bool = True
    cut_is_blank: bool | None = None

    def number(self, is_blank: Bools, *, is_whole: bool) -> Int64s:
        """Return the number of the document of each line that is not blank.

        Args:
            is_blank: for each line.
            is_whole: False if the last line goes on in the next block.
        """
        ends = is_blank.copy()
        if len(ends) and self.cut_is_blank is not None:
            ends[0] &= self.cut_is_blank  # the line as a whole
            self.cut_is_blank = None
        if len(ends) and not is_whole:
            self.cut_is_blank, ends[-1] = bool(ends[-1]), False
        ended = int(self.is_ended) + np.cumsum(ends)
        filled = np.flatnonzero(~is_blank)
        begins = np.diff(ended[filled], prepend=0) > 0
        numbers: Int64s = self.document + np.cumsum(begins, dtype=np.int64)
        if len(filled):
            self.document = int(numbers[-1])
            self.is_ended = bool(ends[filled[-1] :].any())
        elif ends.any():
            self.is_ended = True
        return numbers


def _is_clean(data: bytes) -> bool:
    if b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _with_encoding_hint(fault: Fault) -> Fault:
    if fault.reason != INVALID:
        return fault
    hint = "name the encoding of the file with --encoding (cp949 for Korean)"
    return Fault(fault.reason, fault.rows, lambda k: f"{fault.message(k)}; {hint}")


def cut_blocks(stream: BufferedReader, codec: str) -> Iterator[tuple[bytes, bool]]:
    """Yield blocks of whole lines in UTF-8 of about `BLOCK` bytes.

    Yields:
        The block, and False if its last line is the beginning of a longer one.
    """
    decoder = None if codec == "utf-8" else Decoder(codec, skip=True)
    ends, rest, is_last = LineEnds(), b"", False
    while not is_last:
        chunk = stream.read(BLOCK)
        is_last = not chunk
        rest += ends.feed(chunk if decoder is None else decoder.to_utf8(chunk, final=is_last))
        if is_last:
            if rest:
                yield rest, True
            return
        whole = rest.rfind(LF) + 1
        if whole:
            yield rest[:whole], True
        elif len(rest) >= BLOCK:
            whole = _place_to_cut(rest)
            yield rest[:whole], False
        rest = rest[whole:]


def _place_to_cut(data: bytes) -> int:
    """Return a place after the last space, else before the last character."""
    space = data.rfind(b" ") + 1
    if space > len(data) // 2:
        return space
    place = len(data) - 1
    while place > len(data) - 4 and data[place] & 0xC0 == 0x80:
        place -= 1
    return place
