"""Records of CSV and TSV from lines, one after the other: for streams, and where quotes are wrong.

Python's csv module cuts a record; a quote within an unquoted field is a character to it.
"""

import csv
import sys
from collections import deque
from collections.abc import Iterator

# A quote that is never closed would swallow the rest of the file: no text has more lines.
LONGEST_RECORD = 1000

# Stands for a CR that ends no line, which the csv module would take for one that does. Half of a
# surrogate pair that neither valid nor invalid bytes decode to.
_LONE_CR = "\udc0d"


class QuotedRecords:
    """Iterate over records: the row where each begins, and its fields or what is wrong with it.

    A blank line is a record without fields. A record whose quotes are wrong is a line: what follows
    that line is read anew.

    Args:
        lines: without their "\\n".
        delimiter: one ASCII character.
        quoted: whether double quotes protect delimiters and line ends.
    """

    def __init__(self, lines: Iterator[str], delimiter: str, *, quoted: bool) -> None:
        # by default the csv module takes no more than 131,072 characters a field
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        self._feed = _Feed(lines)
        self._reader = csv.reader(
            self._feed,
            delimiter=delimiter,
            quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
            strict=True,
        )

    def __iter__(self) -> "QuotedRecords":
        return self

    def __next__(self) -> tuple[int, list[str] | str]:
        row = self._feed.begin()
        try:
            fields = next(self._reader)
        except csv.Error as error:
            self._feed.go_back()
            return row, _quoting_mistake(error)
        if self._feed.lone_cr:
            fields = [field.replace(_LONE_CR, "\r") for field in fields]
        return row, fields


class _Feed:
    """Lines for `csv.reader`, at most so many a record; all but the first can be sent back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.row = lines, 0
        self.record: list[str] = []
        self.again: deque[str] = deque()
        self.lone_cr = False

    def begin(self) -> int:
        """Note that a record begins. Returns the row where it does."""
        self.record.clear()
        return self.row + 1

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
