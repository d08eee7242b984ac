"""CSV and TSV row by row: for streams, and to find the row whose quotes are malformed.

Python's csv module cuts the records; it treats a quote within an unquoted field as a character.
`munjang.data.readers.delimited` reads well-formed files much faster.
"""

import csv
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import numpy as np
import polars as pl

from munjang.data.readers.content import Content
from munjang.data.readers.corruption import find_invalid_characters
from munjang.data.readers.faults import BadRow, group_bad_rows
from munjang.data.readers.header import (
    WRONG_FIELDS,
    describe_wrong_fields,
    no_rows_error,
    note_blank_lines,
    parse_header,
)
from munjang.data.readers.line_stream import any_row
from munjang.data.readers.records import Records
from munjang.errors import DataError

MALFORMED = "malformed quotes"

# A quote that is never closed would swallow the rest of the file: no text has more lines.
MAX_RECORD_LINES = 1000

# Replaces a CR that ends no line, which the csv module would take for a line end: a lone surrogate
# that neither valid nor invalid bytes decode to.
_LONE_CR = "\udc0d"


class RowReader:
    r"""Rows of CSV or TSV, read one by one and checked against the header.

    Iterating yields the row number of each row after the header with its fields, with what is
    wrong with it, or with None for a blank line.

    Args:
        lines: lines without their "\n"; invalid bytes are lone surrogates.
        delimiter: one ASCII character.
        quoted: whether double quotes protect delimiters and line ends.
        file: name of the file, for messages.
        is_suspect: whether a line so far may hold NUL or invalid bytes, which are looked for then.

    Attributes:
        names: column names; empty if there are only blank lines.
        header_row: row number of the header.
        blank_lines: number of blank lines before the header.
        is_wanted: whether the row of a number is yielded; others are cut, and passed over.

    Raises:
        DataError: the header is damaged or its quotes are malformed.
    """

    def __init__(
        self,
        lines: Iterable[str],
        delimiter: str,
        *,
        quoted: bool,
        file: str,
        is_suspect: Callable[[], bool],
    ) -> None:
        self.names: tuple[str, ...] = ()
        self.header_row = self.blank_lines = 0
        self.is_wanted: Callable[[int], bool] = any_row
        self._delimiter, self._is_suspect = delimiter, is_suspect
        self._records = cut_records(lines, delimiter, quoted=quoted)
        for row, fields in self._records:
            if isinstance(fields, BadRow):
                raise DataError(fields.message, file=file, row=row)
            if fields:
                self.names, self.header_row = parse_header(fields, file=file, row=row), row
                return
            self.blank_lines += 1

    def __iter__(self) -> Iterator[tuple[int, list[str] | BadRow | None]]:
        width, is_suspect = len(self.names), self._is_suspect
        chooses = self.is_wanted is not any_row
        for row, fields in self._records:
            if chooses and not self.is_wanted(row):
                continue
            if isinstance(fields, BadRow):
                yield row, fields
            elif not fields:
                yield row, None
            elif is_suspect() and (reason := find_invalid_characters("".join(fields))):
                yield row, BadRow(reason, f"the row holds {reason}", self._join(fields))
            elif len(fields) != width:
                message = describe_wrong_fields(len(fields), self.names, self._delimiter)
                yield row, BadRow(WRONG_FIELDS, message, self._join(fields))
            else:
                yield row, fields

    def _join(self, fields: list[str]) -> str:
        return self._delimiter.join(fields)


def read_rowwise(content: Content, delimiter: str) -> Records:
    """Read quoted CSV with the csv module, and collect the faults of bad rows.

    Raises:
        DataError: there is no row after the header, or the header itself is damaged.
    """
    text = content.data.decode(errors="surrogateescape").removesuffix("\n")
    reader = RowReader(
        iter(text.split("\n")),
        delimiter,
        quoted=True,
        file=content.name,
        is_suspect=lambda: content.suspect,
    )
    rows: list[int] = []
    records: list[list[str]] = []
    bad_rows: list[tuple[int, BadRow]] = []
    blank, pending = 0, reader.blank_lines
    for row, fields in reader:
        if fields is None:
            pending += 1
            continue
        blank = pending  # blank lines at the end of the file are not counted
        if isinstance(fields, BadRow):
            bad_rows.append((row, fields))
        else:
            rows.append(row)
            records.append(fields)
    if not records and not bad_rows:
        raise no_rows_error(reader.names, file=content.name, row=reader.header_row)
    places = {name: i for i, name in reversed(list(enumerate(reader.names)))}

    def column(name: str) -> pl.Series:
        return pl.Series([fields[places[name]] for fields in records], dtype=pl.String)

    return Records(
        content.name,
        np.array(rows, dtype=np.int64),
        reader.names,
        column,
        tuple(group_bad_rows(bad_rows)),
        content.notes + note_blank_lines(blank),
    )


def cut_records(
    lines: Iterable[str], delimiter: str, *, quoted: bool
) -> Iterator[tuple[int, list[str] | BadRow]]:
    r"""Cut lines into records.

    A blank line is a record without fields. A record with malformed quotes is a single line; the
    lines after it are read anew.

    Args:
        lines: lines without their "\n".
        delimiter: one ASCII character.
        quoted: whether double quotes protect delimiters and line ends.

    Yields:
        The row where each record begins, and its fields or what is wrong with its quotes.
    """
    # by default the csv module takes no more than 131,072 characters per field
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    lines = iter(lines)
    feed = _LineFeeder(lines)
    again = feed.again
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    reader = csv.reader(feed, delimiter=delimiter, quoting=quoting, strict=True)
    while True:
        row = feed.row + 1
        feed.record.clear()
        line = again.popleft() if again else next(lines, None)
        if line is None:
            return
        whole = line.removesuffix("\r")
        if "\r" not in whole and not (quoted and '"' in whole):
            feed.row = row
            yield row, whole.split(delimiter) if whole else []
            continue
        again.appendleft(line)
        try:
            fields = next(reader)
        except csv.Error as error:
            line = feed.record[0] if feed.record else None
            feed.rewind()
            yield row, BadRow(MALFORMED, _describe_quoting(error), line)
            continue
        if feed.has_lone_cr:
            fields = [field.replace(_LONE_CR, "\r") for field in fields]
        yield row, fields


def parses_only_quoted(lines: Callable[[], Iterable[str]], delimiter: str) -> bool:
    """Return whether all records have as many fields as the header only with quoting.

    Args:
        lines: gives the lines of a file, from the first, each time it is called.
        delimiter: one ASCII character.
    """
    widths = (line.count(delimiter) for line in lines() if line.removesuffix("\r"))
    first = next(widths, 0)
    if all(width == first for width in widths):
        return False
    counts = (
        -1 if isinstance(fields, BadRow) else len(fields)
        for _, fields in cut_records(lines(), delimiter, quoted=True)
        if fields
    )
    header = next(counts, -1)
    return header > 0 and all(count == header for count in counts)


class _LineFeeder:
    """Lines for `csv.reader`, a limited number per record; all but the first can be read again."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.row = lines, 0
        self.record: list[str] = []
        self.again: deque[str] = deque()
        self.has_lone_cr = False

    def rewind(self) -> None:
        """Go back to the second line of the record."""
        self.again.extendleft(reversed(self.record[1:]))
        self.row -= len(self.record) - 1

    def __iter__(self) -> "_LineFeeder":
        return self

    def __next__(self) -> str:
        if len(self.record) >= MAX_RECORD_LINES:
            raise StopIteration
        line = self.again.popleft() if self.again else next(self.lines)
        self.record.append(line)
        self.row += 1
        place = line.find("\r")
        if place < 0 or place == len(line) - 1:
            return line + "\n"
        self.has_lone_cr = True
        end = "\r\n" if line.endswith("\r") else "\n"
        return line.removesuffix("\r").replace("\r", _LONE_CR) + end


def _describe_quoting(error: csv.Error) -> str:
    """Return a message about malformed quotes that says how to fix them."""
    if "unexpected end" in str(error):
        return "a double quote opens a field here and is never closed"
    if "expected after" in str(error):
        return (
            "text follows the closing double quote of a field; inside a quoted field a double "
            'quote is written twice ("")'
        )
    return f"not valid CSV ({error})"
