"""Records of CSV and TSV from lines, one after the other: for streams, and where quotes are wrong.

Python's csv module cuts a record; a quote within an unquoted field is a character to it.
"""

import csv
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import Literal

# A quote that is never closed would swallow the rest of the file: no text has more lines.
LONGEST_RECORD = 1000

# Stands for a CR that ends no line, which the csv module would take for one that does. Half of a
# surrogate pair that neither valid nor invalid bytes decode to.
_LONE_CR = "\udc0d"


def quoted_records(
    lines: Iterator[str], delimiter: str, *, quoted: bool
) -> Iterator[tuple[int, list[str] | str]]:
    """Cut lines into records.

    A blank line is a record without fields. A record whose quotes are wrong is one line: what
    follows that line is read anew.

    Args:
        lines: without their "\\n".
        delimiter: one ASCII character.
        quoted: whether double quotes protect delimiters and line ends.

    Yields:
        The row where each record begins, and its fields or what is wrong with its quotes.
    """
    # by default the csv module takes no more than 131,072 characters a field
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    feed = _Feed(lines)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    reader = csv.reader(feed, delimiter=delimiter, quoting=quoting, strict=True)
    while True:
        row = feed.row + 1
        feed.record.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            feed.go_back()
            yield row, _quoting_mistake(error)
            continue
        if feed.lone_cr:
            fields = [field.replace(_LONE_CR, "\r") for field in fields]
        yield row, fields


def parses_only_quoted(lines: Callable[[], Iterator[str]], delimiter: str) -> bool:
    """Whether all records have as many fields as the header only where quotes are heeded.

    Args:
        lines: of a file, from the first, each time it is called.
        delimiter: one ASCII character.
    """
    widths = (line.count(delimiter) for line in lines() if line.removesuffix("\r"))
    first = next(widths, 0)
    if all(width == first for width in widths):
        return False
    counts = (
        -1 if isinstance(fields, str) else len(fields)
        for _, fields in quoted_records(lines(), delimiter, quoted=True)
        if fields
    )
    header = next(counts, -1)
    return header > 0 and all(count == header for count in counts)


class _Feed:
    """Lines for `csv.reader`, at most so many a record; all but the first can be sent back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.row = lines, 0
        self.record: list[str] = []
        self.again: deque[str] = deque()
        self.lone_cr = False

    def go_back(self) -> None:
        """Send back all lines of the record but its first."""
        self.again.extendleft(reversed(self.record[1:]))
        self.row -= len(self.record) - 1

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if len(self.record) >= LONGEST_RECORD:
            raise StopIteration
        line = self.again.popleft() if self.again else next(self.lines)
        self.record.append(line)
        self.row += 1
        if "\r" not in line:
            return line + "\n"
        end = "\r\n" if line.endswith("\r") else "\n"
        kept = line.removesuffix("\r")
        self.lone_cr = self.lone_cr or "\r" in kept
        return kept.replace("\r", _LONE_CR) + end


def _quoting_mistake(error: csv.Error) -> str:
    """The csv module's complaint about quotes, in words that say what to do."""
    if "unexpected end" in str(error):
        return "a double quote opens a field here and is never closed"
    if "expected after" in str(error):
        return (
            "text follows the closing double quote of a field; inside a quoted field a double "
            'quote is written twice ("")'
        )
    return f"not valid CSV ({error})"
